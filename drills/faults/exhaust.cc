// Takes processor time, memory or descriptors of this machine away, by a stressor of its own that
// holds them by a lease.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "drills/systems/disk.h"
#include "drills/systems/stressor.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr double kTebibyte = 1099511627776;

constexpr Field kFields[] = {
    {.name = "cpu",
     .type = FieldType::integer,
     .help = "How many cores are kept busy; not more than this machine has.",
     .otherwise = "0",
     .most = 4096},
    {.name = "memory",
     .type = FieldType::size,
     .help = "How much memory is held; less than is available.",
     .otherwise = "0B",
     .most = kTebibyte},
    {.name = "descriptors",
     .type = FieldType::integer,
     .help = "How many file descriptors are held open; fewer than one process may have.",
     .otherwise = "0",
     .most = 1000000},
};

struct Exhaustion {
  Stress stress;
  std::string lease;
  std::string mark;
};

Result<Exhaustion> exhaustion_in(const Undo& undo) {
  const Json& from = undo.arguments;
  Exhaustion found{
      {from.integer("cpu", 0), from.integer("memory", 0), from.integer("descriptors", 0)},
      from.text("lease"),
      from.text("mark")};
  if (found.lease.empty() || found.mark.empty()) {
    return fail(ErrorCode::corrupt, "an undo of exhaust lacks its lease or its mark");
  }
  return found;
}

Stress stress_in(const Json& arguments) {
  return {arguments.integer("cpu", 0), size_in(arguments, "memory").value_or(0),
          arguments.integer("descriptors", 0)};
}

Status fits(const Step& step) {
  const Stress stress = stress_in(step.arguments);
  if (stress.cores + stress.memory + stress.descriptors > 0) return {};
  return fail(ErrorCode::invalid, "it needs `cpu`, `memory` or `descriptors`");
}

// The number behind `name` in a file of lines; 0 where there is none.
Result<std::int64_t> number_in(const std::string& path, std::string_view name, const Files& files) {
  TRY(text, files.read(path, 1 << 20));
  const auto at = text.find(name);
  return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + name.size());
}

// Too much would end processes that the playbook does not name.
Status refuse_too_much(const Stress& stress, const Files& files) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (stress.cores > cores) {
    return fail(ErrorCode::refused, "this machine has " + std::to_string(cores) +
                                        " cores, not the " + std::to_string(stress.cores) +
                                        " that `cpu` asks for");
  }
  TRY(kibibytes, number_in("/proc/meminfo", "MemAvailable:", files));
  const std::int64_t available = kibibytes * 1024;
  if (stress.memory >= available - available / 20) {
    return fail(ErrorCode::refused, "`memory` would take " + shown_bytes(stress.memory) + " of " +
                                        shown_bytes(available) +
                                        " available: processes of others would be ended");
  }
  constexpr rlim_t kOwn = 64;
  rlimit most{};
  getrlimit(RLIMIT_NOFILE, &most);
  if (static_cast<rlim_t>(stress.descriptors) + kOwn > most.rlim_max) {
    return fail(ErrorCode::refused,
                "one process may have " + std::to_string(most.rlim_max) +
                    " descriptors here, not the " + std::to_string(stress.descriptors) +
                    " that `descriptors` asks for",
                "raise the hard limit: ulimit -Hn");
  }
  return {};
}

// Before the drill and again before the step: what is available changes.
Status may(const Deed& deed, const DeedContext& context) {
  return refuse_too_much(stress_in(deed.arguments), context.doors.files);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Stress stress = stress_in(deed.arguments);
  if (stress.cores + stress.memory + stress.descriptors == 0) {
    return fail(ErrorCode::invalid, "exhaust needs `cpu`, `memory` or `descriptors`");
  }
  TRY_OK(refuse_too_much(stress, context.doors.files));
  return Undo{"exhaust",
              Json::object({{"cpu", stress.cores},
                            {"memory", stress.memory},
                            {"descriptors", stress.descriptors},
                            {"lease", context.private_folder + "/" + context.mark + ".lease"},
                            {"mark", context.mark}})};
}

// Returns when all is taken but the processor time, which only a span of time can show.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr Duration kLook = std::chrono::milliseconds(10);
  TRY(found, exhaustion_in(undo));
  TRY_OK(grant_lease(found.lease, context.doors));
  TRY_OK(start_stressor(found.stress, found.lease, found.mark, context.doors));
  while (true) {
    const auto stressors = stressors_of(found.lease, found.mark, context.doors);
    if (stressors.empty()) {
      return fail(ErrorCode::failed, "the stressor ended: it could not take what it was told");
    }
    const Held held = held_by(stressors, context.doors);
    if (held.memory >= found.stress.memory && held.descriptors >= found.stress.descriptors) break;
    TRY_OK(renew_lease(found.lease, context.doors.clock));
    TRY_OK(context.doors.clock.pause(kLook, context.until));
  }
  return renew_lease(found.lease, context.doors.clock);
}

// Ticks in which no core had anything to do, since boot.
std::int64_t idle_ticks(const Files& files) {
  const auto text = files.read("/proc/stat", 1 << 20);
  if (!text || !text->starts_with("cpu ")) return 0;
  char* at = text->empty() ? nullptr : const_cast<char*>(text->c_str()) + 4;
  constexpr int kIdle = 3;  // behind user, nice and system
  for (int field = 0; field < kIdle; ++field) (void)std::strtoll(at, &at, 10);
  return std::strtoll(at, &at, 10);
}

struct Busy {
  double cores = 0;  // that the stressors kept busy
  double idle = 0;   // of the machine's cores, the part that had nothing to do
};

Result<Busy> watch(const std::vector<ProcessId>& stressors, const Held& before,
                   const DeedContext& context) {
  constexpr Duration kWatched = std::chrono::milliseconds(400);
  const Clock& clock = context.doors.clock;
  const Instant begun = clock.now().boot;
  const std::int64_t idle = idle_ticks(context.doors.files);
  TRY_OK(clock.pause(kWatched, context.until));
  const Held after = held_by(stressors, context.doors);
  const double took = seconds(clock.now().boot - begun);
  const auto ticks = static_cast<double>(idle_ticks(context.doors.files) - idle);
  const auto whole = took * static_cast<double>(sysconf(_SC_CLK_TCK)) *
                     static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  return Busy{seconds(after.ran - before.ran) / took, ticks / whole};
}

// Where others want the processor too, a stressor gets its share only: then none is left over.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  constexpr double kNearly = 0.8, kShare = 0.1, kNone = 0.05;
  TRY(found, exhaustion_in(undo));
  const auto stressors = stressors_of(found.lease, found.mark, context.doors);
  if (stressors.empty()) return Proof{false, "no stressor of this deed is there"};
  const Held held = held_by(stressors, context.doors);
  Proof proof;
  proof.held = held.memory >= found.stress.memory && held.descriptors >= found.stress.descriptors;
  proof.text = shown_bytes(held.memory) + " of memory and " + std::to_string(held.descriptors) +
               " descriptors are held";
  proof.facts.set("memory_bytes", held.memory).set("descriptors", held.descriptors);
  if (found.stress.cores == 0) return proof;
  TRY(busy, watch(stressors, held, context));
  const auto wanted = static_cast<double>(found.stress.cores);
  const bool enough = busy.cores >= kNearly * wanted;
  const bool none_left = busy.cores >= kShare * wanted && busy.idle < kNone;
  proof.held = proof.held && (enough || none_left);
  const auto hundredths = std::to_string(static_cast<int>(busy.cores * 100));
  proof.text += ", " + hundredths + " % of one core are used";
  if (!enough && none_left) proof.text += ", and the machine has no idle one";
  proof.facts.set("cores", busy.cores).set("idle", busy.idle);
  return proof;
}

Status renew(const Undo& undo, const DeedContext& context) {
  TRY(found, exhaustion_in(undo));
  return renew_lease(found.lease, context.doors.clock);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(found, exhaustion_in(undo));
  return end_stressors(found.lease, found.mark, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(found, exhaustion_in(undo));
  const auto stressors = stressors_of(found.lease, found.mark, context.doors);
  if (stressors.empty()) return Proof{true, "no stressor of this deed is there"};
  return Proof{false, "stressor " + std::to_string(stressors.front().pid) + " is still there"};
}

std::string aim(const Json&) { return "this machine"; }

}  // namespace

extern const FaultRow exhaust_fault;
const FaultRow exhaust_fault{
    .name = "exhaust",
    .summary = "Takes processor time, memory or descriptors of this machine away.",
    .fields = kFields,
    .facet = "",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "none; to hold memory that cannot be written out: CAP_IPC_LOCK",
    .example = "- { fault: exhaust, cpu: 1, memory: 64MiB, descriptors: 100, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = nullptr,
    .renew = renew,
    .aim = aim,
    .fits = fits,
    .may = may,
};

}  // namespace gameday
