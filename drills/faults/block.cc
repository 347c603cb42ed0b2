// Cuts every link of a region at its proxy. Bytes under way are held back, not lost, and arrive
// when the cut ends, as they do when packets are dropped and sent again.
#include "drills/systems/link_toxic.h"

namespace gameday {
namespace {

constexpr Duration kLongEnoughToJoin = std::chrono::milliseconds(100);

// What passed the proxy so far; equal before and after means that nothing did.
struct Passed {
  std::int64_t joined, up, down;
  bool operator==(const Passed&) const = default;
};

Result<Passed> passed(const LinkInForce& link, const DeedContext& context) {
  TRY(status, ask_link(link, Json::object({{"op", "status"}}), context));
  return Passed{status.integer("upstream_connects", -1), status.integer("bytes_up", -1),
                status.integer("bytes_down", -1)};
}

// A connection of our own is accepted and not joined, although upstream is there to be reached
// beside the proxy. A handshake under way when the block came may still end once.
Result<bool> cut(const LinkInForce& link, const DeedContext& context) {
  constexpr int kMostLooks = 3;
  for (int look = 0; look < kMostLooks; ++look) {
    TRY(before, passed(link, context));
    TRY(own, connect_to(link.listen, context));
    TRY_OK(context.doors.clock.pause(kLongEnoughToJoin, context.until));
    TRY(after, passed(link, context));
    if (before == after) return true;
  }
  return false;
}

Result<Shown> look(const LinkInForce& link, const Json&, const DeedContext& context) {
  TRY(is_cut, cut(link, context));
  return Shown{is_cut, is_cut ? "passes nothing on" : "still passes traffic on", {}};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  return prepare_toxic(deed, Json::object(), nullptr, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow block_fault;
const FaultRow block_fault{.name = "block",
                           .summary = "Cuts every link of a region; nothing passes either way.",
                           .fields = {},
                           .facet = "link",
                           .reversal = Reversal::exact,
                           .effect = Effect::cuts,
                           .holds_data = false,
                           .rights = "the links' proxies run as the same user",
                           .example = "- { fault: block, region: eu-west, for: 5s }",
                           .prepare = prepare,
                           .inject = add_toxic,
                           .prove = prove,
                           .undo = remove_toxic,
                           .gone = toxic_gone,
                           .close = nullptr,
                           .renew = renew_toxic};

}  // namespace gameday
