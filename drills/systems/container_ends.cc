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
  Json ends = Json::array();
  for (const auto& end : slowed.ends) ends.push(to_json(end));
  return to_json(slowed.held).set("ends", std::move(ends));
}

Result<ContainerEnds> container_ends_from(const Json& value) {
  TRY(held, held_container_from(value));
  ContainerEnds slowed{std::move(held), {}};
  for (const Json& one : value.items("ends")) {
    TRY(end, shaped_from(one));
    slowed.ends.push_back(std::move(end));
  }
  if (slowed.ends.empty()) return fail(ErrorCode::corrupt, "the undo lacks a container's ends");
  return slowed;
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
  for (const auto& end : slowed.ends) TRY_OK(shape(end, context));
  return {};
}

Status unshape_ends(const Undo& undo, const DeedContext& context) {
  TRY(slowed, container_ends_from(undo.arguments));
  Status first;
  for (const auto& end : slowed.ends) {
    const auto removed = unshape(end, context);
    if (!removed && first) first = removed;
  }
  return first;
}

Result<EndsSeen> look_at_ends(const ContainerEnds& slowed, const DeedContext& context) {
  EndsSeen seen;
  for (const auto& end : slowed.ends) {
    TRY(shaping, look_at_shaping(end, context));
    seen.whole = seen.whole && shaping.there;
    seen.ends.push_back(shaping);
  }
  return seen;
}

Result<Proof> ends_gone(const Undo& undo, const DeedContext& context) {
  TRY(slowed, container_ends_from(undo.arguments));
  TRY(now, look_at_ends(slowed, context));
  const auto left = std::ranges::count_if(now.ends, &Shaping::there);
  return Proof{left == 0,
               left == 0
                   ? "no network of " + shown(slowed.held) + " is slowed by this deed"
                   : std::to_string(left) + " of this deed's queues are left on networks of " +
                         shown(slowed.held),
               Json::object({{"queues", left}})};
}

}  // namespace gameday
