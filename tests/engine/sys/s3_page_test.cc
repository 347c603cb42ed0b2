#include "engine/sys/s3_page.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

// As Amazon's S3 and others answer, shortened.
TEST(S3Page, VersionsAndMarkersAreReadInTheirOrder) {
  const auto page = s3_page(
      "<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
      "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>z%2Fz</NextKeyMarker><NextVersionIdMarker>v9</NextVersionIdMarker>"
      "<Version><Key>a%20b</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest>"
      "<LastModified>2026-11-26T18:00:00.000Z</LastModified><ETag>&#34;e&#34;</ETag>"
      "<Size>5</Size></Version>"
      "<DeleteMarker><Key>a%20b</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest>"
      "<LastModified>2026-11-26T18:00:00.000Z</LastModified></DeleteMarker>"
      "</ListVersionsResult>");
  ASSERT_TRUE(page) << page.error().text;
  ASSERT_EQ(page->versions.size(), 2u);
  EXPECT_EQ(page->versions[0].version, "v2");
  EXPECT_TRUE(page->versions[0].deletes && page->versions[0].latest);
  EXPECT_EQ(page->versions[1].key, "a b");
  EXPECT_EQ(page->versions[1].size, 5);
  EXPECT_EQ(page->versions[1].etag, "\"e\"");
  EXPECT_EQ(page->next, (AwsPairs{{"key-marker", "z/z"}, {"version-id-marker", "v9"}}));
}

TEST(S3Page, ObjectsAreReadAndKeysThatAreNotEncodedStay) {
  const auto page = s3_page(
      "<ListBucketResult><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t%2F</NextContinuationToken>"
      "<Contents><Key>a%20b</Key><LastModified>2026-11-26T18:00:00Z</LastModified>"
      "<Size>0</Size></Contents></ListBucketResult>");
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->versions.at(0).key, "a%20b");
  EXPECT_TRUE(page->versions.at(0).latest);
  EXPECT_EQ(page->next, (AwsPairs{{"continuation-token", "t%2F"}}));
}

TEST(S3Page, WhatLacksSomethingIsRefused) {
  const auto of = [](const std::string& entry) {
    return s3_page("<ListBucketResult><EncodingType>url</EncodingType><Contents>" + entry +
                   "</Contents></ListBucketResult>");
  };
  const std::string time = "<LastModified>2026-11-26T18:00:00Z</LastModified>";
  EXPECT_TRUE(of("<Key>a</Key><Size>1</Size>" + time));
  EXPECT_FALSE(of("<Size>1</Size>" + time));
  EXPECT_FALSE(of("<Key>a</Key><Size>-1</Size>" + time));
  EXPECT_FALSE(of("<Key>a</Key><Size>1x</Size>" + time));
  EXPECT_FALSE(of("<Key>a</Key><Size>1</Size>"));
  EXPECT_FALSE(of("<Key>a%2</Key><Size>1</Size>" + time));
  EXPECT_FALSE(s3_page("<ListAllMyBucketsResult/>"));
  EXPECT_FALSE(s3_page("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"));
}

TEST(S3Page, AnErrorHasItsCodeAndTheServersWords) {
  const Error error =
      s3_error(403, "<Error><Code>AccessDenied</Code><Message>it is locked</Message></Error>");
  EXPECT_EQ(error.code, ErrorCode::refused);
  EXPECT_EQ(error.text, "status 403, AccessDenied: it is locked");
  EXPECT_EQ(s3_error(404, "").code, ErrorCode::not_found);
  EXPECT_EQ(s3_error(412, "no xml").code, ErrorCode::conflict);
  EXPECT_EQ(s3_error(501, "").code, ErrorCode::unsupported);
  EXPECT_EQ(s3_error(400, "").code, ErrorCode::invalid);
  EXPECT_EQ(s3_error(503, "").code, ErrorCode::failed);
}

TEST(S3Page, ARemovalOfManyIsAskedForAndItsAnswerRead) {
  EXPECT_EQ(s3_removal({{.key = "a&b", .version = "v<1"}, {.key = "c"}}),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Object><Key>a&amp;b</Key><VersionId>v&lt;1</VersionId></Object>"
            "<Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>");
  const auto told = [](const std::string& code) {
    return s3_removed("<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>" +
                      code + "</Code><Message>no</Message></Error></DeleteResult>");
  };
  EXPECT_TRUE(s3_removed("<DeleteResult/>"));
  EXPECT_TRUE(told("NoSuchVersion"));
  EXPECT_TRUE(told("NoSuchKey"));
  ASSERT_FALSE(told("AccessDenied"));
  EXPECT_EQ(told("AccessDenied").error().code, ErrorCode::refused);
  EXPECT_EQ(told("AccessDenied").error().text, "b was not removed: AccessDenied: no");
  ASSERT_FALSE(told("InternalError"));
  EXPECT_EQ(told("InternalError").error().code, ErrorCode::failed);
  EXPECT_FALSE(s3_removed("<ListBucketResult/>"));
  EXPECT_FALSE(s3_removed("DeleteResult"));
}

TEST(S3Page, TimesAreThoseOfHttp) {
  EXPECT_EQ(utc_of_http("Thu, 06 Nov 2026 18:00:09 GMT"), parse_rfc3339("2026-11-06T18:00:09Z"));
  EXPECT_FALSE(utc_of_http("Thu, 06 Xyz 2026 18:00:09 GMT"));
  EXPECT_FALSE(utc_of_http("yesterday"));
}

}  // namespace
}  // namespace gameday
