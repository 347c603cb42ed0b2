#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const ActionRow attack_lock_action;

namespace {

class AttackLockOnS3 : public S3Test {
 protected:
  void SetUp() override {
    S3Test::SetUp();
    aim("locked");
  }
  Deed deed(const std::string& mode, const std::string& retain) const {
    return {"step", "action", "archive",
            Json::object({{"mode", mode},
                          {"retain", retain},
                          {"access_key", other_key_},
                          {"secret_key", other_secret_}}),
            "attack-lock"};
  }
  Status perform(const std::string& mode, const std::string& retain) {
    return attack_lock_action.perform(deed(mode, retain), context());
  }
  Proof prove() {
    auto proof = attack_lock_action.prove(deed("compliance", "1s"), context());
    EXPECT_TRUE(proof) << (proof ? "" : proof.error().text);
    return proof.value_or(Proof{});
  }
  // Another account of the server, which may do everything with a bucket of its own.
  void add_account() {
    setenv("OTHER_S3_SECRET", "another", 1);
    server_.add_account("writer", "another", "admin");
    other_key_ = "writer";
    other_secret_ = "${env:OTHER_S3_SECRET}";
  }

  std::string other_key_, other_secret_;
};

TEST_F(AttackLockOnS3, ALockThatHoldsRefusesEveryTryAndTheCanaryGoesWhenItIsOver) {
  const std::string before = server_.versions("locked");
  const auto done = perform("compliance", "2s");
  ASSERT_TRUE(done) << done.error().text;
  const Proof proof = prove();
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_TRUE(
      proof.text.starts_with("6 tries to remove a locked version, or to shorten its lock, "
                             "were refused"))
      << proof.text;
  EXPECT_EQ(proof.facts.text("mode"), "compliance");
  for (const Json& attempt : proof.facts.items("attempts")) {
    EXPECT_TRUE(attempt.text("answer").contains("AccessDenied")) << attempt.dump();
  }
  EXPECT_EQ(server_.versions("locked"), before);
}

TEST_F(AttackLockOnS3, WhatIsLockedLongerThanTheStepStaysAndIsNamed) {
  const auto done = perform("compliance", "120s");
  ASSERT_TRUE(done) << done.error().text;
  const Proof proof = prove();
  EXPECT_TRUE(proof.held) << proof.text;
  EXPECT_TRUE(proof.text.contains("kept/gameday-canary-drill-1 stays, locked until 2"))
      << proof.text;
  EXPECT_TRUE(server_.versions("locked").contains(proof.facts.text("version")));
}

TEST_F(AttackLockOnS3, WhoMayBypassGovernanceIsTold) {
  const auto done = perform("governance", "2s");
  ASSERT_FALSE(done);
  EXPECT_TRUE(
      done.error().text.contains("gameday removing a locked version past governance was "
                                 "let through"))
      << done.error().text;
  EXPECT_FALSE(prove().held);
  EXPECT_FALSE(server_.versions("locked").contains("gameday-canary"));
}

TEST_F(AttackLockOnS3, ABucketWithoutLockSaysNo) {
  for (const char* bucket : {"kept", "plain"}) {
    aim(bucket);
    const std::string before = server_.versions("kept");
    const auto done = perform("compliance", "2s");
    ASSERT_FALSE(done) << bucket;
    EXPECT_TRUE(done.error().text.contains("no canary can be locked there")) << done.error().text;
    EXPECT_FALSE(prove().held);
    EXPECT_EQ(server_.versions("kept"), before);
    EXPECT_FALSE(server_.content("plain").contains("canary"));
  }
}

TEST_F(AttackLockOnS3, TheBackupsWriterIsTriedToo) {
  add_account();
  const auto done = perform("compliance", "2s");
  ASSERT_TRUE(done) << done.error().text;
  const Proof proof = prove();
  EXPECT_TRUE(proof.text.starts_with("12 tries")) << proof.text;
  EXPECT_EQ(proof.facts.items("attempts").front().text("who"), "the other one");
  EXPECT_FALSE(proof.facts.dump().contains("another"));
}

// Who may remove nothing, but may say how long it is locked, has only to wait.
TEST_F(AttackLockOnS3, WhoMayShortenALockIsTold) {
  setenv("OTHER_S3_SECRET", "another", 1);
  server_.add_account("writer", "another");
  other_key_ = "writer";
  other_secret_ = "${env:OTHER_S3_SECRET}";
  const std::string set = server_.curl(
      "PUT", "/locked?policy=", "",
      "--data-binary '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"a\",\"Effect\":"
      "\"Allow\",\"Principal\":{\"AWS\":[\"writer\"]},\"Action\":[\"s3:PutObjectRetention\","
      "\"s3:BypassGovernanceRetention\"],\"Resource\":[\"arn:aws:s3:::locked/*\"]}]}'");
  ASSERT_TRUE(set.ends_with("200") || set.ends_with("204")) << set;
  const auto done = perform("governance", "4s");
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().text.contains(
      "the other one shortening the lock of a version past governance was let through"))
      << done.error().text;
  EXPECT_FALSE(server_.versions("locked").contains("gameday-canary"));
}

TEST_F(AttackLockOnS3, NothingIsProvenThatWasNotDone) { EXPECT_FALSE(prove().held); }

}  // namespace
}  // namespace gameday
