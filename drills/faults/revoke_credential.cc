// Takes one entry out of a file of credentials, and has its reader read it again: what depends on
// that credential is refused from then on. The credential itself stands nowhere but in the system,
// in gameday's environment and in the private copy of the file.
#include <algorithm>

#include "drills/systems/file_swap.h"
#include "drills/systems/reload.h"
#include "drills/systems/waiting.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kSchemes[] = {"Bearer", "Basic", "none"};

constexpr Field kFields[] = {
    {.name = "file",
     .type = FieldType::path,
     .help = "The file that holds the credentials, one a line.",
     .required = true},
    {.name = "entry",
     .type = FieldType::text,
     .help = "Which line: the whole of it, or what stands before its first `:`, `=` or blank. "
             "Exactly one line must be it.",
     .required = true},
    {.name = "url",
     .type = FieldType::url,
     .help = "What is asked with the credential: accepted before and after, refused with 401 or "
             "403 meanwhile.",
     .required = true},
    {.name = "credential",
     .type = FieldType::text,
     .help = "The credential, as a secret: ${env:NAME}; with Basic it is ${env:USER_AND_PASSWORD}, "
             "or user:${env:PASSWORD}.",
     .required = true},
    {.name = "scheme",
     .type = FieldType::choice,
     .help = "What stands before the credential in the header; with none the header is it alone.",
     .otherwise = "Bearer",
     .choices = kSchemes},
    {.name = "header",
     .type = FieldType::text,
     .help = "The header that carries it.",
     .otherwise = "Authorization"},
    kReloadSignal,
    kReloadCommand,
    kReloadFolder};

struct Revoked {
  FileSwap swap;
  Reload reload;
  std::string entry, url, credential, scheme, header;  // secrets as references
};

Result<Revoked> revoked_in(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(swap, file_swap_from(from.get("swap")));
  TRY(reload, reload_from(from.get("reload")));
  Revoked revoked{swap,
                  reload,
                  from.text("entry"),
                  from.text("url"),
                  from.text("credential"),
                  from.text("scheme"),
                  from.text("header")};
  if (revoked.entry.empty() || revoked.url.empty() || revoked.credential.empty()) {
    return fail(ErrorCode::corrupt, "an undo of revoke-credential lacks entry, url or credential");
  }
  return revoked;
}

bool is_entry(std::string_view line, std::string_view entry) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with(entry)) return false;
  return line.size() == entry.size() || std::string_view(":= \t").contains(line[entry.size()]);
}

struct Split {
  std::string without;  // the content, byte for byte, but for those lines
  int found = 0;
};

Split split_off(std::string_view content, std::string_view entry) {
  Split split;
  while (!content.empty()) {
    const auto end = content.find('\n');
    const auto size = end == std::string_view::npos ? content.size() : end + 1;
    const bool is_it = is_entry(content.substr(0, end), entry);
    if (is_it) ++split.found;
    if (!is_it) split.without += content.substr(0, size);
    content.remove_prefix(size);
  }
  return split;
}

// The status that a request with the credential gets.
Result<int> ask(const Revoked& revoked, const DeedContext& context) {
  TRY(url, context.secrets.reveal(revoked.url));
  TRY(credential, context.secrets.reveal(revoked.credential));
  const std::string value = revoked.scheme == "Basic"    ? "Basic " + base64(credential)
                            : revoked.scheme == "Bearer" ? "Bearer " + credential
                                                         : credential;
  HttpRequest request;
  request.url = url;
  request.headers.emplace_back(revoked.header, value);
  const auto answer = context.doors.http.send(request, context.until);
  if (!answer) return std::unexpected(answer.error().in("GET " + revoked.url));
  return answer->status;
}

bool accepts(int status) { return status >= 200 && status < 400; }
bool refuses(int status) { return status == 401 || status == 403; }

std::string said(const Revoked& revoked, int status) {
  return revoked.url +
         (accepts(status)   ? " accepts the credential"
          : refuses(status) ? " refuses the credential"
                            : " neither accepts nor refuses the credential") +
         " (status " + std::to_string(status) + ")";
}

Status refuse_plain_secret(const Deed& deed) {
  if (!references_in(deed.arguments.text("credential")).empty()) return {};
  return fail(ErrorCode::refused,
              "`credential` is no secret as it stands: it would be in the "
              "journal and the report",
              "give it in the environment, and write ${env:NAME}");
}

// Its file may be read, exchanged and given back, and its process be told.
Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(refuse_plain_secret(deed));
  TRY_OK(reload_of(deed, context));
  TRY(file, file_to_swap(deed.arguments.text("file")));
  TRY_OK(context.doors.files.read(file));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY_OK(refuse_plain_secret(deed));
  TRY(reload, reload_of(deed, context));
  TRY(file, file_to_swap(deed.arguments.text("file")));
  TRY(content, context.doors.files.read(file));
  TRY(entry, context.secrets.reveal(deed.arguments.text("entry")));
  const Split split = split_off(content, entry);
  if (entry.empty() || split.found != 1) {
    return fail(ErrorCode::refused,
                file + " has " + std::to_string(split.found) +
                    " lines that are `entry`, and must have exactly one",
                "`entry` is what stands before the line's first `:`, `=` or blank");
  }
  Undo undo{"revoke-credential", Json::object({{"reload", to_json(reload)}})};
  for (const char* name : {"entry", "url", "credential", "scheme", "header"}) {
    undo.arguments.set(name, deed.arguments.text(name));
  }
  undo.arguments.set("swap", to_json(FileSwap{file, "not kept yet"}));
  TRY(revoked, revoked_in(undo));
  TRY(status, ask(revoked, context));
  if (!accepts(status)) {
    return fail(ErrorCode::refused, said(revoked, status) + " before anything was done",
                "without a credential that works, nothing would show that it was revoked");
  }
  TRY(swap, keep_for_swap(file, split.without, "credentials", context));
  undo.arguments.set("swap", to_json(swap));
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY_OK(swap_in(revoked.swap, context));
  TRY_OK(reload_now(revoked.reload, context));
  return wait_until_it(
      [&] {
        const auto status = ask(revoked, context);
        return status && refuses(*status);
      },
      context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(status, ask(revoked, context));
  return Proof{refuses(status), said(revoked, status), Json::object({{"status", status}})};
}

// Somebody has changed the file meanwhile: with the entry in it there is nothing left to do, and
// without it only they know whether it is to come back.
Result<bool> is_theirs(const Revoked& revoked, const DeedContext& context) {
  TRY(holds, look_at_swap(revoked.swap, context));
  if (holds != Holds::other) return false;
  TRY(content, context.doors.files.read(revoked.swap.path));
  TRY(entry, context.secrets.reveal(revoked.entry));
  if (split_off(content, entry).found > 0) return true;
  return fail(ErrorCode::conflict,
              revoked.swap.path +
                  " was changed by somebody else, and the entry that was revoked "
                  "is not in it",
              "if it is to come back, add its line by hand: the file of before is kept, base64 in "
              "`was` of " +
                  revoked.swap.saved);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY_OK(remove_half_swap(revoked.swap, context));
  TRY(theirs, is_theirs(revoked, context));
  TRY(back, put_back(revoked.swap, context));
  const auto accepted = [&] {
    const auto status = ask(revoked, context);
    return status && accepts(*status);
  };
  if (theirs || (!back && accepted())) return {};
  TRY_OK(reload_now(revoked.reload, context));
  return wait_until_it(accepted, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  TRY(holds, look_at_swap(revoked.swap, context));
  if (holds == Holds::ours || holds == Holds::nothing) {
    return Proof{false, "the entry is not back in " + revoked.swap.path};
  }
  TRY(theirs, is_theirs(revoked, context));
  TRY(status, ask(revoked, context));
  Proof proof{accepts(status), said(revoked, status), Json::object({{"status", status}})};
  if (!theirs) return proof;
  proof.facts.set("superseded", true);
  proof.text += "; somebody has changed " + revoked.swap.path + " since and put the entry into it";
  if (refuses(status)) {
    proof.held = true;
    proof.text += ", with another secret as it seems";
  }
  return proof;
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(revoked, revoked_in(undo));
  return erase_swap(revoked.swap, keep, context);
}

}  // namespace

extern const FaultRow revoke_credential_fault;
const FaultRow revoke_credential_fault{
    .name = "revoke-credential",
    .summary = "Takes one entry out of a file of credentials, so that it is refused.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::saved_copy,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights =
        "to exchange the file: be its owner, in its group, with write access to its folder, or "
        "root; "
        "to signal the process: be its user, or root",
    .example =
        "- { fault: revoke-credential, target: edge, file: run/edge.tokens, entry: alice, "
        "url: \"http://127.0.0.1:8444/\", credential: \"${env:EDGE_TOKEN}\", for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may};

}  // namespace gameday
