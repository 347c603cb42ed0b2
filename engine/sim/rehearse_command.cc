#include "engine/sim/rehearse_command.h"

#include "engine/journal/chain.h"
#include "engine/sim/invariants.h"

namespace gameday {
namespace {

Json reasons_of(const Rehearsal& rehearsal) {
  if (const Json* measured = rehearsal.document.find("reasons")) return *measured;
  Json reasons = Json::array();
  const std::string text =
      rehearsal.message.empty() ? "the drill was taken over" : rehearsal.message;
  reasons.push(Json::object({{"code", rehearsal.exit_code}, {"text", text}}));
  for (const auto& residue : rehearsal.replay_residue) {
    reasons.push(Json::object({{"code", 5}, {"text", residue}}));
  }
  return reasons;
}

std::string text_of(const Rehearsal& rehearsal, const std::vector<Broken>& broken) {
  std::string text = "seed " + std::to_string(rehearsal.seed) + ": " + rehearsal.verdict + " (" +
                     std::to_string(rehearsal.exit_code) + "), " +
                     std::to_string(rehearsal.journal.size()) + " events\n";
  if (!rehearsal.failures.told.empty()) text += "  failing: " + rehearsal.failures.told + "\n";
  const Json reasons = reasons_of(rehearsal);
  for (const auto& reason : reasons.items()) {
    text += "  " + reason.text("text") + "\n";
  }
  for (const auto& [invariant, how] : broken) {
    text += "  BROKEN " + std::string(invariant) + ": " + how + "\n";
  }
  return text;
}

std::string journal_of(const Rehearsal& rehearsal) {
  std::string bytes;
  for (const auto& line : rehearsal.journal) bytes += line + "\n";
  return bytes;
}

}  // namespace

Json to_json(const Rehearsal& rehearsal, const Playbook& playbook, const std::string& version) {
  const bool empty = rehearsal.journal.empty();
  const std::string head = empty ? std::string(kChainStart) : hash_of(rehearsal.journal.back());
  Json out = Json::object(
      {{"gameday", "1"},
       {"version", version},
       {"rehearsal", true},
       {"drill", rehearsal.drill},
       {"environment", playbook.environment},
       {"seed", rehearsal.seed},
       {"playbook", Json::object({{"name", playbook.name}, {"sha256", playbook.sha256}})},
       {"verdict", rehearsal.verdict},
       {"exit_code", rehearsal.exit_code},
       {"reasons", reasons_of(rehearsal)}});
  if (rehearsal.document.is_object()) {
    for (const auto& [name, value] : rehearsal.document.members()) {
      if (out.find(name) == nullptr) out.set(name, value);
    }
  }
  out.set("events", rehearsal.journal.size());
  out.set("evidence",
          Json::object(
              {{"events", rehearsal.journal.size()}, {"head", head}, {"anchored", "rehearsal"}}));
  return out;
}

Result<Rehearsed> rehearse_seeds(const RehearseTerms& terms, const Rows& rows) {
  RehearsalOptions options;
  options.version = terms.version;
  options.draw_failures = terms.failures;
  options.rubric = terms.rubric;
  Rehearsed all;
  all.exit_code = 0;
  Json list = Json::array();
  for (std::uint64_t i = 0; i < terms.count; ++i) {
    TRY(one, rehearse(terms.playbook, rows, terms.seed + i, options));
    const auto broken = broken_invariants(one, *terms.playbook);
    // A rehearsal that breaks a promise of ours has found a defect, whatever its verdict.
    const int code = broken.empty() ? one.exit_code : 70;
    if (all.exit_code == 0) all.exit_code = code;
    all.text += text_of(one, broken);
    Json document = to_json(one, *terms.playbook, terms.version);
    if (terms.count == 1) {
      all.files = {{"journal.jsonl", journal_of(one)},
                   {"result.json", document.pretty() + "\n"},
                   {"playbook.yaml", terms.playbook->source}};
      all.document = std::move(document);
    } else {
      list.push(std::move(document));
    }
  }
  if (terms.count != 1) {
    all.document = Json::object({{"gameday", "1"}, {"rehearsals", std::move(list)}});
  }
  return all;
}

}  // namespace gameday
