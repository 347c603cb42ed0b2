#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const FaultRow deny_access_fault;

namespace {

class DenyAccessOnS3 : public S3FaultTest {
 protected:
  DenyAccessOnS3() : S3FaultTest(deny_access_fault) {}
  void SetUp() override {
    S3FaultTest::SetUp();
    server_.let_in_writer();
    arguments_ = Json::object({{"principal", "writer"},
                               {"access_key", "writer"},
                               {"secret_key", "${env:WRITER_SECRET}"},
                               {"what", "all"}});
  }
  // What they get, as curl asks for them.
  std::string theirs(const std::string& method, const std::string& path,
                     const std::string& more = "") {
    return server_.curl_as("writer", "another", method, path, "", more);
  }
};

TEST_F(DenyAccessOnS3, WhoWasLetInIsRefusedUntilThePolicyIsAsItWas) {
  ASSERT_EQ(theirs("GET", "/kept/kept/one"), "second 200");
  const std::string before = server_.policy();
  const Undo undo = injected();
  const Proof proof = prove(undo);
  EXPECT_TRUE(proof.held && proof.text.contains("AccessDenied")) << proof.text;
  EXPECT_TRUE(theirs("GET", "/kept/kept/one").ends_with(" 403"));
  EXPECT_TRUE(theirs("PUT", "/kept/kept/one", "--data-binary x").ends_with(" 403"));
  EXPECT_TRUE(theirs("DELETE", "/kept/kept/one").ends_with(" 403"));
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
  EXPECT_FALSE(gone(undo).held);
  expect_undone(undo);
  EXPECT_EQ(server_.policy(), before);
  EXPECT_EQ(theirs("GET", "/kept/kept/one"), "second 200");
  EXPECT_FALSE(prove(undo).held);
  EXPECT_FALSE(to_json(undo).dump().contains("another"));
}

TEST_F(DenyAccessOnS3, WritesGoOnWhereReadsAloneAreDenied) {
  arguments_.set("what", "reads");
  const Undo undo = injected();
  EXPECT_TRUE(theirs("GET", "/kept/kept/one").ends_with(" 403"));
  EXPECT_TRUE(theirs("PUT", "/kept/kept/one", "--data-binary x").ends_with(" 200"));
  expect_undone(undo);
}

TEST_F(DenyAccessOnS3, WhatOthersWroteIntoThePolicySinceStays) {
  const Undo undo = injected();
  auto now = open().policy();
  ASSERT_TRUE(now);
  Json changed = Json::parse(*now).value();
  Json statements = changed.get("Statement");
  Json since = statements.items().front();
  statements.push(since.set("Sid", "since"));
  server_.set_policy(changed.set("Statement", statements).dump());
  expect_undone(undo);
  EXPECT_TRUE(server_.policy().contains("since"));
  EXPECT_TRUE(server_.policy().contains("theirs"));
  EXPECT_FALSE(server_.policy().contains("gameday"));
}

TEST_F(DenyAccessOnS3, WhoIsNotLetInAnywayIsNotDenied) {
  server_.curl("DELETE", "/kept?policy=");
  expect_error(prepare(), ErrorCode::refused, "writer is not let in as it is");
}

TEST_F(DenyAccessOnS3, ItNeverDeniesItself) {
  setenv("WRITER_SECRET", S3Process::kSecretKey, 1);
  arguments_.set("access_key", S3Process::kAccessKey);
  expect_error(prepare(), ErrorCode::refused, "its undo would be cut off");
}

TEST_F(DenyAccessOnS3, AKeyInPlainIsRefused) {
  arguments_.set("secret_key", "another");
  expect_error(prepare(), ErrorCode::refused, "in plain");
}

}  // namespace
}  // namespace gameday
