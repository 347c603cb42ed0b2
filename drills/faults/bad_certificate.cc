// Has a server show a certificate that is wrong: expired, for another name, of an authority that
// nobody trusts, or signed by itself. The pair of files is exchanged and the server told to read it
// again; at the end the pair of before comes back, unless somebody has put in a new one.
#include <filesystem>

#include "drills/systems/file_swap.h"
#include "drills/systems/link.h"
#include "drills/systems/reload.h"
#include "drills/systems/waiting.h"
#include "engine/sys/certificate.h"
#include "engine/sys/tls.h"

namespace gameday {
namespace {

constexpr std::string_view kHows[] = {"expired", "other-name", "other-ca", "self-signed"};

constexpr Field kFields[] = {
    {.name = "how",
     .type = FieldType::choice,
     .help = "What is wrong with it; all else is as with the certificate that is there.",
     .required = true,
     .choices = kHows},
    {.name = "certificate",
     .type = FieldType::path,
     .help = "The PEM file with the server's certificate.",
     .required = true},
    {.name = "key",
     .type = FieldType::path,
     .help = "The PEM file with its key; it may be the same file.",
     .required = true},
    {.name = "address",
     .type = FieldType::address,
     .help = "Where the server shows the certificate: the proof is a handshake there.",
     .required = true},
    {.name = "server_name",
     .type = FieldType::text,
     .help = "The name that is asked for in the handshake, where the server has several.",
     .otherwise = "localhost"},
    {.name = "signed_by",
     .type = FieldType::path,
     .help = "The PEM file of the authority that signs one which is expired or for another name; "
             "where none stands here, one is made up, which nobody trusts either.",
     .otherwise = "."},
    {.name = "signed_by_key",
     .type = FieldType::path,
     .help = "The PEM file of that authority's key, without a password.",
     .otherwise = "."},
    kReloadSignal,
    kReloadCommand,
    kReloadFolder};

struct Badness {
  std::vector<FileSwap> files;  // the certificate first
  Reload reload;
  std::string address;
  std::string server_name;
  std::string bad;  // fingerprints
  std::string before;
};

Result<Badness> badness_in(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(reload, reload_from(from.get("reload")));
  Badness badness{.files = {},
                  .reload = reload,
                  .address = from.text("address"),
                  .server_name = from.text("server_name"),
                  .bad = from.text("bad"),
                  .before = from.text("before")};
  for (const Json& item : from.items("files")) {
    TRY(swap, file_swap_from(item));
    badness.files.push_back(swap);
  }
  if (badness.files.empty() || badness.address.empty() || badness.bad.empty()) {
    return fail(ErrorCode::corrupt, "an undo of bad-certificate lacks files, address or bad");
  }
  return badness;
}

Result<TlsSeen> shown_at(const std::string& address, const std::string& server_name,
                         const DeedContext& context) {
  TRY(line, connect_to(address, context));
  auto seen = look_at_tls(line, {server_name, ""}, context.doors.clock, context.until);
  if (!seen) return std::unexpected(seen.error().in("no handshake with " + address));
  return seen;
}

Wrong wrong_of(const Deed& deed) {
  const std::string how = deed.arguments.text("how");
  return how == "other-name" ? Wrong::other_name
         : how == "other-ca" ? Wrong::other_ca
         : how == "expired"  ? Wrong::expired
                             : Wrong::self_signed;
}

Result<Authority> authority_of(const Deed& deed, const DeedContext& context) {
  const std::string path = deed.arguments.text("signed_by");
  if (!std::filesystem::is_regular_file(path)) {
    if (std::filesystem::is_directory(path)) return Authority{};
    return fail(ErrorCode::not_found, "signed_by: there is no file " + path);
  }
  TRY(certificate, context.doors.files.read(path));
  TRY(key, context.doors.files.read(deed.arguments.text("signed_by_key")));
  return Authority{certificate, key};
}

Result<std::vector<FileSwap>> keep_pair(const std::string& certificate, const std::string& key,
                                        const MadeCertificate& made, const DeedContext& context) {
  std::vector<FileSwap> files;
  const bool one = certificate == key;
  TRY(first,
      keep_for_swap(certificate, made.certificate + (one ? made.key : ""), "certificate", context));
  files.push_back(first);
  if (one) return files;
  TRY(second, keep_for_swap(key, made.key, "key", context));
  files.push_back(second);
  return files;
}

// Its files may be read, exchanged and given back, and its process be told.
Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(reload_of(deed, context));
  for (const char* name : {"certificate", "key"}) {
    TRY(file, file_to_swap(deed.arguments.text(name)));
    TRY_OK(context.doors.files.read(file));
  }
  TRY_OK(authority_of(deed, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(reload, reload_of(deed, context));
  TRY(certificate, file_to_swap(deed.arguments.text("certificate")));
  TRY(key, file_to_swap(deed.arguments.text("key")));
  TRY(model, context.doors.files.read(certificate));
  TRY(model_key, context.doors.files.read(key));
  if (!belong_together(model, model_key)) {
    return fail(ErrorCode::refused, key + " is not the key of the certificate in " + certificate);
  }
  const std::string address = deed.arguments.text("address");
  const std::string server_name = deed.arguments.text("server_name");
  TRY(seen, shown_at(address, server_name, context));
  TRY(before, fingerprint_of(model));
  if (seen.fingerprint != before) {
    return fail(ErrorCode::refused,
                address + " shows another certificate than the one in " + certificate,
                "name the file that this server reads, or have it read it again");
  }
  TRY(authority, authority_of(deed, context));
  const auto made =
      make_wrong_certificate(model, wrong_of(deed), authority, context.doors.clock.now().utc);
  if (!made) return std::unexpected(made.error().in(certificate));
  TRY(files, keep_pair(certificate, key, *made, context));
  Json pair = Json::array();
  for (const auto& swap : files) pair.push(to_json(swap));
  return Undo{"bad-certificate", Json::object({{"files", std::move(pair)},
                                               {"reload", to_json(reload)},
                                               {"address", address},
                                               {"server_name", server_name},
                                               {"bad", made->fingerprint},
                                               {"before", before}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(badness, badness_in(undo));
  for (const auto& swap : badness.files) TRY_OK(swap_in(swap, context));
  TRY_OK(reload_now(badness.reload, context));
  return wait_until_it(
      [&] {
        const auto seen = shown_at(badness.address, badness.server_name, context);
        return seen && seen->fingerprint == badness.bad;
      },
      context);
}

Result<Proof> prove(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(badness, badness_in(undo));
  TRY(seen, shown_at(badness.address, badness.server_name, context));
  Proof proof{.held = seen.fingerprint == badness.bad,
              .text = badness.address + " still shows a certificate that is not ours",
              .facts = Json::object({{"fingerprint", seen.fingerprint}})};
  if (!proof.held) return proof;
  proof.text = badness.address + " shows the certificate that is wrong (" +
               deed.arguments.text("how") + "), for " + seen.names + ", valid until " +
               rfc3339(seen.expires);
  if (!seen.distrust.empty()) proof.text += ": " + seen.distrust;
  return proof;
}

// Files first. The server is told where one came back, or where it shows what it should not: a
// death may lie between the two.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(badness, badness_in(undo));
  bool back = false;
  for (const auto& swap : badness.files) {
    TRY_OK(remove_half_swap(swap, context));
    TRY(now, put_back(swap, context));
    back = back || now;
  }
  const auto good = [&] {
    const auto seen = shown_at(badness.address, badness.server_name, context);
    return seen && seen->fingerprint != badness.bad;
  };
  if (!back && good()) return {};
  TRY_OK(reload_now(badness.reload, context));
  return wait_until_it(good, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(badness, badness_in(undo));
  std::string theirs;
  for (const auto& swap : badness.files) {
    TRY(holds, look_at_swap(swap, context));
    if (holds == Holds::ours) return Proof{false, swap.path + " still holds what is wrong"};
    if (holds == Holds::nothing) return Proof{false, swap.path + " is missing"};
    if (holds == Holds::other) theirs = swap.path;
  }
  TRY(seen, shown_at(badness.address, badness.server_name, context));
  Proof proof{.held = seen.fingerprint != badness.bad,
              .text = badness.address + " still shows the certificate that is wrong",
              .facts = Json::object({{"fingerprint", seen.fingerprint}})};
  if (!proof.held) return proof;
  proof.text =
      badness.address + (seen.fingerprint == badness.before
                             ? " shows the certificate of before"
                             : " shows another certificate, valid until " + rfc3339(seen.expires));
  if (!theirs.empty()) proof.text += "; somebody has replaced " + theirs + " since, which stays";
  proof.facts.set("superseded", !theirs.empty());
  return proof;
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(badness, badness_in(undo));
  for (const auto& swap : badness.files) TRY_OK(erase_swap(swap, keep, context));
  return {};
}

}  // namespace

extern const FaultRow bad_certificate_fault;
const FaultRow bad_certificate_fault{
    .name = "bad-certificate",
    .summary = "Has a server show a certificate that is expired, or wrong in another way.",
    .fields = kFields,
    .facet = "process",
    .reversal = Reversal::saved_copy,
    .effect = Effect::cuts,
    .holds_data = false,
    .rights =
        "to exchange the two files: be their owner, in their groups, with write access to their "
        "folders, or root; to read signed_by and its key; to signal the process: be its user, or "
        "root",
    .example =
        "- { fault: bad-certificate, target: edge, how: expired, certificate: run/edge.pem, "
        "key: run/edge.key, address: \"127.0.0.1:8443\", for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may};

}  // namespace gameday
