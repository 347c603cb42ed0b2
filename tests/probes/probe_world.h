// What a probe is handed, on real doors, and peers on loopback for it to ask.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/rows.h"

namespace gameday {

// A socket on a free port of loopback. `listens`: a TCP socket that accepts.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(int type, bool listens = true)
      : socket_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, length), 0);
    if (type == SOCK_STREAM && listens) {
      EXPECT_EQ(listen(socket_.get(), 8), 0);
    }
    EXPECT_EQ(getsockname(socket_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] int get() const { return socket_.get(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  Descriptor socket_;
  int port_ = 0;
};

// Hands every connection to `serve`, one after the other; what that returns stays open until the
// peer is gone.
class TcpPeer {
 public:
  using Serve = std::function<Descriptor(Descriptor)>;
  explicit TcpPeer(Serve serve) : serve_(std::move(serve)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  [[nodiscard]] std::string address() const { return socket_.address(); }
  [[nodiscard]] int port() const { return socket_.port(); }

 private:
  void run(const std::stop_token& stop) {
    std::vector<Descriptor> kept;
    while (!stop.stop_requested()) {
      pollfd wait{socket_.get(), POLLIN, 0};
      if (poll(&wait, 1, 5) <= 0) continue;
      Descriptor line(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (line) kept.push_back(serve_(std::move(line)));
    }
  }
  Serve serve_;
  LoopbackSocket socket_{SOCK_STREAM};
  std::jthread thread_;
};

// In namespaces of its own, where the only name server takes questions and never answers.
inline bool with_a_silent_name_server(const std::function<bool()>& work,
                                      const std::string& resolv = "nameserver 127.0.0.1") {
  const std::string file = "/tmp/gameday-resolv-" + std::to_string(getpid());
  std::ofstream(file) << resolv << "\n";
  const pid_t child = fork();
  if (child == 0) {
    const int own = getuid() == 0 ? 0 : CLONE_NEWUSER;
    if (unshare(own | CLONE_NEWNS | CLONE_NEWNET) != 0) _exit(2);
    const Descriptor server(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::string("lo").copy(loopback.ifr_name, 2);
    loopback.ifr_flags = IFF_UP;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(53);
    const bool ready =
        ioctl(server.get(), SIOCSIFFLAGS, &loopback) == 0 &&
        bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
    _exit(!ready ? 3 : work() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::filesystem::remove(file);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << "no namespaces: " << status;
  return status == 0;
}

class ProbeWorld {
 public:
  [[nodiscard]] DeedContext context(Duration d = std::chrono::seconds(10), const Stop& stop = {}) {
    return {doors_, system_, secrets_, "01J", "", "", {stop, clock_.in(d)}};
  }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] Secrets& secrets() { return secrets_; }

  // How long `ask` takes to end after a stop that comes while it waits.
  template <class Ask>
  Duration after_its_stop(const Ask& ask) {
    using namespace std::chrono_literals;
    StopSource source;
    Instant stopped;
    std::jthread stopper([&] {
      (void)clock_.sleep({{}, clock_.in(50ms)});
      stopped = clock_.now().boot;
      source.request();
    });
    ask(context(30s, source.stop()));
    const Instant ended = clock_.now().boot;
    stopper.join();
    return ended - stopped;
  }

 private:
  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  System system_;
  Secrets secrets_;
  Doors doors_{clock_, files_, *processes_, *http_, {}};
};

}  // namespace gameday
