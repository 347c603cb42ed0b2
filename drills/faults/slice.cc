// Bytes are passed on in small pieces with a pause between them, so that whoever reads sees its
// messages come in parts.
#include "drills/systems/link_toxic.h"
#include "engine/base/units.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "size",
     .type = FieldType::size,
     .help = "The largest piece that is passed on at once.",
     .required = true,
     .least = 1,
     .most = 64 << 10},
    {.name = "pause",
     .type = FieldType::duration,
     .help = "The pause after each piece; without one the pieces would be joined again on the way.",
     .otherwise = "10ms",
     .least = 0.001,
     .most = 1},
    kDirection};

// So many that the pauses between them are 200 ms: what a busy reader misses of that is little.
int pieces(const Json& toxic) {
  constexpr double kAllPauses = 0.2;
  constexpr double kFewest = 3;
  constexpr double kMost = 64;
  return static_cast<int>(std::clamp(kAllPauses / toxic.number("pause_s", 1), kFewest, kMost)) + 1;
}

std::size_t trial_size(const Json& toxic) {
  return static_cast<std::size_t>(pieces(toxic) * toxic.integer("size", 1));
}

Result<Json> measure(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  TRY(crossing, cross(link, trial_size(toxic), context));
  return to_json(crossing);
}

// The pauses are seen by how long it takes from the first piece to the last.
bool is_in_pieces(const Passing& before, const Passing& now, const Json& toxic) {
  const double pauses = toxic.number("pause_s", 0) * (pieces(toxic) - 1);
  return seconds(now.last - now.first) >= pauses * 0.6 &&
         seconds(before.last - before.first) < pauses * 0.4;
}

std::string in_words(const Passing& passing) {
  return std::to_string(passing.bytes) + " bytes over " + shown(passing.last - passing.first) +
         ", at most " + std::to_string(passing.largest_read) + " in a read";
}

Result<Shown> look(const LinkInForce& link, const Json& toxic, const DeedContext& context) {
  return look_by_crossing(link, trial_size(toxic), {is_in_pieces, in_words}, toxic, context);
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Json toxic = Json::object({{"size", bytes_of(deed, "size")},
                                   {"pause_s", seconds_of(deed, "pause")},
                                   {"direction", deed.arguments.text("direction", "both")}});
  return prepare_toxic(deed, toxic, measure, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return prove_toxic(undo, look, context);
}

}  // namespace

extern const FaultRow slice_fault;
const FaultRow slice_fault{
    .name = "slice",
    .summary = "Passes bytes on in small pieces with pauses between them.",
    .fields = kFields,
    .facet = "link",
    .reversal = Reversal::exact,
    .effect = Effect::slows,
    .rights = "the links' proxies run as the same user",
    .example = "- { fault: slice, link: west-to-store, size: 200B, pause: 5ms, for: 5s }",
    .prepare = prepare,
    .inject = add_toxic,
    .prove = prove,
    .undo = remove_toxic,
    .gone = toxic_gone,
    .close = nullptr,
    .renew = renew_toxic};

}  // namespace gameday
