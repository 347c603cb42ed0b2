// A link passes no more than so many bytes a second, evenly. All connections share them, as they
// share a line.
#include "drills/systems/link_toxic.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "bytes_per_second",
     .type = FieldType::size,
     .help = "What all connections together may pass in a second, each way.",
     .required = true,
     .least = 100,
     .most = 1e9},
    kDirection};

// What the rate passes in half a second; of a rate that is hardly one, a few megabytes.
std::size_t trial_size(const Json& toxic) {
  constexpr double kMost = 4 << 20;
  return static_cast<std::size_t>(std::min(toxic.number("bytes_per_second", 0) / 2, kMost));
}

Result<Json> measure(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  TRY(crossing, cross(link, trial_size(toxic), context));
  return to_json(crossing);
}

// At the rate, and not already before. What arrived in one read was not slowed down.
bool is_limited(const Passing& before, const Passing& now, const Json& toxic) {
  const double most = toxic.number("bytes_per_second", 0) * 1.25;
  return now.rate() > 0 && now.rate() <= most && (before.rate() == 0 || before.rate() > most);
}

std::string in_words(const Passing& passing) {
  if (passing.rate() == 0) return std::to_string(passing.bytes) + " bytes at once";
  return std::to_string(static_cast<std::int64_t>(passing.rate())) + " bytes a second";
}

Result<Shown> look(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  return look_by_crossing(link, trial_size(toxic), {is_limited, in_words}, toxic, context);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Json toxic = Json::object({{"bytes_per_second", bytes_of(deed, "bytes_per_second")},
                                   {"direction", deed.arguments.text("direction", "both")}});
  return prepare_toxic(deed, toxic, measure, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow limit_fault;
const FaultRow limit_fault{
    .name = "limit",
    .summary = "Passes no more than so many bytes a second on a link.",
    .fields = kFields,
    .facet = "link",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "the links' proxies run as the same user",
    .example = "- { fault: limit, link: west-to-store, bytes_per_second: 32KiB, for: 5s }",
    .prepare = prepare,
    .inject = add_toxic,
    .prove = prove,
    .undo = remove_toxic,
    .gone = toxic_gone,
    .close = nullptr,
    .renew = renew_toxic};

}  // namespace gameday
