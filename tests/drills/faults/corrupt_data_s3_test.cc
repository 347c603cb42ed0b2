#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const FaultRow corrupt_data_s3_fault;

namespace {

class CorruptDataOnS3 : public S3FaultTest {
 protected:
  CorruptDataOnS3() : S3FaultTest(corrupt_data_s3_fault) {}
};

TEST_F(CorruptDataOnS3, OtherBytesStandThereUntilTheVersionsAreBack) {
  const std::string before = server_.versions("kept");
  const Undo undo = injected();
  EXPECT_TRUE(prove(undo).held);
  EXPECT_EQ(server_.get("/kept/kept/one"), "writte 200");  // as long as it was
  EXPECT_EQ(server_.get("/kept/other"), "not theirs 200");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(server_.versions("kept"), before);
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
}

TEST_F(CorruptDataOnS3, WhatOthersWroteSinceStaysAndIsNotProven) {
  const Undo undo = injected();
  server_.put("/kept/kept/one", "mended");
  EXPECT_EQ(prove(undo).text, "1 of 2 objects that were written over hold what the drill wrote");
  server_.put("/kept/kept/two", "mended too");
  EXPECT_FALSE(prove(undo).held);
  expect_undone(undo);
  EXPECT_EQ(server_.get("/kept/kept/one"), "mended 200");
}

TEST_F(CorruptDataOnS3, AnAnswerThatNobodyReadIsNotForgotten) {
  const std::string before = server_.versions("kept");
  bool died = true;
  for (int change = 0; died; ++change) {
    const std::string mark = "drill-" + std::to_string(change);
    const Undo undo = prepared(mark);
    died = world_.dies_at(change, [&] { (void)row_.inject(deed(), undo, context(mark)); });
    expect_undone(undo);
    ASSERT_EQ(server_.versions("kept"), before) << "died at change " << change;
  }
}

TEST_F(CorruptDataOnS3, ABucketThatLocksWhateverIsWrittenIsRefused) {
  server_.put("/locked/kept/one", "free");
  aim("locked");
  EXPECT_TRUE(prepare());
  server_.lock_whatever_is_new();
  expect_error(prepare(), ErrorCode::refused, "locks all that is written");
}

TEST_F(CorruptDataOnS3, ABucketWithoutVersionsIsRefused) {
  server_.put("/plain/kept/one", "only one");
  aim("plain");
  expect_error(prepare(), ErrorCode::refused, "keeps no versions");
}

}  // namespace
}  // namespace gameday
