#include "engine/load/http_request.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

LoadRequest pattern(const std::string& url) {
  LoadRequest made;
  made.url = url;
  return made;
}

TEST(HttpRequest, GoesToAnAddressWithoutTls) {
  const auto found = [](const std::string& url) {
    const auto plain = plain_http(pattern(url));
    return plain ? plain->authority + " " + plain->address.number() : "none";
  };
  EXPECT_EQ(found("http://127.0.0.1:8080/orders/{key}"), "127.0.0.1:8080 127.0.0.1");
  EXPECT_EQ(found("http://10.0.0.7"), "10.0.0.7 10.0.0.7");
  EXPECT_EQ(found("http://[::1]:81/?a"), "[::1]:81 ::1");
  EXPECT_EQ(found("http://[fd00::7]/"), "[fd00::7] fd00::7");
  for (const std::string url :
       {"https://127.0.0.1/", "http://localhost/", "http://shop.example:80/", "http://a@127.0.0.1/",
        "http://127.0.0.1:{port}/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/",
        "http://127.0.0.1:/", "http://::1/", "http://[::1/", "http://127.0.0.1/a/../b",
        "http://127.1/", "http://", "ftp://127.0.0.1/"}) {
    EXPECT_EQ(found(url), "none") << url;
  }
}

TEST(HttpRequest, HeadersThatFrameAreLeftToLibcurl) {
  LoadRequest request = pattern("http://127.0.0.1/");
  request.headers = {{"Authorization", "Bearer x"}};
  EXPECT_TRUE(plain_http(request));
  for (const char* name : {"Transfer-Encoding", "content-length", "Connection", "EXPECT"}) {
    request.headers = {{name, "x"}};
    EXPECT_FALSE(plain_http(request)) << name;
  }
}

}  // namespace
}  // namespace gameday
