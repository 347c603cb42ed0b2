// What a load expects of answers: which check says no, and what of an answer is known at all.
#include "engine/load/answer_checks.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

HeardAnswer heard(int status, const std::string& body = "") {
  HeardAnswer made;
  made.status = status;
  made.add(body);
  return made;
}

// "ok", or its outcome and the check that it failed.
std::string judged_by(const std::string& expect, const HeardAnswer& answer) {
  const AnswerChecks checks(*Json::parse(expect), 1);
  const Judged judged = checks.judged(answer);
  if (judged.failed == 0) return name_of(judged.outcome);
  return std::string(name_of(judged.outcome)) + ": " + checks.names().at(judged.failed - 1U);
}

TEST(AnswerChecks, WithoutAnySuccessIsGood) {
  for (const int status : {200, 204, 299}) {
    EXPECT_EQ(judged(nullptr, heard(status)).outcome, SampleOutcome::ok) << status;
  }
  for (const int status : {199, 302, 404, 503}) {
    EXPECT_EQ(judged(nullptr, heard(status)).outcome, SampleOutcome::refused) << status;
    EXPECT_EQ(judged(nullptr, heard(status)).failed, 0) << status;
  }
}

TEST(AnswerChecks, TheStatusIsOneOfThoseThatAreExpected) {
  EXPECT_EQ(judged_by("{}", heard(201)), "ok");
  EXPECT_EQ(judged_by("{}", heard(302)), "refused: status 2xx");
  EXPECT_EQ(judged_by(R"({"status":[200,"3xx"]})", heard(304)), "ok");
  EXPECT_EQ(judged_by(R"({"status":[200,"3xx"]})", heard(201)), "refused: status 200 or 3xx");
  EXPECT_EQ(judged_by(R"({"status":404})", heard(404)), "ok");
}

TEST(AnswerChecks, AHeaderContainsItsText) {
  HeardAnswer answer = heard(200);
  const std::string expect = R"({"headers":{"Cache-Control":"no-store"}})";
  EXPECT_EQ(judged_by(expect, answer), "wrong: header Cache-Control contains 'no-store'");
  answer.headers = {{"cache-control", "public"}};
  EXPECT_EQ(judged_by(expect, answer), "wrong: header Cache-Control contains 'no-store'");
  answer.headers.emplace_back("cache-control", "private, no-store");
  EXPECT_EQ(judged_by(expect, answer), "ok");
  const AnswerChecks checks(*Json::parse(expect), 1);
  EXPECT_TRUE(checks.look_at("CACHE-control"));
  EXPECT_FALSE(checks.look_at("cache-controls"));
  EXPECT_FALSE(checks.look_at("etag"));
  EXPECT_FALSE(checks.look_at_body());
}

TEST(AnswerChecks, ABodyContainsLacksOrEqualsAText) {
  EXPECT_EQ(judged_by(R"({"body_contains":"paid"})", heard(200, "is paid")), "ok");
  EXPECT_EQ(judged_by(R"({"body_contains":"paid"})", heard(200, "open")),
            "wrong: body_contains 'paid'");
  EXPECT_EQ(judged_by(R"({"body_lacks":"error"})", heard(200, "fine")), "ok");
  EXPECT_EQ(judged_by(R"({"body_lacks":"error"})", heard(200, "an error")),
            "wrong: body_lacks 'error'");
  EXPECT_EQ(judged_by(R"({"body_equals":"ok"})", heard(200, "ok")), "ok");
  EXPECT_EQ(judged_by(R"({"body_equals":"ok"})", heard(200, "ok\n")), "wrong: body_equals 'ok'");
  EXPECT_EQ(judged_by(R"({"body_equals":""})", heard(200, "x")), "wrong: body_equals ''");
}

TEST(AnswerChecks, JsonIsComparedByPointer) {
  const std::string expect = R"({"json":{"/state":"up","/queue/depth":"< 10"}})";
  EXPECT_EQ(judged_by(expect, heard(200, R"({"state":"up","queue":{"depth":9}})")), "ok");
  EXPECT_EQ(judged_by(expect, heard(200, R"({"state":"up","queue":{"depth":10}})")),
            "wrong: json /queue/depth < 10");
  EXPECT_EQ(judged_by(expect, heard(200, R"({"state":"up"})")), "wrong: json /queue/depth < 10");
  EXPECT_EQ(judged_by(expect, heard(200, "<html>")), "wrong: json /state == up");
}

TEST(AnswerChecks, TheFirstThatDoesNotHoldIsTold) {
  const std::string expect =
      R"({"status":200,"headers":{"a":"1"},"body_contains":"b","json":{"/c":1}})";
  HeardAnswer answer = heard(500, "x");
  EXPECT_EQ(judged_by(expect, answer), "refused: status 200");
  answer.status = 200;
  EXPECT_EQ(judged_by(expect, answer), "wrong: header a contains '1'");
  answer.headers = {{"a", "1"}};
  EXPECT_EQ(judged_by(expect, answer), "wrong: body_contains 'b'");
  answer.body = "b";
  EXPECT_EQ(judged_by(expect, answer), "wrong: json /c == 1");
}

TEST(AnswerChecks, NumbersGoOnFromWhereTheyAreToldTo) {
  const AnswerChecks checks(*Json::parse(R"({"body_equals":"x"})"), 7);
  EXPECT_EQ(checks.judged(heard(200, "x")).failed, 0);
  EXPECT_EQ(checks.judged(heard(500, "x")).failed, 7);
  EXPECT_EQ(checks.judged(heard(200, "y")).failed, 8);
}

TEST(AnswerChecks, OfALongBodyOnlyItsBeginningIsKeptAndHoldsOnlyWhatItContains) {
  const std::string most(AnswerChecks::kMostBody, ' ');
  HeardAnswer answer = heard(200, "1" + most.substr(1));
  EXPECT_FALSE(answer.cut);
  for (const char* expect :
       {R"({"body_contains":"1"})", R"({"body_lacks":"x"})", R"({"json":{"":1}})"}) {
    EXPECT_EQ(judged_by(expect, answer), "ok") << expect;
  }
  answer.add(" ");
  EXPECT_TRUE(answer.cut);
  EXPECT_EQ(answer.body.size(), AnswerChecks::kMostBody);
  EXPECT_EQ(judged_by(R"({"body_contains":"1"})", answer), "ok");
  EXPECT_EQ(judged_by(R"({"body_lacks":"x"})", answer), "wrong: body_lacks 'x'");
  EXPECT_EQ(judged_by(R"({"json":{"":1}})", answer), "wrong: json  == 1");
  const AnswerChecks whole(Json::object({{"body_equals", answer.body}}), 1);
  EXPECT_EQ(whole.judged(answer).outcome, SampleOutcome::wrong);
  answer.clear();
  EXPECT_FALSE(answer.cut);
  EXPECT_LT(answer.body.capacity(), 16385U);
}

}  // namespace
}  // namespace gameday
