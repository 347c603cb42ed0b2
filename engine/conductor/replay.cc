#include "engine/conductor/replay.h"

#include <algorithm>
#include <set>

#include "engine/conductor/plan.h"

namespace gameday {
namespace {

constexpr int kTries = 4;
constexpr Duration kFirstPause = std::chrono::milliseconds(200);

class Replay {
 public:
  Replay(Journal& journal, UndoPlace& place, const std::string& by)
      : journal_(journal), place_(place), by_(by) {}

  void undo(const OpenUndo& owed) {
    const Status status = tried(owed);
    if (done_.fenced) return;
    const std::string name = owed.kind + " on " + owed.target + " (step " + owed.step_id + ")";
    if (status) {
      done_.undone.push_back(name);
    } else {
      done_.residue.push_back(name + ": " + status.error().text +
                              "; its undo: " + to_json(owed.undo).dump());
    }
  }

  // What was still under way when the runner died may have arrived after its undo.
  void look_again(const OpenUndo& owed) {
    if (!to_look_again_.contains(owed.mark) || done_.fenced) return;
    place_.wait_until(certain_at(owed));
    const auto proof = looked(owed);
    if (done_.fenced) return;
    if (proof && proof->held) return erase(owed.undo, owed.mark);
    undo(owed);
  }

  void erase(const Undo& undo, const std::string& mark) {
    const auto status = place_.erase(undo, mark);
    const bool kept = !status && status.error().code != ErrorCode::unsupported;
    note("erased", mark, Json::object({{"kept", kept}}));
  }

  Replayed take() { return std::move(done_); }

 private:
  // After a reboot nothing of before it is under way any more.
  bool may_still_arrive(const OpenUndo& owed) {
    return owed.uncertain_until && owed.boot == place_.boot() &&
           place_.now().boot < certain_at(owed);
  }

  Instant certain_at(const OpenUndo& owed) {
    const auto abandoned = place_.abandoned();
    if (!abandoned) return *owed.uncertain_until;
    return std::min(*owed.uncertain_until, *abandoned + Deadlines::settle);
  }

  Status tried(const OpenUndo& owed) {
    Status last = fail(ErrorCode::failed, "not tried");
    for (int attempt = 1; attempt <= kTries && !done_.fenced; ++attempt) {
      last = attempt_once(owed, attempt);
      if (last) {
        if (!to_look_again_.contains(owed.mark)) erase(owed.undo, owed.mark);
        return {};
      }
      if (place_.stopped()) break;
      if (attempt < kTries) {
        place_.wait_until(place_.now().boot + kFirstPause * (1 << (attempt - 1)));
      }
    }
    return last;
  }

  Status attempt_once(const OpenUndo& owed, int attempt) {
    const Status status = place_.undo(owed);
    note("undo", owed.mark,
         Json::object({{"id", owed.step_id},
                       {"kind", owed.kind},
                       {"ok", status.has_value()},
                       {"try", attempt},
                       {"error", status ? Json() : Json(status.error().text)}}));
    if (!status || done_.fenced) return status;
    TRY(proof, looked(owed));
    if (!proof.held) return fail(ErrorCode::failed, proof.text);
    return {};
  }

  Result<Proof> looked(const OpenUndo& owed) {
    auto proof = place_.look(owed);
    const bool held = proof && proof->held;
    const bool for_now = held && may_still_arrive(owed);
    if (for_now) to_look_again_.insert(owed.mark);
    if (!for_now) to_look_again_.erase(owed.mark);
    note("gone", owed.mark,
         Json::object({{"id", owed.step_id},
                       {"kind", owed.kind},
                       {"held", held},
                       {"closes", held && !for_now},
                       {"text", proof ? proof->text : proof.error().text}}));
    return proof;
  }

  void note(std::string_view type, const std::string& mark, Json data) {
    Json whole = Json::object({{"deed", mark}, {"by", by_}});
    for (const auto& [name, value] : data.members()) whole.set(name, value);
    const auto kept = journal_.append(place_.now(), type, whole, Durability::durable);
    if (!kept && kept.error().code == ErrorCode::fenced) done_.fenced = true;
  }

  Journal& journal_;
  UndoPlace& place_;
  const std::string by_;
  std::set<std::string> to_look_again_;  // marks that a look has found gone, for now
  Replayed done_;
};

}  // namespace

Replayed replay_undos(const Owed& owed, Journal& journal, UndoPlace& place, const std::string& by) {
  Replay run(journal, place, by);
  for (const auto& open : owed.open) run.undo(open);
  for (const auto& open : owed.open) run.look_again(open);
  for (const auto& files : owed.to_erase) {
    // A copy that a restore superseded may be the only one with the data: nobody read the ledger.
    if (!files.superseded) run.erase(files.undo, files.mark);
  }
  return run.take();
}

}  // namespace gameday
