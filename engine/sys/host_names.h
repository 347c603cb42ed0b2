// The door to names of hosts, as the C library resolves them: files, name servers and what else
// this machine is set up for. (engine/sys/dns.h asks one name server itself.)
#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"

namespace gameday {

// An address and a port as the kernel takes them.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] int family() const { return bytes.ss_family; }
  [[nodiscard]] std::string number() const;  // "127.0.0.1", without the port
  [[nodiscard]] int port() const;
  [[nodiscard]] bool operator==(const SocketAddress& other) const;
};
using Addresses = std::vector<SocketAddress>;

// Every address of that name, at least one, in the order in which they are to be tried; not_found:
// it has none. A look-up that takes longer than `until` goes on behind the back of whoever asked.
[[nodiscard]] Result<Addresses> addresses_of(const std::string& host, int port, const Clock& clock,
                                             const Until& until);

// The same behind the back of whoever asks, who waits for nothing: `then` is called once, on a
// thread that may outlive them, or now if there can be none.
void look_up_behind(const std::string& host, int port, std::function<void(Result<Addresses>)> then);

// The addresses of that name in that family (AF_INET or AF_INET6) as numbers, sorted, as the
// programs of this machine get them: by its hosts file, its nsswitch.conf(5) and its search list.
// None: whoever was asked says that there is none; `failed`: nobody could tell.
[[nodiscard]] Result<std::vector<std::string>> numbers_of(const std::string& host, int family,
                                                          const Clock& clock, const Until& until);

}  // namespace gameday
