#include "drills/systems/disk.h"

#include <cmath>
#include <cstdio>

#include "drills/systems/container_aide.h"
#include "drills/systems/remote.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "free_at_least",
     .type = FieldType::size,
     .help = "How much room must be free for ordinary users."},
    {.name = "used_at_most",
     .type = FieldType::percent,
     .help = "How much of the room for ordinary users may be used, as df tells it."},
    {.name = "inodes_used_at_most",
     .type = FieldType::percent,
     .help = "How many of its inodes may be used; a filesystem that counts none has enough."},
};

constexpr Field kFields[] = {
    {.name = "path",
     .type = FieldType::path,
     .help = "A file or folder on the filesystem that is looked at; as a whole path with `on`.",
     .required = true},
    {.name = "on",
     .type = FieldType::target,
     .help = "A target with `ssh`, or a `container` that runs and has stat or busybox; this "
             "machine where none is named."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good filesystem has; it must say something.",
     .required = true,
     .fields = kExpect},
};

// statvfs(3) through a program: on a filesystem whose server is gone the call itself never ends.
constexpr const char* kFormat = "%S %b %f %a %c %d";

struct Room {
  long long block = 0, total = 0, unused = 0, free = 0, inodes = 0, inodes_free = 0;
};

Result<Room> room_in(const std::string& said) {
  Room room;
  constexpr int kNumbers = 6;
  if (std::sscanf(said.c_str(), "%lld %lld %lld %lld %lld %lld", &room.block, &room.total,
                  &room.unused, &room.free, &room.inodes, &room.inodes_free) != kNumbers) {
    return fail(ErrorCode::failed, "stat says what it should not: " + said.substr(0, 100));
  }
  return room;
}

Result<std::string> ended_well(const Result<Ended>& ended) {
  if (!ended) return std::unexpected(ended.error());
  if (ended->succeeded()) return ended->output;
  const std::string& said = ended->output;
  return fail(ErrorCode::failed, said.empty() ? "stat failed" : said.substr(0, said.find('\n')));
}

// A small image may have it in busybox alone.
Result<std::string> stat_in(const Target& container, std::vector<std::string> argv,
                            const DeedContext& context) {
  constexpr int kCannotRun = 126, kNotFound = 127;
  TRY(engine, DockerEngine::open(context));
  TRY(now, container_of(container, engine, context));
  const auto ended = run_in_container(engine, now.id, argv, "", context);
  const bool lacks = ended && (ended->code == kCannotRun || ended->code == kNotFound);
  if (!lacks) return ended_well(ended);
  argv.insert(argv.begin(), "busybox");
  return ended_well(run_in_container(engine, now.id, argv, "", context));
}

Result<Room> room_of(const Json& arguments, const DeedContext& context) {
  const std::string path = arguments.text("path");
  const std::vector<std::string> argv{"stat", "-f", "-c", kFormat, "--", path};
  const Target* on = context.system.target(arguments.text("on"));
  if (on == nullptr) {
    TRY(said, ended_well(context.doors.processes.run({argv, "/", {}}, context.until)));
    return room_in(said);
  }
  if (on->facets.find("container") != nullptr) {
    TRY(said, stat_in(*on, argv, context));
    return room_in(said);
  }
  TRY(said, ask_target(*on, quoted(argv), {}, context));
  if (said.code != 0) return fail(ErrorCode::failed, said.output.substr(0, said.output.find('\n')));
  return room_in(said.output);
}

// As df has it: what is kept for root is no room.
double part(long long used, long long left) {
  return used + left == 0 ? 0 : static_cast<double>(used) / static_cast<double>(used + left);
}

std::string percent(double part) {
  constexpr double kWhole = 100;
  return std::to_string(static_cast<int>(std::ceil(part * kWhole))) + "%";
}

Answer judged(const Room& room, const Json& expect) {
  const auto free = static_cast<std::int64_t>(room.free * room.block);
  const double used = part(room.total - room.unused, room.free);
  const double inodes = part(room.inodes - room.inodes_free, room.inodes_free);
  Answer answer{true, shown_bytes(free) + " free, " + percent(used) + " used, " + percent(inodes) +
                          " of its inodes"};
  const auto add = [&](bool holds, const std::string& expected) {
    if (holds) return;
    answer.text += (answer.ok ? ", expected " : " and ") + expected;
    answer.ok = false;
  };
  if (const auto least = size_in(expect, "free_at_least")) {
    add(free >= *least, "at least " + expect.text("free_at_least") + " free");
  }
  if (const auto most = percent_in(expect, "used_at_most")) {
    add(used <= *most, "at most " + expect.text("used_at_most") + " used");
  }
  if (const auto most = percent_in(expect, "inodes_used_at_most")) {
    add(inodes <= *most, "at most " + expect.text("inodes_used_at_most") + " of its inodes");
  }
  return answer;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const auto room = room_of(arguments, context);
  return room ? judged(*room, arguments.get("expect")) : Answer{false, room.error().text};
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  if (arguments.get("expect").members().empty()) {
    return WrongField{"expect", "it expects nothing"};
  }
  const Target* on = system.target(arguments.text("on"));
  if (on != nullptr && on->facets.find("container") != nullptr) return {};
  if (const auto wrong = wrong_remote(arguments, "on", system); !wrong.empty()) {
    return WrongField{"on", wrong + ", and no container"};
  }
  return {};
}

}  // namespace

extern const ProbeRow disk_probe;
const ProbeRow disk_probe{
    .name = "disk",
    .summary =
        "Looks how much room a filesystem has left, here, on a machine behind ssh or in a "
        "container.",
    .scalar = "path",
    .fields = kFields,
    .example =
        "store-has-room: { disk: { path: ./run, expect: { free_at_least: 100MiB, "
        "used_at_most: 90% } } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
