// Connections through a link end in a TCP reset once they have lived for a while; new ones are made
// and end in the same way as long as it lasts.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "drills/systems/link_toxic.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

// A proof waits for one connection to live so long, and has ten seconds.
constexpr double kLongest = 5;
constexpr Duration kAwhile = std::chrono::milliseconds(50);

constexpr Field kFields[] = {
    {.name = "after",
     .type = FieldType::duration,
     .help = "How long a connection lives until it is reset; those that have lived longer are "
             "reset at once.",
     .otherwise = "0s",
     .most = kLongest}};

// Whether a connection is reset within that time, and none: nothing has become of it.
Result<bool> is_reset(const Descriptor& connection, Duration within, const DeedContext& context) {
  Until until = context.until;
  until.deadline = std::min(until.deadline, context.doors.clock.in(within));
  const auto ready = wait_for(connection.get(), POLLIN, context.doors.clock, until);
  if (!ready && ready.error().code == ErrorCode::timed_out) return false;
  if (!ready) return std::unexpected(ready.error());
  char byte = 0;
  return recv(connection.get(), &byte, 1, MSG_PEEK) < 0 && errno == ECONNRESET;
}

Result<Json> measure(const LinkInForce& link, const Json&, const DeedContext& context) {
  TRY(trial, try_link(link, context));
  TRY(reset, is_reset(trial.near, kAwhile, context));
  return Json::object({{"reset", reset}});
}

// Both ends of the one connection are ours, so that nobody but the link resets it; the other one
// leads to upstream beside the link.
Result<Shown> look(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  constexpr Duration kPatience = std::chrono::seconds(7);
  constexpr Duration kLate = std::chrono::milliseconds(300);  // an upstream on a busy machine
  if (link.before.boolean("reset", false)) return Shown{false, "has reset connections before", {}};
  TRY(direct, connect_to(link.to, context));
  TRY(trial, try_link(link, context));
  TRY(reset, is_reset(trial.near, kPatience, context));
  const Duration lived = context.doors.clock.now().boot - trial.begun;
  TRY(direct_too, is_reset(direct, kLate, context));
  Shown shown;
  shown.held = reset && !direct_too && seconds(lived) >= toxic.number("after_s", 0);
  shown.text = !reset       ? "does not reset a connection"
               : direct_too ? "leads to what resets connections anyway"
                            : "reset a connection after " + gameday::shown(lived);
  shown.facts = Json::object({{"held", shown.held},
                              {"reset", reset},
                              {"lived_s", seconds(lived)},
                              {"direct_reset", direct_too}});
  return shown;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  return prepare_toxic(deed, Json::object({{"after_s", seconds_of(deed, "after")}}), measure,
                       context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow reset_fault;
const FaultRow reset_fault{.name = "reset",
                           .summary = "Ends the connections of a link with a TCP reset.",
                           .fields = kFields,
                           .facet = "link",
                           .reversal = Reversal::exact,
                           .effect = Effect::cuts,
                           .rights = "the links' proxies run as the same user",
                           .example = "- { fault: reset, region: eu-west, for: 5s }",
                           .prepare = prepare,
                           .inject = add_toxic,
                           .prove = prove,
                           .undo = remove_toxic,
                           .gone = toxic_gone,
                           .close = nullptr,
                           .renew = renew_toxic};

}  // namespace gameday
