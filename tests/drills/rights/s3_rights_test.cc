// To each of S3's rows an account that the bucket's policy lets do exactly what the README asks
// for, under the target's prefix; and servers that answer as none should.
#include "drills/systems/s3_rights.h"

#include <map>
#include <mutex>

#include "engine/not_known.h"
#include "tests/drills/rights/rights_case.h"
#include "tests/drills/row_load.h"
#include "tests/drills/s3_process.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const LoadRow s3_load;

namespace {

using Rights = std::vector<std::string>;

constexpr const char* kVersioning = "s3:GetBucketVersioning";
constexpr const char* kLock = "s3:GetBucketObjectLockConfiguration";
constexpr const char* kDeny =
    "  - { fault: deny-access, target: archive, principal: writer, access_key: writer, secret_key: "
    "\"${env:WRITER_SECRET}\", for: 1s }\n";
constexpr const char* kCorrupt = "  - { fault: corrupt-data-s3, target: archive, for: 1s }\n";
constexpr const char* kLose = "  - { fault: lose-data-s3, target: archive, for: 1s }\n";
constexpr const char* kAttack =
    "  - { action: attack-lock, target: archive, mode: compliance, retain: 2s }\n";

struct S3Needs {
  std::string row;
  std::string steps;  // none: it is the load
  Rights rights;
  std::string bucket = "kept";
};

std::vector<S3Needs> s3_needs() {
  return {
      {"corrupt-data-s3",
       kCorrupt,
       {kVersioning, kLock, "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject",
        "s3:DeleteObjectVersion"}},
      {"lose-data-s3",
       kLose,
       {kVersioning, kLock, "s3:ListBucket", "s3:ListBucketVersions", "s3:DeleteObject",
        "s3:DeleteObjectVersion"}},
      {"deny-access", kDeny, {kVersioning, kLock, "s3:GetBucketPolicy", "s3:PutBucketPolicy"}},
      {"attack-lock",
       kAttack,
       {kVersioning, kLock, "s3:ListBucketVersions", "s3:GetObjectVersion", "s3:PutObject",
        "s3:PutObjectRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"},
       "locked"},
      {"s3",
       "  - { backup: archive }\n  - { restore: archive }\n",
       {kVersioning, kLock, "s3:ListBucketVersions", "s3:GetObjectVersion"}},
      {"s3",
       "  - { backup: archive }\n  - { restore: archive, into: place }\n",
       {kVersioning, kLock, "s3:ListBucketVersions", "s3:GetObjectVersion", "s3:GetObject",
        "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"}},
      {"s3",
       "",
       {kVersioning, kLock, "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject",
        "s3:GetObject", "s3:DeleteObjectVersion"}},
  };
}

Json facet_at(const std::string& endpoint, const std::string& bucket) {
  setenv("GAMEDAY_S3_SECRET", "ofgameday", 1);
  return Json::object({{"endpoint", endpoint},
                       {"bucket", bucket},
                       {"prefix", "kept/"},
                       {"region", "eu-north"},
                       {"access_key", "gameday"},
                       {"secret_key", "${env:GAMEDAY_S3_SECRET}"}});
}
std::string system_of(const Json& facet) { return "  archive: { s3: " + facet.dump() + " }\n"; }
Json photos() {
  return Json::object({{"connection", "archive"}, {"key", "gameday/{key}"}, {"size", "100B"}});
}

void expect_refused(const Status& may, const std::string& right) {
  ASSERT_FALSE(may) << "nobody has missed " << right;
  EXPECT_EQ(may.error().code, ErrorCode::refused) << may.error().text;
  EXPECT_TRUE(may.error().text.contains(right + ":") || may.error().text.contains(right + ", to"))
      << may.error().text;
}

class RightsOnS3 : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* bucket : {"kept", "locked"}) server_.fill(bucket);
    setenv("WRITER_SECRET", S3Process::kWriterSecret, 1);
    server_.add_account("writer", S3Process::kWriterSecret);
    server_.add_account("gameday", "ofgameday");
  }
  // Who has these rights, but one, under the prefix, and no other; and `writer`, who may list.
  void become(const S3Needs& needs, const std::string& without = "") {
    std::string actions;
    for (const auto& right : needs.rights) {
      if (right != without) actions += (actions.empty() ? "\"" : ",\"") + right + "\"";
    }
    const std::string bucket = "\"arn:aws:s3:::" + needs.bucket;
    const auto statement = [&](const std::string& who, const std::string& what) {
      return R"({"Effect":"Allow","Principal":{"AWS":[")" + who + R"("]},"Action":[)" + what +
             "],\"Resource\":[" + bucket + "\"," + bucket + "/kept/*\"]}";
    };
    policy_ = R"({"Version":"2012-10-17","Statement":[)" + statement("gameday", actions) + "," +
              statement("writer", R"("s3:ListBucket")") + "]}";
    const std::string done =
        server_.curl("PUT", "/" + needs.bucket + "?policy=", "", "--data-binary '" + policy_ + "'");
    EXPECT_TRUE(done.ends_with(" 204") || done.ends_with(" 200")) << done;
  }
  std::string seen(const S3Needs& needs) {
    const std::string policy = server_.curl("GET", "/" + needs.bucket + "?policy=");
    return server_.versions(needs.bucket) + server_.content(needs.bucket) +
           policy.substr(0, policy.find("<RequestId>"));
  }
  // `may` is asked with all but one, each time; then `works` with all of them.
  template <class May, class Works>
  void each_is_needed(const S3Needs& needs, const May& may, const Works& works) {
    const auto objects = [&] {
      return server_.versions(needs.bucket) + server_.content(needs.bucket);
    };
    const std::string before = objects();
    for (const auto& right : needs.rights) {
      SCOPED_TRACE("without " + right);
      become(needs, right);
      expect_refused(may(), right);
      EXPECT_TRUE(server_.curl("GET", "/" + needs.bucket + "?policy=").contains(policy_));
    }
    become(needs);
    const Status held = may();
    EXPECT_TRUE(held) << held.error().text;
    EXPECT_EQ(objects(), before);
    EXPECT_TRUE(server_.curl("GET", "/" + needs.bucket + "?policy=").contains(policy_));
    works();
  }
  void step(const S3Needs& needs) {
    DeedWorld world;
    RightsCase one(world, system_of(facet_at(server_.endpoint(), needs.bucket)), needs.steps);
    one.after_backup([&] {
      server_.put("/kept/kept/one", "third");
      server_.put("/kept/kept/new", "since the backup");
    });
    each_is_needed(
        needs, [&] { return one.may(); },
        [&] {
          // As every drill looks for its target first.
          const auto found = s3_facet.resolve(world.system().targets.front(), world.context());
          EXPECT_TRUE(found) << found.error().text;
          one.expect_works();
        });
  }
  void load(const S3Needs& needs) {
    DeedWorld world;
    world.add_target("archive", "s3", facet_at(server_.endpoint(), needs.bucket));
    RowLoad load(world, s3_load, photos());
    load.prepare();
    each_is_needed(needs, [&] { return load.may(); }, [&] { load.expect_works(); });
  }

  DeedWorld place_;
  S3Process server_{place_.file("s3")};
  std::string policy_;
};

TEST_F(RightsOnS3, AreEnoughAndEachIsMissed) {
  for (const auto& needs : s3_needs()) {
    SCOPED_TRACE(needs.row + " " + needs.steps);
    needs.steps.empty() ? load(needs) : step(needs);
  }
}

// Who is to be denied must be let in as it is, and must not be gameday.
TEST_F(RightsOnS3, TheKeysOfWhoIsDeniedAreLookedFor) {
  S3Needs needs = s3_needs()[2];
  DeedWorld world;
  RightsCase one(world, system_of(facet_at(server_.endpoint(), "kept")), needs.steps);
  become(needs);
  setenv("WRITER_SECRET", "wrong", 1);
  one.expect_missed("writer is not let in as it is");
  // Where there is no policy, to remove it is asked of who owns the bucket, and nothing is there.
  setenv("WRITER_SECRET", S3Process::kWriterSecret, 1);
  const std::string gone = server_.curl("DELETE", "/kept?policy=");
  EXPECT_TRUE(gone.ends_with(" 204")) << gone;
  const std::string before = seen(needs);
  world.system().targets.front().facets = Json::object({{"s3", server_.facet()}});
  one.expect_missed("writer is not let in as it is");
  EXPECT_EQ(seen(needs), before);
}

// Does whatever it is asked but where it has another answer to what begins so, and tells later what
// that was.
class ObedientServer : public TestServer {
 public:
  using Answers = std::map<std::string, std::string>;
  explicit ObedientServer(const Answers& others = {})
      : TestServer([=, this](int connection, const std::stop_token& stop) {
          for (std::string asked; !(asked = received(connection, stop)).empty();) {
            const std::string line = asked.substr(0, asked.find(" HTTP"));
            std::string answer = answer_to(line);
            for (const auto& [begin, other] : others) {
              if (line.starts_with(begin)) answer = other;
            }
            if (!line.starts_with("GET ")) note(line);
            if (!give(connection, answer, stop)) return;
          }
        }) {}
  [[nodiscard]] std::string heard() {
    const std::scoped_lock lock(mutex_);
    return heard_;
  }

 private:
  static std::string answer_to(const std::string& line) {
    if (line.contains("versioning=")) return http_answer(200, "<VersioningConfiguration/>");
    if (line.contains("object-lock=")) return http_answer(404, "");
    if (line.contains("versions=")) return http_answer(200, "<ListVersionsResult/>");
    if (line.contains("list-type=")) return http_answer(200, "<ListBucketResult/>");
    if (line.starts_with("GET ") && line.contains("policy=")) return http_answer(200, "{\"a\":1}");
    if (line.starts_with("DELETE ") && line.contains("versionId=")) return http_answer(204, "");
    if (line.starts_with("DELETE ")) {
      return http_answer(204, "", "x-amz-delete-marker: true\r\nx-amz-version-id: m1\r\n");
    }
    return http_answer(200, "", "x-amz-version-id: v1\r\n");
  }
  void note(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    heard_ += line + "\n";
  }

  std::mutex mutex_;
  std::string heard_;
};
std::string error_answer(int status, const std::string& code) {
  return http_answer(status, "<Error><Code>" + code + "</Code></Error>");
}

Status may_at(const TestServer& server, const std::string& steps) {
  DeedWorld world;
  setenv("WRITER_SECRET", "x", 1);
  return RightsCase(world, system_of(facet_at(server.url(), "kept")), steps).may();
}

TEST(S3Rights, WhatAServerDoesThatItShouldRefuseIsTakenBackAndNotCalledHeld) {
  ObedientServer server;
  const Status may = may_at(server, kCorrupt);
  ASSERT_FALSE(may);
  EXPECT_TRUE(is_not_known(may.error())) << may.error().text;
  EXPECT_TRUE(may.error().text.contains("takes what it should refuse")) << may.error().text;
  EXPECT_TRUE(
      server.heard().ends_with("PUT /kept/kept/gameday-nobody\n"
                               "DELETE /kept/kept/gameday-nobody?versionId=v1\n"))
      << server.heard();
}

TEST(S3Rights, AMarkerThatAQuestionLeavesGoesAgain) {
  ObedientServer server;
  const Status may = may_at(server, kLose);
  EXPECT_TRUE(may) << may.error().text;
  EXPECT_TRUE(
      server.heard().ends_with("DELETE /kept/kept/gameday-nobody\n"
                               "DELETE /kept/kept/gameday-nobody?versionId=m1\n"))
      << server.heard();
}

TEST(S3Rights, APolicyThatIsNoneIsTakenBack) {
  ObedientServer server;
  const Status may = may_at(server, kDeny);
  ASSERT_FALSE(may);
  EXPECT_TRUE(is_not_known(may.error())) << may.error().text;
  EXPECT_EQ(server.heard(), "PUT /kept?policy=\nPUT /kept?policy=\n");
}

// Only a word that comes after the look at who asks tells that we may.
TEST(S3Rights, WhatAServerAnswersOtherwiseIsNotKnown) {
  const auto put_answers = [](int status, const std::string& code) {
    ObedientServer server({{"PUT /kept/", error_answer(status, code)}});
    return may_at(server, kCorrupt);
  };
  EXPECT_TRUE(put_answers(400, "BadDigest"));
  const auto expect_error = [](const Status& may, bool unknown) {
    ASSERT_FALSE(may);
    EXPECT_EQ(is_not_known(may.error()), unknown) << may.error().text;
    EXPECT_NE(may.error().code, ErrorCode::refused) << may.error().text;
  };
  expect_error(put_answers(400, "InvalidRequest"), true);
  expect_error(put_answers(501, "NotImplemented"), true);
  expect_error(put_answers(503, "SlowDown"), false);
  expect_refused(put_answers(403, "AccessDenied"), "s3:PutObject");
}

// What nobody should have is somebody's: nothing is asked of it, least of all to remove it.
TEST(S3Rights, AKeyThatSomebodyHasIsNotAskedFor) {
  for (const char* steps : {kCorrupt, kLose}) {
    ObedientServer server(
        {{"GET /kept?encoding-type=url&prefix=kept%2Fgameday-nobody",
          http_answer(200,
                      "<ListVersionsResult><Version><Key>kept/gameday-nobody</Key><Size>1</Size>"
                      "<LastModified>2026-11-26T18:00:00Z</LastModified><VersionId>v9</VersionId>"
                      "</Version></ListVersionsResult>")}});
    const Status may = may_at(server, steps);
    ASSERT_FALSE(may);
    EXPECT_TRUE(is_not_known(may.error())) << may.error().text;
    EXPECT_EQ(server.heard(), "");
  }
}

// A load removes many at once, for which a server may want another right than for one.
TEST(S3Rights, WhatALoadRemovesIsAskedAsItRemovesIt) {
  ObedientServer server(
      {{"PUT /kept/", error_answer(400, "BadDigest")},
       {"POST /kept?delete",
        http_answer(200,
                    "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error>"
                    "</DeleteResult>")}});
  DeedWorld world;
  world.add_target("archive", "s3", facet_at(server.url(), "kept"));
  RowLoad load(world, s3_load, photos());
  load.prepare();
  expect_refused(load.may(), "s3:DeleteObjectVersion");
}

// A bucket without a policy is left without one: that is a right of its own.
TEST(S3Rights, ToRemoveAPolicyIsAskedWhereThereIsNone) {
  ObedientServer server({{"GET /kept?policy", http_answer(404, "")},
                         {"PUT /kept?policy", error_answer(400, "MalformedPolicy")},
                         {"DELETE /kept?policy", error_answer(403, "AccessDenied")}});
  expect_refused(may_at(server, kDeny), "s3:DeleteBucketPolicy");
}

TEST(S3Rights, AreToldOfEachRow) {
  const Rows rows = all_rows();
  std::vector<RowNeeds> steps{{"deny-access", {"s3:DeleteBucketPolicy", "keys of who is denied"}}};
  std::vector<RowNeeds> loads;
  for (const auto& needs : s3_needs()) {
    add_needs(needs.row, needs.rights, needs.steps.empty() ? loads : steps);
  }
  const auto of_it = [](const auto& row) { return row.facet == "s3"; };
  expect_told(rows.faults, steps, of_it);
  expect_told(rows.restores, steps, of_it);
  expect_told(rows.actions, steps, of_it);
  expect_told(rows.loads, loads, [](const auto& row) { return row.name == "s3"; });
}

}  // namespace
}  // namespace gameday
