#include "engine/load/http_request.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

LoadRequest pattern(const std::string& url) {
  LoadRequest made;
  made.url = url;
  return made;
}

TEST(HttpRequest, GoesToAnAddressOrANameWithTlsOrWithout) {
  const auto found = [](const std::string& url) {
    const auto plain = plain_http(pattern(url));
    if (!plain) return std::string("none");
    if (plain->address.size == 0) {
      return plain->authority + " name " + plain->host + " " + std::to_string(plain->port) +
             (plain->tls ? " tls" : "");
    }
    return plain->authority + " " + plain->address.number() + " " +
           std::to_string(plain->address.port()) + (plain->tls ? " tls" : "");
  };
  EXPECT_EQ(found("http://127.0.0.1:8080/orders/{key}"), "127.0.0.1:8080 127.0.0.1 8080");
  EXPECT_EQ(found("http://10.0.0.7"), "10.0.0.7 10.0.0.7 80");
  EXPECT_EQ(found("http://[::1]:81/?a"), "[::1]:81 ::1 81");
  EXPECT_EQ(found("http://[fd00::7]/"), "[fd00::7] fd00::7 80");
  EXPECT_EQ(found("HTTPS://[::1]/"), "[::1] ::1 443 tls");
  EXPECT_EQ(found("https://127.0.0.1:8443?a"), "127.0.0.1:8443 127.0.0.1 8443 tls");
  EXPECT_EQ(found("http://localhost"), "localhost name localhost 80");
  EXPECT_EQ(found("https://shop_1.example:8443/"),
            "shop_1.example:8443 name shop_1.example 8443 tls");
  for (const std::string url : {"http://shop.example./", "http://sh%6fp.example/",
                                "http://shöp.example/",  "http://1.2.3.4.5/",
                                "http://0x7f000001/",    "http://a..b/",
                                "http://{key}/",         "http://${env:HOST}/",
                                "https://a@127.0.0.1/",

                                "http://a@127.0.0.1/",   "http://127.0.0.1:{port}/",
                                "http://127.0.0.1:0/",   "http://127.0.0.1:99999/",
                                "http://127.0.0.1:/",    "http://::1/",
                                "http://[::1/",          "http://127.0.0.1/a/../b",
                                "http://127.1/",         "http://",
                                "ftp://127.0.0.1/"}) {
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
