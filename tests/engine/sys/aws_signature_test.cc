#include "engine/sys/aws_signature.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"

namespace gameday {
namespace {

std::string signature_of(const std::string& authorization) {
  return authorization.substr(authorization.find("Signature=") + 10);
}
std::string payload(std::string_view body) { return sha256(body).substr(7); }

// The examples of "Authenticating Requests" in Amazon's reference of S3.
class S3Examples : public testing::Test {
 protected:
  std::string signed_as(AwsQuestion question) {
    question.headers.emplace_back("Host", "examplebucket.s3.amazonaws.com");
    question.headers.emplace_back("x-amz-content-sha256", question.payload);
    question.headers.emplace_back("x-amz-date", aws_date(when_));
    return aws_authorization(question, credentials_, {"us-east-1", "s3"}, when_);
  }
  const AwsCredentials credentials_{"AKIAIOSFODNN7EXAMPLE",
                                    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  const Utc when_ = parse_rfc3339("2013-05-24T00:00:00Z").value();
};

TEST_F(S3Examples, AnObjectIsRead) {
  EXPECT_EQ(signed_as({.path = aws_path("/test.txt"),
                       .headers = {{"Range", "bytes=0-9"}},
                       .payload = payload("")}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Examples, AnObjectIsWritten) {
  EXPECT_EQ(signature_of(signed_as({.method = "PUT",
                                    .path = aws_path("/test$file.text"),
                                    .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                    .payload = payload("Welcome to Amazon S3.")})),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Examples, AQueryWithoutAValueIsSigned) {
  EXPECT_EQ(signature_of(signed_as({.query = {{"lifecycle", ""}}, .payload = payload("")})),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(S3Examples, AQueryIsSortedBeforeItIsSigned) {
  EXPECT_EQ(signature_of(
                signed_as({.query = {{"prefix", "J"}, {"max-keys", "2"}}, .payload = payload("")})),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

// Those of Amazon's suite of tests for signers.
std::string in_suite(const std::string& method, const std::string& path, const AwsPairs& query,
                     AwsPairs headers = {}) {
  const Utc when = parse_rfc3339("2015-08-30T12:36:00Z").value();
  headers.emplace_back("Host", "example.amazonaws.com");
  headers.emplace_back("X-Amz-Date", aws_date(when));
  return signature_of(
      aws_authorization({method, path, query, headers, payload("")},
                        {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""},
                        {"us-east-1", "service"}, when));
}

TEST(AwsSuite, IsSignedAsItSays) {
  EXPECT_EQ(in_suite("GET", "/", {}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(in_suite("POST", "/", {}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  EXPECT_EQ(in_suite("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(in_suite("GET", "/", {{"Param1", "value1"}}),
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb");
  EXPECT_EQ(in_suite("GET", aws_path("/\xe1\x88\xb4"), {}),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

TEST(AwsSignature, EncodesWhatIsSent) {
  EXPECT_EQ(aws_path("a b/c+d/\xc3\xa9"), "a%20b/c%2Bd/%C3%A9");
  EXPECT_EQ(aws_query({{"b", "x y"}, {"a", ""}, {"a", "/"}}), "a=&a=%2F&b=x%20y");
  EXPECT_EQ(aws_date(parse_rfc3339("2026-11-26T18:04:05.5Z").value()), "20261126T180405Z");
}

TEST(AwsSignature, DependsOnEachHeaderAndItsBlanksDoNotCount) {
  const auto with = [](const std::string& value) {
    return in_suite("GET", "/", {}, {{"x-amz-bypass-governance-retention", value}});
  };
  EXPECT_NE(with("true"), with("false"));
  EXPECT_EQ(with(" a   b "), with("a b"));
}

}  // namespace
}  // namespace gameday
