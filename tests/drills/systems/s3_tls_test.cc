// A bucket behind TLS, and a bucket that is a host of its own.
#include <mutex>

#include "tests/drills/s3_fixture.h"
#include "tests/drills/test_certificates.h"
#include "tests/probes/probe_world.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class TlsBucket : public testing::Test {
 protected:
  static constexpr const char* kHost = "s3.localhost";  // and the buckets below it

  static S3Door door(const TestCertificates& made, const std::string& certificate) {
    return {.host = kHost,
            .tls = true,
            .options = {"--cert", made.file(certificate + ".pem"), "--key",
                        made.file(certificate + ".key"), "--virtual-domain", kHost}};
  }
  // As the playbook's facet says it, in place of which something else may stand.
  Result<S3> open(const S3Process& server, const std::vector<Json::Member>& others = {}) {
    Json facet = server.facet();
    facet.set("ca", made_.file("ca.pem"));
    for (const auto& [name, value] : others) facet.set(name, value);
    Target target;
    target.name = "archive";
    target.facets = Json::object({{"s3", facet}});
    TRY(place, s3_place_of(target));
    return open_s3(place, world_.context());
  }
  // What is said of a server that must not be trusted.
  std::string refusal(const S3Process& server, const std::vector<Json::Member>& others = {}) {
    auto bucket = open(server, others);
    EXPECT_TRUE(bucket);
    const auto asked = bucket->versioning();
    EXPECT_FALSE(asked) << "it was trusted";
    if (asked) return "";
    EXPECT_EQ(asked.error().code, ErrorCode::failed);
    EXPECT_FALSE(bucket->put({"kept/a", "never sent", {}}));
    return asked.error().text;
  }
  static void expect_part(const std::string& text, const std::string& part) {
    EXPECT_TRUE(text.contains(part)) << text;
  }
  template <class T>
  static T got(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
    return result.value_or(T{});
  }

  DeedWorld world_;
  TestCertificates made_{world_.file("tls")};
};
using TlsBucketOnS3 = TlsBucket;

TEST_F(TlsBucketOnS3, WhomItsAuthorityNamesIsTrustedAndNobodyElse) {
  made_.issue("server", "DNS:s3.localhost,DNS:*.s3.localhost");
  const S3Process server(world_.file("s3"), door(made_, "server"));
  ASSERT_TRUE(server.endpoint().starts_with("https://")) << server.endpoint();
  EXPECT_EQ(got(open(server)->versioning()), "Enabled");
  const std::string unknown = "SSL certificate problem: unable to get local issuer certificate";
  expect_part(refusal(server, {{"ca", ""}}), unknown);
  expect_part(refusal(server, {{"ca", made_.file("other.pem")}}), unknown);
  expect_part(refusal(server, {{"ca", made_.file("none.pem")}}), made_.file("none.pem"));
  const std::string address = "https://127.0.0.1:" + std::to_string(server.port());
  expect_part(refusal(server, {{"endpoint", address}}),
              "certificate subject name matches target host name '127.0.0.1'");
  EXPECT_FALSE(server.versions("kept").contains("<Key>")) << server.versions("kept");
  setenv("SSL_CERT_FILE", made_.file("ca.pem").c_str(), 1);
  const auto by_environment = open(server, {{"ca", ""}})->versioning();
  unsetenv("SSL_CERT_FILE");
  EXPECT_TRUE(by_environment) << "further authorities count where the facet names none";
  EXPECT_TRUE(open(server, {{"ca", ""}, {"verify", false}})->versioning());
}

TEST_F(TlsBucketOnS3, ACertificateThatHasExpiredOrIsOfAnotherBucketIsRefused) {
  made_.issue("expired", "DNS:s3.localhost", "ca", -1);
  const S3Process late(world_.file("late"), door(made_, "expired"));
  expect_part(refusal(late), "SSL certificate problem: certificate has expired");
  EXPECT_FALSE(late.versions("kept").contains("<Key>")) << late.versions("kept");
  made_.issue("alone", "DNS:s3.localhost,DNS:other.s3.localhost");
  const S3Process server(world_.file("s3"), door(made_, "alone"));
  EXPECT_TRUE(open(server)->versioning());
  expect_part(refusal(server, {{"path_style", false}}),
              "certificate subject name matches target host name 'kept.s3.localhost'");
}

// The server's own words for each: it finds the bucket by its host, and by nothing else.
TEST_F(TlsBucketOnS3, ABucketThatIsAHostIsSpokenToAsOneThatIsAPath) {
  made_.issue("server", "DNS:s3.localhost,DNS:*.s3.localhost");
  const S3Process server(world_.file("s3"), door(made_, "server"));
  S3 bucket = open(server, {{"path_style", false}}).value();
  const std::string key = S3Process::kStrange;
  const std::string first = got(bucket.put({key, "first", {}}));
  const std::string second = got(bucket.put({key, "second", {}}));
  EXPECT_EQ(got(bucket.versioning()), "Enabled");
  EXPECT_FALSE(got(bucket.lock()).enabled);
  EXPECT_EQ(got(bucket.policy()), "");
  EXPECT_EQ(got(bucket.versions("kept/", 10)).size(), 2u);
  const S3Object then = got(bucket.look(key, first));
  EXPECT_EQ(got(bucket.read(then, 100)), "first");
  const std::string third = got(bucket.copy(then, key));
  EXPECT_EQ(got(bucket.read(got(bucket.look(key)), 100)), "first");
  const S3Removed removed = got(bucket.remove(key));
  EXPECT_TRUE(removed.marker);
  EXPECT_TRUE(got(bucket.objects("kept/", 10)).empty());
  EXPECT_TRUE(bucket.remove(key, removed.version));
  EXPECT_TRUE(bucket.remove_all({{.key = key, .version = second}, {.key = key, .version = third}}));
  // What is there now is there for whoever has the bucket in the path, too.
  S3 by_path = open(server).value();
  const auto left = got(by_path.versions("", 10));
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].version, first);
  EXPECT_EQ(left[0].key, key);
  auto absent = open(server, {{"path_style", false}, {"bucket", "absent"}})->versioning();
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::not_found) << absent.error().text;
}

// Who speaks TLS to nobody is not asked without it.
TEST_F(TlsBucketOnS3, AServerWithoutTlsGetsNothingInPlain) {
  const S3Process plain(world_.file("s3"), {.host = kHost});
  const std::string address = "https://s3.localhost:" + std::to_string(plain.port());
  expect_part(refusal(plain, {{"endpoint", address}}), "TLS failed (wrong version number)");
  EXPECT_FALSE(plain.versions("kept").contains("<Key>")) << plain.versions("kept");
}

// All that came, whoever sent it.
class Listener {
 public:
  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::string heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void hear(int connection, const std::stop_token& stop) {
    const std::string came = TestServer::received(connection, stop);
    {
      const std::lock_guard lock(mutex_);
      heard_ += came;
    }
    (void)TestServer::give(connection, http_answer(404, ""), stop);
  }
  std::mutex mutex_;
  std::string heard_;
  TestServer server_{
      [this](int connection, const std::stop_token& stop) { hear(connection, stop); }};
};

class SpokenBucket : public TlsBucket {
 protected:
  // The bytes of a question and of an upload.
  std::string heard_at(const std::string& scheme, bool path_style) {
    setenv("DRILL_S3_KEY", "drill", 1);
    setenv("DRILL_S3_SECRET", "s3cret", 1);
    Listener listener;
    const S3Place place{.endpoint = scheme + "://s3.localhost:" + std::to_string(listener.port()),
                        .bucket = "kept",
                        .path_style = path_style,
                        .access_key = "${env:DRILL_S3_KEY}",
                        .secret_key = "${env:DRILL_S3_SECRET}"};
    S3 bucket = open_s3(place, world_.context()).value();
    EXPECT_FALSE(bucket.look("kept/one"));
    EXPECT_FALSE(bucket.put({"kept/one", "in clear", {}}));
    std::string port = std::to_string(listener.port());
    std::string heard = listener.heard();
    for (auto at = heard.find(port); at != heard.npos; at = heard.find(port)) {
      heard.replace(at, port.size(), "PORT");
    }
    return heard;
  }
};

TEST_F(SpokenBucket, TheBucketIsInTheHostOrInThePath) {
  const std::string by_host = heard_at("http", false), by_path = heard_at("http", true);
  expect_part(by_host, "HEAD /kept/one HTTP/1.1\r\nHost: kept.s3.localhost:PORT\r\n");
  expect_part(by_host, "PUT /kept/one HTTP/1.1\r\nHost: kept.s3.localhost:PORT\r\n");
  expect_part(by_path, "HEAD /kept/kept/one HTTP/1.1\r\nHost: s3.localhost:PORT\r\n");
}

TEST_F(SpokenBucket, OverHttpsNothingIsSentBeforeThereIsTls) {
  for (const bool path_style : {true, false}) {
    const std::string heard = heard_at("https", path_style);
    // A hello of TLS begins so.
    EXPECT_TRUE(heard.starts_with("\x16\x03"));
    for (const std::string plain :
         {"HEAD /", "PUT /", "HTTP/", "Authorization", "in clear", "drill"}) {
      EXPECT_FALSE(heard.contains(plain)) << plain;
    }
  }
}

}  // namespace
}  // namespace gameday
