#include "drills/systems/web.h"

#include <gtest/gtest.h>

#include "engine/playbook/expect.h"

namespace gameday {
namespace {

TEST(WebHeaders, AreAMappingOfNameToTextOnOneLine) {
  const auto wrong = [](const Json& headers) {
    const auto found = wrong_headers(headers, "headers");
    return found ? found->field + ": " + found->text : "";
  };
  EXPECT_EQ(wrong({}), "");
  EXPECT_EQ(wrong(Json::object({{"X-Shop", "west"}, {"x-count", 5}, {"x-on", true}})), "");
  EXPECT_EQ(wrong(Json::array()), "headers: expected a mapping of header to text");
  EXPECT_EQ(wrong(Json::object({{"a b", "c"}})), "headers.a b: this is no header name");
  EXPECT_EQ(wrong(Json::object({{"a", "b\nc"}})), "headers.a: expected a text on one line");
  EXPECT_EQ(wrong(Json::object({{"a", Json::array()}})), "headers.a: expected a text on one line");
  EXPECT_EQ(wrong(Json::object({{"a", Json()}})), "headers.a: expected a text on one line");
}

TEST(WebHeaders, AreSentWithTheirSecrets) {
  Secrets secrets;
  secrets.learn("env:SHOP_TOKEN", "canary");
  HttpRequest request;
  ASSERT_TRUE(add_headers(Json::object({{"x-token", "Bearer ${env:SHOP_TOKEN}"}, {"x-count", 5}}),
                          secrets, request));
  ASSERT_EQ(request.headers.size(), 2u);
  EXPECT_EQ(request.headers[0].second, "Bearer canary");
  EXPECT_EQ(request.headers[1].second, "5");
  const Status unknown =
      add_headers(Json::object({{"a", "${env:GAMEDAY_NO_SUCH}"}}), secrets, request);
  EXPECT_FALSE(unknown);
}

TEST(WebHeaders, WhyNoAnswerCameIsToldWithoutTheUrl) {
  EXPECT_EQ(cause_of({ErrorCode::failed, "http://shop/canary: Connection refused", ""}),
            "Connection refused");
  EXPECT_EQ(
      cause_of({ErrorCode::failed,
                "GET https://[::1]:8443/canary: SSL certificate problem: it has expired", ""}),
      "SSL certificate problem: it has expired");
  EXPECT_EQ(cause_of({ErrorCode::timed_out, "no answer in time", ""}), "no answer in time");
}

}  // namespace
}  // namespace gameday
