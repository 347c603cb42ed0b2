#include "drills/systems/s3.h"

#include <fstream>

#include "drills/systems/s3_inventory.h"
#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const FacetRow s3_facet;

namespace {

Json written() { return Json::object({{"endpoint", "http://127.0.0.1:1"}, {"bucket", "backups"}}); }

TEST(S3Place, IsReadBackAsItWasWritten) {
  Json facet = written();
  facet.set("access_key", "${env:A}").set("secret_key", "${env:B}").set("path_style", false);
  const auto place = s3_place_from(facet);
  ASSERT_TRUE(place) << place.error().text;
  const auto again = s3_place_from(to_json(*place));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(*place));
  EXPECT_FALSE(again->path_style);
}

TEST(S3Place, WhatCannotBeMeantIsRefused) {
  const auto refused = [](const std::string& name, const std::string& value) {
    Json facet = written();
    facet.set("access_key", "a").set("secret_key", "${env:B}");
    return !s3_place_from(facet.set(name, value)).has_value();
  };
  EXPECT_FALSE(refused("region", "eu-north"));
  EXPECT_TRUE(refused("secret_key", "plain"));
  EXPECT_TRUE(refused("session_token", "plain"));
  EXPECT_TRUE(refused("secret_key", ""));
  EXPECT_TRUE(refused("profile", "drill"));
  EXPECT_TRUE(refused("bucket", "../other"));
}

// The field's way to credentials, in its order.
class S3Credentials : public testing::Test {
 protected:
  S3Credentials() {
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                             "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"}) {
      unsetenv(name);
    }
    setenv("HOME", world_.file("").c_str(), 1);
    std::filesystem::create_directory(world_.file(".aws"));
    std::ofstream(world_.file(".aws/credentials"))
        << "[default]\naws_access_key_id=D\naws_secret_access_key=d\n"
           "[drill]\naws_access_key_id=P\naws_secret_access_key=p\n";
  }
  static S3Place with_profile(const std::string& name) {
    S3Place place;
    place.profile = name;
    return place;
  }
  std::string key(const S3Place& place = {}) {
    const auto found = s3_credentials(place, world_.context());
    return found ? found->access_key : found.error().text;
  }
  DeedWorld world_;
};

TEST_F(S3Credentials, AreLookedForAsTheFieldDoes) {
  EXPECT_EQ(key(), "D");
  setenv("AWS_PROFILE", "drill", 1);
  EXPECT_EQ(key(), "P");
  setenv("AWS_ACCESS_KEY_ID", "E", 1);
  EXPECT_EQ(key(), "P");
  setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
  EXPECT_EQ(key(), "E");
  EXPECT_EQ(key(with_profile("default")), "D");
  world_.secrets().learn("env:MINE", "M");
  S3Place given;
  given.access_key = given.secret_key = "${env:MINE}";
  EXPECT_EQ(key(given), "M");
}

TEST_F(S3Credentials, ThatAreNowhereSayWhereTheyWereLookedFor) {
  EXPECT_TRUE(key(with_profile("none")).contains("'none' is not in the file"));
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/at/all", 1);
  EXPECT_TRUE(key().contains("neither `access_key` nor AWS_ACCESS_KEY_ID is there"));
  EXPECT_TRUE(key().contains("/nowhere/at/all"));
}

TEST(S3Inventory, IsOfKeysAndContentsWhateverTheirVersions) {
  S3Inventory one{{{"a", "v1", 3, "sha256:x"}}}, other{{{"a", "v2", 3, "sha256:x"}}};
  EXPECT_EQ(one.digest(), other.digest());
  EXPECT_EQ(s3_inventory_from(to_json(one))->objects, one.objects);
  other.objects[0].digest = "sha256:y";
  EXPECT_NE(one.digest(), other.digest());
  other.objects[0] = {"b", "v1", 3, "sha256:x"};
  EXPECT_NE(one.digest(), other.digest());
  EXPECT_FALSE(s3_inventory_from(Json::object()));
}

class FacetOnS3 : public S3Test {};

TEST_F(FacetOnS3, TellsWhatTheBucketIs) {
  const auto found = s3_facet.resolve(aim("locked"), context());
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->identity, "s3:" + server_.endpoint() + "/locked");
  EXPECT_EQ(found->facts.text("versioning"), "Enabled");
  EXPECT_TRUE(found->facts.boolean("object_lock", false));
  const auto plain = s3_facet.resolve(aim("plain"), context());
  EXPECT_EQ(plain->facts.text("versioning"), "off");
  EXPECT_FALSE(plain->facts.boolean("object_lock", true));
}

TEST_F(FacetOnS3, WhoMayNothingIsFoundOutBeforeTheStart) {
  EXPECT_TRUE(s3_facet.may(aim("kept"), context()));
  setenv("DRILL_S3_SECRET", "another", 1);
  const Target stranger = world_.system().targets.front();
  expect_error(s3_facet.may(stranger, context()), ErrorCode::refused, "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace gameday
