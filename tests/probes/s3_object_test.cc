#include "engine/base/digest.h"
#include "tests/drills/s3_process.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow s3_object_probe;

namespace {

using namespace std::chrono_literals;

constexpr const char* kNowhere =
    "  archive: { s3: { endpoint: \"http://127.0.0.1:1\", bucket: kept, access_key: "
    "\"${env:HOME}\","
    " secret_key: \"${env:HOME}\" } }\n";

class S3ProbeTest : public ProbeTest {
 protected:
  S3ProbeTest() : ProbeTest(s3_object_probe) {}
};

TEST_F(S3ProbeTest, CheckRefusesWhatCannotBeMeant) {
  EXPECT_TRUE(problem("{ s3-object: front }").contains("front has no `s3` facet"));
  system_ += kNowhere;
  EXPECT_EQ(problem("{ s3-object: archive, key: a, expect: { size: \"> 0\" } }"), "");
  EXPECT_TRUE(problem("{ s3-object: archive, key: a, prefix: b }").contains("a `key` already"));
  EXPECT_TRUE(problem("{ s3-object: archive, key: a, expect: { count: 1 } }").contains("`prefix`"));
  EXPECT_TRUE(problem("{ s3-object: archive, expect: { digest: abc } }").contains("64 digits"));
  EXPECT_TRUE(problem("{ s3-object: archive, expect: { lock: some } }").contains("lock"));
  system_ =
      "  plain: { s3: { endpoint: \"http://a\", bucket: abc, access_key: a, secret_key: b } }\n";
  EXPECT_TRUE(problem("{ s3-object: plain }").contains("in plain"));
  system_ = "  half: { s3: { endpoint: \"http://a\", bucket: abc, access_key: a } }\n";
  EXPECT_TRUE(problem("{ s3-object: half }").contains("go together"));
  system_ = "  none: { s3: { endpoint: \"a\", bucket: abc } }\n";
  EXPECT_TRUE(problem("{ s3-object: none }").contains("http://HOST"));
}

TEST_F(S3ProbeTest, WhoIsNotThereOrSpeaksOtherwiseIsNotGood) {
  system_ = kNowhere;
  expect_no_with("{ s3-object: archive }", "couldn't connect");
  const AnswerServer server(http_answer(200, "<html>"));
  system_ = "  archive: { s3: { endpoint: \"http://" + server.address() +
            "\", bucket: kept, access_key: \"${env:HOME}\", secret_key: \"${env:HOME}\" } }\n";
  expect_no_with("{ s3-object: archive }", "no XML");
}

class ProbeOnS3 : public S3ProbeTest {
 protected:
  void SetUp() override {
    server_.fill();
    aim("kept");
  }
  void aim(const std::string& bucket) {
    system_ = "  archive: { s3: " + server_.facet(bucket).dump() + " }\n";
  }
  static std::string expecting(const std::string& expect, const std::string& key = "") {
    return "{ s3-object: archive, " + (key.empty() ? "" : "key: \"" + key + "\", ") + "expect: { " +
           expect + " } }";
  }

  S3Process server_{world_.file("s3")};
};

TEST_F(ProbeOnS3, TheNewestUnderAPrefixIsJudged) {
  const auto answer = ask("{ s3-object: archive }");
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(answer.text.starts_with("kept/")) << answer.text;
  expect_good(expecting("count: 2, age: 1h, latency: 5s"));
  expect_no(expecting("count: \"> 2\""), "expected > 2, but 2 objects are there");
  expect_no_with(expecting("latency: 1ns"), "at most 1ns");
  EXPECT_FALSE(ask("{ s3-object: archive, prefix: absent/ }").ok);
  expect_good("{ s3-object: archive, prefix: absent/, expect: { exists: false, count: 0 } }");
  (void)world_.clock().sleep({{}, world_.clock().in(2100ms)});
  expect_no_with(expecting("age: 1s"), "ago, at most 1s");
  server_.put("/kept/kept/one", "third");
  expect_good(expecting("age: 2s, size: 5"));
}

TEST_F(ProbeOnS3, AnObjectIsReadAndCompared) {
  expect_good(expecting("size: 6, digest: \"" + sha256("second") + "\"", "kept/one"));
  expect_no_with(expecting("size: 7", "kept/one"), "kept/one has 6 bytes");
  expect_no_with(expecting("digest: \"" + sha256("first") + "\"", "kept/one"), "kept/one holds");
  expect_no(expecting("exists: true", "kept/none"), "nothing is there");
  expect_no(expecting("exists: false", "kept/one"), "kept/one is there");
  EXPECT_TRUE(server_.curl("DELETE", "/kept/kept/one").ends_with("204"));
  expect_good(expecting("exists: false", "kept/one"));
}

TEST_F(ProbeOnS3, ALockIsToldWithItsEnd) {
  expect_good(expecting("lock: none", "kept/one"));
  expect_no_with(expecting("lock: compliance", "kept/one"), "its lock is none");
  expect_no_with(expecting("locked_for: 1s", "kept/one"), "is not known to be locked");
  const std::string until = rfc3339(world_.clock().now().utc + 100s);
  const std::string put =
      server_.curl("PUT", "/locked/kept/one", "x-amz-object-lock-mode: COMPLIANCE",
                   "-H 'x-amz-object-lock-retain-until-date: " + until + "' --data-binary a");
  ASSERT_TRUE(put.ends_with("200")) << put;
  aim("locked");
  expect_good(expecting("lock: compliance, locked_for: 50s", "kept/one"));
  expect_no_with(expecting("locked_for: 1h", "kept/one"), "not for 1h");
  expect_no_with(expecting("lock: governance", "kept/one"), "its lock is compliance");
}

TEST_F(ProbeOnS3, WhoIsNotKnownThereIsNotGood) {
  setenv("DRILL_S3_SECRET", "another", 1);
  expect_no_with("{ s3-object: archive }", "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace gameday
