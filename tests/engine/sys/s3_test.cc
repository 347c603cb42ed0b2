#include "engine/sys/s3.h"

#include <gtest/gtest.h>

#include "engine/base/digest.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/s3_process.h"

namespace gameday {
namespace {

TEST(S3Address, OnlyWhatIsOneIsTaken) {
  const auto fits = [](const std::string& endpoint, const std::string& bucket = "abc") {
    return check(S3Address{.endpoint = endpoint, .bucket = bucket}).has_value();
  };
  EXPECT_TRUE(fits("http://127.0.0.1:7070"));
  EXPECT_TRUE(fits("https://s3.example/"));
  EXPECT_TRUE(fits("https://s3.example", "a.b-3"));
  for (const char* wrong : {"s3.example", "ftp://s3.example", "http://", "http://s3.example/path",
                            "http://u@s3.example", "http://s3.example?a"}) {
    EXPECT_FALSE(fits(wrong)) << wrong;
  }
  for (const std::string& wrong : {std::string("ab"), std::string("Abc"), std::string("a/b"),
                                   std::string("../a"), std::string(64, 'a')}) {
    EXPECT_FALSE(fits("http://a", wrong)) << wrong;
  }
}

class DoorOnS3 : public testing::Test {
 protected:
  S3 open(const std::string& bucket = "kept", const std::string& secret = S3Process::kSecretKey,
          const std::string& endpoint = "") {
    return {{.endpoint = endpoint.empty() ? server_.endpoint() : endpoint,
             .region = "eu-north",
             .bucket = bucket},
            {S3Process::kAccessKey, secret, ""},
            world_.clock(),
            {{}, world_.clock().in(std::chrono::seconds(30))}};
  }
  template <class T>
  static T got(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
    return result.value_or(T{});
  }
  template <class T>
  static void expect_error(const T& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().text;
    EXPECT_TRUE(result.error().text.contains(part)) << result.error().text;
  }

  DeedWorld world_;
  S3Process server_{world_.file("s3")};
};

TEST_F(DoorOnS3, VersionsComeAndGo) {
  S3 bucket = open();
  const std::string key = S3Process::kStrange;
  const std::string first = got(bucket.put({key, "first", {}}));
  const std::string second = got(bucket.put({key, "second!", {}}));
  EXPECT_NE(first, second);
  const S3Object now = got(bucket.look(key));
  EXPECT_EQ(now.version, second);
  EXPECT_EQ(now.size, 7);
  EXPECT_EQ(got(bucket.digest(now)), sha256("second!"));
  const S3Object then = got(bucket.look(key, first));
  EXPECT_EQ(got(bucket.read(then, 100)), "first");
  const S3Removed removed = got(bucket.remove(key));
  EXPECT_TRUE(removed.marker);
  expect_error(bucket.look(key), ErrorCode::not_found, "404");
  EXPECT_TRUE(got(bucket.objects("kept/", 10)).empty());
  const auto versions = got(bucket.versions("kept/", 10));
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_TRUE(versions[0].deletes && versions[0].latest);
  EXPECT_EQ(versions[0].version, removed.version);
  for (const auto& version : versions) EXPECT_EQ(version.key, key);
  EXPECT_TRUE(bucket.remove(key, removed.version));
  EXPECT_EQ(got(bucket.look(key)).version, second);
  const std::string third = got(bucket.copy(then, key));
  EXPECT_EQ(got(bucket.look(key)).version, third);
  EXPECT_EQ(got(bucket.digest(got(bucket.look(key)))), sha256("first"));
}

TEST_F(DoorOnS3, AListGoesOnOverItsPages) {
  S3 bucket = open();
  for (int number = 0; number < 3; ++number) {
    for (const char* body : {"a", "b"}) {
      got(bucket.put({"kept/" + std::to_string(number), body, {}}));
    }
  }
  EXPECT_EQ(got(bucket.versions("kept/", 6)).size(), 6u);
  expect_error(bucket.versions("kept/", 5), ErrorCode::refused, "more than 5");
  expect_error(bucket.objects("kept/", 2), ErrorCode::refused, "more than 2");
  EXPECT_EQ(got(bucket.objects("kept/1", 10)).size(), 1u);
}

TEST_F(DoorOnS3, LocksAndVersioningAreTold) {
  EXPECT_EQ(got(open("plain").versioning()), "");
  EXPECT_EQ(got(open("kept").versioning()), "Enabled");
  EXPECT_FALSE(got(open("kept").lock()).enabled);
  S3 locked = open("locked");
  EXPECT_TRUE(got(locked.lock()).enabled);
  EXPECT_EQ(got(locked.lock()).default_mode, "");
  const Utc until = world_.clock().now().utc + std::chrono::seconds(60);
  got(locked.put({"a",
                  "b",
                  {{"x-amz-object-lock-mode", "GOVERNANCE"},
                   {"x-amz-object-lock-retain-until-date", rfc3339(until)}}}));
  const S3Object object = got(locked.look("a"));
  EXPECT_EQ(object.lock_mode, "GOVERNANCE");
  ASSERT_TRUE(object.locked_until);
  EXPECT_LT(until - *object.locked_until, std::chrono::seconds(2));
  expect_error(locked.remove("a", object.version), ErrorCode::refused, "403");
}

TEST_F(DoorOnS3, APolicyIsSetAndTakenAway) {
  S3 bucket = open();
  EXPECT_EQ(got(bucket.policy()), "");
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*",)"
      R"("Action":["s3:GetObject"],"Resource":["arn:aws:s3:::kept/*"]}]})";
  EXPECT_TRUE(bucket.set_policy(policy));
  EXPECT_EQ(Json::parse(got(bucket.policy())), Json::parse(policy));
  EXPECT_TRUE(bucket.set_policy(""));
  EXPECT_EQ(got(bucket.policy()), "");
}

TEST_F(DoorOnS3, WhoSignsOtherwiseIsRefused) {
  S3 stranger = open("kept", "another");
  expect_error(stranger.versioning(), ErrorCode::refused, "SignatureDoesNotMatch");
  expect_error(open("absent").versioning(), ErrorCode::not_found, "NoSuchBucket");
}

TEST_F(DoorOnS3, WhatIsLongIsReadInPieces) {
  S3 bucket = open();
  const std::string body((8 << 20) + 5, 'x');
  got(bucket.put({"long", body, {}}));
  const S3Object object = got(bucket.look("long"));
  EXPECT_EQ(got(bucket.digest(object)), sha256(body));
  expect_error(bucket.read(object, 100), ErrorCode::refused, "more than 100");
  S3 plain = open("plain");
  got(plain.put({"a", "before", {}}));
  const S3Object before = got(plain.look("a"));
  got(plain.put({"a", "change", {}}));
  expect_error(plain.digest(before), ErrorCode::conflict, "412");
}

}  // namespace
}  // namespace gameday
