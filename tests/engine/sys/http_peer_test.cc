#include "engine/sys/http_peer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

class HttpPeerTest : public testing::Test {
 protected:
  HttpPeerTest() {
    char pattern[] = "/tmp/gameday-peer-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  ~HttpPeerTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Result<HttpAnswer> ask(const HttpPeer& peer, const std::string& url, Duration within = 10s) {
    HttpRequest request;
    request.url = url;
    return make_curl_http(clock_, {}, peer)->send(request, {stop_.stop(), clock_.in(within)});
  }
  Result<HttpAnswer> over(const std::string& socket) {
    HttpPeer peer;
    peer.socket = socket;
    return ask(peer, "http://docker/version?x=1");
  }

  std::string folder_;
  SystemClock clock_;
  StopSource stop_;
};

// A listening Unix socket; `answer` goes to whoever asks, nothing where it is empty.
class UnixServer {
 public:
  UnixServer(const std::string& path, std::string answer) : answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_.get(), 8), 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  [[nodiscard]] std::string asked() const { return asked_; }

 private:
  static bool held(const Descriptor& connection) {
    pollfd wait{connection.get(), POLLIN, 0};
    return poll(&wait, 1, 5) == 0;
  }
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{socket_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      const Descriptor connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char bytes[4096] = {};
      asked_ = std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(
                                      0, recv(connection.get(), bytes, 4096, 0))));
      (void)::send(connection.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      // Where there is no answer, the peer hangs up in the end.
      while (answer_.empty() && !stop.stop_requested() && held(connection)) continue;
    }
  }

  std::string answer_, asked_;
  const Descriptor socket_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::jthread thread_;
};

TEST_F(HttpPeerTest, AUnixSocketIsAskedInPlaceOfTheUrlsHost) {
  const UnixServer server(file("s"), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1.41");
  const auto answer = over(file("s"));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->body, "1.41");
  EXPECT_TRUE(server.asked().starts_with("GET /version?x=1 HTTP/1.1\r\nHost: docker\r\n"))
      << server.asked();
}

TEST_F(HttpPeerTest, ASocketThatIsNotThereOrNobodysSaysSo) {
  const auto missing = over(file("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_TRUE(missing.error().text.ends_with(file("none") + ": No such file or directory"))
      << missing.error().text;
  std::ofstream(file("plain")) << "no socket\n";
  const auto plain = over(file("plain"));
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, ErrorCode::failed);
  EXPECT_TRUE(plain.error().text.ends_with("Connection refused")) << plain.error().text;
  const auto longest = over("/" + std::string(108, 'x'));
  ASSERT_FALSE(longest);
  EXPECT_EQ(longest.error().code, ErrorCode::invalid);
}

TEST_F(HttpPeerTest, ASocketOfOthersIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "root alone can become somebody else";
  const UnixServer server(file("s"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  chmod(file("s").c_str(), 0600);
  chmod(folder_.c_str(), 0755);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (setuid(kNobody) != 0) _exit(2);
    const auto answer = over(file("s"));
    _exit(!answer && answer.error().code == ErrorCode::refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(HttpPeerTest, ASocketThatNeverAnswersIsLeftAtTheStop) {
  const UnixServer server(file("s"), "");
  std::jthread stopper([&] {
    (void)clock_.sleep({{}, clock_.in(50ms)});
    stop_.request();
  });
  const Instant begun = clock_.now().boot;
  const auto answer = over(file("s"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::stopped);
  EXPECT_LT(clock_.now().boot - begun, Duration(250ms));
}

// OpenSSL's own server, which answers nobody without a certificate of its authority.
class TlsPeerTest : public HttpPeerTest {
 protected:
  TlsPeerTest() {
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
    for (const std::string name : {"ca", "other"}) {
      openssl("req -x509" + key + "-subj /CN=" + name + " -keyout " + name + ".key -out " + name +
              ".pem");
    }
    for (const std::string name : {"server", "client"}) {
      openssl("req" + key + "-subj /CN=" + name + " -keyout " + name + ".key -out request");
      openssl(
          "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out " +
          name + ".pem");
    }
    serve();
  }
  ~TlsPeerTest() override {
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }
  void openssl(const std::string& words) {
    std::ofstream(file("names")) << "subjectAltName=IP:127.0.0.1\n";
    const std::string all = "cd " + folder_ + " && openssl " + words + " >>log 2>&1";
    EXPECT_EQ(std::system(all.c_str()), 0) << words;
  }
  void serve() {
    server_ = fork();
    if (server_ == 0) {
      if (chdir(folder_.c_str()) != 0 || std::freopen("said", "w", stdout) == nullptr) _exit(126);
      if (std::freopen("log", "a", stderr) == nullptr) _exit(126);
      execlp("openssl", "openssl", "s_server", "-www", "-accept", "127.0.0.1:0", "-cert",
             "server.pem", "-key", "server.key", "-CAfile", "ca.pem", "-Verify", "1",
             "-verify_return_error", nullptr);
      _exit(127);
    }
    // "ACCEPT 127.0.0.1:41233"
    const std::string word = "ACCEPT 127.0.0.1:";
    for (int look = 0; look < 500 && port_.empty(); ++look) {
      (void)clock_.sleep({{}, clock_.in(10ms)});
      std::ifstream said(file("said"));
      for (std::string line; std::getline(said, line);) {
        if (line.starts_with(word)) port_ = line.substr(word.size());
      }
    }
    EXPECT_NE(port_, "");
  }
  Result<HttpAnswer> asked(const std::string& authority, const std::string& ours, bool verify) {
    HttpPeer peer;
    peer.authorities = authority.empty() ? "" : file(authority + ".pem");
    peer.verify = verify;
    if (!ours.empty()) {
      peer.certificate = file(ours + ".pem");
      peer.key = file(ours + ".key");
    }
    return ask(peer, "https://" + host_ + ":" + port_ + "/");
  }
  // What is said of one that is not to be answered.
  std::string refusal(const std::string& authority, const std::string& ours) {
    const auto answer = asked(authority, ours, true);
    EXPECT_FALSE(answer);
    return answer ? "" : answer.error().text;
  }

  pid_t server_ = -1;
  std::string host_ = "127.0.0.1", port_;
};

TEST_F(TlsPeerTest, OurCertificateIsShownAndTheServersIsVerified) {
  const auto answer = asked("ca", "client", true);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200);
  EXPECT_FALSE(asked("other", "client", true)) << "another authority's word was taken";
  EXPECT_TRUE(asked("other", "client", false));
  EXPECT_FALSE(asked("ca", "", true)) << "answered without our certificate";
  EXPECT_FALSE(asked("ca", "none", true));
}

TEST_F(TlsPeerTest, WhyNobodyIsTrustedIsSaid) {
  const std::string begin = "GET https://127.0.0.1:" + port_ + "/: ";
  EXPECT_TRUE(refusal("other", "client").starts_with(begin + "SSL certificate problem: "))
      << refusal("other", "client");
  EXPECT_EQ(refusal("none", "client"),
            begin + "error setting certificate file: " + file("none.pem"));
  EXPECT_EQ(refusal("ca", ""),
            begin + "the server ended TLS with the alert 'certificate required'");
  EXPECT_TRUE(refusal("ca", "none").contains(file("none.pem"))) << refusal("ca", "none");
  host_ = "localhost";
  EXPECT_TRUE(refusal("ca", "client").ends_with("target host name 'localhost'"))
      << refusal("ca", "client");
}

// On a machine of a child's own, which trusts the server's authority.
TEST_F(TlsPeerTest, WhomThisMachineTrustsDoesNotCountBesideNamedAuthorities) {
  std::filesystem::create_directory(file("trusted"));
  for (const char* name : {"trusted/ca.pem", "trusted/ca-certificates.crt"}) {
    std::filesystem::copy_file(file("ca.pem"), file(name));
  }
  openssl("rehash trusted");
  const pid_t child = fork();
  if (child == 0) {
    const int own = getuid() == 0 ? 0 : CLONE_NEWUSER;
    const bool ready =
        unshare(own | CLONE_NEWNS) == 0 &&
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount(file("trusted").c_str(), "/etc/ssl/certs", nullptr, MS_BIND, nullptr) == 0;
    if (!ready) _exit(2);
    if (!asked("", "client", true)) _exit(3);
    _exit(asked("other", "client", true) ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace gameday
