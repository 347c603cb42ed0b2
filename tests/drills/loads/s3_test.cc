#include "tests/drills/row_load.h"
#include "tests/drills/s3_fixture.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const LoadRow s3_load;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Json photos() {
  return Json::object({{"connection", "archive"}, {"key", "gameday/{key}"}, {"size", "100B"}});
}

TEST(S3Load, WhatCannotWorkIsFoundByCheck) {
  DeedWorld world;
  const auto place = [](const std::string& bucket) {
    return Json::object({{"endpoint", "http://127.0.0.1:1"}, {"bucket", bucket}});
  };
  world.add_target("archive", "s3", place("kept"));
  world.add_target("odd", "s3", place("Not A Bucket"));
  const auto wrong = [&](std::string_view field, const std::string& text) {
    Json arguments = photos();
    arguments.set(field, text);
    return RowLoad(world, s3_load, arguments).wrong();
  };
  EXPECT_EQ(RowLoad(world, s3_load, photos()).wrong(), "");
  EXPECT_TRUE(wrong("connection", "nothing").contains("no target"));
  EXPECT_TRUE(wrong("connection", "odd").contains("no name of a bucket"));
  EXPECT_TRUE(wrong("key", "fixed").contains("expected {key}"));
}

// Says the same to whatever is put, after a while, and has none of it.
class ForgetfulServer : public TestServer {
 public:
  explicit ForgetfulServer(int pause,  // in milliseconds
                           const std::string& to_put = http_answer(200, "", "ETag: \"a\"\r\n"))
      : TestServer([=](int connection, const std::stop_token& stop) {
          for (std::string asked; !(asked = received(connection, stop)).empty();) {
            const bool puts = asked.starts_with("PUT ") && !asked.contains("gameday-nobody");
            if (puts) poll(nullptr, 0, pause);
            const std::string answer = puts ? to_put : answer_to(asked);
            if (answer.empty() || !give(connection, answer, stop)) return;
          }
        }) {}

 private:
  static std::string answer_to(const std::string& asked) {
    const std::string line = asked.substr(0, asked.find('\r'));
    if (line.starts_with("HEAD ") && line.contains("long")) {
      return "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n";
    }
    if (line.starts_with("PUT ")) return http_answer(400, "<Error><Code>BadDigest</Code></Error>");
    if (line.starts_with("POST ")) return http_answer(200, "<DeleteResult/>");
    if (line.starts_with("DELETE ")) return http_answer(204, "");
    if (line.contains("versioning=")) return http_answer(200, "<VersioningConfiguration/>");
    if (line.contains("versions=")) return http_answer(200, "<ListVersionsResult/>");
    if (line.contains("list-type=")) return http_answer(200, "<ListBucketResult/>");
    return http_answer(404, "");
  }
};

void aim_at(const TestServer& server, DeedWorld& world) {
  setenv("DRILL_S3_KEY", "a", 1);
  setenv("DRILL_S3_SECRET", "b", 1);
  world.add_target("archive", "s3",
                   Json::object({{"endpoint", server.url()},
                                 {"bucket", "kept"},
                                 {"access_key", "${env:DRILL_S3_KEY}"},
                                 {"secret_key", "${env:DRILL_S3_SECRET}"}}));
}

TEST(S3Load, WhatASlowServerSaysYesToAndHasNotIsLostAndOurLagIsNone) {
  DeedWorld world;
  const ForgetfulServer server(150);
  aim_at(server, world);
  RowLoad load(world, s3_load, photos());
  load.spec().rate = 20;
  load.run(seconds(1));
  ASSERT_GT(load.count(SampleOutcome::ok), 10U);
  EXPECT_EQ(load.count(SampleOutcome::ok), load.samples().size());
  for (const Sample& sample : load.samples()) {
    EXPECT_GE(sample.latency(), milliseconds(150));
    EXPECT_LT(sample.send_lag(), milliseconds(100));
  }
  const LedgerSummary summary = load.judge();
  EXPECT_TRUE(summary.read_back) << load.problem;
  EXPECT_EQ(summary.lost, load.samples().size());
  EXPECT_GT(summary.rpo_s.best, 0.5);
}

// It may have been done all the same.
TEST(S3Load, WhatHasNoAnswerOrAServersOwnGriefMayHaveBeenPut) {
  for (const std::string& answer :
       {http_answer(500, "<Error><Code>InternalError</Code></Error>"), http_answer(503, ""),
        std::string("no http at all\r\n\r\n"), std::string()}) {
    DeedWorld world;
    const ForgetfulServer server(0, answer);
    aim_at(server, world);
    RowLoad load(world, s3_load, photos());
    load.spec().rate = 20;
    load.run(milliseconds(500));
    EXPECT_GT(load.samples().size(), 5U);
    EXPECT_EQ(load.count(SampleOutcome::unknown), load.samples().size()) << answer;
  }
}

TEST(S3Load, WhatIsLongerThanItWasWrittenIsNotRead) {
  DeedWorld world;
  const ForgetfulServer server(0);
  aim_at(server, world);
  LoadSpec spec;
  spec.name = "facts";
  spec.arguments = photos();
  auto reader = s3_load.reader(s3_load.prepare(spec, world.context()).value(), world.context());
  ASSERT_TRUE(reader) << reader.error().text;
  const auto found = (*reader)->by_key({.key = "long", .digest = "", .drill = "", .seq = ""});
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, std::vector<std::string>{"it has 10737418240 bytes"});
}

// Pages of keys that might be a ledger's, each with a word for the next.
class LongList : public TestServer {
 public:
  LongList()
      : TestServer([](int connection, const std::stop_token& stop) {
          std::string entries;
          for (int number = 100000; number < 125000; ++number) {
            entries += "<Contents><Key>gameday/drill-facts-" + std::to_string(number) +
                       "</Key><LastModified>2026-11-26T18:00:00Z</LastModified><Size>1</Size>"
                       "</Contents>";
          }
          for (int page = 0; !received(connection, stop).empty(); ++page) {
            const std::string list =
                "<ListBucketResult><IsTruncated>" + std::string(page < 12 ? "true" : "false") +
                "</IsTruncated><NextContinuationToken>" + std::to_string(page) +
                "</NextContinuationToken>" + entries + "</ListBucketResult>";
            if (!give(connection, http_answer(200, list), stop)) return;
          }
        }) {}
};

TEST(S3Load, AListThatIsTooLongIsNoLedger) {
  DeedWorld world;
  const LongList server;
  aim_at(server, world);
  LoadSpec spec;
  spec.name = "facts";
  spec.arguments = photos();
  auto reader = s3_load.reader(s3_load.prepare(spec, world.context()).value(), world.context());
  ASSERT_TRUE(reader) << reader.error().text;
  const auto listed = (*reader)->list();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::invalid);
  EXPECT_TRUE(listed.error().text.contains("more than 200000")) << listed.error().text;
}

class S3LoadOnS3 : public S3Test {
 protected:
  void aim_with(const std::string& bucket, const AwsPairs& fields) {
    Json facet = server_.facet(bucket);
    for (const auto& [name, value] : fields) facet.set(name, value);
    aim(bucket).facets = Json::object({{"s3", facet}});
  }
  static std::string at(const std::string& key) { return "/kept/kept/gameday/" + key; }
  // "KEY DIGEST" a line, as they lie on the server's disk.
  std::string rows(const std::string& bucket = "kept") {
    return server_.shell(
        "cd " + server_.folder() + "/data/" + bucket +
        "/kept/gameday 2>&- && for k in $(ls); do echo \"$k $(head -n 1 $k)\"; done");
  }
  void expect_only_theirs(const std::string& before) {
    EXPECT_FALSE(load_.gone().held);
    const auto undone = load_.undo();
    ASSERT_TRUE(undone) << undone.error().text;
    EXPECT_TRUE(load_.gone().held);
    EXPECT_TRUE(load_.undo()) << "again, as after a death";
    EXPECT_EQ(server_.versions("kept"), before) << "what is others' stays";
  }

  RowLoad load_{world_, s3_load, photos()};
};

TEST_F(S3LoadOnS3, WhatIsAcknowledgedIsThereAndNothingIsLost) {
  const std::string before = server_.versions("kept");
  load_.run(seconds(2));
  EXPECT_GT(load_.count(SampleOutcome::ok), 100U);
  const Instant now = world_.clock().now().boot;
  const LedgerSummary summary = load_.judge(now);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.present, load_.samples().size());
  EXPECT_EQ(summary.rpo_s.worst, 0);
  EXPECT_EQ(summary.phantom, 0U);
  expect_same(load_, summary, load_.told_by_script(rows(), now));
  expect_only_theirs(before);
}

TEST_F(S3LoadOnS3, ABucketWithoutVersionsDoes) {
  aim("plain");
  load_.run(seconds(1));
  EXPECT_GT(load_.count(SampleOutcome::ok), 50U);
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.present, load_.samples().size()) << load_.problem;
  EXPECT_NE(rows("plain"), "");
  ASSERT_TRUE(load_.undo());
  EXPECT_TRUE(load_.gone().held);
  EXPECT_EQ(rows("plain"), "");
}

// The server's disk loses the newest of what it has acknowledged.
TEST_F(S3LoadOnS3, WhatTheServerLostIsNamedWithItsRecoveryPoint) {
  load_.start();
  load_.rest(seconds(2));
  const Instant disaster = world_.clock().now().boot;
  server_.shell("cd " + server_.folder() + "/data/kept/kept/gameday && rm $(ls | tail -n 80)");
  load_.rest(seconds(1));
  load_.end();
  const LedgerSummary summary = load_.judge(disaster);
  EXPECT_TRUE(summary.read_back) << load_.problem;
  EXPECT_EQ(summary.lost, 80U);
  EXPECT_GT(summary.present, 100U) << "it went on after that";
  EXPECT_GT(summary.rpo_s.best, 0.5);
  EXPECT_FALSE(load_.found["lost"].contains(load_.key(0)));
  expect_same(load_, summary, load_.told_by_script(rows(), disaster));
}

TEST_F(S3LoadOnS3, ObjectsAreToldApart) {
  const std::string before = server_.versions("kept");
  load_.run(seconds(1));
  ASSERT_GT(load_.acknowledged().size(), 60U);
  const std::string written = server_.get(at(load_.key(1)));
  const std::string whole = written.substr(0, written.rfind(' '));
  server_.curl("DELETE", at(load_.key(20)));
  server_.put(at(load_.key(30)), "other");
  server_.put(at(load_.key(31)), std::string(100, 'x'));
  server_.put(at(load_.key(32)), std::string(1, whole[0] == 'a' ? 'b' : 'a') + whole.substr(1));
  server_.put(at(load_.key(33)), whole.substr(0, 99));
  server_.put(at(load_.key(34)), whole);
  const std::string own = server_.get(at(load_.key(35))).substr(0, 99);
  server_.put(at(load_.key(35)), own + "!");
  server_.put(at(load_.key(900000)), "x");
  server_.put(at("another-facts-000001"), "x");
  server_.put(at("drill-facts-b-000001"), "x");
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(load_.found["lost"], std::set{load_.key(20)}) << load_.problem;
  EXPECT_EQ(load_.found["corrupt"],
            (std::set{load_.key(30), load_.key(31), load_.key(32), load_.key(33), load_.key(35)}));
  EXPECT_EQ(load_.found["stale"], std::set{load_.key(34)});
  EXPECT_EQ(load_.found["phantom"], std::set{load_.key(900000)});
  EXPECT_EQ(summary.duplicate, 0U);
  // The marker and what was written over it too, and of others nothing.
  EXPECT_TRUE(rows().contains("drill-facts-b-000001"));
  ASSERT_TRUE(load_.undo());
  EXPECT_EQ(rows(), "another-facts-000001 x\ndrill-facts-b-000001 x");
  for (const char* other : {"another-facts-000001", "drill-facts-b-000001"}) {
    const std::string id = server_.shell(
        "echo '" +
        server_.curl("GET", "/kept?prefix=kept%2Fgameday%2F" + std::string(other) + "&versions=") +
        "' | grep -o '<VersionId>[^<]*' | cut -c 12-");
    server_.curl("DELETE", at(other) + "?versionId=" + id);
  }
  EXPECT_EQ(server_.versions("kept"), before);
}

// More than one request removes, and more than a page lists.
TEST_F(S3LoadOnS3, ThousandsAreRemovedByTheThousand) {
  const std::string before = server_.versions("kept");
  load_.prepare();
  S3 bucket = open();
  for (std::uint64_t number = 0; number < 1300; ++number) {
    ASSERT_TRUE(bucket.put({"kept/gameday/" + load_.key(number), "a", {}}));
    const bool odd = number % 2 == 1;
    ASSERT_TRUE(odd || bucket.remove("kept/gameday/" + load_.key(number)));
  }
  // This server lists the last one of a page again, as the first of the next.
  EXPECT_GE(std::stoi(load_.gone().text), 1950);
  const Instant since = world_.clock().now().boot;
  expect_only_theirs(before);
  EXPECT_LT(world_.clock().now().boot - since, seconds(15));
}

// The account's rights are taken away meanwhile.
TEST_F(S3LoadOnS3, WhatTheServerRefusesIsNotDone) {
  server_.let_in_writer();
  aim_with("kept", {{"access_key", "writer"}, {"secret_key", "${env:WRITER_SECRET}"}});
  load_.start();
  load_.rest(milliseconds(500));
  const std::string policy = server_.policy();
  server_.curl("DELETE", "/kept?policy=");
  load_.rest(milliseconds(500));
  load_.end();
  EXPECT_GT(load_.count(SampleOutcome::ok), 10U);
  EXPECT_GT(load_.count(SampleOutcome::refused), 10U);
  EXPECT_EQ(load_.count(SampleOutcome::unknown), 0U);
  expect_error(load_.undo(), ErrorCode::refused, "403");
  server_.set_policy(policy.substr(0, policy.rfind(' ')));
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_EQ(summary.recovered, 0U);
  EXPECT_TRUE(load_.undo());
}

// It stands still, and what it was sent meanwhile it may do later: that is no lateness of ours.
TEST_F(S3LoadOnS3, WhatIsNotAnsweredIsUnknown) {
  load_.spec().timeout = milliseconds(300);
  load_.spec().rate = 20;
  load_.start();
  load_.rest(milliseconds(300));
  server_.signal(SIGSTOP);
  load_.rest(milliseconds(900));
  server_.signal(SIGCONT);
  load_.end();
  EXPECT_GT(load_.count(SampleOutcome::unknown), 0U);
  EXPECT_EQ(load_.count(SampleOutcome::refused), 0U);
  for (const Sample& sample : load_.samples()) EXPECT_LT(sample.send_lag(), milliseconds(100));
  const LedgerSummary summary = load_.judge();
  EXPECT_EQ(summary.lost, 0U);
  EXPECT_GT(summary.present, 5U);
}

TEST_F(S3LoadOnS3, WhatItMayNotDoIsFoundBeforeAnythingIsTouched) {
  const std::string before = server_.versions("kept");
  const auto may = [&](const std::string& bucket, const std::string& name = "region",
                       const std::string& value = "eu-north") {
    aim_with(bucket, {{name, value}});
    load_.prepare();
    return load_.may();
  };
  EXPECT_TRUE(may("kept"));
  expect_error(may("kept", "secret_key", "${env:DRILL_S3_KEY}"), ErrorCode::refused,
               "SignatureDoesNotMatch");
  expect_error(may("absent"), ErrorCode::not_found, "NoSuchBucket");
  server_.lock_whatever_is_new();
  expect_error(may("locked"), ErrorCode::refused, "could not be removed again");
  EXPECT_EQ(server_.versions("kept"), before);
}

}  // namespace
}  // namespace gameday
