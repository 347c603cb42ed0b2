// What a queue does to its messages for a while, under the deed's mark (queue.h: POST /disturb):
// the faults that duplicate, delay and reorder differ in their terms alone. The queue's server
// holds it, counts what it hit, and ends it for good, so that a request which comes late does
// nothing.
#pragma once

#include <string>

#include "drills/systems/queue.h"

namespace gameday {

// What the queue's server says of it.
struct Disturbed {
  bool known = false;   // the server has heard of it
  bool active = false;  // it goes on
  std::int64_t seen = 0;
  std::int64_t hit = 0;
  std::int64_t delivered = 0;  // of those that were hit; of duplicates: the copies
  std::int64_t held = 0;
};
[[nodiscard]] Json to_json(const Disturbed& disturbed);
[[nodiscard]] Result<Disturbed> look_at_disturbance(const Undo& undo, const DeedContext& context);

// Begins it with `terms` ("how", "count", ...) and waits up to the deed's `within` for the first
// message that it hits. None is no error here: the proof says so.
[[nodiscard]] Status begin_disturbance(const Deed& deed, const Json& terms, const Undo& undo,
                                       const DeedContext& context);

// These stand in the rows as they are.
[[nodiscard]] Result<Undo> prepare_disturbance(const Deed& deed, const DeedContext& context);
[[nodiscard]] Status end_disturbance(const Undo& undo, const DeedContext& context);

// "3 messages", "1 message"
[[nodiscard]] std::string count_of_messages(std::int64_t count);

// The fields that all of them have.
inline constexpr Field kDisturbCount{
    .name = "count",
    .type = FieldType::integer,
    .help = "How many messages are hit at most, of those that wait and those that come.",
    .required = true,
    .least = 1,
    .most = 100000};
inline constexpr Field kDisturbShare{
    .name = "share",
    .type = FieldType::percent,
    .help = "Only that share of the messages is hit, evenly spread, until `count` is reached.",
    .otherwise = "100%",
    .least = 0.001,
    .most = 1};
inline constexpr Field kDisturbWithin{
    .name = "within",
    .type = FieldType::duration,
    .help = "How long it waits for the first message to hit: without one it is not proven.",
    .otherwise = "5s",
    .least = 0.001,
    .most = 10};

}  // namespace gameday
