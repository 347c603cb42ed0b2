#include "engine/playbook/invariants.h"

#include <algorithm>
#include <optional>

#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/decode.h"
#include "engine/playbook/problem.h"

namespace gameday {
namespace {

// "-12.50" as one and the same number is written in one way alone: "-12.5"; nothing for what is
// not written so. A double would take two totals of seventeen digits for one.
std::optional<std::string> plain_decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto rest = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (!digits(whole) || (point != std::string_view::npos && !digits(rest))) return std::nullopt;
  rest = rest.substr(0, rest.find_last_not_of('0') + 1);
  std::string plain(whole.substr(std::min(whole.find_first_not_of('0'), whole.size() - 1)));
  if (!rest.empty()) plain += "." + std::string(rest);
  return negative && plain != "0" ? "-" + plain : plain;
}

// Nothing: at least one of them is no decimal number.
std::optional<bool> same_decimal(std::string_view one, std::string_view other) {
  const auto plain = plain_decimal(one), another = plain_decimal(other);
  if (!plain || !another) return std::nullopt;
  return *plain == *another;
}

bool same(const Datum& now, const Datum& begun) {
  if (now.is_number != begun.is_number) return false;
  if (now.text == begun.text) return true;
  return now.is_number && same_decimal(now.text, begun.text).value_or(false);
}

bool as_expected(const Comparison& expected, const Datum& value) {
  using enum Comparison::Op;
  const auto number = value.is_number ? number_in(value.text) : std::nullopt;
  if (!number) return expected.holds(Json(value.text));
  const bool by_digits = expected.number && (expected.op == equal || expected.op == unequal);
  const auto equals = by_digits ? same_decimal(value.text, expected.text) : std::nullopt;
  if (equals) return *equals == (expected.op == equal);
  return expected.holds(*number);
}

// On one line: it goes into reasons.
std::string in_one_line(std::string_view raw) {
  constexpr std::size_t kLongest = 400;
  std::string line = valid_utf8(raw.substr(0, kLongest));
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
  return std::string(trimmed(line));
}

Result<Datum> read(const InvariantSpec& invariant, const AskDatum& ask, DeedContext context) {
  constexpr std::size_t kLongest = 200;
  const Instant deadline = context.doors.clock.in(invariant.timeout);
  const bool own = deadline < context.until.deadline;
  context.until.deadline = std::min(context.until.deadline, deadline);
  auto value = ask(invariant.sql, context);
  if (!value && own && value.error().code == ErrorCode::timed_out) {
    return fail(ErrorCode::timed_out, "no answer within " + shown(invariant.timeout));
  }
  if (!value) return value;
  if (value->text.size() > kLongest || has_control(value->text) || !is_utf8(value->text)) {
    return fail(ErrorCode::invalid, "its value is no number and no short text");
  }
  return value;
}

void judge(const InvariantSpec& invariant, const DeedContext& context, bool first,
           InvariantSeen& seen) {
  if (invariant.is != kUnchanged) {
    const auto expected = parse_comparison(invariant.is);
    if (expected) seen.must = expected->shown();
    seen.holds = expected && !seen.value.is_null && as_expected(*expected, seen.value);
    return;
  }
  if (first) {
    seen.holds = !seen.value.is_null;
    return;
  }
  const auto begun = std::ranges::find_if(context.begun, [&](const InvariantSeen& one) {
    return one.target == invariant.target && one.name == invariant.name && one.holds;
  });
  if (begun == context.begun.end()) {
    seen.problem = "what it was when the drill began is not known";
    return;
  }
  seen.must += ": " + begun->value.text;
  seen.holds = !seen.value.is_null && same(seen.value, begun->value);
}

}  // namespace

std::vector<InvariantSpec> invariants_of(const Target& target) {
  std::vector<InvariantSpec> found;
  if (!target.facets.is_object()) return found;
  for (const auto& [facet, fields] : target.facets.members()) {
    for (const auto& one : fields.items(kInvariants)) {
      found.push_back({target.name, facet, one.text("name"), one.text("sql"), one.text("is"),
                       duration_in(one, "timeout").value_or(std::chrono::seconds(10))});
    }
  }
  return found;
}

std::vector<InvariantSpec> invariants_of(const System& system) {
  std::vector<InvariantSpec> found;
  for (const auto& target : system.targets) {
    for (auto& one : invariants_of(target)) found.push_back(std::move(one));
  }
  return found;
}

std::string invariants_problem(const Target& target) {
  std::vector<std::string> names;
  for (const InvariantSpec& one : invariants_of(target)) {
    if (auto problem = name_problem(one.name); !problem.empty()) return problem;
    if (std::ranges::find(names, one.name) != names.end()) {
      return "two invariants are called " + one.name;
    }
    if (trimmed(one.sql).empty()) return "the invariant " + one.name + " has no statement";
    // As letters no number would ever be that.
    if (one.is.starts_with('=') && !one.is.starts_with("==")) {
      return "the invariant " + one.name + ": " + quoted(one.is) + " is no comparison: `==` is";
    }
    names.push_back(one.name);
  }
  return "";
}

std::vector<InvariantSeen> read_invariants(const Target& target, std::string_view facet,
                                           const AskDatum& ask, const DeedContext& context,
                                           bool first) {
  std::vector<InvariantSeen> all;
  for (const InvariantSpec& invariant : invariants_of(target)) {
    if (invariant.facet != facet) continue;
    InvariantSeen seen{.target = target.name, .name = invariant.name, .must = invariant.is};
    const auto value = read(invariant, ask, context);
    if (value) {
      seen.value = *value;
      judge(invariant, context, first, seen);
    } else {
      seen.problem = in_one_line(value.error().text);
    }
    all.push_back(std::move(seen));
  }
  return all;
}

Result<std::vector<InvariantSeen>> read_restored(const Target& target, std::string_view facet,
                                                 const AskDatum& ask, const DeedContext& context) {
  auto seen = read_invariants(target, facet, ask, context);
  if (seen.empty()) return seen;
  const std::string over = " while the invariants of what came back were read";
  if (context.until.stop.requested()) return fail(ErrorCode::stopped, "stopped" + over);
  if (context.doors.clock.now().boot >= context.until.deadline) {
    return fail(ErrorCode::timed_out, "the restore's deadline came" + over);
  }
  return seen;
}

bool all_hold(const std::vector<InvariantSeen>& seen) {
  return std::ranges::all_of(seen, &InvariantSeen::holds);
}

void add_invariants(Restored& restored, std::vector<InvariantSeen> seen) {
  for (const InvariantSeen& one : seen) {
    if (one.holds) continue;
    restored.verified = false;
    restored.text += (restored.text.empty() ? "" : "; ") + shown(one);
  }
  restored.invariants = std::move(seen);
}

}  // namespace gameday
