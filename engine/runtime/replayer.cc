#include "engine/runtime/replayer.h"

#include <exception>
#include <filesystem>

#include "engine/conductor/plan.h"
#include "engine/runtime/load_deed.h"

namespace gameday {
namespace {

constexpr int kTries = 4;
constexpr Duration kFirstPause = std::chrono::milliseconds(200);

class Replay {
 public:
  Replay(Journal& journal, const ReplayTerms& terms, const Stop& stop)
      : journal_(journal), terms_(terms), stop_(stop) {}

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
    if (!owed.uncertain_until || owed.boot != boot_id() || done_.fenced) return;
    const Now now = terms_.doors.clock.now();
    if (now.boot < *owed.uncertain_until) {
      (void)terms_.doors.clock.sleep({stop_, *owed.uncertain_until});
    }
    const auto proof = looked(owed);
    if (!done_.fenced && (!proof || !proof->held)) undo(owed);
  }

  void erase(const PrivateFiles& files) {
    const auto functions = undo_functions(terms_.rows, files.undo.kind);
    // A copy that a restore superseded may be the only one with the data: nobody read the ledger.
    if (functions.close == nullptr || files.superseded) return;
    const auto status = guarded(
        [&] { return functions.close(files.undo, false, context(files.mark, Deadlines::look)); });
    note("erased", files.mark, Json::object({{"kept", !status.has_value()}}));
  }

  Replayed take() { return std::move(done_); }

 private:
  Status tried(const OpenUndo& owed) {
    Status last = fail(ErrorCode::failed, "not tried");
    for (int attempt = 1; attempt <= kTries && !done_.fenced; ++attempt) {
      last = attempt_once(owed, attempt);
      if (last) {
        erase({owed.undo, owed.mark, false});
        return {};
      }
      if (stop_.requested()) break;
      (void)terms_.doors.clock.sleep(
          {stop_, terms_.doors.clock.in(kFirstPause * (1 << (attempt - 1)))});
    }
    return last;
  }

  Status attempt_once(const OpenUndo& owed, int attempt) {
    const auto functions = undo_functions(terms_.rows, owed.undo.kind);
    if (functions.undo == nullptr) {
      return fail(ErrorCode::unsupported, "this version knows no undo of kind " + owed.undo.kind);
    }
    const Status status =
        guarded([&] { return functions.undo(owed.undo, context(owed.mark, Deadlines::undo)); });
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
    const auto functions = undo_functions(terms_.rows, owed.undo.kind);
    if (functions.gone == nullptr) return fail(ErrorCode::unsupported, "cannot look");
    Result<Proof> proof = fail(ErrorCode::failed, "not looked");
    const Status status = guarded([&]() -> Status {
      proof = functions.gone(owed.undo, context(owed.mark, Deadlines::look));
      return {};
    });
    if (!status) proof = std::unexpected(status.error());
    note("gone", owed.mark,
         Json::object({{"id", owed.step_id},
                       {"kind", owed.kind},
                       {"held", proof && proof->held},
                       {"text", proof ? proof->text : proof.error().text}}));
    return proof;
  }

  // A defect in one undo must not keep the others from being tried.
  template <class Work>
  Status guarded(Work work) {
    try {
      return work();
    } catch (const std::exception& error) {
      return fail(ErrorCode::failed, std::string("defect: ") + error.what());
    }
  }

  void note(std::string_view type, const std::string& mark, Json data) {
    Json whole = Json::object({{"deed", mark}, {"by", terms_.by}});
    for (const auto& [name, value] : data.members()) whole.set(name, value);
    const auto kept = journal_.append(terms_.doors.clock.now(), type, whole, Durability::durable);
    if (!kept && kept.error().code == ErrorCode::fenced) done_.fenced = true;
  }

  DeedContext context(const std::string& mark, Duration patience) const {
    return {terms_.doors,
            nothing_,
            terms_.secrets,
            terms_.drill,
            mark,
            terms_.private_folder,
            {stop_, terms_.doors.clock.in(patience)}};
  }

  Journal& journal_;
  const ReplayTerms& terms_;
  const Stop stop_;
  const System nothing_;
  Replayed done_;
};

}  // namespace

Replayed replay(const Owed& owed, Journal& journal, const ReplayTerms& terms, const Stop& stop) {
  Replay run(journal, terms, stop);
  for (const auto& open : owed.open) run.undo(open);
  for (const auto& open : owed.open) run.look_again(open);
  for (const auto& files : owed.to_erase) run.erase(files);
  return run.take();
}

UndoFunctions undo_functions(const Rows& rows, std::string_view kind) {
  if (kind == kLoadKind) return {undo_load, load_gone, nullptr, nullptr};
  if (const FaultRow* row = rows.fault(kind)) return {row->undo, row->gone, row->close, row->renew};
  if (const RestoreRow* row = rows.restore(kind)) {
    return {row->undo, row->gone, row->close, nullptr};
  }
  return {};
}

std::string private_folder_of(const std::string& store, const std::string& drill) {
  return (std::filesystem::path(store).parent_path() / "private" / drill).string();
}

}  // namespace gameday
