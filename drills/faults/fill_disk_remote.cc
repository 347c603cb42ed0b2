// Takes the room of a filesystem on a machine behind ssh away with one file, until only so much is
// free for ordinary users as the playbook says.
#include <algorithm>
#include <cstdlib>

#include "drills/systems/disk.h"
#include "drills/systems/remote.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::string_view kMeant[] = {"nothing", "/"};

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::text,
     .help = "A folder there, as a whole path; the filesystem that it is on is filled, by one file "
             "in it.",
     .required = true},
    {.name = "leave",
     .type = FieldType::size,
     .help = "How much stays free for ordinary users.",
     .required = true},
    {.name = "i_mean",
     .type = FieldType::choice,
     .help = "The root filesystem is filled only where `/` stands here: the whole machine is hit.",
     .otherwise = "nothing",
     .choices = kMeant},
};

// $1: the folder.
constexpr std::string_view kLook = R"sh(
[ -d "$1" ] || { echo "there is no folder $1"; exit 96; }
[ -w "$1" ] && [ -x "$1" ] || { echo "we may not write into $1: Permission denied"; exit 96; }
echo "room $(stat -f -c '%S %b %a %T' "$1")"
[ "$(stat -c %d "$1")" = "$(stat -c %d /)" ] && echo "root yes"
sed -n 's/^MemAvailable: *\([0-9]*\) kB/memory \1/p' /proc/meminfo)sh";

// $f: the filler, $p: its folder, $l: what is to be left, $m: the mark.
constexpr std::string_view kFill = R"sh(
( set -C; printf '%s\n' "$m" >"$f" ) || return 91
left() { set -- $(stat -f -c '%S %a' "$p"); n=$(($1 * $2 - l)); [ $n -ge "$1" ]; }
i=0
while left && [ $i -lt 8 ]; do
  i=$((i + 1)); s=$(stat -c %s "$f")
  fallocate -o "$s" -l "$n" "$f" 2>/dev/null || head -c "$n" /dev/zero >>"$f" 2>/dev/null
done
true)sh";

constexpr std::string_view kFree = R"sh(
if [ -f "$f" ] && [ ! -L "$f" ]; then
  [ "$(head -c 200 "$f" | head -n 1 | tr -d '\0')" = "$m" ] || [ ! -s "$f" ] || { echo "$f is not ours"; exit 91; }
  rm -f "$f" && sync
fi)sh";

struct Room {
  std::int64_t total = 0, free = 0, memory = 0;
  std::string type;
  bool root = false;
};

Result<Room> room_of(const Remote& remote, const std::string& path, const DeedContext& context) {
  TRY(said, ask_remote(remote, std::string(kLook), {path}, context));
  const auto words = split(told_of(said, "room"), ' ');
  if (words.size() < 4) {
    return fail(ErrorCode::failed, remote.ssh.to + " does not tell the room of " + path);
  }
  const auto number = [&](std::size_t at) { return std::atoll(words[at].c_str()); };
  constexpr std::int64_t kKibi = 1024;
  return Room{.total = number(0) * number(1),
              .free = number(0) * number(2),
              .memory = std::atoll(told_of(said, "memory").c_str()) * kKibi,
              .type = words[3],
              .root = told_of(said, "root") == "yes"};
}

// What a filesystem may have more or less by the time it is looked at: others write too.
std::int64_t tolerated(std::int64_t leave) {
  constexpr std::int64_t kLeast = 64 << 10;
  return leave + std::max(kLeast, leave / 8);
}

Status refuse(const Room& room, std::int64_t leave, const Json& arguments) {
  const std::string path = arguments.text("path");
  const auto no = [&](const std::string& why, const std::string& hint = "") {
    return fail(ErrorCode::refused, path + why, hint);
  };
  if (room.root && arguments.text("i_mean") != "/") {
    return no(" is on the root filesystem: filling it hits everything on that machine",
              "name a folder on a filesystem of its own, or say `i_mean: /`");
  }
  for (const char* network : {"nfs", "cifs", "smb", "ceph", "afs", "v9fs"}) {
    if (!room.type.starts_with(network)) continue;
    return no(" is on a network filesystem (" + room.type + "): others would be hit");
  }
  if (room.total <= 0) return no(" is on a filesystem without a size (" + room.type + ")");
  const bool in_memory = room.type == "tmpfs" || room.type == "ramfs";
  if (in_memory && room.free - leave >= room.memory / 2) {
    return no(" is in memory: its filler would take " + shown_bytes(room.free - leave) +
              " of the " + shown_bytes(room.memory) + " that that machine has left");
  }
  return {};
}

struct Filling {
  Remote remote;
  std::string mark, path;
  std::int64_t leave = 0;
  Duration lasts{};
  [[nodiscard]] std::string names() const {
    const std::vector<std::string> f = {filler_in(path, mark).path}, p = {path}, m = {mark};
    return "f=" + quoted(f) + " p=" + quoted(p) + " m=" + quoted(m) +
           " l=" + std::to_string(leave) + "\n";
  }
  [[nodiscard]] RemoteDeed deed() const {
    return {remote, mark, names() + std::string(kFree), lasts};
  }
};

Result<Filling> filling_in(const Undo& undo) {
  const Json& from = undo.arguments;
  TRY(remote, remote_from(from.get("remote")));
  Filling filling{std::move(remote), from.text("mark"), from.text("path"),
                  from.integer("leave", -1), from_seconds(from.number("lasts_s", 0))};
  if (filling.mark.empty() || filling.path.empty() || filling.leave < 0) {
    return fail(ErrorCode::corrupt, "an undo of " + undo.kind + " lacks mark, path or leave");
  }
  return filling;
}

// All that would be refused whatever happens until the step comes; how much is free is not.
Result<Filling> fillable(const Deed& deed, Room& room, const DeedContext& context) {
  const std::string path = deed.arguments.text("path");
  const auto leave = size_in(deed.arguments, "leave");
  if (!leave) return fail(ErrorCode::invalid, "fill-disk needs `leave`");
  if (!path.starts_with('/')) {
    return fail(ErrorCode::invalid, "`" + path + "` is no whole path of that machine");
  }
  TRY(remote, remote_named(deed.target, context));
  TRY(found, room_of(remote, path, context));
  room = found;
  TRY_OK(refuse(room, *leave, deed.arguments));
  return Filling{std::move(remote), context.mark, path, *leave,
                 from_seconds(deed.arguments.number("lasts_s", 0))};
}

Status may(const Deed& deed, const DeedContext& context) {
  Room room;
  TRY_OK(fillable(deed, room, context));
  return {};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  Room room;
  TRY(filling, fillable(deed, room, context));
  if (tolerated(filling.leave) >= room.free) {
    return fail(ErrorCode::refused, filling.path + " has only " + shown_bytes(room.free) +
                                        " free: leaving " + shown_bytes(filling.leave) +
                                        " would fill nothing");
  }
  return Undo{"fill-disk-remote", Json::object({{"remote", to_json(filling.remote)},
                                                {"mark", filling.mark},
                                                {"path", filling.path},
                                                {"leave", filling.leave},
                                                {"free", room.free},
                                                {"lasts_s", seconds(filling.lasts)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  return do_there(filling.deed(), filling.names() + std::string(kFill), context);
}

Result<RemoteLook> look(const Filling& filling, const DeedContext& context) {
  return look_there(filling.remote, filling.mark,
                    filling.names() +
                        "[ -e \"$f\" ] && echo 'filler yes'\n"
                        "set -- $(stat -f -c '%S %a' \"$p\"); echo \"free $(($1 * $2))\"",
                    {}, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  TRY(seen, look(filling, context));
  const auto free = std::atoll(told_of(seen.said, "free").c_str());
  const bool filler = told_of(seen.said, "filler") == "yes";
  Proof proof{.held = filler && seen.watched && free <= tolerated(filling.leave),
              .text = filling.path + " has " + shown_bytes(free) + " free, of " +
                      shown_bytes(undo.arguments.integer("free", 0)) + " before",
              .facts = Json::object({{"free", free}})};
  if (!filler) proof.text += "; the filler is not there";
  if (!seen.watched) proof.text += "; nothing there would undo it by itself";
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  return undo_there(filling.deed(), context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(filling, filling_in(undo));
  TRY(seen, look(filling, context));
  const bool filler = told_of(seen.said, "filler") == "yes";
  const bool stays = filler || seen.there || seen.watched;
  return Proof{!stays, filler  ? "the filler is still there"
                       : stays ? "the deed's folder is still on " + filling.remote.ssh.to
                               : "the filler is gone, " + filling.path + " has " +
                                     shown_bytes(std::atoll(told_of(seen.said, "free").c_str())) +
                                     " free"};
}

}  // namespace

extern const FaultRow fill_disk_remote_fault;
const FaultRow fill_disk_remote_fault{
    .name = "fill-disk-remote",
    .summary =
        "Fills a filesystem of a machine behind ssh with one file until only so much is free.",
    .fields = kFields,
    .facet = "ssh",
    .reversal = Reversal::exact,
    .effect = Effect::fills,
    .rights = "to log in by a key as who may write into the folder",
    .example =
        "- { fault: fill-disk-remote, target: edge-1, path: /srv/spool, leave: 1MiB, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .discover = discover_there,
    .as = "fill-disk",
    .may = may,
    .ends_with_instance = true,
};

}  // namespace gameday
