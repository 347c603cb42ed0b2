#include "engine/playbook/request_slots.h"

#include <array>
#include <charconv>

namespace gameday {
namespace {

struct PlainSlot {
  std::string_view name;
  RequestSlot::Kind kind;
};
constexpr std::array kPlain{
    PlainSlot{"drill", RequestSlot::Kind::drill}, PlainSlot{"key", RequestSlot::Kind::key},
    PlainSlot{"digest", RequestSlot::Kind::digest}, PlainSlot{"seq", RequestSlot::Kind::seq},
    PlainSlot{"uuid", RequestSlot::Kind::uuid}};
constexpr std::string_view kRandom = "random:";
constexpr std::string_view kData = "data.";

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::optional<RequestSlot>> random_slot(std::string_view name) {
  const auto range = name.substr(kRandom.size());
  const auto dots = range.find("..");
  const auto from = whole(range.substr(0, dots));
  const auto to = dots == std::string_view::npos ? std::nullopt : whole(range.substr(dots + 2));
  constexpr std::int64_t kFarthest = 1'000'000'000'000'000;
  const bool good = from && to && *from <= *to && *from >= -kFarthest && *to <= kFarthest;
  if (!good) {
    return fail(ErrorCode::invalid, "`{" + std::string(name) +
                                        "}`: expected two whole numbers, the lower one first, "
                                        "like {random:1..100}");
  }
  return RequestSlot{RequestSlot::Kind::random, *from, *to, {}};
}

// Calls `on_text` with what stands as it is and `on_name` with what stands between braces, which
// says whether it takes that.
template <class OnText, class OnName>
void walk(std::string_view pattern, OnText on_text, OnName on_name) {
  while (!pattern.empty()) {
    const bool brace = pattern.starts_with("{{");
    const auto end = pattern.front() == '{' && !brace ? pattern.find('}') : std::string_view::npos;
    if (end != std::string_view::npos && on_name(pattern.substr(1, end - 1))) {
      pattern.remove_prefix(end + 1);
      continue;
    }
    on_text(pattern.front());
    pattern.remove_prefix(brace ? 2 : 1);
  }
}

}  // namespace

Result<std::optional<RequestSlot>> request_slot(std::string_view name) {
  for (const auto& plain : kPlain) {
    if (plain.name == name) return RequestSlot{plain.kind, 0, 0, {}};
  }
  if (name.starts_with(kRandom)) return random_slot(name);
  if (!name.starts_with(kData)) return std::nullopt;
  return RequestSlot{RequestSlot::Kind::data, 0, 0, std::string(name.substr(kData.size()))};
}

std::vector<SlotPart> slot_parts(std::string_view pattern) {
  std::vector<SlotPart> parts;
  const auto text = [&](char c) {
    if (parts.empty() || parts.back().slot) parts.emplace_back();
    parts.back().text += c;
  };
  walk(pattern, text, [&](std::string_view name) {
    auto slot = request_slot(name);
    if (!slot || !*slot) return false;
    parts.push_back({std::string(name), std::move(**slot)});
    return true;
  });
  return parts;
}

std::string wrong_slot_in(std::string_view pattern) {
  std::string wrong;
  walk(
      pattern, [](char) {},
      [&](std::string_view name) {
        const auto slot = request_slot(name);
        if (!slot && wrong.empty()) wrong = slot.error().text;
        return slot && *slot;
      });
  return wrong;
}

}  // namespace gameday
