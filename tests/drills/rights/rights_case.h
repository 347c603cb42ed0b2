// One step of a playbook, done by whoever its system names, with no more rights than they have: the
// tests of this folder give each row exactly what the README asks for, and each time one less.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "all_rows.h"
#include "engine/conductor/plan.h"
#include "engine/playbook/load_playbook.h"
#include "engine/runtime/survey.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/renewing.h"

namespace gameday {

// What a row needs, right by right, each by the words that its `rights`, and so the README, have
// for it.
struct RowNeeds {
  std::string row;
  std::vector<std::string> rights;
};

inline void add_needs(const std::string& row, const std::vector<std::string>& rights,
                      std::vector<RowNeeds>& needs) {
  const auto found = std::ranges::find(needs, row, &RowNeeds::row);
  RowNeeds& need = found == needs.end() ? needs.emplace_back(RowNeeds{row, {}}) : *found;
  need.rights.insert(need.rights.end(), rights.begin(), rights.end());
}

// Every row that `of_it` picks has its rights told, and tells them itself.
template <class Row, class Pick>
void expect_told(std::span<const Row* const> rows, const std::vector<RowNeeds>& needs,
                 const Pick& of_it) {
  for (const Row* row : rows) {
    if (!of_it(*row)) continue;
    const auto found =
        std::ranges::find_if(needs, [&](const RowNeeds& need) { return need.row == row->name; });
    ASSERT_NE(found, needs.end()) << row->name << " has no test of its rights";
    for (const auto& right : found->rights) {
      EXPECT_TRUE(row->rights.contains(right)) << row->name << " does not name " << right;
    }
  }
}

class RightsCase {
 public:
  // `system`: the members of a playbook's system, each on a line; `steps`: lines of its timeline,
  // of which the last one is meant. A restore's backup stands before it.
  RightsCase(DeedWorld& world, const std::string& system, const std::string& steps)
      : world_(world) {
    const auto loaded =
        decode_playbook(world.file("p.yaml"),
                        "gameday: 1\nname: rights\nsummary: One row.\nowner: tests\nsystem:\n" +
                            system + "timeline:\n" + steps,
                        {}, rows_);
    EXPECT_TRUE(loaded.playbook) << rendered("p.yaml", loaded.source, loaded.problems);
    playbook_ = std::make_shared<const Playbook>(loaded.playbook.value());
    const auto plan = make_plan(playbook_, rows_, "drill", 1, {});
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().text);
    deed_ = plan.value().steps.back().deed;
    world_.system() = playbook_->system;
    world_.set_until({{}, world_.clock().in(std::chrono::minutes(3))});
    std::filesystem::create_directories(world_.private_folder());
  }

  // As `plan` and `run` look, before anything is touched.
  Status may() {
    const DeedContext context = here();
    if (step().kind == StepKind::fault) return may_inject(step(), *fault(), rows_, context);
    const auto found = survey_step(step(), rows_, context);
    return found ? found->held : fail(ErrorCode::invalid, "no step that has a row");
  }
  // refused, by a text that has these words.
  void expect_missed(const std::string& words) {
    const Status looked = may();
    ASSERT_FALSE(looked) << "nobody has missed: " << words;
    EXPECT_EQ(looked.error().code, ErrorCode::refused) << looked.error().text;
    EXPECT_TRUE(looked.error().text.contains(words)) << looked.error().text;
  }

  // What others do between a backup and its restore, so that there is something to restore.
  void after_backup(std::function<void()> work) { after_backup_ = std::move(work); }
  // From the look at the rights to the end of what it leaves behind.
  void expect_works() {
    const Status looked = may();
    EXPECT_TRUE(looked) << (looked ? "" : looked.error().text);
    expect_done();
  }
  // The same of one that was looked at before its time, in another state of things.
  void expect_done() {
    switch (step().kind) {
      case StepKind::fault: return fault_works();
      case StepKind::restore: return restore_works();
      case StepKind::action: return action_works();
      default: ADD_FAILURE() << "no step that has a row";
    }
  }

  [[nodiscard]] const Step& step() const { return playbook_->timeline.back(); }
  [[nodiscard]] const Rows& rows() const { return rows_; }
  [[nodiscard]] const Deed& deed() const { return deed_; }

 private:
  [[nodiscard]] const FaultRow* fault() const { return rows_.fault(step().fault); }
  template <class Value>
  static bool fine(const Result<Value>& result, const char* what) {
    EXPECT_TRUE(result) << what << ": " << (result ? "" : result.error().text);
    return result.has_value();
  }
  void expect_gone(const auto& row, const Undo& undo) {
    (void)fine(row.undo(undo, here()), "undo");
    const auto proof = row.gone(undo, here());
    if (fine(proof, "gone")) {
      EXPECT_TRUE(proof->held) << proof->text;
    }
    if (row.close != nullptr) (void)fine(row.close(undo, false, here()), "close");
  }
  void fault_works() {
    const auto undo = fault()->prepare(deed_, here());
    if (!fine(undo, "prepare")) return;
    (void)fine(fault()->inject(deed_, *undo, here()), "inject");
    std::optional<Renewing> renewing;
    if (fault()->renew != nullptr) {
      (void)fine(fault()->renew(*undo, here()), "renew");
      renewing.emplace(*fault(), *undo, here());
    }
    const auto proof = fault()->prove(deed_, *undo, here());
    if (fine(proof, "prove")) {
      EXPECT_TRUE(proof->held) << proof->text;
    }
    renewing.reset();
    expect_gone(*fault(), *undo);
  }
  void restore_works() {
    const Target& target = *world_.system().target(step().target);
    const RestoreRow& row = *rows_.restore_of(target);
    const auto taken = row.backup(target, world_.context("backup-1"));
    if (!fine(taken, "backup")) return;
    if (after_backup_) after_backup_();
    const DeedContext context = here();
    const auto prepare = step().into_place ? row.prepare_place : row.prepare_scratch;
    if (!step().into_place && prepare == nullptr) {
      expect_verified(row.restore_scratch(target, *taken, context));
      return;
    }
    const auto undo =
        prepare != nullptr ? prepare(deed_, *taken, context) : row.prepare(target, context);
    if (!fine(undo, "prepare")) return;
    expect_verified(step().into_place ? row.restore_place(target, *taken, *undo, context)
                                      : row.fill_scratch(*taken, *undo, context));
    expect_gone(row, *undo);
  }
  void expect_verified(const Result<Restored>& restored) {
    if (fine(restored, "restore")) {
      EXPECT_TRUE(restored->verified) << restored->text;
    }
  }
  void action_works() {
    const ActionRow& row = *rows_.action(step().action);
    if (!fine(row.perform(deed_, here()), "perform")) return;
    Result<Proof> proof;
    const Until until{{}, world_.clock().in(std::chrono::seconds(20))};
    do {
      proof = row.prove(deed_, here());
    } while (!(proof && proof->held) &&
             world_.clock().pause(std::chrono::milliseconds(100), until));
    if (fine(proof, "prove")) {
      EXPECT_TRUE(proof->held) << proof->text;
    }
  }

  // What is left is found by its mark: no two tests, which run side by side, share one.
  [[nodiscard]] DeedContext here() { return world_.context("drill-" + std::to_string(getpid())); }

  DeedWorld& world_;
  const Rows rows_ = all_rows();
  std::shared_ptr<const Playbook> playbook_;
  Deed deed_;
  std::function<void()> after_backup_;
};

}  // namespace gameday
