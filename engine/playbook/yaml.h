// The YAML of a playbook as a tree of our own, in which scalars are still text: what `no` or `010`
// mean is for the type of the field that reads them. Never fills in, converts or drops anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/problem.h"

namespace gameday {

struct Entry;

struct Node {
  enum class Kind { empty, scalar, sequence, mapping };
  Kind kind = Kind::empty;  // empty: nothing written, `~` or `null`
  std::string text;         // of a scalar
  bool was_quoted = false;  // "5" is a text, 5 may be a number
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order written; no key stands twice
  Place place;

  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::sequence; }
  [[nodiscard]] bool is_mapping() const { return kind == Kind::mapping; }
  [[nodiscard]] const Entry* find(std::string_view key) const;  // null: not there, or no mapping
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

// Bounds that keep a hostile file from taking the machine's memory.
inline constexpr std::size_t kLargestPlaybook = 1 << 20;  // bytes
inline constexpr std::size_t kMostNodes = 100'000;        // aliases expanded
inline constexpr std::size_t kMostText = 16 << 20;        // bytes of scalars, aliases expanded
inline constexpr std::size_t kMostKeys = 1000;            // of one mapping
inline constexpr int kDeepest = 32;

// One document of UTF-8, or nothing and the reason in `problems`. Duplicate keys, tags, cyclic
// aliases and keys that are no scalars are problems.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view source, Problems& problems);

// "a mapping", "a list", "empty" or the scalar in ticks, for messages.
[[nodiscard]] std::string what_is(const Node& node);

}  // namespace gameday
