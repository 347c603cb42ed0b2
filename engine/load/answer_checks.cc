#include "engine/load/answer_checks.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

// Whatever an answer with that status means, where nothing is said of it.
SampleOutcome outcome_of(int status) {
  return status >= 200 && status < 300 ? SampleOutcome::ok : SampleOutcome::refused;
}

std::string in_quotes(const std::string& text) { return "'" + text + "'"; }

}  // namespace

void HeardAnswer::clear() {
  status = 0;
  headers.clear();
  // What was large once would stay as large on each connection.
  constexpr std::size_t kLarge = 16384;
  if (body.capacity() > kLarge) std::string().swap(body);
  body.clear();
  cut = false;
}

void HeardAnswer::add(std::string_view piece) {
  const std::size_t room = AnswerChecks::kMostBody - body.size();
  cut = cut || piece.size() > room;
  body += piece.substr(0, room);
}

AnswerChecks::AnswerChecks(const Json& expect, std::uint16_t first)
    : first_(first), looks_at_body_(looks_at_body(expect)) {
  const auto forms = wanted_statuses(expect, "2xx");
  for (const auto& form : forms) {
    const auto range = statuses_of(form);
    GD_ASSERT(range);
    statuses_.push_back(*range);
  }
  names_.push_back("status " + join(forms, " or "));
  if (const Json& wanted = expect.get("headers"); wanted.is_object()) {
    for (const auto& [name, value] : wanted.members()) {
      headers_.push_back({lower(name), plain_text(value)});
      names_.push_back("header " + name + " contains " + in_quotes(headers_.back().text));
    }
  }
  add_body(expect);
  if (const Json& wanted = expect.get("json"); wanted.is_object()) {
    for (const auto& [pointer, value] : wanted.members()) {
      auto comparison = comparison_of(value);
      GD_ASSERT(comparison);
      names_.push_back("json " + pointer + " " + comparison->shown());
      json_.push_back({pointer, std::move(*comparison)});
    }
  }
}

void AnswerChecks::add_body(const Json& expect) {
  const auto add = [&](const char* name, BodyCheck check) {
    const Json* text = expect.find(name);
    if (text == nullptr) return;
    bodies_.emplace_back(check, text->text());
    names_.push_back(std::string(name) + " " + in_quotes(text->text()));
  };
  add("body_contains", BodyCheck::contains);
  add("body_lacks", BodyCheck::lacks);
  add("body_equals", BodyCheck::equals);
}

bool AnswerChecks::look_at(std::string_view header) const {
  const auto same = [&](const HeaderCheck& check) {
    return check.name.size() == header.size() && check.name == lower(header);
  };
  return std::ranges::any_of(headers_, same);
}

bool AnswerChecks::body_holds(std::size_t check, const HeardAnswer& answer) const {
  const auto& [kind, text] = bodies_[check];
  switch (kind) {
    case BodyCheck::contains: return answer.body.contains(text);
    case BodyCheck::lacks: return !answer.cut && !answer.body.contains(text);
    case BodyCheck::equals: return !answer.cut && answer.body == text;
  }
  return false;
}

// Its place among the names; as many as there are: all hold.
std::size_t AnswerChecks::first_failed(const HeardAnswer& answer) const {
  std::size_t number = 0;
  const auto of_status = [&](const StatusRange& range) { return range.holds(answer.status); };
  if (std::ranges::none_of(statuses_, of_status)) return number;
  ++number;
  for (const HeaderCheck& check : headers_) {
    const auto has = [&](const auto& header) {
      return header.first == check.name && header.second.contains(check.text);
    };
    if (std::ranges::none_of(answer.headers, has)) return number;
    ++number;
  }
  for (std::size_t i = 0; i < bodies_.size(); ++i, ++number) {
    if (!body_holds(i, answer)) return number;
  }
  if (json_.empty()) return number;
  const auto body = Json::parse(answer.body);
  for (const JsonCheck& check : json_) {
    const Json* there = body && !answer.cut ? body->at_pointer(check.pointer) : nullptr;
    if (there == nullptr || !check.comparison.holds(*there)) return number;
    ++number;
  }
  return number;
}

Judged AnswerChecks::judged(const HeardAnswer& answer) const {
  const std::size_t failed = first_failed(answer);
  if (failed == names_.size()) return {};
  return {failed == 0 ? SampleOutcome::refused : SampleOutcome::wrong,
          static_cast<std::uint16_t>(first_ + failed)};
}

Judged judged(const AnswerChecks* checks, const HeardAnswer& answer) {
  return checks != nullptr ? checks->judged(answer) : Judged{outcome_of(answer.status)};
}

}  // namespace gameday
