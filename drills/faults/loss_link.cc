// A share of what passes a link is lost, as TCP shows that to programs: a chunk of bytes comes 200
// ms later or more, and what was sent behind it waits; a connection is joined a second later.
#include <algorithm>
#include <cmath>

#include "drills/systems/link_toxic.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "share",
     .type = FieldType::percent,
     .help =
         "How many of the chunks are lost, each by chance alone; each comes again after 200 ms, "
         "or after twice as long each time that it is lost again.",
     .required = true,
     .least = 0.01,
     .most = 0.5},
    kDirection};

// One by one, until so many were late that chance alone is out of the question.
struct Rounds {
  int tried = 0;
  int late = 0;
};

// One could be late because this machine is busy.
constexpr int kClear = 2;
constexpr Duration kLate = std::chrono::milliseconds(150);  // of the 200 of one that was lost

// So many chunks that not one of them is lost by chance once in a million times.
int enough(double share) {
  return static_cast<int>(std::ceil(std::log(1e-6) / std::log1p(-share)));
}

Result<Rounds> rounds(int from, int to, int most, const DeedContext& context) {
  const Clock& clock = context.doors.clock;
  Rounds seen;
  while (seen.tried < most && seen.late < kClear) {
    const Instant sent = clock.now().boot;
    if (!send_byte(from)) return fail(ErrorCode::failed, "a connection of ours was broken off");
    TRY_OK(receive_byte(to, context));
    ++seen.tried;
    if (clock.now().boot - sent >= kLate) ++seen.late;
  }
  return seen;
}

Json to_json(const Rounds& rounds) {
  return Json::object({{"tried", rounds.tried}, {"late", rounds.late}});
}

Result<Json> try_both(const LinkInForce& link, const Json& toxic, int most,
                      const DeedContext& context) {
  TRY(joined, join_through(link, context));
  const std::string direction = toxic.text("direction");
  Json seen = Json::object();
  if (direction != "down") {
    TRY(up, rounds(joined.near.get(), joined.far.get(), most, context));
    seen.set("up", to_json(up));
  }
  if (direction != "up") {
    TRY(down, rounds(joined.far.get(), joined.near.get(), most, context));
    seen.set("down", to_json(down));
  }
  return seen;
}

// Before, a few tell: a link that loses that much by itself is not ours to be taken for.
Result<Json> measure(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  constexpr int kFew = 50;
  return try_both(link, toxic, std::min(kFew, enough(toxic.number("share", 0))), context);
}

std::string in_words(const Json& seen) {
  return std::to_string(seen.integer("late", 0)) + " of " +
         std::to_string(seen.integer("tried", 0)) + " bytes late";
}

Result<Shown> look(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  const auto tried = try_both(link, toxic, enough(toxic.number("share", 0)), context);
  if (!tried && tried.error().code == ErrorCode::timed_out) {
    return Shown{false, "passes too little for its loss to be seen", {}};
  }
  TRY(now, tried);
  Shown shown{true, "", Json::object({{"held", true}, {"before", link.before}, {"now", now}})};
  for (const auto& [direction, seen] : now.members()) {
    const Json& before = link.before.get(direction);
    const bool lossless = before.is_object() && before.integer("late", 0) == 0;
    shown.held = shown.held && lossless && seen.integer("late", 0) >= kClear;
    shown.text += (shown.text.empty() ? "passes " : "; ") + direction + " " + in_words(seen) +
                  ", before " + (before.is_object() ? in_words(before) : "unknown");
  }
  shown.facts.set("held", shown.held);
  return shown;
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Json toxic = Json::object({{"share", percent_in(deed.arguments, "share").value_or(0)},
                                   {"direction", deed.arguments.text("direction", "both")}});
  return prepare_toxic(deed, toxic, measure, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow loss_link_fault;
const FaultRow loss_link_fault{
    .name = "loss-link",
    .summary = "Loses a share of what passes a link, as a line that is bad does.",
    .fields = kFields,
    .facet = "link",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "the links' proxies run as the same user",
    .example = "- { fault: loss-link, link: west-to-store, share: 20%, for: 5s }",
    .prepare = prepare,
    .inject = add_toxic,
    .prove = prove,
    .undo = remove_toxic,
    .gone = toxic_gone,
    .close = nullptr,
    .renew = renew_toxic,
    .as = "loss",
    .takes_region = true};

}  // namespace gameday
