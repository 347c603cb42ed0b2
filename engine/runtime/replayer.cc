#include "engine/runtime/replayer.h"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "engine/conductor/plan.h"
#include "engine/runtime/identity.h"
#include "engine/runtime/load_deed.h"
#include "engine/runtime/own_backups.h"

namespace gameday {
namespace {

// A defect in one undo must not keep the others from being tried.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& error) {
    return fail(ErrorCode::failed, std::string("defect: ") + error.what());
  }
}

class RealPlace : public UndoPlace {
 public:
  RealPlace(const ReplayTerms& terms, Stop stop)
      : terms_(terms), stop_(std::move(stop)), abandoned_(terms.doors.clock.now().boot) {}

  Now now() override { return terms_.doors.clock.now(); }
  std::string boot() override { return boot_id(); }
  void wait_until(Instant time) override { (void)terms_.doors.clock.sleep({stop_, time}); }
  bool stopped() override { return stop_.requested(); }
  // Whoever replays has made sure that the runner and its children are gone.
  std::optional<Instant> abandoned() override { return abandoned_; }

  Status undo(const OpenUndo& owed) override {
    const auto functions = undo_functions(terms_.rows, owed.undo.kind);
    if (functions.undo == nullptr) {
      return fail(ErrorCode::unsupported, "this version knows no undo of kind " + owed.undo.kind);
    }
    return guarded([&]() -> Status {
      const auto here = context(owed.mark, Deadlines::undo);
      TRY_OK(is_still(owed.undo, terms_.rows, here));
      return functions.undo(owed.undo, here);
    });
  }

  Result<Proof> look(const OpenUndo& owed) override {
    const auto functions = undo_functions(terms_.rows, owed.undo.kind);
    if (functions.gone == nullptr) return fail(ErrorCode::unsupported, "cannot look");
    return guarded([&] { return functions.gone(owed.undo, context(owed.mark, Deadlines::look)); });
  }

  Status erase(const Undo& undo, const std::string& mark) override {
    const auto functions = undo_functions(terms_.rows, undo.kind);
    if (functions.close == nullptr) return fail(ErrorCode::unsupported, "nothing to erase");
    return guarded([&] { return functions.close(undo, false, context(mark, Deadlines::look)); });
  }

 private:
  DeedContext context(const std::string& mark, Duration patience) const {
    return {terms_.doors,
            nothing_,
            terms_.secrets,
            terms_.drill,
            mark,
            terms_.private_folder,
            {stop_, terms_.doors.clock.in(patience)}};
  }

  const ReplayTerms& terms_;
  const Stop stop_;
  const Instant abandoned_;
  const System nothing_;
};

void forget_backups(const ReplayTerms& terms, const Stop& stop, Replayed& done) {
  const std::string name = "what the drill backed up";
  if (!has_own_backups(terms.private_folder)) return;
  const Until until{stop, terms.doors.clock.in(Deadlines::verify)};
  const auto erased = erase_own_backups(terms.private_folder, terms.doors.clock, until);
  if (erased) done.undone.push_back(name);
  if (!erased) done.residue.push_back(name + ": " + erased.error().text);
}

}  // namespace

Replayed replay(const Owed& owed, Journal& journal, const ReplayTerms& terms, const Stop& stop) {
  RealPlace place(terms, stop);
  auto done = replay_undos(owed, journal, place, terms.by);
  if (!done.fenced) erase_unrecorded(owed, terms);
  if (!done.fenced && done.residue.empty() && may_forget_backups(owed)) {
    forget_backups(terms, stop, done);
  }
  return done;
}

// A drill that came to its end has decided itself. Where a restore has superseded a copy, somebody
// has to read the ledger first.
bool may_forget_backups(const Owed& owed) {
  return !owed.closed && std::ranges::none_of(owed.to_erase, &PrivateFiles::superseded);
}

std::vector<std::string> unrecorded_files(const Owed& owed, const std::string& drill,
                                          const std::string& private_folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(private_folder, error)) {
    const std::string name = entry.path().filename().string();
    // MARK.WHAT, where a mark is DRILL-NUMBER.
    if (!name.starts_with(drill + "-") || !entry.is_regular_file(error)) continue;
    if (std::ranges::find(owed.marks, name.substr(0, name.find('.'))) != owed.marks.end()) continue;
    found.push_back(entry.path().string());
  }
  return found;
}

void erase_unrecorded(const Owed& owed, const ReplayTerms& terms) {
  for (const auto& path : unrecorded_files(owed, terms.drill, terms.private_folder)) {
    (void)terms.doors.files.remove(path);
  }
}

UndoFunctions undo_functions(const Rows& rows, std::string_view kind) {
  if (kind == kLoadKind) return {undo_load, load_gone, nullptr, nullptr};
  for (const LoadRow* row : rows.loads) {
    if (kind == undo_kind_of(*row)) return {row->undo, row->gone, nullptr, nullptr};
  }
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
