#include "engine/journal/memory_journal.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using namespace std::chrono_literals;

Now at(Duration since) { return {Instant(since), Utc(since)}; }

class MemoryJournal : public testing::Test {
 protected:
  MemoryJournal() { log_->drill = "D1"; }
  static Result<std::uint64_t> put(Journal& journal, Durability durability, Duration when = 0s) {
    return journal.append(at(when), "sample", Json::object(), durability);
  }
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
};

TEST_F(MemoryJournal, ADurableEventTakesTheBatchedOnesBeforeItAlong) {
  const auto journal = memory_journal(log_, "boot");
  EXPECT_EQ(put(*journal, Durability::batched), 1U);
  EXPECT_EQ(put(*journal, Durability::batched), 2U);
  EXPECT_EQ(log_->lines.size(), 0U);
  EXPECT_EQ(put(*journal, Durability::durable), 3U);
  EXPECT_EQ(log_->lines.size(), 3U);
  EXPECT_TRUE(verify_chain(log_->lines).intact);
  EXPECT_EQ(journal->head(), verify_chain(log_->lines).head);
}

TEST_F(MemoryJournal, ABatchIsKeptAfterASecondOrAThousandEvents) {
  const auto journal = memory_journal(log_, "boot");
  ASSERT_TRUE(put(*journal, Durability::batched, 10s));
  ASSERT_TRUE(put(*journal, Durability::batched, 10999ms));
  EXPECT_EQ(log_->lines.size(), 0U);
  ASSERT_TRUE(put(*journal, Durability::batched, 11s));
  EXPECT_EQ(log_->lines.size(), 3U);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(put(*journal, Durability::batched, 11s));
  EXPECT_EQ(log_->lines.size(), 1003U);
}

TEST_F(MemoryJournal, FlushKeepsTheBatch) {
  const auto journal = memory_journal(log_, "boot");
  EXPECT_TRUE(journal->flush());
  ASSERT_TRUE(put(*journal, Durability::batched));
  EXPECT_TRUE(journal->flush());
  EXPECT_EQ(log_->lines.size(), 1U);
}

TEST_F(MemoryJournal, WhoeverWasTakenOverFromIsFencedForGood) {
  const auto runner = memory_journal(log_, "boot");
  ASSERT_TRUE(put(*runner, Durability::durable));
  ASSERT_TRUE(put(*runner, Durability::batched));
  const auto guardian = take_over_memory_journal(log_, "boot");
  EXPECT_EQ(put(*guardian, Durability::durable), 2U);
  for (const auto durability : {Durability::durable, Durability::batched}) {
    const auto late = put(*runner, durability);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::fenced);
  }
  EXPECT_EQ(put(*guardian, Durability::durable), 3U);
  EXPECT_TRUE(verify_chain(log_->lines).intact);
}

TEST_F(MemoryJournal, AFullDiskFailsOnceAndThenTheReserveCarriesOn) {
  const auto journal = memory_journal(log_, "boot");
  log_->full_from = 3;
  log_->reserve_events = 2;
  ASSERT_TRUE(put(*journal, Durability::durable));
  ASSERT_TRUE(put(*journal, Durability::batched));
  const auto full = put(*journal, Durability::durable);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::no_space);
  EXPECT_EQ(log_->lines.size(), 1U);
  EXPECT_EQ(put(*journal, Durability::durable), 3U);
  EXPECT_EQ(put(*journal, Durability::durable), 4U);
  EXPECT_EQ(put(*journal, Durability::durable).error().code, ErrorCode::no_space);
  EXPECT_TRUE(verify_chain(log_->lines).intact);
}

TEST_F(MemoryJournal, NothingFollowsTheClosingEvent) {
  const auto journal = memory_journal(log_, "boot");
  ASSERT_TRUE(
      journal->append(at(1s), kClosing, Json::object({{"events", 1}}), Durability::durable));
  EXPECT_EQ(put(*journal, Durability::durable).error().code, ErrorCode::refused);
  const auto later = take_over_memory_journal(log_, "boot");
  EXPECT_EQ(put(*later, Durability::durable).error().code, ErrorCode::refused);
  EXPECT_FALSE(verify_chain(log_->lines).interrupted);
}

TEST_F(MemoryJournal, AJournalThatGoesAwayTakesItsBatchAlong) {
  {
    static_cast<void>(put(*memory_journal(log_, "boot"), Durability::batched));
  }
  EXPECT_TRUE(log_->lines.empty());
}

}  // namespace
}  // namespace gameday
