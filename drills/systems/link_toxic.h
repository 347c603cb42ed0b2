// What the faults of a link have in common: a toxic of the fault's own name at each proxy, held by
// a lease that the runtime renews.
#pragma once

#include "drills/systems/link.h"
#include "drills/systems/link_trial.h"

namespace gameday {

// The field of those that can hurt one direction alone.
inline constexpr std::string_view kDirections[] = {"both", "up", "down"};
inline constexpr Field kDirection{
    .name = "direction",
    .type = FieldType::choice,
    .help = "Which bytes it hurts: up are those from client to upstream, down those back.",
    .otherwise = "both",
    .choices = kDirections};

// A field as a toxic takes it. The decoder has checked it.
[[nodiscard]] double seconds_of(const Deed& deed, std::string_view field);
[[nodiscard]] std::int64_t bytes_of(const Deed& deed, std::string_view field);

// The links that are hit; their proxies must answer. `toxic` is what is asked of them beside kind
// and mark. What `measure` (may be null) finds at a link beforehand is kept as its `before`; what
// cannot be measured in a second is not known.
using Measure = Result<Json> (*)(const LinkInForce& link, const Json& toxic,
                                 const DeedContext& context);
[[nodiscard]] Result<Undo> prepare_toxic(const Deed& deed, const Json& toxic, Measure measure,
                                         const DeedContext& context);

// These stand in a fault's row as they are.
[[nodiscard]] Status add_toxic(const Deed& deed, const Undo& undo, const DeedContext& context);
[[nodiscard]] Status renew_toxic(const Undo& undo, const DeedContext& context);
[[nodiscard]] Status remove_toxic(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> toxic_gone(const Undo& undo, const DeedContext& context);

// What one link shows.
struct Shown {
  bool held = false;
  std::string text;  // after the link's name: "passes nothing on"
  Json facts;        // none: whether it held
};
using Look = Result<Shown> (*)(const LinkInForce& link, const Json& toxic,
                               const DeedContext& context);

// Held where at every link the toxic is there, upstream can be reached beside it, and `look` says
// so. All links are looked at side by side.
[[nodiscard]] Result<Proof> prove_toxic(const Undo& undo, Look look, const DeedContext& context);

// For a `look` by a crossing: what each direction that is hurt did before, and does now.
struct Judge {
  bool (*held)(const Passing& before, const Passing& now, const Json& toxic);
  std::string (*text)(const Passing& passing);
};
[[nodiscard]] Result<Shown> look_by_crossing(const LinkInForce& link, std::size_t bytes,
                                             const Judge& judge, const Json& toxic,
                                             const DeedContext& context);

}  // namespace gameday
