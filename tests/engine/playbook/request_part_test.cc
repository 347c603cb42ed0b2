// What a load's request may say, and where what is wrong with it stands.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "engine/playbook/data_table.h"
#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

// The design's playbook with one load more, whose request is that, from column 14 of line 27 on.
std::string asking(const std::string& request) {
  return edited_design("load:\n", "load:\n  look:\n    rate: 10/s\n    request: " + request + "\n");
}
std::vector<std::string> told(const std::string& request) { return told_of(asking(request)); }
LoadSpec look(const std::string& request) {
  const auto loaded = decode_playbook("/drills/p.yaml", asking(request), {}, test_rows::kRows);
  EXPECT_TRUE(loaded.playbook);
  return loaded.playbook ? *loaded.playbook->load("look") : LoadSpec();
}
std::vector<std::string> one(const std::string& line) { return {"27:" + line}; }

TEST(RequestExpect, IsWhatTheAnswerMustBe) {
  EXPECT_TRUE(look("{ url: \"{front}/\" }").request.expect.is_null());
  EXPECT_EQ(look("{ url: \"{front}/\", expect: { body_contains: up } }").request.expect.dump(),
            R"({"status":"2xx","body_contains":"up"})");
  EXPECT_EQ(look("{ url: \"{front}/\", expect: { status: [200, 404], headers: { etag: a }, "
                 "json: { /n: \"> 5\" } } }")
                .request.expect.dump(),
            R"({"status":[200,404],"headers":{"etag":"a"},"json":{"/n":"> 5"}})");
}

TEST(RequestExpect, WhatItCannotMeanIsToldAtItsPlace) {
  EXPECT_EQ(told("{ url: \"{front}/\", expect: { status: 2000 } }"),
            one("51: error: `load.look.request.expect.status`: expected 100 to 599, a class like "
                "2xx or a list of them, not `2000`"));
  EXPECT_EQ(told("{ url: \"{front}/\", expect: { headers: { \"a b\": x } } }"),
            one("61: error: `load.look.request.expect.headers.a b`: this is no header name"));
  EXPECT_EQ(told("{ url: \"{front}/\", expect: { json: { state: up } } }"),
            one("49: error: `load.look.request.expect.json`: expected a JSON pointer like "
                "/state, not `state`"));
  EXPECT_EQ(told("{ url: \"{front}/\", method: HEAD, expect: { body_contains: x } }"),
            one("41: error: `load.look.request.method`: an answer to HEAD has no body that could "
                "be looked at"));
  EXPECT_EQ(told("{ url: \"{front}/\", expect: { body: x } }"),
            one("43: error: unknown key `body` in `load.look.request.expect`; known are: status, "
                "headers, body_contains, body_lacks, body_equals, json"));
}

TEST(RequestExpect, ACleanupExpectsNothingOfItsOwn) {
  const auto told = told_of(edited_design("cleanup: { method: DELETE,",
                                          "cleanup: { expect: { status: 200 }, method: DELETE,"));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].contains("unknown key `expect` in `load.checkout.cleanup`")) << told[0];
}

// A write that is answered with an error is not done, and would count as acknowledged.
TEST(RequestExpect, ALedgersWritesAreAcknowledgedByNoError) {
  const auto with = [](const std::string& status) {
    return told_of(edited_design("request: { method: PUT,",
                                 "request: { expect: { status: " + status + " }, method: PUT,"));
  };
  EXPECT_EQ(with("[2xx, 303]"), std::vector<std::string>{});
  for (const std::string status : {"409", "[200, 5xx]"}) {
    EXPECT_EQ(with(status),
              (std::vector<std::string>{
                  "27:34: error: `load.checkout`, `expect.status`: in a load with a ledger a "
                  "good answer acknowledges a write, and one with an error status does not"}));
  }
}

// The same load with these lines in place of its request, from line 27 on.
std::string several(const std::string& lines) {
  return edited_design("load:\n", "load:\n  look:\n    rate: 10/s\n" + lines);
}

TEST(Requests, AreReadWithTheirWeightsAndNames) {
  const auto loaded = decode_playbook(
      "/drills/p.yaml",
      several("    requests:\n"
              "      - { weight: 3, url: \"{front}/orders?n={seq}\", expect: { status: 200 } }\n"
              "      - { name: write, method: POST, url: \"{front}/orders\", body: x }\n"
              "      - \"{front}\"\n"),
      {}, test_rows::kRows);
  ASSERT_TRUE(loaded.playbook);
  const LoadSpec& load = *loaded.playbook->load("look");
  ASSERT_EQ(load.mix.size(), 3U);
  EXPECT_EQ(load.mix[0].name, "GET /orders?n={seq}");
  EXPECT_EQ(load.mix[0].weight, 3);
  EXPECT_EQ(load.mix[0].request.expect.dump(), R"({"status":200})");
  EXPECT_EQ(load.mix[1].name, "write");
  EXPECT_EQ(load.mix[1].weight, 1);
  EXPECT_EQ(load.mix[1].request.body, "x");
  EXPECT_EQ(load.mix[2].name, "GET /");
  EXPECT_EQ(load.request.url, load.mix[0].request.url);
}

TEST(Requests, WhatIsWrongWithThemIsToldAtItsPlace) {
  const auto told = [](const std::string& lines) { return told_of(several(lines)); };
  EXPECT_EQ(told("    requests: []\n"),
            one("15: error: `load.look.requests`: expected 1 to 100 requests"));
  EXPECT_EQ(told("    requests: [{ url: \"{front}/\" }, { method: GET, url: \"{front}/\" }]\n"),
            one("37: error: `load.look.requests`: two are called `GET /`; give each a `name`"));
  EXPECT_EQ(told("    requests: [{ weight: 0, url: \"{front}/\" }]\n"),
            one("26: error: `load.look.requests.weight`: expected 1 to 1000000, not `0`"));
  EXPECT_EQ(told("    requests: [{ url: \"{front}/\", expect: { status: 9xx } }]\n"),
            one("53: error: `load.look.requests.expect.status`: expected 100 to 599, a class like "
                "2xx or a list of them, not `9xx`"));
  EXPECT_EQ(told("    requests: [{ url: \"{front}/\" }]\n    request: \"{front}/\"\n"),
            (std::vector<std::string>{"28:5: error: `load.look` has both `requests` and "
                                      "`request`; a load speaks one thing"}));
}

// The design's load, with a ledger, in place of whose request these stand.
std::vector<std::string> ledgered(const std::string& requests) {
  return told_of(edited_design(
      "request: { method: PUT, url: \"{front}/orders/{key}\", json: { item: book, sum: "
      "\"{digest}\" } }",
      "requests: " + requests));
}
const std::string kWrite = "{ method: PUT, url: \"{front}/o/{key}\", body: \"{digest}\", name: w";

TEST(Requests, OfALoadWithALedgerOneWrites) {
  EXPECT_EQ(ledgered("[{ url: \"{front}/\" }, " + kWrite + " }]"), std::vector<std::string>{});
  EXPECT_EQ(ledgered("[" + kWrite + " }, " + kWrite + "2 }, { url: \"{front}/\" }]"),
            (std::vector<std::string>{
                "27:15: error: `load.checkout.requests`: the load has a ledger, which keeps what "
                "one of them writes, and `w` and `w2` write; give each a load of its own"}));
  EXPECT_EQ(ledgered("[{ url: \"{front}/{key}/{digest}\" }]"),
            (std::vector<std::string>{"27:15: error: `load.checkout.requests`: the load has a "
                                      "ledger, and all of them only read"}));
  EXPECT_EQ(ledgered("[{ url: \"{front}/\" }, { method: PUT, url: \"{front}/{key}\" }]"),
            (std::vector<std::string>{"27:37: error: a request of a load with a ledger needs "
                                      "{digest} in its URL or body"}));
  EXPECT_EQ(ledgered("[{ url: \"{front}/\", expect: { status: 404 } }, " + kWrite +
                     ", expect: { status: 409 } }]"),
            (std::vector<std::string>{
                "27:146: error: `load.checkout`, `expect.status`: in a load with a ledger a good "
                "answer acknowledges a write, and one with an error status does not"}));
}

TEST(RequestFilling, WhatCannotBeFilledInIsToldAtItsPlace) {
  EXPECT_EQ(told("\"{front}/{uuid}?n={random:1..6}\""), std::vector<std::string>{});
  EXPECT_EQ(told("\"{front}/{random:6..1}\""),
            one("14: error: `load.look.request.url`: `{random:6..1}`: expected two whole numbers, "
                "the lower one first, like {random:1..100}"));
  EXPECT_EQ(told("{ url: \"{front}/\", method: PUT, body: \"{random:1}\" }"),
            one("52: error: `load.look.request.body`: `{random:1}`: expected two whole numbers, "
                "the lower one first, like {random:1..100}"));
  EXPECT_EQ(told("{ url: \"{front}/\", headers: { X-User: \"{data.user}\" } }"),
            one("52: error: `load.look.request.headers.X-User`: `{data.user}`: the load has no "
                "`data`"));
  EXPECT_EQ(
      told_of(edited_design("cleanup: { method: DELETE, url: \"{front}/orders?drill={drill}\"",
                            "cleanup: { method: DELETE, url: \"{front}/{uuid}\"")),
      (std::vector<std::string>{
          "29:37: error: `load.checkout.cleanup.url`: `{uuid}` is filled in for the "
          "requests of a load, not here"}));
  EXPECT_EQ(told_of(edited_design("read_back: \"{front}/orders/{key}\"",
                                  "read_back: \"{front}/orders/{key}/{random:1..2}\"")),
            (std::vector<std::string>{
                "28:41: error: `load.checkout.ledger.read_back`: `{random:1..2}` is filled in for "
                "the requests of a load, not here"}));
}

class RequestData : public testing::Test {
 protected:
  RequestData() : file_(testing::TempDir() + "gameday-users-" + std::to_string(getpid()) + ".csv") {
    std::ofstream(file_) << "user,city\nann,Aix\nbob,Ulm\n";
  }
  ~RequestData() override { std::remove(file_.c_str()); }
  [[nodiscard]] std::string with(const std::string& url, const std::string& data = "") const {
    return several("    request: \"{front}/" + url +
                   "\"\n    data: " + (data.empty() ? file_ : data) + "\n");
  }

  const std::string file_;
};

TEST_F(RequestData, IsReadWithThePlaybook) {
  const auto loaded = decode_playbook("/drills/p.yaml", with("{data.user}"), {}, test_rows::kRows);
  ASSERT_TRUE(loaded.playbook);
  const LoadSpec& load = *loaded.playbook->load("look");
  ASSERT_NE(load.data, nullptr);
  EXPECT_EQ(load.data->rows.size(), 2U);
  EXPECT_EQ(load.data->path, file_);
  EXPECT_EQ(load.request.url, "http://127.0.0.1:8080/{data.user}");
}

TEST_F(RequestData, AMissingFileOrColumnIsAnErrorOfTheCheck) {
  EXPECT_EQ(told_of(with("{data.user}")), std::vector<std::string>{});
  EXPECT_EQ(told_of(with("{data.usr}")), one("14: error: `load.look.request.url`: `{data.usr}`: `" +
                                             file_ + "` has no such column; did you mean `user`?"));
  const auto missing = told_of(with("{data.user}", "users.csv"));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_TRUE(missing[0].starts_with("28:11: error: `load.look.data`: ")) << missing[0];
  EXPECT_TRUE(missing[0].contains("/drills/users.csv")) << missing[0];
  std::ofstream(file_) << "user,city\nann\n";
  EXPECT_EQ(told_of(with("{data.user}")),
            (std::vector<std::string>{"28:11: error: `load.look.data`: line 2: 1 values, and "
                                      "there are 2 columns"}));
}

TEST(SpokenLoadData, GoesWithARequest) {
  const auto told = told_of(several("    table: { into: facts, list: all }\n    data: a.csv\n"));
  EXPECT_TRUE(std::ranges::any_of(told, [](const std::string& line) {
    return line == "28:5: error: `data` goes with `request`";
  }));
}

using Headers = std::vector<std::pair<std::string, std::string>>;

TEST(RequestCookies, AreOneHeader) {
  EXPECT_EQ(look("{ url: \"{front}/\", cookies: { session: \"${env:SESSION}\", n: \"{seq}\" } }")
                .request.headers,
            (Headers{{"cookie", "session=${env:SESSION}; n={seq}"}}));
}

TEST(RequestCookies, WhatWouldBeAnotherOneIsTold) {
  EXPECT_EQ(told("{ url: \"{front}/\", cookies: { a: \"1; b=2\" } }"),
            one("47: error: cookie `a`: expected a text without blanks, quotes, commas, "
                "semicolons and backslashes"));
  EXPECT_EQ(told("{ url: \"{front}/\", cookies: { \"a b\": 1 } }"),
            one("44: error: `a b` is no name of a cookie"));
  EXPECT_EQ(told("{ url: \"{front}/\", cookies: [a] }"),
            one("42: error: `cookies`: expected a mapping, not a list"));
  EXPECT_EQ(told("{ url: \"{front}/\", cookies: { a: 1 }, headers: { Cookie: b=2 } }"),
            one("63: error: both `cookies` and a header `Cookie`"));
}

TEST_F(RequestData, AValueThatWouldEndACookieIsTold) {
  const auto with_cookie = [&] {
    return told_of(
        several("    request: { url: \"{front}/\", cookies: { a: \"{data.user}\" } }\n"
                "    data: " +
                file_ + "\n"));
  };
  EXPECT_EQ(with_cookie(), std::vector<std::string>{});
  std::ofstream(file_) << "user\nann\nb;c=d\n";
  EXPECT_EQ(with_cookie(),
            one("42: error: `load.look.request.cookies`: `{data.user}`: a value of `" + file_ +
                "` would end the cookie"));
}

TEST(RequestAuth, IsReadByReferences) {
  const auto basic =
      look("{ url: \"{front}/\", auth: { basic: { user: ann, password: \"${env:PW}\" } } }");
  ASSERT_TRUE(basic.request.basic);
  EXPECT_EQ(basic.request.basic->user, "ann");
  EXPECT_EQ(basic.request.basic->password, "${env:PW}");
  EXPECT_EQ(look("{ url: \"{front}/\", auth: { bearer: \"${file:/token}\" } }").request.headers,
            (Headers{{"authorization", "Bearer ${file:/token}"}}));
  const auto aws = look(
                       "{ url: \"{front}/\", auth: { sigv4: { access_key: AKID, secret_key: "
                       "\"${env:KEY}\", region: eu-west-1 } } }")
                       .request.aws;
  ASSERT_TRUE(aws);
  EXPECT_EQ(aws->access_key, "AKID");
  EXPECT_EQ(aws->service, "execute-api");
  EXPECT_EQ(aws->region, "eu-west-1");
}

// What the playbook says is in the journal.
TEST(RequestAuth, ASecretThatIsWrittenDownIsRefused) {
  const std::string written =
      "`: expected a secret, ${env:NAME} or ${file:PATH}; what the playbook says itself stands in "
      "the journal";
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { basic: { user: ann, password: pw } } }"),
            one("71: error: `load.look.request.auth.basic.password" + written));
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { bearer: abc } }"),
            one("49: error: `load.look.request.auth.bearer" + written));
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { sigv4: { access_key: a, secret_key: b, region: r, "
                 "session_token: \"${env:S}\" } } }"),
            one("77: error: `load.look.request.auth.sigv4.secret_key" + written));
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { sigv4: { access_key: a, secret_key: \"${env:S}\", "
                 "region: r, session_token: s } } }"),
            one("115: error: `load.look.request.auth.sigv4.session_token" + written));
}

TEST(RequestAuth, IsOneThing) {
  EXPECT_EQ(told("{ url: \"{front}/\", auth: {} }"),
            one("39: error: `load.look.request.auth`: expected one of basic, bearer, sigv4"));
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { bearer: \"${env:T}\", basic: { user: a, password: "
                 "\"${env:T}\" } } }"),
            one("39: error: `load.look.request.auth`: expected one of basic, bearer, sigv4"));
  EXPECT_EQ(told("{ url: \"{front}/\", auth: { bearer: \"${env:T}\" }, headers: { Authorization: "
                 "x } }"),
            one("74: error: both `auth` and a header `Authorization`"));
  EXPECT_EQ(
      told("{ url: \"{front}/\", auth: { basic: { user: \"a:b\", password: \"${env:T}\" } } }"),
      one("56: error: `load.look.request.auth.basic.user`: a user has no colon"));
}

}  // namespace
}  // namespace gameday
