#include "engine/load/wire_request.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "engine/load/ledger.h"
#include "engine/sys/aws_signature.h"

namespace gameday {
namespace {

class WireRequestTest : public testing::Test {
 protected:
  [[nodiscard]] static LoadRequest to(const std::string& path) {
    LoadRequest made;
    made.url = "http://127.0.0.1:80" + path;
    return made;
  }
  // What is sent for `seq`, or why nothing is.
  [[nodiscard]] std::string written(const LoadRequest& request, std::uint64_t seq = 0) const {
    const RequestPattern pattern(request, "01J", "check out", 7, secrets_);
    EXPECT_NE(pattern.wire(), nullptr);
    std::string out = "what stood there before";
    const auto wrote = pattern.wire()->write(seq, out);
    return wrote ? out : "error: " + wrote.error().text;
  }
  // The same by the words that libcurl is given.
  [[nodiscard]] std::string by_words(const LoadRequest& request, std::uint64_t seq) const {
    const RequestPattern pattern(request, "01J", "check out", 7, secrets_);
    const auto text = pattern.text(seq);
    EXPECT_TRUE(text);
    const std::string at = "http://127.0.0.1:80";
    std::string out = text->method + " " + text->url.substr(at.size()) + " HTTP/1.1\r\n";
    out += "Host: 127.0.0.1:80\r\nAccept: */*\r\n";
    for (const auto& [name, value] : text->headers) out += name + ": " + value + "\r\n";
    if (const auto type = content_type_of(text->headers, text->body); !type.empty()) {
      out += "Content-Type: " + std::string(type) + "\r\n";
    }
    if (has_body(text->method, text->body)) {
      out += "Content-Length: " + std::to_string(text->body.size()) + "\r\n";
    }
    return out + "\r\n" + text->body;
  }

  Secrets secrets_;
};

TEST_F(WireRequestTest, IsWrittenAsItIsSent) {
  EXPECT_EQ(written(to("?a=1#top")),
            "GET /?a=1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: */*\r\n\r\n");
  LoadRequest request = to("/b");
  request.method = "POST";
  request.headers = {{"host", "shop"}, {"accept", "text/html"}, {"X-None", ""}};
  EXPECT_EQ(written(request),
            "POST /b HTTP/1.1\r\nhost: shop\r\naccept: text/html\r\nX-None:\r\n"
            "Content-Length: 0\r\n\r\n");
  request.headers = {{"content-type", "a/b"}};
  request.body = "[1]";
  EXPECT_EQ(written(request),
            "POST /b HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: */*\r\ncontent-type: a/b\r\n"
            "Content-Length: 3\r\n\r\n[1]");
}

TEST_F(WireRequestTest, WhatDiffersIsFilledIn) {
  LoadRequest request = to("/{drill}/{key}?n={seq}&d={digest}");
  request.method = "PUT";
  request.headers = {{"X-Key", "<{key}>"}};
  request.body = R"({"sum":"{digest}","seq":{seq}})";
  const std::string key = ledger_key("01J", "check out", 12);
  const std::string digest = ledger_digest(key, 7);
  EXPECT_EQ(written(request, 12), "PUT /01J/01J-check%20out-000012?n=12&d=" + digest +
                                      " HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: */*\r\n"
                                      "X-Key: <01J-check out-000012>\r\n"
                                      "Content-Type: application/json\r\nContent-Length: 51\r\n\r\n"
                                      "{\"sum\":\"" +
                                      digest + "\",\"seq\":12}");
}

// Libcurl and our own sockets send the same, whatever is filled in.
TEST_F(WireRequestTest, SaysWhatTheWordsSay) {
  secrets_.learn("env:TOKEN", "s3cret");
  std::vector<LoadRequest> all;
  for (const std::string text :
       {"{key}", "{{key}}", "{a{seq}", "{unknown}-{seq}", "{", "}{", "{}", "a{digest}b{digest}",
        "{uuid}/{uuid}", "{random:1..1000000}{random:1..1000000}", "{random:x}", "${env:TOKEN}",
        "x${env:TOKEN}{seq}y", "${other}", "[{seq}]", "{drill}", "{{{{{seq}"}) {
    LoadRequest request = to("/a");
    request.method = "POST";
    request.body = text;
    request.headers = {{"X-Text", "v" + text}};
    all.push_back(request);
  }
  for (LoadRequest& request : all) {
    for (const std::uint64_t seq : {0U, 9U, 999999U, 1000000U}) {
      EXPECT_EQ(written(request, seq), by_words(request, seq)) << request.body;
    }
  }
}

TEST_F(WireRequestTest, SaysWhoAsks) {
  secrets_.learn("env:PASSWORD", "p:w");
  LoadRequest request = to("/a");
  request.basic = BasicAuth{"ann-{seq}", "${env:PASSWORD}"};
  for (const std::uint64_t seq : {0U, 12U}) {
    const std::string line =
        "Authorization: Basic " + base64("ann-" + std::to_string(seq) + ":p:w") + "\r\n";
    EXPECT_TRUE(written(request, seq).contains(line)) << written(request, seq);
    EXPECT_EQ(written(request, seq), by_words(request, seq));
  }
  const RequestPattern pattern(request, "01J", "checkout", 7, secrets_);
  EXPECT_TRUE(pattern.wire()->holds_secrets());
  request.basic->password = "${env:NONE}";
  EXPECT_TRUE(written(request).starts_with("error: secret ${env:NONE} is not"));
}

// The signature of what was sent, made again from it.
TEST_F(WireRequestTest, IsSignedAsItIsSent) {
  secrets_.learn("env:KEY", "s3cret");
  secrets_.learn("env:SESSION", "t0ken");
  for (const char* service : {"s3", "execute-api"}) {
    LoadRequest request = to("/bc%20/{seq}?z=1&a={random:1..9}%26");
    request.method = "PUT";
    request.body = "n={seq}";
    request.aws = AwsAuth{"AKID", "${env:KEY}", "${env:SESSION}", "eu-west-1", service};
    const RequestPattern pattern(request, "01J", "checkout", 7, secrets_);
    EXPECT_TRUE(pattern.wire()->holds_secrets());
    const std::string sent = written(request, 12);
    const auto header = [&](const std::string& name) {
      const auto at = sent.find("\r\n" + name + ": ");
      EXPECT_NE(at, std::string::npos) << name << " in " << sent;
      const auto from = at + name.size() + 4;
      return sent.substr(from, sent.find("\r\n", from) - from);
    };
    const std::string path = sent.substr(4, sent.find('?') - 4);
    const std::string a = sent.substr(sent.find("&a=") + 3, 1);
    EXPECT_EQ(path, "/bc%20/12");
    EXPECT_TRUE(sent.ends_with("\r\n\r\nn=12")) << sent;
    EXPECT_EQ(header("Content-Length"), "4");
    AwsQuestion question;
    question.method = "PUT";
    question.path = service == std::string("s3") ? path : "/bc%2520/12";
    question.query = {{"z", "1"}, {"a", a + "&"}};
    question.payload = sha256("n=12").substr(7);
    const std::string date = header("X-Amz-Date");
    question.headers = {{"host", "127.0.0.1:80"},
                        {"x-amz-date", date},
                        {"x-amz-content-sha256", question.payload},
                        {"x-amz-security-token", "t0ken"}};
    const auto when =
        parse_rfc3339(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) + ":" +
                      date.substr(11, 2) + ":" + date.substr(13));
    ASSERT_TRUE(when) << date;
    EXPECT_EQ(header("Authorization"), aws_authorization(question, {"AKID", "s3cret", "t0ken"},
                                                         {"eu-west-1", service}, *when));
    // Libcurl sends the same.
    const auto text = pattern.text(12);
    ASSERT_TRUE(text);
    const auto has = [&](const std::string& name) {
      for (const auto& each : text->headers) {
        if (each.first == name) return each.second;
      }
      return std::string();
    };
    EXPECT_EQ(has("Host"), "127.0.0.1:80");
    if (has("X-Amz-Date") == date) {
      EXPECT_EQ(has("Authorization"), header("Authorization"));
    }
  }
}

TEST_F(WireRequestTest, WhatWouldBeTwoOfThemIsNone) {
  for (const std::string& path :
       {std::string("/a b"), std::string("/a\r\nX: 1"), std::string("/a\tb"), std::string("/\x7f"),
        std::string("/\0a", 3)}) {
    EXPECT_EQ(written(to(path)), "error: its URL has a blank or a control character in it") << path;
  }
  LoadRequest request = to("/");
  request.headers = {{"X-One", "1\r\nX-Two: 2"}};
  EXPECT_EQ(written(request), "error: header X-One has a line break in its value");
}

TEST_F(WireRequestTest, ASecretIsPutInWhenItIsSentAndStaysInItsPlace) {
  LoadRequest request = to("/a?t=${env:TOKEN}");
  request.headers = {{"Authorization", "Bearer ${env:TOKEN}"}};
  EXPECT_TRUE(written(request).starts_with("error: secret ${env:TOKEN} is not"));
  const RequestPattern pattern(request, "01J", "checkout", 7, secrets_);
  ASSERT_TRUE(pattern.wire()->holds_secrets());
  secrets_.learn("env:TOKEN", "one");
  std::string out;
  ASSERT_TRUE(pattern.wire()->write(0, out));
  EXPECT_TRUE(out.contains("GET /a?t=one HTTP/1.1\r\n")) << out;
  EXPECT_TRUE(out.contains("\r\nAuthorization: Bearer one\r\n")) << out;
  secrets_.learn("env:TOKEN", "two");
  ASSERT_TRUE(pattern.wire()->write(0, out));
  EXPECT_TRUE(out.contains("Bearer two\r\n")) << out;
  for (const std::string broken : {"a b", "a\nb", "a#b"}) {
    secrets_.learn("env:TOKEN", broken);
    EXPECT_FALSE(pattern.wire()->write(0, out)) << broken;
  }
}

}  // namespace
}  // namespace gameday
