// Restarts a container every so often, as one that falls over again and again. Nobody but the
// runner restarts it, when it renews the fault's lease: without a runner the loop is over.
#include <charconv>
#include <fstream>

#include "drills/systems/container_held.h"
#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Duration kLease = std::chrono::seconds(2);
constexpr Duration kSlack = std::chrono::seconds(3);

constexpr Field kFields[] = {
    {.name = "every",
     .type = FieldType::duration,
     .help = "How long it is let run before it is restarted.",
     .otherwise = "5s",
     .least = 1,
     .most = 600},
};

struct Loop {
  HeldContainer held;
  std::string lease;  // a private file: "UNTIL LAST", by the boot-time clock, in nanoseconds
  Duration every{};
};

Result<Loop> loop_in(const Undo& undo) {
  TRY(held, held_container_from(undo.arguments));
  Loop loop{held, undo.arguments.text("lease"), from_seconds(undo.arguments.number("every_s", 0))};
  if (loop.lease.empty() || loop.every <= Duration{}) {
    return fail(ErrorCode::corrupt, "the undo of a restart loop lacks its lease or its time");
  }
  return loop;
}

struct Lease {
  Instant until, last;
};

Result<Lease> lease_at(const std::string& path, const Files& files) {
  TRY(text, files.read(path, 1024));
  const auto words = split(text.substr(0, text.find('\n')), ' ');
  std::int64_t times[2] = {0, 0};
  for (std::size_t i = 0; i < 2 && i < words.size(); ++i) {
    std::from_chars(words[i].data(), words[i].data() + words[i].size(), times[i]);
  }
  return Lease{Instant(Duration(times[0])), Instant(Duration(times[1]))};
}

std::string lease_text(Instant last, const Clock& clock) {
  const auto in_ns = [](Instant time) { return std::to_string(time.time_since_epoch().count()); };
  return in_ns(clock.in(kLease)) + " " + in_ns(last) + "\n";
}

// No new file, and not through the door to files: it happens twice a second, and one that the undo
// has removed must not come back.
Status renew_lease(const Loop& loop, Instant last, const Clock& clock) {
  std::fstream file(loop.lease, std::ios::in | std::ios::out);
  file << lease_text(last, clock) << std::flush;
  return file ? Status{} : fail(ErrorCode::not_found, "the lease " + loop.lease + " is gone");
}

// Whether the lease holds: somebody renewed it within its time.
bool goes_on(const Loop& loop, const Doors& doors) {
  const auto lease = lease_at(loop.lease, doors.files);
  return lease && doors.clock.now().boot < lease->until;
}

Status restart(const Loop& loop, const DockerEngine& engine, const DeedContext& context) {
  const auto done = engine.post("/containers/" + loop.held.id + "/restart?t=0", {}, context);
  return done ? Status() : std::unexpected(done.error());
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(held, keep_container(deed, true, context));
  Undo undo{"restart-loop", to_json(held)};
  const auto every = duration_in(deed.arguments, "every");
  undo.arguments.set("lease", context.private_folder + "/" + context.mark + ".lease")
      .set("every_s", seconds(every.value_or(std::chrono::seconds(5))));
  return undo;
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(loop, loop_in(undo));
  TRY(engine, engine_of(loop.held, context));
  TRY_OK(still_held(loop.held, engine, context));
  const Clock& clock = context.doors.clock;
  TRY_OK(context.doors.files.write(loop.lease, lease_text(clock.now().boot, clock), 0600));
  return restart(loop, engine, context);
}

// The last start is looked at by our own clock, which the lease is kept by: an engine elsewhere may
// have another one.
Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(loop, loop_in(undo));
  TRY(engine, engine_of(loop.held, context));
  TRY(now, look_at_container(engine, loop.held.id, context));
  const auto lease = lease_at(loop.lease, context.doors.files);
  Proof proof;
  proof.facts.set("id", loop.held.id).set("started", now.started);
  if (now.started == loop.held.started || !lease) {
    return Proof{false, shown(loop.held) + " was not restarted", proof.facts};
  }
  const Duration ago = context.doors.clock.now().boot - lease->last;
  proof.held = ago <= loop.every + kSlack;
  proof.text = shown(loop.held) + " was restarted " + gameday::shown(ago) + " ago" +
               (proof.held ? "" : ", and not again since");
  return proof;
}

// One that is down when its time comes was ended by somebody else: that is not ours to start.
Status renew(const Undo& undo, const DeedContext& context) {
  TRY(loop, loop_in(undo));
  TRY(lease, lease_at(loop.lease, context.doors.files));
  const Instant now = context.doors.clock.now().boot;
  if (now >= lease.until) return fail(ErrorCode::not_found, "the lease of the loop has ended");
  const bool due = now - lease.last >= loop.every;
  TRY_OK(renew_lease(loop, due ? now : lease.last, context.doors.clock));
  if (!due) return {};
  TRY(engine, engine_of(loop.held, context));
  return restart(loop, engine, context);
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(loop, loop_in(undo));
  TRY_OK(context.doors.files.remove(loop.lease));
  return put_back(loop.held, context);
}

// A restart that was sent before the lease ended is still to come: it is waited for.
Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  constexpr Duration kArrives = std::chrono::seconds(1);
  TRY(loop, loop_in(undo));
  if (goes_on(loop, context.doors)) {
    return Proof{false, shown(loop.held) + " is restarted again and again"};
  }
  TRY(engine, engine_of(loop.held, context));
  const auto before = look_at_container(engine, loop.held.id, context);
  TRY_OK(context.doors.clock.pause(kArrives, context.until));
  const auto after = look_at_container(engine, loop.held.id, context);
  if (before && after && before->started != after->started) {
    return Proof{false, shown(loop.held) + " has just been restarted"};
  }
  return is_back(loop.held, context);
}

Status close(const Undo& undo, bool, const DeedContext& context) {
  TRY(loop, loop_in(undo));
  return context.doors.files.remove(loop.lease);
}

}  // namespace

extern const FaultRow restart_loop_fault;
const FaultRow restart_loop_fault{
    .name = "restart-loop",
    .summary = "Restarts a container again and again, as one that falls over at every start.",
    .fields = kFields,
    .facet = "container",
    .reversal = Reversal::restart,
    .effect = Effect::stops,
    .rights = "to speak to the Docker engine: be root, or in the group of its socket",
    .example = "- { fault: restart-loop, target: cache, every: 1s, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .renew = renew,
};

}  // namespace gameday
