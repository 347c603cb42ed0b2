// A playbook's invariants in rehearsals, which have no SQL to ask.
#include "engine/sim/invariants.h"
#include "engine/sim/rehearsal.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

// Rehearsed with what is always true of the store; all promises kept.
Rehearsal rehearsed(std::uint64_t seed, const RehearsalOptions& options,
                    std::string_view timeline = kSimTimeline) {
  std::string head(kSimHead);
  const std::string_view store = "sqlite: run/store.db";
  head.replace(
      head.find(store), store.size(),
      "sqlite: { path: run/store.db, invariants: [{ name: total, sql: SELECT 1, is: 1 }] }");
  const auto playbook = sim_playbook(timeline, head);
  auto done = rehearse(playbook, sim_rows::kRows, seed, options);
  EXPECT_TRUE(done.has_value());
  for (const auto& [invariant, how] : broken_invariants(*done, *playbook)) {
    ADD_FAILURE() << "seed " << seed << " breaks " << invariant << ": " << how;
  }
  return std::move(*done);
}

TEST(RehearsedInvariants, HoldForAsLongAsTheStoreDoes) {
  const Rehearsal good = rehearsed(3, {});
  EXPECT_EQ(good.exit_code, 0);
  const auto& readings = good.document.items("invariants");
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings.back().text("at"), "verify");
  EXPECT_TRUE(readings.back().boolean("holds", false));
  RehearsalOptions options;
  options.draw_failures = true;
  for (std::uint64_t seed = 0; seed < 100; ++seed) (void)rehearsed(seed, options);
}

// Its undo does not come to its end, and nothing else brings the store back.
TEST(RehearsedInvariants, OfALostStoreCannotBeRead) {
  RehearsalOptions options;
  options.failures.failing_undo = 2;  // after the load and what is slowed
  options.failures.undo_fails = Failures::kAlways;
  const Rehearsal lost = rehearsed(3, options, kOpenTimeline);
  EXPECT_EQ(lost.exit_code, 5);
  const auto& last = lost.document.items("invariants").back();
  EXPECT_EQ(last.text("at"), "verify");
  EXPECT_EQ(last.text("error"), "the store has no tables");
}

}  // namespace
}  // namespace gameday
