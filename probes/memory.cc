#include <cstdlib>

#include "drills/systems/disk.h"
#include "drills/systems/remote.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kExpect[] = {
    {.name = "available_at_least",
     .type = FieldType::size,
     .help = "How much memory must be left for programs without swapping (MemAvailable)."},
    {.name = "used_at_most",
     .type = FieldType::percent,
     .help = "How much of the memory may be used: all of it but what is available."},
    {.name = "swap_used_at_most", .type = FieldType::size, .help = "How much may be swapped out."},
};

constexpr Field kFields[] = {
    {.name = "on",
     .type = FieldType::target,
     .help = "A target with `ssh`; this machine where none is named. What a container or a process "
             "uses, the probes of that name tell."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a machine that is well has; it must say something.",
     .required = true,
     .fields = kExpect},
};

// In bytes, of proc(5)'s meminfo.
Result<std::int64_t> field_of(const std::string& meminfo, const std::string& name) {
  constexpr std::int64_t kKib = 1024;
  for (const auto& line : split(meminfo, '\n')) {
    if (line.starts_with(name + ":")) return std::atoll(line.c_str() + name.size() + 1) * kKib;
  }
  return fail(ErrorCode::unsupported, "its /proc/meminfo does not tell " + name);
}

Result<std::string> meminfo_of(const Json& arguments, const DeedContext& context) {
  const Target* on = context.system.target(arguments.text("on"));
  if (on == nullptr) return context.doors.files.read("/proc/meminfo");
  TRY(said, ask_target(*on, "cat /proc/meminfo", {}, context));
  if (said.code != 0) return fail(ErrorCode::failed, said.output.substr(0, said.output.find('\n')));
  return said.output;
}

Result<Answer> judged(const std::string& meminfo, const Json& expect) {
  TRY(total, field_of(meminfo, "MemTotal"));
  TRY(available, field_of(meminfo, "MemAvailable"));
  TRY(swap, field_of(meminfo, "SwapTotal"));
  TRY(swap_free, field_of(meminfo, "SwapFree"));
  Answer answer{true, shown_bytes(available) + " of " + shown_bytes(total) + " available, " +
                          shown_bytes(swap - swap_free) + " swapped out"};
  const auto add = [&](bool holds, const std::string& expected) {
    if (holds) return;
    answer.text += (answer.ok ? ", expected " : " and ") + expected;
    answer.ok = false;
  };
  if (const auto least = size_in(expect, "available_at_least")) {
    add(available >= *least, "at least " + expect.text("available_at_least"));
  }
  if (const auto most = percent_in(expect, "used_at_most")) {
    const double used = static_cast<double>(total - available) / static_cast<double>(total);
    add(used <= *most, "at most " + expect.text("used_at_most") + " used");
  }
  if (const auto most = size_in(expect, "swap_used_at_most")) {
    add(swap - swap_free <= *most, "at most " + expect.text("swap_used_at_most") + " swapped out");
  }
  return answer;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const auto meminfo = meminfo_of(arguments, context);
  if (!meminfo) return {false, meminfo.error().text};
  const auto answer = judged(*meminfo, arguments.get("expect"));
  return answer ? *answer : Answer{false, answer.error().text};
}

std::optional<WrongField> check(const Json& arguments, const System& system) {
  if (arguments.get("expect").members().empty()) {
    return WrongField{"expect", "it expects nothing"};
  }
  if (const auto wrong = wrong_remote(arguments, "on", system); !wrong.empty()) {
    return WrongField{"on", wrong};
  }
  return {};
}

}  // namespace

extern const ProbeRow memory_probe;
const ProbeRow memory_probe{
    .name = "memory",
    .summary = "Looks how much memory a machine has left, this one or one behind ssh.",
    .scalar = "",
    .fields = kFields,
    .example = "machine-has-memory: { memory: { expect: { available_at_least: 64MiB } } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
