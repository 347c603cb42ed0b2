#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow http_probe;

namespace {

using namespace std::chrono_literals;

class HttpProbeTest : public ProbeTest {
 protected:
  HttpProbeTest() : ProbeTest(http_probe) {}

  // The server's URL with more members of the probe.
  static std::string asking(const TestServer& server, const std::string& more = "") {
    return "{ http: \"" + server.url() + "/healthz\"" + (more.empty() ? "" : ", " + more) + " }";
  }
};

TEST_F(HttpProbeTest, TheExpectedAnswerIsGood) {
  const AnswerServer server(http_answer(200, "all is well"));
  const auto plain = ask(asking(server));
  EXPECT_TRUE(plain.ok);
  EXPECT_EQ(plain.text, "status 200");
  const auto body =
      ask(asking(server, "method: GET, expect: { status: 200, body_contains: well }"));
  EXPECT_TRUE(body.ok) << body.text;
  EXPECT_EQ(body.text, "status 200, the body contains 'well'");
}

TEST_F(HttpProbeTest, AnotherStatusIsNot) {
  const AnswerServer server(http_answer(503, ""));
  expect_no(asking(server), "status 503, expected 200");
  expect_no(asking(server, "expect: { status: [200, 404, 2xx] }"),
            "status 503, expected 200 or 404 or 2xx");
  expect_no(asking(server, "expect: { status: 4xx }"), "status 503, expected 4xx");
  expect_good(asking(server, "expect: { status: 503 }"));
  expect_good(asking(server, "expect: { status: 5xx }"));
  expect_good(asking(server, "expect: { status: [200, 503] }"));
}

TEST_F(HttpProbeTest, WhoIsNotKnownMustBeRefused) {
  // Lets in whoever has the token.
  const TestServer guarded([](int connection, const std::stop_token& stop) {
    const auto request = TestServer::received(connection, stop);
    const bool known = request.contains("authorization: Bearer canary\r\n");
    TestServer::give(connection, http_answer(known ? 200 : 401, ""), stop);
  });
  const AnswerServer open(http_answer(200, "everybody's orders"));
  const std::string refused = "expect: { status: [401, 403] }";
  expect_good(asking(guarded, refused));
  expect_no(asking(open, refused), "status 200, expected 401 or 403");
  secrets_.learn("env:SHOP_TOKEN", "canary");
  expect_good(asking(guarded, R"(headers: { authorization: "Bearer ${env:SHOP_TOKEN}" })"));
  expect_no(asking(guarded, R"(headers: { authorization: "Bearer nobody" })"),
            "status 401, expected 200");
}

TEST_F(HttpProbeTest, AHeaderThatIsMissingOrOtherIsNot) {
  const AnswerServer server(
      http_answer(200, "", "Cache-Control: no-store, private\r\nX-Region: eu-west\r\n"));
  expect_good(asking(server, "expect: { headers: { cache-control: no-store, X-Region: eu } }"));
  expect_no(asking(server, "expect: { headers: { Cache-Control: public } }"),
            "status 200, but header Cache-Control does not contain 'public'");
  expect_no(asking(server, "expect: { headers: { X-Zone: a } }"),
            "status 200, but there is no header X-Zone");
}

TEST_F(HttpProbeTest, ABodyWithoutTheTextOrWithABannedOneIsNot) {
  const AnswerServer server(http_answer(200, "degraded"));
  expect_no(asking(server, "expect: { body_contains: is well }"),
            "status 200, but the body does not contain 'is well'");
  expect_no(asking(server, "expect: { body_lacks: degraded }"),
            "status 200, but the body contains 'degraded'");
  expect_good(asking(server, "expect: { body_lacks: down }"));
  expect_good(asking(server, "expect: { body_equals: degraded }"));
  expect_no(asking(server, "expect: { body_equals: degrade }"),
            "status 200, but the body is not 'degrade'");
}

TEST_F(HttpProbeTest, JsonIsJudgedByPointer) {
  const AnswerServer server(http_answer(
      200, R"({"state": "up", "queue": {"depth": 7}, "ready": true, "shards": [3, 4]})"));
  const auto json = [&](const std::string& wanted) {
    return asking(server, "expect: { json: { " + wanted + " } }");
  };
  const auto good = ask(json(R"(/state: up, /queue/depth: "< 10", /ready: true, /shards/1: 4)"));
  EXPECT_TRUE(good.ok) << good.text;
  EXPECT_EQ(good.text,
            "status 200, /state is up, /queue/depth is 7, /ready is true, /shards/1 is 4");
  expect_no(json("/state: down"), "status 200, expected /state == down, /state is up");
  expect_no(json(R"(/queue/depth: "> 7")"),
            "status 200, expected /queue/depth > 7, /queue/depth is 7");
  expect_no(json("/ready: false"), "status 200, expected /ready == false, /ready is true");
  expect_no(json("/queue/age: 1"), "status 200, but there is no /queue/age in the body");
}

TEST_F(HttpProbeTest, WhatIsNoJsonIsNot) {
  const AnswerServer server(http_answer(200, "<html>"));
  expect_no_with(asking(server, "expect: { json: { /state: up } }"),
                 "status 200, but the body is no JSON");
}

TEST_F(HttpProbeTest, ARedirectIsAnAnswerAndNotFollowed) {
  const AnswerServer elsewhere(http_answer(200, ""));
  const AnswerServer server(http_answer(302, "", "Location: " + elsewhere.url() + "/healthz\r\n"));
  expect_no(asking(server), "status 302, expected 200");
  expect_good(asking(server, "expect: { status: 302, headers: { location: /healthz } }"));
}

TEST_F(HttpProbeTest, NoAnswerInTimeIsNot) {
  const AnswerServer server("");
  const auto answer = ask(asking(server), 50ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "no answer (no answer in time), expected status 200");
  EXPECT_LT(after_stop(asking(server)), 200ms);
}

TEST_F(HttpProbeTest, AnAnswerThatNeverEndsIsNot) {
  // A little of a body, again and again, without end: chunked, so that no length is promised.
  const TestServer drips([](int connection, const std::stop_token& stop) {
    TestServer::received(connection, stop);
    TestServer::give(connection, "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", stop);
    while (!stop.stop_requested() && TestServer::give(connection, "1\r\nx\r\n", stop)) {
      pollfd nothing{connection, 0, 0};
      poll(&nothing, 1, 5);
    }
  });
  const Instant begun = world_.clock().now().boot;
  const auto answer = ask(asking(drips), 150ms);
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("no answer in time")) << answer.text;
  EXPECT_LT(world_.clock().now().boot - begun, 1s);
}

TEST_F(HttpProbeTest, AnAnswerThatIsTooLargeIsNot) {
  const TestServer floods([](int connection, const std::stop_token& stop) {
    TestServer::received(connection, stop);
    TestServer::give(connection, "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", stop);
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    while (!stop.stop_requested() && TestServer::give(connection, chunk, stop)) continue;
  });
  expect_no(asking(floods),
            "no answer (the answer is longer than 4194304 bytes), expected status 200");
}

TEST_F(HttpProbeTest, AnAnswerThatLiesAboutItsLengthIsNot) {
  const AnswerServer promises_more("HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\nshort");
  expect_no(asking(promises_more), "no answer (the answer was cut off), expected status 200");
  const AnswerServer no_length("HTTP/1.1 200 X\r\nContent-Length: many\r\n\r\nshort");
  EXPECT_FALSE(ask(asking(no_length), 1s).ok);
  const AnswerServer endless("HTTP/1.1 200 X\r\nContent-Length: 99999999999999999999\r\n\r\nshort");
  expect_no(
      asking(endless),
      "no answer (the answer is no HTTP, its length is 99999999999999999999), expected status "
      "200");
  // What comes behind the promised length is no part of the answer.
  const AnswerServer sends_more("HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nokdegraded");
  expect_good(asking(sends_more, "expect: { body_lacks: degraded }"));
}

TEST_F(HttpProbeTest, WhatIsNoHttpIsNot) {
  const AnswerServer server("220 mail.example ready\r\n");
  expect_no_with(asking(server), "no answer (");
}

TEST_F(HttpProbeTest, ARefusedConnectionIsNot) {
  expect_no_with("{ http: \"http://127.0.0.1:1/\", expect: { status: 4xx } }",
                 "expected status 4xx");
}

TEST_F(HttpProbeTest, SecretsAreSentAndNotTold) {
  secrets_.learn("env:SHOP_TOKEN", "canary");
  const TestServer echoes([](int connection, const std::stop_token& stop) {
    const auto request = TestServer::received(connection, stop);
    const bool came = request.contains("x-token: canary") && request.contains("/canary");
    TestServer::give(connection, http_answer(200, came ? R"({"you": "sent canary"})" : "{}"), stop);
  });
  const auto answer = ask("{ http: \"" + echoes.url() +
                          R"(/${env:SHOP_TOKEN}", headers: { x-token: "${env:SHOP_TOKEN}" }, )"
                          R"(expect: { json: { /you: nothing } } })");
  EXPECT_FALSE(answer.ok);
  EXPECT_EQ(answer.text, "status 200, expected /you == nothing, /you is sent ${env:SHOP_TOKEN}");
  const auto refused = ask(R"({ http: "http://127.0.0.1:1/${env:SHOP_TOKEN}" })");
  EXPECT_FALSE(refused.ok);
  EXPECT_FALSE(refused.text.contains("canary")) << refused.text;
  const auto unknown = ask(R"({ http: "http://127.0.0.1:1/${env:GAMEDAY_NO_SUCH}" })");
  EXPECT_FALSE(unknown.ok);
  EXPECT_TRUE(unknown.text.contains("GAMEDAY_NO_SUCH")) << unknown.text;
}

TEST_F(HttpProbeTest, WhatAServerSendsIsToldOnOneShortLine) {
  const AnswerServer server(
      http_answer(200, R"({"state": "a\nb\u001b[2J)" + std::string(100000, 'x') + "\"}"));
  const auto answer = ask(asking(server, "expect: { json: { /state: up } }"));
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.starts_with("status 200, expected /state == up, /state is a b [2Jxxx"))
      << answer.text;
  EXPECT_LT(answer.text.size(), 320u);
}

TEST_F(HttpProbeTest, WhatIsWrongIsShownWhereItStands) {
  const std::string probe = R"({ http: "http://127.0.0.1:1", expect: { status: 700 } })";
  const auto problems = loaded(probe).problems.sorted();
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems[0].place.line, 6);
  EXPECT_EQ(problems[0].place.column,
            static_cast<int>(std::string("  asked: ").size() + probe.find("700") + 1));
}

TEST_F(HttpProbeTest, CheckRefusesWhatCannotBeMeant) {
  const auto wrong = [&](const std::string& more) {
    return problem("{ http: \"http://127.0.0.1:1\", " + more + " }");
  };
  EXPECT_EQ(wrong("expect: { status: 700 }"),
            "`probes.asked.expect.status`: expected 100 to 599, a class like 2xx or a list of "
            "them, not `700`");
  for (const char* status :
       {"no", "xx", "2xxx", "[200, maybe]", "[]", "0xx", "6xx", "-1", "0310", "[200, 0310]"}) {
    EXPECT_TRUE(wrong("expect: { status: " + std::string(status) + " }").contains("expect.status"))
        << status;
  }
  EXPECT_EQ(wrong("expect: { json: { state: up } }"),
            "`probes.asked.expect.json`: expected a JSON pointer like /state, not `state`");
  EXPECT_TRUE(wrong(R"(expect: { json: { /n: "> many" } })")
                  .contains("is no number to be more or less than"));
  EXPECT_TRUE(wrong("expect: { json: { /n: [1] } }").contains("not a list or a mapping"));
  EXPECT_TRUE(wrong("expect: { json: up }").contains("expected a mapping of JSON pointer"));
  EXPECT_TRUE(wrong("expect: { headers: [a] }").contains("expected a mapping of header to text"));
  EXPECT_TRUE(wrong("headers: { \"a b\": c }").contains("this is no header name"));
  EXPECT_TRUE(wrong("headers: { a: \"b\\nc\" }").contains("expected a text on one line"));
  EXPECT_TRUE(wrong("method: HEAD, expect: { body_contains: x }").contains("HEAD has no body"));
  EXPECT_TRUE(wrong("method: PUT").contains("expected one of GET, HEAD"));
  EXPECT_EQ(wrong("method: HEAD, expect: { status: [200, 3xx] }"), "");
}

}  // namespace
}  // namespace gameday
