#include "drills/systems/process.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "drills/systems/remote_process.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "alive",
     .type = FieldType::boolean,
     .help = "Whether it must be running; with false it must not.",
     .otherwise = "true"},
    {.name = "age_at_least",
     .type = FieldType::duration,
     .help = "How long ago it must have started: one that is restarted again and again never gets "
             "there."},
    {.name = "rss_at_most", .type = FieldType::size, .help = "How much memory it may have in use."},
    {.name = "descriptors_at_most",
     .type = FieldType::integer,
     .help = "How many files and connections it may have open.",
     .least = 1},
};

constexpr Field kFields[] = {
    {.name = "pidfile",
     .type = FieldType::path,
     .help = "The file in which the process keeps its pid; this or `target`."},
    {.name = "target",
     .type = FieldType::target,
     .help = "A target of the system that is a process, or that names one on a machine behind ssh; "
             "this or `pidfile`."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good process is.",
     .fields = kExpect},
};

Result<std::string> pidfile_in(const Json& arguments, const System& system) {
  if (const Json* pidfile = arguments.find("pidfile")) return pidfile->text();
  const Target* target = system.target(arguments.text("target"));
  if (target == nullptr) return fail(ErrorCode::not_found, "there is no such target");
  if (const Json* ssh = target->facets.find("ssh")) {
    if (!ssh->text("pidfile").empty()) return ssh->text("pidfile");
    return fail(ErrorCode::invalid, "target " + target->name + " names no pidfile there");
  }
  return pidfile_of(*target);
}

Duration age_of(const ProcessId& id, const Clock& clock) {
  const auto ticks = static_cast<double>(id.start);
  const Duration started = from_seconds(ticks / static_cast<double>(sysconf(_SC_CLK_TCK)));
  return clock.now().boot.time_since_epoch() - started;
}

Result<std::int64_t> rss_of(pid_t pid, const Files& files) {
  TRY(statm, files.read("/proc/" + std::to_string(pid) + "/statm", 4096));
  const auto fields = split(statm, ' ');
  std::int64_t pages = 0;
  if (fields.size() > 1) {
    std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), pages);
  }
  return pages * sysconf(_SC_PAGESIZE);
}

Result<std::int64_t> descriptors_of(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  std::error_code error;
  std::int64_t count = 0;
  std::filesystem::directory_iterator each(folder, error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) ++count;
  if (!error) return count;
  return std::unexpected(system_error(error.value(), "cannot count what it has open"));
}

std::string in_mib(std::int64_t bytes) {
  constexpr std::int64_t kTenth = (1 << 20) / 10;
  const std::int64_t tenths = bytes / kTenth;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "MiB";
}

// Each line of it is a thing that was asked for: what was seen, and whether it is good.
struct Look {
  std::string seen;
  bool good = true;

  void add(const std::string& what, bool holds, const std::string& expected) {
    seen += what + (holds ? "" : ", expected " + expected);
    good = good && holds;
  }
};

Result<Look> look_at(const ProcessFacts& process, const Json& expect, const DeedContext& context) {
  Look look{shown(process), true};
  const Duration age = age_of(process.id, context.doors.clock);
  const auto least = duration_in(expect, "age_at_least").value_or(Duration{});
  look.add(", " + shown(age) + " old", age >= least, "at least " + shown(least));
  if (const auto most = size_in(expect, "rss_at_most")) {
    TRY(rss, rss_of(process.id.pid, context.doors.files));
    look.add(", " + in_mib(rss) + " in use", rss <= *most, "at most " + in_mib(*most));
  }
  if (const Json* most = expect.find("descriptors_at_most")) {
    TRY(open, descriptors_of(process.id.pid));
    look.add(", " + std::to_string(open) + " descriptors open", open <= most->integer(),
             "at most " + std::to_string(most->integer()));
  }
  // What was read under its number may be another one's by now.
  if (!context.doors.processes.alive(process.id)) {
    return fail(ErrorCode::not_found, shown(process) + " has ended meanwhile");
  }
  return look;
}

// Of a process on another machine, by what that one tells of it.
Answer ask_there(const Target& target, const Json& expect, const DeedContext& context) {
  const auto said = look_for_process(target, context);
  if (!said) return {false, said.error().text};
  const bool wanted = expect.boolean("alive", true);
  const auto number = [&](const char* key) { return std::atoll(told_of(*said, key).c_str()); };
  if (number("pid") == 0) return {!wanted, std::string(trimmed(*said))};
  const std::string process =
      "process " + told_of(*said, "pid") + " (" + told_of(*said, "command") + ")";
  if (!wanted) return {false, process + " is running, expected none"};
  Look look{process, true};
  const Duration age = from_seconds(std::atof(told_of(*said, "age").c_str()));
  const auto least = duration_in(expect, "age_at_least").value_or(Duration{});
  look.add(", " + shown(age) + " old", age >= least, "at least " + shown(least));
  if (const auto most = size_in(expect, "rss_at_most")) {
    look.add(", " + in_mib(number("rss")) + " in use", number("rss") <= *most,
             "at most " + in_mib(*most));
  }
  if (const Json* most = expect.find("descriptors_at_most")) {
    if (told_of(*said, "open").empty()) return {false, "cannot count what it has open"};
    look.add(", " + told_of(*said, "open") + " descriptors open", number("open") <= most->integer(),
             "at most " + std::to_string(most->integer()));
  }
  return {look.good, look.seen};
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const Target* named = context.system.target(arguments.text("target"));
  if (named != nullptr && named->facets.find("ssh") != nullptr) {
    return ask_there(*named, arguments.get("expect"), context);
  }
  const Json& expect = arguments.get("expect");
  const auto pidfile = pidfile_in(arguments, context.system);
  if (!pidfile) return {false, pidfile.error().text};
  // Opening a pipe would wait for whoever writes into it.
  const auto file = context.doors.files.look(*pidfile);
  if (file && !file->regular) return {false, *pidfile + " is no pidfile"};
  const auto process = process_at(*pidfile, context.doors);
  const bool wanted = expect.boolean("alive", true);
  if (!process) {
    const bool gone = process.error().code == ErrorCode::not_found;
    return {gone && !wanted, process.error().text};
  }
  if (!wanted) return {false, shown(*process) + " is running, expected none"};
  const auto look = look_at(*process, expect, context);
  if (!look) return {false, look.error().text};
  return {look->good, look->seen};
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  const bool by_file = arguments.find("pidfile") != nullptr;
  const bool by_target = arguments.find("target") != nullptr;
  if (by_file == by_target) {
    return WrongField{by_file ? "target" : "",
                      by_file ? "both `pidfile` and `target`: one of them says which process"
                              : "missing `pidfile` or `target`"};
  }
  if (const auto pidfile = pidfile_in(arguments, system); !pidfile) {
    return WrongField{"target", pidfile.error().text};
  }
  const Json& expect = arguments.get("expect");
  if (expect.boolean("alive", true)) return std::nullopt;
  for (const char* other : {"age_at_least", "rss_at_most", "descriptors_at_most"}) {
    if (expect.find(other) == nullptr) continue;
    return WrongField{"expect." + std::string(other),
                      "a process that must not be running has none of this"};
  }
  return std::nullopt;
}

}  // namespace

extern const ProbeRow process_probe;
const ProbeRow process_probe{
    .name = "process",
    .summary =
        "Looks at a process of this machine: whether it runs, since when, with how much "
        "memory and how many descriptors.",
    .scalar = "pidfile",
    .fields = kFields,
    .example = "west-does-not-leak: { process: { target: west, expect: { rss_at_most: 512MiB } } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
