// Whole loads over TLS, and what goes beside them by libcurl, against OpenSSL's own server.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/engine/load/load_fixture.h"
#include "tests/engine/load/tls_far_end.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

// Answers every request with a page, on a connection of its own.
class OpenSslServer {
 public:
  explicit OpenSslServer(const std::string& certificate) {
    {
      const OrderServer gone;  // whose port is free then
      port_ = gone.url().substr(gone.url().rfind(':') + 1);
    }
    const std::string file = tls_file(certificate);
    const std::string command = "exec openssl s_server -quiet -www -accept 127.0.0.1:" + port_ +
                                " -cert " + file + ".pem -key " + file + ".key >/dev/null 2>&1";
    child_ = fork();
    if (child_ != 0) return;
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  ~OpenSslServer() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  OpenSslServer(const OpenSslServer&) = delete;
  OpenSslServer& operator=(const OpenSslServer&) = delete;
  [[nodiscard]] std::string url(const std::string& name = "127.0.0.1") const {
    return "https://" + name + ":" + port_;
  }

 private:
  std::string port_;
  pid_t child_ = 0;
};

class TlsLoadTest : public LoadTest {
 protected:
  TlsLoadTest() { trust_test_authority(); }
  ~TlsLoadTest() override { unsetenv("SSL_CERT_FILE"); }
  LoadTerms reading(const std::string& url, bool by_libcurl = false) const {
    LoadTerms made = terms(url, 20);
    made.spec.request = {"GET", url + "/", "", {}};
    if (by_libcurl) made.spec.request.headers = {{"Connection", "close"}};
    made.spec.ledger.reset();
    return made;
  }
  [[nodiscard]] Result<HttpAnswer> asked(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return http_->send(request, within(std::chrono::seconds(5)));
  }
};

TEST_F(TlsLoadTest, GoesToWhomIsTrustedByWhateverCarriesIt) {
  const OpenSslServer server("good");
  ASSERT_TRUE(soon([&] { return asked(server.url()).has_value(); })) << "by libcurl, as probes go";
  for (const std::string name : {"127.0.0.1", "localhost"}) {
    for (const bool by_libcurl : {false, true}) {
      const auto load = ran(reading(server.url(name), by_libcurl), milliseconds(1000));
      EXPECT_GE(load->samples().size(), 19U);
      EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
      EXPECT_EQ(load->carried().by.name == "libcurl", by_libcurl);
      EXPECT_TRUE(load->carried().unanswered.empty());
    }
  }
}

TEST_F(TlsLoadTest, ACertificateThatIsNotGoodIsNeverASuccessAndSaysWhy) {
  const OpenSslServer server("stranger");
  ASSERT_TRUE(soon([&] {
    const auto answer = asked(server.url());
    return !answer && answer.error().text.contains("certificate");
  }));
  for (const bool by_libcurl : {false, true}) {
    const auto load = ran(reading(server.url(), by_libcurl), milliseconds(500));
    EXPECT_GE(load->samples().size(), 9U);
    EXPECT_EQ(count(*load, SampleOutcome::not_sent), load->samples().size());
    if (by_libcurl) continue;
    const auto& why = load->carried().unanswered;
    ASSERT_EQ(why.size(), 1U);
    EXPECT_TRUE(why[0].why.contains("unable to get local issuer certificate")) << why[0].why;
    EXPECT_EQ(why[0].requests, load->samples().size());
  }
}

TEST_F(TlsLoadTest, AnAuthorityThatCannotBeReadIsSaidBeforeTheStart) {
  setenv("SSL_CERT_FILE", "/nowhere.pem", 1);
  const auto load = start_load(reading("https://127.0.0.1:1"), doors_, secrets_, {});
  ASSERT_FALSE(load);
  EXPECT_TRUE(load.error().text.contains("/nowhere.pem")) << load.error().text;
}

}  // namespace
}  // namespace gameday
