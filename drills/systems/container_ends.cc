#include "drills/systems/container_ends.h"

#include <algorithm>

namespace gameday {
namespace {

// What goes out leaves through its own interfaces, what comes in through their other ends.
Result<std::vector<Shaped>> ends_of(const HeldContainer& held, const Shaped& like,
                                    const std::string& direction, const DeedContext& context) {
  TRY(machine, netns_of_engine(held.endpoint));
  TRY(own, interfaces_in(like.netns.path, context));
  TRY(others, interfaces_in(machine.path, context));
  std::vector<Shaped> ends;
  for (const auto& interface : own) {
    Shaped end = like;
    end.interface = interface;
    if (direction != "in") ends.push_back(end);
    if (direction == "out") continue;
    const auto other = std::ranges::find_if(others, [&](const Interface& one) {
      return interface.peer != 0 && one.index == interface.peer && one.peer == interface.index;
    });
    if (other == others.end()) {
      return fail(ErrorCode::unsupported,
                  "the other end of interface " + interface.name + " of " + shown(held) +
                      " is not where its engine is: what comes in cannot be slowed there",
                  "`direction: out`");
    }
    end.netns = machine;
    end.interface = *other;
    ends.push_back(std::move(end));
  }
  if (ends.empty()) {
    return fail(ErrorCode::refused, shown(held) + " has no network interface to be slowed");
  }
  return ends;
}

}  // namespace

Json to_json(const ContainerEnds& slowed) {
  return to_json(slowed.held).set("ends", to_json(slowed.ends));
}

Result<ContainerEnds> container_ends_from(const Json& value) {
  TRY(held, held_container_from(value));
  TRY(ends, shaped_ends_from(value.get("ends")));
  return ContainerEnds{std::move(held), std::move(ends)};
}

Result<ContainerEnds> find_container_ends(const Deed& deed, Shaped like,
                                          const DeedContext& context) {
  TRY(held, keep_container(deed, false, context));
  TRY(engine, engine_of(held, context));
  TRY(now, still_held(held, engine, context));
  TRY(netns, netns_of(held, now));
  TRY(together, others_in_network_of({now}, engine, context));
  if (!together.empty()) {
    return fail(ErrorCode::refused, together + ": one cannot be slowed without the other");
  }
  like.netns = std::move(netns);
  like.handle = handle_of(context.mark);
  TRY(ends, ends_of(held, like, deed.arguments.text("direction", "both"), context));
  for (const auto& end : ends) TRY_OK(may_shape(end, context));
  return ContainerEnds{std::move(held), std::move(ends)};
}

Status shape_ends(const ContainerEnds& slowed, const DeedContext& context) {
  TRY(engine, engine_of(slowed.held, context));
  TRY_OK(still_held(slowed.held, engine, context));
  return shape_each(slowed.ends, context);
}

Status unshape_ends(const Undo& undo, const DeedContext& context) {
  TRY(slowed, container_ends_from(undo.arguments));
  return unshape_each(slowed.ends, context);
}

Result<Proof> ends_gone(const Undo& undo, const DeedContext& context) {
  TRY(slowed, container_ends_from(undo.arguments));
  return each_gone(slowed.ends, shown(slowed.held), context);
}

}  // namespace gameday
