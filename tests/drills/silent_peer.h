// A peer that takes every question and answers none.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "engine/proxy/address.h"
#include "engine/proxy/unix_socket.h"
#include "engine/sys/descriptor.h"

namespace gameday {

// Accepts connections and says nothing, over TCP or a Unix socket; takes datagrams as silently.
class SilentPeer {
 public:
  explicit SilentPeer(const std::string& unix_path = "")
      : socket_(socket(unix_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (unix_path.empty()) {
      const auto any = resolve_address("127.0.0.1:0");
      EXPECT_EQ(bind(socket_.get(), any->get(), any->size), 0);
      address_ = bound_address(socket_.get());
    } else {
      const auto where = unix_address(unix_path);
      EXPECT_EQ(bind(socket_.get(), where->get(), where->size()), 0);
      address_ = unix_path;
    }
    EXPECT_EQ(listen(socket_.get(), 64), 0);
    if (!unix_path.empty()) return;
    // The same port takes datagrams and does not answer them either.
    datagrams_ = Descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto same = resolve_address(address_);
    EXPECT_EQ(bind(datagrams_.get(), same->get(), same->size), 0);
  }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Descriptor socket_;
  Descriptor datagrams_;
  std::string address_;
};

}  // namespace gameday
