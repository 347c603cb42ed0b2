// A load as a deed: its undo stands on its own, names secrets and holds none; whatever a peer
// answers to its cleanup and its list ends in time and is no success.
#include "engine/runtime/load_deed.h"

#include "tests/drills/deed_world.h"
#include "tests/hostile_server.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

LoadSpec checkout() {
  LoadSpec load;
  load.name = "checkout";
  load.ledger.emplace();
  load.ledger->list = "http://127.0.0.1:1/orders?drill={drill}";
  load.cleanup.emplace();
  load.cleanup->method = "DELETE";
  load.cleanup->url = "http://127.0.0.1:1/orders?drill={drill}";
  load.cleanup->headers = {{"X-Auth", "${env:TOKEN}"}};
  return load;
}

TEST(LoadDeed, NamesItsDrillAndOnlyRefersToSecrets) {
  const Undo undo = load_undo(checkout(), "01J");
  EXPECT_EQ(undo.kind, kLoadKind);
  EXPECT_EQ(undo.arguments.get("cleanup").text("url"), "http://127.0.0.1:1/orders?drill=01J");
  EXPECT_EQ(undo.arguments.get("list").text("url"), "http://127.0.0.1:1/orders?drill=01J");
  EXPECT_NE(to_json(undo).dump().find("${env:TOKEN}"), std::string::npos);
}

TEST(LoadDeed, SaysWhoAsksWithoutTheSecret) {
  Secrets secrets;
  secrets.learn("env:PASSWORD", "canary");
  LoadSpec load = checkout();
  load.cleanup->basic = BasicAuth{"ann", "${env:PASSWORD}"};
  const std::string basic = to_json(load_undo(load, "01J")).dump();
  EXPECT_TRUE(basic.contains(R"("basic":{"user":"ann","password":"${env:PASSWORD}"})")) << basic;
  load.cleanup->basic.reset();
  load.cleanup->aws = AwsAuth{"AKID", "${env:KEY}", "", "eu-west-1", "s3"};
  const std::string aws = to_json(load_undo(load, "01J")).dump();
  EXPECT_TRUE(aws.contains(R"("secret_key":"${env:KEY}")")) << aws;
}

// What the server that is cleaned up hears.
TEST(LoadDeed, IsCleanedUpByWhoeverWrote) {
  std::mutex mutex;
  std::vector<std::string> heard;
  const TestServer server([&](int connection, const std::stop_token& stop) {
    const auto request = TestServer::received(connection, stop);
    {
      const std::lock_guard lock(mutex);
      heard.push_back(request);
    }
    TestServer::give(connection, http_answer(200, "[]"), stop);
  });
  DeedWorld world;
  world.secrets().learn("env:PASSWORD", "canary");
  LoadSpec load = checkout();
  load.cleanup->headers.clear();
  load.cleanup->basic = BasicAuth{"ann", "${env:PASSWORD}"};
  load.ledger->list = load.cleanup->url = server.url() + "/orders?drill={drill}";
  const Undo undo = load_undo(load, "01J");
  EXPECT_TRUE(undo_load(undo, world.context()));
  const auto gone = load_gone(undo, world.context());
  EXPECT_TRUE(gone && gone->held);
  load.cleanup->basic.reset();
  load.cleanup->aws = AwsAuth{"AKID", "${env:PASSWORD}", "", "eu-west-1", "s3"};
  EXPECT_TRUE(undo_load(load_undo(load, "01J"), world.context()));
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_TRUE(heard[0].contains("Authorization: Basic YW5uOmNhbmFyeQ==\r\n")) << heard[0];
  EXPECT_TRUE(heard[1].contains("Authorization: Basic YW5uOmNhbmFyeQ==\r\n")) << heard[1];
  EXPECT_TRUE(heard[2].contains("Authorization: AWS4-HMAC-SHA256 Credential=AKID/")) << heard[2];
  EXPECT_TRUE(heard[2].contains("\r\nX-Amz-Date: ")) << heard[2];
}

TEST(LoadDeed, ThatWritesNothingHasNothingToCleanUp) {
  LoadSpec reads;
  reads.name = "reads";
  const Undo undo = load_undo(reads, "01J");
  EXPECT_EQ(undo.arguments.find("cleanup"), nullptr);
  EXPECT_EQ(undo.arguments.find("list"), nullptr);
}

class LoadDeedAmongStrangers : public testing::Test {
 protected:
  [[nodiscard]] static Undo undo_at(const std::string& url) {
    LoadSpec load = checkout();
    load.ledger->list = load.cleanup->url = url + "/orders?drill={drill}";
    load.cleanup->headers.clear();
    return load_undo(load, "01J");
  }
  Status cleaned(const std::string& url, Duration within = 20s) {
    world_.set_until({{}, world_.clock().in(within)});
    return undo_load(undo_at(url), world_.context());
  }
  Result<Proof> looked(const std::string& url, Duration within = 20s) {
    world_.set_until({{}, world_.clock().in(within)});
    return load_gone(undo_at(url), world_.context());
  }
  // Neither is anything cleaned up nor gone, and each says why.
  void expect_no(const std::string& url, const std::string& of_cleanup, const std::string& of_list,
                 Duration within = 20s) {
    const auto done = cleaned(url, within);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().text.contains(of_cleanup)) << done.error().text;
    expect_not_gone(url, of_list, within);
  }
  void expect_not_gone(const std::string& url, const std::string& why, Duration within = 20s) {
    const auto gone = looked(url, within);
    EXPECT_FALSE(gone && gone->held);
    const std::string text = gone ? gone->text : gone.error().text;
    EXPECT_TRUE(text.contains(why)) << text;
  }

  DeedWorld world_;
};

TEST_F(LoadDeedAmongStrangers, ABodyWithoutAnEndIsCutOff) {
  const EndlessServer server;
  expect_no(server.url(), "longer than 67108864 bytes", "longer than 16777216 bytes");
}

TEST_F(LoadDeedAmongStrangers, ABodyShorterThanItWasSaidToBeIsNoAnswer) {
  const AnswerServer server(answer_cut_off());
  expect_no(server.url(), "the answer was cut off", "the answer was cut off");
}

TEST_F(LoadDeedAmongStrangers, ARedirectIsNotFollowedRoundAndRound) {
  const CircleServer server;
  expect_no(server.url(), "answered with status 302", "answered with status 302");
  EXPECT_EQ(server.asked(), 2);
}

TEST_F(LoadDeedAmongStrangers, WhatIsPackedIsNotUnpacked) {
  const AnswerServer server(packed_answer());
  expect_not_gone(server.url(), "the list cannot be read: not JSON at byte 1");
}

TEST_F(LoadDeedAmongStrangers, WhoNeverAnswersIsLeftInTime) {
  const AnswerServer server("");
  const Instant begun = world_.clock().now().boot;
  expect_no(server.url(), "no answer in time", "no answer in time", 100ms);
  EXPECT_LT(world_.clock().now().boot - begun, 5s);
}

TEST_F(LoadDeedAmongStrangers, AnAnswerThatIsNoListOfRowsSaysWhy) {
  for (const auto& [body, why] : {std::pair("<html>", "cannot be read: not JSON"),
                                  std::pair("{\"rows\": 7}", "there is no list of rows"),
                                  std::pair("[1, 2, 3]", "3 rows of this drill are listed")}) {
    const AnswerServer server(http_answer(200, body));
    expect_not_gone(server.url(), why);
  }
}

// Looked through name by name it would take hours.
TEST_F(LoadDeedAmongStrangers, ManyNamesAreReadInTime) {
  std::string body = "{";
  for (int i = 0; i < 300'000; ++i) body += "\"" + std::to_string(i) + "\":0,";
  const AnswerServer server(http_answer(200, body + "\"last\":0}"));
  expect_not_gone(server.url(), "there is no list of rows");
}

}  // namespace
}  // namespace gameday
