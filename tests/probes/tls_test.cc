#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>

#include "drills/systems/link.h"
#include "tests/probes/probe_world.h"

namespace gameday {

extern const ProbeRow tls_probe;

namespace {

using namespace std::chrono_literals;

// Certificates of an authority of our own, made once; of each NAME.pem and NAME.key.
class Certificates {
 public:
  Certificates() {
    char pattern[] = "/tmp/gameday-tls-XXXXXX";
    folder_ = mkdtemp(pattern);
    authority("ca", 60);
    authority("other", 60);
    authority("brief", 5);
    const std::string server = "subjectAltName=DNS:shop.example,DNS:*.shop.example,IP:127.0.0.1";
    issue("good", "ca", 30, server);
    issue("expired", "ca", -1, server);
    issue("brief-chain", "brief", 30, server);
    issue("weak", "ca", 30, server, "rsa:1024");
    issue("client", "ca", 30, server + "\nextendedKeyUsage=clientAuth");
    issue("nameless", "ca", 30, "keyUsage=digitalSignature");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  static constexpr const char* kQuickKey = "ec -pkeyopt ec_paramgen_curve:prime256v1";
  void run(const std::string& command) const {
    const std::string whole = "cd " + folder_ + " && openssl " + command + " >>log 2>&1";
    EXPECT_EQ(std::system(whole.c_str()), 0) << command;
  }
  void authority(const std::string& name, int days) const {
    run("req -x509 -newkey " + std::string(kQuickKey) + " -nodes -subj /CN=" + name + " -days " +
        std::to_string(days) + " -keyout " + name + ".key -out " + name + ".pem");
  }
  void issue(const std::string& name, const std::string& by, int days,
             const std::string& extensions, const std::string& key = kQuickKey) const {
    std::ofstream(file("extensions")) << extensions << "\n";
    run("req -newkey " + key + " -nodes -subj /CN=" + name + " -keyout " + name +
        ".key -out request");
    run("x509 -req -in request -CA " + by + ".pem -CAkey " + by + ".key -CAcreateserial -days " +
        std::to_string(days) + " -extfile extensions -out " + name + ".pem");
  }
  std::string folder_;
};

// OpenSSL's own server, with that certificate, on a free port.
class TlsServer {
 public:
  TlsServer(const Certificates& made, const std::string& certificate,
            std::vector<std::string> more = {}) {
    address_ = LoopbackSocket(SOCK_STREAM, false).address();
    std::vector<std::string> words{"openssl", "s_server", "-www", "-accept", address_};
    for (const auto& word : {std::string("-cert"), made.file(certificate + ".pem"),
                             std::string("-key"), made.file(certificate + ".key")}) {
      words.push_back(word);
    }
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    child_ = fork();
    if (child_ != 0) return;
    const std::string log = made.file("server.log");
    if (std::freopen(log.c_str(), "a", stdout) == nullptr) _exit(126);
    if (std::freopen(log.c_str(), "a", stderr) == nullptr) _exit(126);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  std::string address_;
  pid_t child_ = -1;
};

class TlsProbeTest : public ProbeTest {
 protected:
  TlsProbeTest() : ProbeTest(tls_probe) {}

  static void SetUpTestSuite() { made_ = std::make_unique<Certificates>(); }
  static void TearDownTestSuite() { made_.reset(); }

  // What is asked of shop.example; `more` replaces members.
  Answer ask_at(const std::string& address, const std::vector<Json::Member>& more = {},
                Duration d = 10s) {
    return attempt(arguments(address, more), d);
  }
  static Json arguments(const std::string& address, const std::vector<Json::Member>& more = {}) {
    Json asked = Json::object({{"address", address},
                               {"server_name", "shop.example"},
                               {"ca", made_->file("ca.pem")},
                               {"protocol", "TLSv1.2"},
                               {"expires_in", "0s"}});
    for (const auto& [name, value] : more) asked.set(name, value);
    return asked;
  }
  Answer ask_at(const TlsServer& server, const std::vector<Json::Member>& more = {}) {
    const Instant end = world_.clock().in(10s);
    while (!connect_to(server.address(), world_.context())) {
      if (world_.clock().now().boot > end) return {false, "no server: is openssl installed?"};
      (void)world_.clock().pause(10ms, {{}, end});
    }
    return ask_at(server.address(), more);
  }
  Answer ask_with(const std::string& certificate, const std::vector<Json::Member>& more = {}) {
    return ask_at(TlsServer(*made_, certificate), more);
  }
  static std::unique_ptr<Certificates> made_;
};
std::unique_ptr<Certificates> TlsProbeTest::made_;

TEST_F(TlsProbeTest, WhatIsAllRightIsGood) {
  const TlsServer server(*made_, "good");
  const auto answer = ask_at(server, {{"protocol", "TLSv1.3"}, {"cipher", "AES_256"}});
  EXPECT_TRUE(answer.ok) << answer.text;
  EXPECT_TRUE(answer.text.starts_with("TLSv1.3, TLS_AES_256_GCM_SHA384, valid until "))
      << answer.text;
  EXPECT_TRUE(ask_at(server, {{"expires_in", "29d"}}).ok);
  EXPECT_TRUE(ask_at(server, {{"server_name", "west.shop.example"}}).ok);
  // By the address's host, which is an address of the certificate's too.
  EXPECT_TRUE(ask_at(server, {{"server_name", ""}}).ok);
}

TEST_F(TlsProbeTest, WhatExpiresTooSoonIsNot) {
  const auto late = ask_with("good", {{"expires_in", "31d"}});
  EXPECT_FALSE(late.ok);
  EXPECT_TRUE(late.text.starts_with("it expires at 2")) << late.text;
  EXPECT_TRUE(late.text.ends_with(", expected not within 31d")) << late.text;
  const auto expired = ask_with("expired");
  EXPECT_FALSE(expired.ok);
  EXPECT_TRUE(
      expired.text.starts_with("the chain is not valid: certificate has expired; it "
                               "expired at 2"))
      << expired.text;
}

TEST_F(TlsProbeTest, WhoSignedItMayExpireSooner) {
  const TlsServer server(*made_, "brief-chain");
  const std::string ca = made_->file("brief.pem");
  EXPECT_TRUE(ask_at(server, {{"ca", ca}, {"expires_in", "4d"}}).ok);
  EXPECT_FALSE(ask_at(server, {{"ca", ca}, {"expires_in", "6d"}}).ok);
}

TEST_F(TlsProbeTest, AnotherNameIsNot) {
  const TlsServer server(*made_, "good");
  expect_no(ask_at(server, {{"server_name", "bank.example"}}),
            "it is for shop.example, *.shop.example, not for bank.example");
  EXPECT_FALSE(ask_at(server, {{"server_name", "a.b.shop.example"}}).ok);
  EXPECT_FALSE(ask_at(server, {{"server_name", "127.0.0.2"}}).ok);
  expect_no(ask_with("nameless"), "it is for /CN=nameless, not for shop.example");
}

TEST_F(TlsProbeTest, WhoIsNotTrustedIsNot) {
  const TlsServer server(*made_, "good");
  expect_no(ask_at(server, {{"ca", made_->file("other.pem")}}),
            "the chain is not valid: unable to get local issuer certificate");
  // Nor does this machine trust it.
  expect_no(ask_at(server, {{"ca", ""}}),
            "the chain is not valid: unable to get local issuer certificate");
  expect_no(ask_with("other"),
            "the chain is not valid: self-signed certificate; it is for "
            "/CN=other, not for shop.example");
}

TEST_F(TlsProbeTest, WhereAWrongCertificateIsExpectedARightOneIsNot) {
  const std::vector<Json::Member> wrong{{"trusted", false}};
  expect_no(ask_with("good", wrong), "the certificate is trusted, expected one that is not");
  const auto expired = ask_with("expired", wrong);
  EXPECT_TRUE(expired.ok) << expired.text;
  EXPECT_TRUE(
      expired.text.ends_with(", not trusted: the chain is not valid: certificate has "
                             "expired"))
      << expired.text;
  const TlsServer server(*made_, "good");
  EXPECT_TRUE(ask_at(server, {{"trusted", false}, {"server_name", "bank.example"}}).ok);
  EXPECT_TRUE(ask_at(server, {{"trusted", false}, {"ca", made_->file("other.pem")}}).ok);
  expect_no(ask_at(server,
                   {{"trusted", false}, {"ca", made_->file("other.pem")}, {"cipher", "CHACHA20"}}),
            "cipher TLS_AES_256_GCM_SHA384, expected one with 'CHACHA20'");
}

TEST_F(TlsProbeTest, WhoSpeaksNoTlsShowsNoWrongCertificateEither) {
  const TestServer closing(
      [](int line, const std::stop_token& stop) { (void)TestServer::received(line, stop); });
  expect_no(ask_at(closing.address(), {{"trusted", false}}),
            "no handshake: the peer closed in the handshake");
}

TEST_F(TlsProbeTest, CheckRefusesWhatCannotBeMeant) {
  const auto wrong = [&](const std::string& more) {
    return problem("{ tls: { address: \"127.0.0.1:1\", trusted: false" + more + " } }");
  };
  EXPECT_EQ(wrong(""), "");
  EXPECT_TRUE(wrong(", expires_in: 14d").contains("says nothing")) << wrong(", expires_in: 14d");
}

TEST_F(TlsProbeTest, AWeakKeyOrOneForSomethingElseIsNot) {
  expect_no(ask_at(TlsServer(*made_, "weak", {"-cipher", "DEFAULT:@SECLEVEL=0"})),
            "the chain is not valid: EE certificate key too weak");
  expect_no(ask_with("client"), "the chain is not valid: unsuitable certificate purpose");
}

TEST_F(TlsProbeTest, AnOlderProtocolIsNot) {
  const TlsServer second(*made_, "good", {"-tls1_2"});
  EXPECT_TRUE(ask_at(second).ok);
  expect_no(ask_at(second, {{"protocol", "TLSv1.3"}}), "TLSv1.2, expected at least TLSv1.3");
  const TlsServer old(*made_, "good", {"-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"});
  expect_no(ask_at(old), "TLSv1.1, expected at least TLSv1.2");
}

TEST_F(TlsProbeTest, AnotherCipherIsNot) {
  expect_no(ask_with("good", {{"cipher", "CHACHA20"}}),
            "cipher TLS_AES_256_GCM_SHA384, expected one with 'CHACHA20'");
}

TEST_F(TlsProbeTest, EveryFaultIsTold) {
  expect_no(ask_with("good", {{"cipher", "CHACHA20"}, {"server_name", "bank.example"}}),
            "it is for shop.example, *.shop.example, not for bank.example; cipher "
            "TLS_AES_256_GCM_SHA384, expected one with 'CHACHA20'");
}

TEST_F(TlsProbeTest, WhoSpeaksNoTlsIsNot) {
  const TestServer plain([](int line, const std::stop_token& stop) {
    TestServer::give(line, "HTTP/1.1 400 Bad Request\r\n\r\n", stop);
    TestServer::keep(line, stop);
  });
  expect_no(ask_at(plain.address()), "no handshake: wrong version number");
  const TestServer closing(
      [](int line, const std::stop_token& stop) { (void)TestServer::received(line, stop); });
  expect_no(ask_at(closing.address()), "no handshake: the peer closed in the handshake");
  const LoopbackSocket bound(SOCK_STREAM, false);
  expect_no(ask_at(bound.address()),
            "cannot connect to " + bound.address() + ": Connection refused");
}

TEST_F(TlsProbeTest, WhoNeverAnswersIsNot) {
  const TestServer silent(TestServer::keep);
  expect_no(ask_at(silent.address(), {}, 50ms), "no handshake: the deadline passed");
  EXPECT_LT(after_stop(arguments(silent.address())), 200ms);
}

TEST_F(TlsProbeTest, AFileWithoutCertificatesIsTold) {
  const TlsServer server(*made_, "good");
  const std::string missing = made_->file("missing.pem");
  const auto answer = ask_at(server, {{"ca", missing}});
  EXPECT_FALSE(answer.ok);
  EXPECT_TRUE(answer.text.contains("no certificates in " + missing + ": ")) << answer.text;
  const auto key = ask_at(server, {{"ca", made_->file("ca.key")}});
  EXPECT_FALSE(key.ok);
  EXPECT_TRUE(key.text.contains("no certificates in ")) << key.text;
}

}  // namespace
}  // namespace gameday
