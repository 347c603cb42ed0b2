#include <gtest/gtest.h>

#include "engine/sys/postgres.h"
#include "tests/drills/postgres_certificates.h"

namespace gameday {
namespace {

class TlsOnPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    char pattern[] = "/tmp/gameday-tls-XXXXXX";
    folder_ = mkdtemp(pattern);
    cluster_ = std::make_unique<PostgresCluster>(folder_ + "/pg");
    certificates_ = std::make_unique<PostgresCertificates>(folder_ + "/certificates");
    certificates_->give_to(*cluster_);
    cluster_->start();
    cluster_->make_shop();
  }
  static void TearDownTestSuite() {
    cluster_.reset();
    std::filesystem::remove_all(folder_);
  }
  Result<Postgres> open(const std::string& host, const std::string& mode, const std::string& root) {
    const auto settings =
        postgres_settings_of("host=" + host + " port=" + cluster_->port() +
                             " user=shop password=shop-secret dbname=shop sslmode=" + mode +
                             (root.empty() ? "" : " sslrootcert=" + certificates_->file(root)));
    if (!settings) return std::unexpected(settings.error());
    return Postgres::open(*settings, clock_, {{}, clock_.in(std::chrono::seconds(20))});
  }
  static void expect_refused(const Result<Postgres>& session, const std::string& part) {
    ASSERT_FALSE(session) << "it connects, though: " << part;
    EXPECT_TRUE(session.error().text.contains(part)) << session.error().text;
    EXPECT_FALSE(session.error().text.contains("shop-secret")) << session.error().text;
  }

  static inline std::string folder_;
  static inline std::unique_ptr<PostgresCluster> cluster_;
  static inline std::unique_ptr<PostgresCertificates> certificates_;
  SystemClock clock_;
};

TEST_F(TlsOnPostgres, AServerThatIsWhoItSaysIsSpokenToInSecret) {
  auto session = open("localhost", "verify-full", "ca.pem");
  ASSERT_TRUE(session) << session.error().text;
  const auto told =
      session->ask("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->boolean(0, 0));
  EXPECT_TRUE(told->text(0, 1).starts_with("TLSv1.")) << told->text(0, 1);
  // So that an undo comes back in the same way.
  EXPECT_EQ(setting_of(session->settings(), "sslmode"), "verify-full");
  EXPECT_EQ(setting_of(session->settings(), "sslrootcert"), certificates_->file("ca.pem"));
  EXPECT_EQ(setting_of(session->settings(), "host"), "localhost");
}

TEST_F(TlsOnPostgres, OneOfAnotherAuthorityIsRefused) {
  expect_refused(open("localhost", "verify-full", "other.pem"), "certificate verify failed");
  expect_refused(open("localhost", "verify-ca", "other.pem"), "certificate verify failed");
  expect_refused(open("localhost", "verify-full", "none.pem"), "does not exist");
}

// Its address is no name of its certificate's.
TEST_F(TlsOnPostgres, OneOfAnotherNameIsRefused) {
  expect_refused(open("127.0.0.1", "verify-full", "ca.pem"), "does not match host name");
  const auto any_name = open("127.0.0.1", "verify-ca", "ca.pem");
  EXPECT_TRUE(any_name) << any_name.error().text;
}

}  // namespace
}  // namespace gameday
