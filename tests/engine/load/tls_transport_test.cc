// What TLS adds to the transports of our own sockets: whom they speak to, and what an end means.
#include "engine/load/tls_stream.h"
#include "tests/engine/load/transport_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TlsTransportTest : public TransportTest {
 protected:
  // The only reason there is.
  [[nodiscard]] std::string why() const {
    const auto all = transport_->unanswered();
    return all.size() == 1 ? all[0].why : std::to_string(all.size()) + " reasons";
  }
  // A request on a connection of its own, answered.
  FarEnd answered() {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    far.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(end_of(seq), "ok 200");
    return far;
  }
};

TEST_P(TlsTransportTest, WhoseCertificateIsWrongIsSentNothing) {
  const std::vector<std::pair<std::string, std::string>> all = {
      {"expired", "the server's certificate is not trusted: certificate has expired"},
      {"other", "the server's certificate is not trusted: IP address mismatch"},
      {"stranger",
       "the server's certificate is not trusted: unable to get local issuer certificate"},
      {"unknown", "the server's certificate is not trusted: self-signed certificate"}};
  for (const auto& [certificate, reason] : all) {
    make(4);
    serves({.certificate = certificate});
    const auto seq = send(asking());
    const FarEnd far = accepted();
    EXPECT_EQ(end_of(seq), "not_sent 0") << certificate;
    EXPECT_EQ(why(), reason);
    EXPECT_EQ(far.hear(), "");
    EXPECT_TRUE(far.tls().heard_alert()) << certificate << ": the server is told why";
  }
}

TEST_P(TlsTransportTest, IsHttp11OverTls12AtLeast) {
  EXPECT_EQ(answered().tls().protocol(), "http/1.1");
  serves({.most = 12});
  const FarEnd older = answered();
  EXPECT_EQ(older.tls().version(), "TLSv1.2");
  EXPECT_EQ(older.tls().server_name(), "") << "an address is no name";
  serves({.most = 11});
  const auto seq = send(asking());
  const FarEnd far = accepted();
  EXPECT_EQ(end_of(seq), "not_sent 0");
  EXPECT_TRUE(why().starts_with("TLS: ")) << why();
}

// As it stands in the URL: for whom the certificate must be, and whom we ask for.
TEST_P(TlsTransportTest, AServerThatIsNamedIsAskedForAndJudgedByItsName) {
  url_.replace(url_.find("127.0.0.1"), 9, "localhost");
  for (const bool good : {true, false}) {
    make(4);
    serves({.certificate = good ? "good" : "other"});
    const auto seq = send(asking());
    const FarEnd far = accepted();
    EXPECT_EQ(far.tls().server_name(), "localhost");
    if (good) far.say(kYes);
    EXPECT_EQ(end_of(seq), good ? "ok 200" : "not_sent 0");
    if (!good) {
      EXPECT_EQ(why(), "the server's certificate is not trusted: hostname mismatch");
    }
  }
}

TEST_P(TlsTransportTest, TheNextConnectionResumesTheSession) {
  for (const int most : {13, 12}) {
    make(4);
    serves({.most = most});
    EXPECT_FALSE(answered().tls().resumed());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(answered().tls().resumed()) << most;
  }
}

// Though there was no room for a last word.
TEST_P(TlsTransportTest, TheSessionOfWhoWasCutOffAmidItsWordsIsResumedToo) {
  serves({.most = 12});
  (void)answered();
  const auto seq = send(asking("POST", std::string(32 << 20, 'x')));
  FarEnd far = accepted();
  work(milliseconds(100));
  far.cut();
  EXPECT_EQ(end_of(seq), "unknown 0");
  EXPECT_TRUE(answered().tls().resumed());
}

// What a session was good for is not asked again: who has lost it must be looked at.
TEST_P(TlsTransportTest, WhoHasForgottenTheSessionIsJudgedAgain) {
  EXPECT_FALSE(answered().tls().resumed());
  serves({.certificate = "expired"});
  const auto seq = send(asking());
  const FarEnd far = accepted();
  EXPECT_EQ(end_of(seq), "not_sent 0");
}

// Without a length and without a last word it may have been cut off, by anybody.
TEST_P(TlsTransportTest, AnAnswerUntilTheEndWantsALastWord) {
  for (const bool word : {true, false}) {
    std::size_t seq = 0;
    FarEnd far = heard(seq);
    far.say("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    work(milliseconds(20));
    word ? far.close() : far.cut();
    EXPECT_EQ(end_of(seq), word ? "ok 200" : "unknown 0");
  }
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
  far.tls().say_bye();  // and the connection stays
  EXPECT_EQ(end_of(seq), "unknown 0");
}

TEST_P(TlsTransportTest, WhoseLastWordCameWithoutWorkIsNotAskedAgain) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  far.tls().say_bye();
  work(milliseconds(20));
  EXPECT_TRUE(far.has_ended());
  (void)answered();
}

TEST_P(TlsTransportTest, SaysGoodbye) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  far.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_TRUE(far.has_ended());
  EXPECT_TRUE(far.tls().heard_bye());
}

TEST_P(TlsTransportTest, NewKeysAmidAnAnswerAndBetweenTwoChangeNothing) {
  for (const int most : {13, 12}) {
    make(4);
    serves({.most = most});
    std::size_t seq = 0;
    const FarEnd far = heard(seq);
    far.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    far.tls().ask_for_new_keys();
    work(milliseconds(20));
    far.say("cd");
    EXPECT_EQ(end_of(seq), "ok 200") << most;
    far.tls().ask_for_new_keys();
    work(milliseconds(20));
    for (int i = 0; i < 2; ++i) {
      const auto next = send(asking());
      EXPECT_TRUE(hears_while_we_work(far).starts_with("GET ")) << most;
      far.say(kYes);
      EXPECT_EQ(end_of(next), "ok 200") << most;
    }
  }
}

TEST_P(TlsTransportTest, ABigAnswerInPiecesIsTaken) {
  std::size_t seq = 0;
  const FarEnd far = heard(seq);
  const std::string body(3 << 20, 'x');
  far.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  std::atomic<bool> all = false;
  std::jthread saying([&] {
    for (std::size_t at = 0; at < body.size(); at += 50'000) {
      EXPECT_TRUE(far.say(std::string_view(body).substr(at, 50'000)));
    }
    all = true;
  });
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_TRUE(all);
}

TEST_P(TlsTransportTest, ShakingHandsIsInTheLatencyAndInTheLimit) {
  const Instant begun = clock_.now().boot;
  const auto seq = send(asking());
  const Descriptor slow = silently_accepted();
  work(milliseconds(150));
  const FarEnd far = shaken(dup(slow.get()));
  far.say(kYes);
  EXPECT_EQ(end_of(seq), "ok 200");
  EXPECT_GE(answers_[seq].end - begun, milliseconds(150));
  EXPECT_FALSE(answers_[seq].sent) << "it was on its way from when it began";

  make(4);
  TransportRequest request = asking();
  request.give_up = clock_.in(milliseconds(200));
  const Instant last = request.give_up;
  const auto never = send(request);
  const Descriptor silent = silently_accepted();
  EXPECT_EQ(end_of(never), "not_sent 0");
  EXPECT_LT(answers_[never].end - last, milliseconds(500));
  EXPECT_EQ(why(), "the server did not take it in time");
}

TEST_P(TlsTransportTest, WhoSpeaksNoTlsOrClosesAtOnceIsSentNothing) {
  const auto seq = send(asking());
  {
    const Descriptor plain = silently_accepted();
    ::send(plain.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
    EXPECT_EQ(end_of(seq), "not_sent 0");
    EXPECT_TRUE(why().starts_with("TLS: ")) << why();
  }
  const auto next = send(asking());
  silently_accepted().reset();
  EXPECT_EQ(end_of(next), "not_sent 0");
}

INSTANTIATE_TEST_SUITE_P(Each, TlsTransportTest, testing::ValuesIn(tls_kinds_here()), name_of_kind);

TEST(TlsClient, AnAuthorityThatCannotBeReadIsSaidBeforeTheStart) {
  setenv("SSL_CERT_FILE", "/nowhere.pem", 1);
  const auto made = TlsClient::make("127.0.0.1");
  unsetenv("SSL_CERT_FILE");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().text.contains("/nowhere.pem")) << made.error().text;
  EXPECT_TRUE(TlsClient::make("127.0.0.1"));
  for (const std::string& name : {std::string("a\0b", 3), std::string(300, 'a'), std::string()}) {
    EXPECT_FALSE(TlsClient::make(name)) << name;
  }
}

}  // namespace
}  // namespace gameday
