// What is expected of an answer, over each transport: what it keeps of it, and what it says.
#include "tests/engine/load/transport_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

class TransportChecksTest : public TransportTest {
 protected:
  // Sends one that expects that, which the server answers with these bytes.
  std::string answered(const std::string& expect, const std::string& bytes) {
    TransportRequest request = asking();
    LoadRequest pattern{"GET", url_ + "/orders/1?all", "", {}};
    pattern.expect = *Json::parse(expect);
    patterns_.push_back(std::make_unique<RequestPattern>(pattern, "01J", "checkout", 7, secrets_));
    request.pattern = patterns_.back().get();
    const auto ticket = send(request);
    const FarEnd far = accepted();
    far.say(bytes);
    const std::string end = end_of(ticket);
    const auto failed = answers_[ticket].failed;
    far_ = far.hear();  // asked for what it was, whatever is expected
    if (failed == 0) return end;
    return end + " " + patterns_.back()->check_names().at(failed - 1U);
  }
  static std::string said(const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 200 OK\r\n" + headers +
           "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  }

  std::string far_;
};

TEST_P(TransportChecksTest, AnAnswerThatIsAsExpectedIsGood) {
  const std::string expect =
      R"({"status":[200],"headers":{"X-Region":"eu"},"body_contains":"up","json":{"/n":7}})";
  EXPECT_EQ(answered(expect, said(R"({"state":"up","n":7})", "x-region: eu-west\r\n")), "ok 200");
  EXPECT_EQ(far_, "GET /orders/1?all HTTP/1.1\r\nHost: " + url_.substr(url_.find("//") + 2) +
                      "\r\nAccept: */*\r\n\r\n");
}

TEST_P(TransportChecksTest, AHeaderThatIsOtherIsWrong) {
  const std::string expect = R"({"headers":{"X-Region":"eu"}})";
  EXPECT_EQ(answered(expect, said("ok", "X-Region: us\r\n")),
            "wrong 200 header X-Region contains 'eu'");
  EXPECT_EQ(answered(expect, said("ok", "X-Regions: eu\r\n")),
            "wrong 200 header X-Region contains 'eu'");
  // That of an interim answer is not the answer's.
  EXPECT_EQ(answered(expect, "HTTP/1.1 103 Early Hints\r\nX-Region: eu\r\n\r\n" + said("ok")),
            "wrong 200 header X-Region contains 'eu'");
}

TEST_P(TransportChecksTest, ABodyThatIsOtherIsWrong) {
  EXPECT_EQ(answered(R"({"body_contains":"paid"})", said("open")),
            "wrong 200 body_contains 'paid'");
  EXPECT_EQ(answered(R"({"body_equals":"ok"})", said("ok")), "ok 200");
  EXPECT_EQ(answered(R"({"body_equals":"ok"})", said("okay")), "wrong 200 body_equals 'ok'");
  EXPECT_EQ(answered(R"({"json":{"/n":"> 7"}})", said(R"({"n":7})")), "wrong 200 json /n > 7");
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nok\r\n2\r\nay\r\n0\r\n\r\n";
  EXPECT_EQ(answered(R"({"body_equals":"okay"})", chunked), "ok 200");
}

TEST_P(TransportChecksTest, OfALongBodyOnlyTheBeginningIsKnown) {
  const std::string body = "paid" + std::string(AnswerChecks::kMostBody, 'x');
  EXPECT_EQ(answered(R"({"body_contains":"paid"})", said(body)), "ok 200");
  EXPECT_EQ(answered(R"({"body_lacks":"y"})", said(body)), "wrong 200 body_lacks 'y'");
}

TEST_P(TransportChecksTest, AnotherStatusIsRefusedWhateverTheRest) {
  EXPECT_EQ(answered(R"({"status":[404],"body_contains":"x"})", said("open")),
            "refused 200 status 404");
  EXPECT_EQ(answered(R"({"status":["3xx"]})",
                     "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /b\r\n"
                     "Content-Length: 0\r\n\r\n"),
            "ok 302");
}

TEST_P(TransportChecksTest, WhatEndsBeforeItIsWholeIsJudgedByNothing) {
  const std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
  TransportRequest request = asking();
  LoadRequest pattern{"GET", url_ + "/", "", {}};
  pattern.expect = *Json::parse(R"({"body_contains":"ok"})");
  patterns_.push_back(std::make_unique<RequestPattern>(pattern, "01J", "checkout", 7, secrets_));
  request.pattern = patterns_.back().get();
  const auto ticket = send(request);
  FarEnd far = accepted();
  work(milliseconds(20));
  far.say(cut);
  far.close();
  EXPECT_EQ(end_of(ticket), "unknown 0");
  EXPECT_EQ(answers_[ticket].failed, 0);
}

INSTANTIATE_TEST_SUITE_P(Each, TransportChecksTest, testing::ValuesIn(kinds_here()), name_of_kind);

}  // namespace
}  // namespace gameday
