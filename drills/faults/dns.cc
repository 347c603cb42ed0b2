// Has names lead to the wrong place, or nowhere: by lines of its own in a hosts file, or by another
// server in a resolver's file. Whoever keeps what it looked up, or asks servers by itself, is not
// reached by that.
#include <arpa/inet.h>

#include <algorithm>
#include <filesystem>

#include "drills/systems/look_up.h"
#include "drills/systems/own_rights.h"
#include "drills/systems/owned_file.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kKinds[] = {"hosts", "resolver"};
constexpr std::string_view kMeant[] = {"nothing", "/etc/hosts", "/etc/resolv.conf"};
constexpr std::size_t kMostNames = 16;  // each is looked up

constexpr Field kFields[] = {
    {.name = "file",
     .type = FieldType::path,
     .help = "The file that is changed; that of a network namespace stands in /etc/netns/NAME.",
     .required = true},
    {.name = "kind",
     .type = FieldType::choice,
     .help = "What it is: hosts(5), in which the names get other addresses, or a resolver's "
             "resolv.conf(5), in which other servers are asked for all names.",
     .otherwise = "hosts",
     .choices = kKinds},
    {.name = "names",
     .type = FieldType::texts,
     .help = "The names that go wrong; of a resolver, those that show that it does.",
     .required = true},
    {.name = "to",
     .type = FieldType::texts,
     .help = "Where the names lead, or which servers are asked: addresses, by default of either "
             "family one that nobody has.",
     .otherwise = "[192.0.2.1, \"2001:db8::1\"]"},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "This machine's own file is changed only where its path stands here: everything on it "
             "is hit.",
     .otherwise = "nothing",
     .choices = kMeant},
};

struct Misleading {
  WrongNames wrong;
  std::string file;    // as the playbook names it
  OwnedFile original;  // without its bytes
  std::string sha256;  // of its bytes
  std::string copy;    // the private file with them
  std::string mark;
  Json before;  // name -> addresses
};

WrongNames wrong_in(const Json& from) {
  const bool resolver = from.text("kind") == "resolver";
  return {resolver ? NameFile::resolver : NameFile::hosts, texts_in(from, "names"),
          texts_in(from, "to")};
}

Result<Misleading> misleading_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Misleading found{
      wrong_in(from),
      from.text("file"),
      {from.text("path"), "", static_cast<mode_t>(from.integer("mode", -1)),
       static_cast<uid_t>(from.integer("uid", 0)), static_cast<gid_t>(from.integer("gid", 0))},
      from.text("sha256"),
      from.text("copy"),
      from.text("mark"),
      from.get("before")};
  if (found.original.path.empty() || found.mark.empty() || found.copy.empty() ||
      found.sha256.empty() || from.integer("mode", -1) < 0) {
    return fail(ErrorCode::corrupt, "an undo of dns lacks its file, mark, copy or mode");
  }
  return found;
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_host_name(const std::string& text) {
  return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

Status fits(const Step& step) {
  const WrongNames wrong = wrong_in(step.arguments);
  if (wrong.names.empty() || wrong.names.size() > kMostNames) {
    return fail(ErrorCode::invalid,
                "`names` wants 1 to " + std::to_string(kMostNames) + " of them");
  }
  for (const auto& name : wrong.names) {
    if (!is_host_name(name)) return fail(ErrorCode::invalid, "`" + name + "` is no name of a host");
  }
  if (wrong.to.empty()) return fail(ErrorCode::invalid, "`to` wants an address");
  for (const auto& address : wrong.to) {
    if (!is_address(address)) return fail(ErrorCode::invalid, "`" + address + "` is no address");
  }
  return {};
}

Status refuse_the_machines_own(const std::string& path, const Json& arguments) {
  for (const auto* own : {"/etc/hosts", "/etc/resolv.conf"}) {
    std::error_code error;
    const bool same = std::filesystem::equivalent(path, own, error);
    if (!same || arguments.text("i_mean") == own) continue;
    return fail(ErrorCode::refused,
                path + " is this machine's own " + own + ": everything on it would be hit",
                "name a file of the system's, or say `i_mean: " + std::string(own) + "`");
  }
  return {};
}

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const auto& text : texts) list.push(text);
  return list;
}

// What each name leads to now.
Result<Json> names_now(const WrongNames& wrong, const std::string& path,
                       const DeedContext& context) {
  Json now = Json::object();
  for (const auto& name : wrong.names) {
    TRY(addresses, look_up(name, wrong.kind, path, context));
    now.set(name, list_of(addresses));
  }
  return now;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  return texts;
}

bool leads_wrong(const WrongNames& wrong, const std::string& name, const Json& before,
                 const Json& now) {
  const auto here = texts_in(now, name), there = texts_in(before, name);
  if (wrong.kind == NameFile::hosts) return here == sorted(wrong.to);
  // Another server may know it too, and say the same.
  return !there.empty() && here != there;
}

std::string shown(const std::string& name, const Json& now) {
  const auto addresses = texts_in(now, name);
  return name + (addresses.empty() ? " leads nowhere" : " leads to " + join(addresses, ", "));
}

// Whether we may see names as a process does that has that file in the usual place.
Status may_look_up(const std::string& path, NameFile kind) {
  std::error_code error;
  if (std::filesystem::equivalent(path, usual_place(kind), error)) return {};
  const auto lacks = lacking({cap::kSysAdmin, cap::kSysChroot});
  if (lacks.empty()) return {};
  return fail(ErrorCode::refused,
              "names cannot be seen as a process with " + path + " sees them: " + lacks,
              "be root: it takes a mount namespace");
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY(file, owned_file_at(deed.arguments.text("file"), context.doors));
  TRY_OK(refuse_the_machines_own(file.path, deed.arguments));
  TRY_OK(may_put_file(file));
  return may_look_up(file.path, wrong_in(deed.arguments).kind);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const std::string named = deed.arguments.text("file");
  TRY(file, owned_file_at(named, context.doors));
  TRY_OK(refuse_the_machines_own(file.path, deed.arguments));
  if (const auto marks = marks_in_names(file.bytes); !marks.empty()) {
    return fail(ErrorCode::conflict, named + " has lines of deed " + marks.front() + " already",
                "gameday revert");
  }
  const WrongNames wrong = wrong_in(deed.arguments);
  TRY(before, names_now(wrong, file.path, context));
  for (const auto& name : wrong.names) {
    if (wrong.kind == NameFile::resolver || texts_in(before, name) != sorted(wrong.to)) continue;
    return fail(ErrorCode::refused, shown(name, before) + " already: it would change nothing");
  }
  const std::string copy = context.private_folder + "/" + context.mark + ".names";
  TRY_OK(context.doors.files.write(copy, file.bytes, 0600));
  return Undo{"dns", Json::object({{"file", named},
                                   {"path", file.path},
                                   {"kind", deed.arguments.text("kind")},
                                   {"names", list_of(wrong.names)},
                                   {"to", list_of(wrong.to)},
                                   {"mode", static_cast<std::int64_t>(file.mode)},
                                   {"uid", static_cast<std::int64_t>(file.uid)},
                                   {"gid", static_cast<std::int64_t>(file.gid)},
                                   {"sha256", sha256(file.bytes)},
                                   {"copy", copy},
                                   {"mark", context.mark},
                                   {"before", before}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(found, misleading_in(undo));
  TRY(file, owned_file_at(found.original.path, context.doors));
  if (sha256(file.bytes) != found.sha256) {
    return fail(ErrorCode::conflict, found.file + " was changed by somebody else meanwhile");
  }
  if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
  file.bytes = with_wrong_names(file.bytes, found.wrong, found.mark);
  return put_file(file, found.mark, context.doors);
}

bool has_mark(const std::string& bytes, const std::string& mark) {
  const auto marks = marks_in_names(bytes);
  return std::ranges::find(marks, mark) != marks.end();
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(found, misleading_in(undo));
  TRY(file, owned_file_at(found.original.path, context.doors));
  Proof proof{.held = has_mark(file.bytes, found.mark), .text = "", .facts = Json::object()};
  if (!proof.held) return Proof{false, found.file + " has no lines of this deed"};
  TRY(now, names_now(found.wrong, file.path, context));
  for (const auto& name : found.wrong.names) {
    const bool wrong = leads_wrong(found.wrong, name, found.before, now);
    proof.held = proof.held && wrong;
    proof.text +=
        (proof.text.empty() ? "" : "; ") + shown(name, now) + ", before " +
        (texts_in(found.before, name).empty() ? "nowhere"
                                              : "to " + join(texts_in(found.before, name), ", "));
  }
  proof.facts.set("before", found.before).set("now", now);
  return proof;
}

// The bytes that were there before, unless somebody else has changed the file since: then what is
// there without our lines.
Result<std::string> bytes_without(const Misleading& found, const std::string& now,
                                  const Doors& doors) {
  const auto copy = doors.files.read(found.copy);
  if (copy && sha256(*copy) == found.sha256) {
    const std::string wrong = with_wrong_names(*copy, found.wrong, found.mark);
    const bool ours =
        now == wrong || is_half_written(now, *copy, wrong) || is_half_written(now, wrong, *copy);
    if (ours) return *copy;
  }
  return without_marked_lines(now, found.mark);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(found, misleading_in(undo));
  TRY_OK(remove_half_put(found.original.path, found.mark, context.doors));
  const auto file = owned_file_at(found.original.path, context.doors);
  // Who has removed it has removed our lines.
  if (!file && file.error().code == ErrorCode::not_found) return {};
  if (!file) return std::unexpected(file.error());
  OwnedFile put = *file;
  TRY(bytes, bytes_without(found, file->bytes, context.doors));
  put.bytes = std::move(bytes);
  if (put.bytes == file->bytes) return {};
  if (sha256(put.bytes) == found.sha256) {
    put.mode = found.original.mode;
    put.uid = found.original.uid;
    put.gid = found.original.gid;
  }
  return put_file(put, found.mark, context.doors);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(found, misleading_in(undo));
  const auto file = owned_file_at(found.original.path, context.doors);
  if (!file && file.error().code == ErrorCode::not_found) {
    return Proof{true, found.file + " is not there any more, nor are the lines of this deed"};
  }
  if (!file) return std::unexpected(file.error());
  if (has_mark(file->bytes, found.mark)) {
    return Proof{false, found.file + " still has lines of this deed"};
  }
  const bool same = sha256(file->bytes) == found.sha256;
  Proof proof{.held = true, .text = found.file, .facts = Json::object()};
  proof.text += same ? " is as it was" : " was changed by somebody else, and has no lines of ours";
  TRY(now, names_now(found.wrong, file->path, context));
  for (const auto& name : found.wrong.names) {
    const bool wrong =
        found.wrong.kind == NameFile::hosts && leads_wrong(found.wrong, name, found.before, now);
    proof.held = proof.held && !wrong;
    proof.text += "; " + shown(name, now) + (wrong ? " all the same" : "");
  }
  proof.facts.set("before", found.before).set("now", now);
  return proof;
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(found, misleading_in(undo));
  return keep ? Status() : context.doors.files.remove(found.copy);
}

std::string aim(const Json& arguments) { return arguments.text("file"); }

Result<Json> discover(const Deed& deed, const DeedContext& context) {
  TRY(file, owned_file_at(deed.arguments.text("file"), context.doors));
  Json found = Json::array();
  for (const auto& mark : marks_in_names(file.bytes)) {
    found.push(Json::object({{"where", file.path}, {"mark", mark}}));
  }
  return found;
}

}  // namespace

extern const FaultRow dns_fault;
const FaultRow dns_fault{
    .name = "dns",
    .summary = "Has names lead to a wrong address, or has the wrong server asked for them.",
    .fields = kFields,
    .facet = "",
    .reversal = Reversal::exact,
    .effect = Effect::cuts,
    .rights =
        "to read and write the file; to see names as a process does that uses it, where it is not "
        "this machine's own: root, or CAP_SYS_ADMIN and CAP_SYS_CHROOT",
    .example = "- { fault: dns, file: hosts, names: [store.shop], for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .aim = aim,
    .discover = discover,
    .fits = fits,
    .may = may,
};

}  // namespace gameday
