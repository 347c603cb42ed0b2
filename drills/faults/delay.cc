// Every chunk of bytes on a link arrives later than it would, in its order; so does the joining of
// new connections. Both directions together make a round trip longer by twice the latency.
#include "drills/systems/link_toxic.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

// A proof waits for a connection to be joined and then for a byte each way, and has ten seconds.
constexpr double kLongest = 3;

constexpr Field kFields[] = {
    {.name = "latency",
     .type = FieldType::duration,
     .help = "How much later each chunk of bytes arrives, each way.",
     .required = true,
     .least = 0.001,
     .most = kLongest},
    {.name = "jitter",
     .type = FieldType::duration,
     .help = "Up to so much on top, drawn for each chunk; their order stays.",
     .otherwise = "0s",
     .most = 1},
    kDirection};

Result<Json> measure(const LinkInForce& link, const Json&, const DeedContext& context) {
  TRY(crossing, cross(link, 1, context));
  return to_json(crossing);
}

// A machine that is busy is so before and now; half of the latency is more than that makes out.
bool is_later(const Passing& before, const Passing& now, const Json& toxic) {
  return seconds(now.first - before.first) >= toxic.number("latency_s", 0) / 2;
}

std::string in_words(const Passing& passing) { return "a byte in " + shown(passing.first); }

Result<Shown> look(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  return look_by_crossing(link, 1, {is_later, in_words}, toxic, context);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Json toxic = Json::object({{"latency_s", seconds_of(deed, "latency")},
                                   {"jitter_s", seconds_of(deed, "jitter")},
                                   {"direction", deed.arguments.text("direction", "both")}});
  return prepare_toxic(deed, toxic, measure, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow delay_fault;
const FaultRow delay_fault{
    .name = "delay",
    .summary = "Makes what passes a link arrive later.",
    .fields = kFields,
    .facet = "link",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "the links' proxies run as the same user",
    .example = "- { fault: delay, link: west-to-store, latency: 100ms, for: 5s }",
    .prepare = prepare,
    .inject = add_toxic,
    .prove = prove,
    .undo = remove_toxic,
    .gone = toxic_gone,
    .close = nullptr,
    .renew = renew_toxic};

}  // namespace gameday
