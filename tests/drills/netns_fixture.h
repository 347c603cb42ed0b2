// Network namespaces for tests, each with its loopback up, and two joined by a cable. They go with
// the test; nothing of this machine's own network is touched.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <string>
#include <thread>
#include <vector>

#include "drills/systems/netns.h"
#include "engine/proxy/address.h"
#include "tests/drills/deed_world.h"

namespace gameday {

class TestNetns {
 public:
  explicit TestNetns(DeedWorld& world) : world_(world) {
    std::thread([this] {
      EXPECT_EQ(unshare(CLONE_NEWNET), 0) << "this test must be allowed to make network namespaces";
      held_ = Descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
    ip({"link", "set", "lo", "up"});
  }
  // By which others than this process can enter it too.
  [[nodiscard]] std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(held_.get());
  }
  void close() { held_.reset(); }

  [[nodiscard]] std::string run(const std::vector<std::string>& argv) const {
    const auto ended = run_inside(path(), argv, world_.context());
    EXPECT_TRUE(ended && ended->succeeded()) << (ended ? ended->output : ended.error().text);
    return ended ? ended->output : "";
  }
  void ip(std::vector<std::string> words) const {
    words.insert(words.begin(), "ip");
    (void)run(words);
  }
  // Every rule there is, of both families.
  [[nodiscard]] std::string rules() const {
    return run({"iptables", "-S"}) + run({"ip6tables", "-S"});
  }

 private:
  DeedWorld& world_;
  Descriptor held_;
};

// A cable between two: 10.77.0.1 and fd77::1 at the near end, 10.77.0.2 and fd77::2 at the far one.
struct Cable {
  Cable(const TestNetns& near, const TestNetns& far) {
    near.ip({"link", "add", "east", "type", "veth", "peer", "name", "west"});
    near.ip({"link", "set", "west", "netns", far.path()});
    const auto up = [](const TestNetns& end, const std::string& name, const std::string& number) {
      end.ip({"addr", "add", "10.77.0." + number + "/24", "dev", name});
      end.ip({"addr", "add", "fd77::" + number + "/64", "dev", name, "nodad"});
      end.ip({"link", "set", name, "up"});
    };
    up(near, "east", "1");
    up(far, "west", "2");
  }
};

// A TCP server in a namespace; nobody needs to accept for a connection to be made.
class ServerInside {
 public:
  ServerInside(const TestNetns& netns, const std::string& address)
      : ServerInside(netns.path(), address) {}
  ServerInside(const std::string& path, const std::string& address) {
    const auto where = resolve_address(address);
    auto made = socket_inside(path, where->family(), SOCK_STREAM);
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    socket_ = std::move(*made);
    const int one = 1;
    if (where->family() == AF_INET6) {
      setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    EXPECT_EQ(bind(socket_.get(), where->get(), where->size), 0) << address;
    EXPECT_EQ(listen(socket_.get(), 128), 0);
  }
  [[nodiscard]] Descriptor accepted() const {
    pollfd wait{socket_.get(), POLLIN, 0};
    EXPECT_EQ(poll(&wait, 1, 2000), 1);
    return Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }

 private:
  Descriptor socket_;
};

// A client's connection, begun inside.
class ClientInside {
 public:
  ClientInside(const TestNetns& netns, const std::string& address)
      : ClientInside(netns.path(), address) {}
  ClientInside(const std::string& path, const std::string& address) {
    const auto where = resolve_address(address);
    auto made = socket_inside(path, where->family(), SOCK_STREAM);
    EXPECT_TRUE(made);
    socket_ = std::move(*made);
    (void)connect(socket_.get(), where->get(), where->size);
  }
  // "connected", "silent" or the reason why not.
  [[nodiscard]] std::string state(int within_ms = 300) const {
    pollfd wait{socket_.get(), POLLOUT, 0};
    if (poll(&wait, 1, within_ms) == 0) return "silent";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? "connected" : strerror(error);
  }
  [[nodiscard]] int number() const { return socket_.get(); }

 private:
  Descriptor socket_;
};

// What one end sees of a byte that the other sends: it, "silent", "ended" or "reset".
inline std::string crosses(int from, int to, int within_ms = 300) {
  (void)::send(from, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  pollfd wait{to, POLLIN, 0};
  if (poll(&wait, 1, within_ms) == 0) return "silent";
  char byte = 0;
  const ssize_t got = recv(to, &byte, 1, MSG_DONTWAIT);
  return got == 1 ? "crossed" : got == 0 ? "ended" : "reset";
}

}  // namespace gameday
