// What a load fills in for each of its requests, by names in braces: {key}, {random:1..100},
// {data.user}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

struct RequestSlot {
  enum class Kind { drill, key, digest, seq, uuid, random, data };
  Kind kind = Kind::key;
  std::int64_t from = 0, to = 0;  // random: both among what it may be
  std::string column;             // data
};

// What the text between braces stands for. Nothing: no name of these, so that it stays as it is.
// An error: it begins as one of them, and cannot be one.
[[nodiscard]] Result<std::optional<RequestSlot>> request_slot(std::string_view name);

// A text in which such names stand, part by part; "{{" is a brace.
struct SlotPart {
  std::string text;  // as it stands; of a slot, its name
  std::optional<RequestSlot> slot = {};
};
// What is wrong with a slot is left as text.
[[nodiscard]] std::vector<SlotPart> slot_parts(std::string_view pattern);

// The first thing that is wrong with a slot in it; empty: nothing.
[[nodiscard]] std::string wrong_slot_in(std::string_view pattern);

}  // namespace gameday
