// A machine whose name server is silent, for what looks names up.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "engine/sys/descriptor.h"

namespace gameday {

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

}  // namespace gameday
