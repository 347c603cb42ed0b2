#include "engine/sys/host_names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

addrinfo hints_for(int family, int flags) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  return hints;
}

Addresses all_of(const addrinfo* found) {
  Addresses all;
  for (; found != nullptr; found = found->ai_next) {
    SocketAddress address;
    std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    all.push_back(address);
  }
  return all;
}

// A look-up, which cannot be stopped, on a thread that may outlive whoever waits for it. Of its
// own: those of getaddrinfo_a(3) are few, and a look-up would wait for others that nobody wants any
// more.
struct LookUp {
  LookUp(std::string name, int number, int family)
      : host(std::move(name)), port(std::to_string(number)), hints(hints_for(family, 0)) {}
  ~LookUp() {
    if (found != nullptr) freeaddrinfo(found);
  }
  LookUp(const LookUp&) = delete;
  LookUp& operator=(const LookUp&) = delete;

  void run() {
    error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    eventfd_write(done.get(), 1);
  }

  std::string host, port;
  addrinfo hints;
  addrinfo* found = nullptr;
  int error = 0;
  Descriptor done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

// Read from, so that what the look-up wrote is ordered before what is read of it.
void take(const Descriptor& done) {
  eventfd_t count = 0;
  (void)eventfd_read(done.get(), &count);
}

Result<std::shared_ptr<const LookUp>> ended_look_up(const std::string& host, int port, int family,
                                                    const Clock& clock, const Until& until) {
  const auto look_up = std::make_shared<LookUp>(host, port, family);
  if (!look_up->done) return std::unexpected(system_error(errno, "cannot look up a name"));
  try {
    std::thread([look_up] { look_up->run(); }).detach();
  } catch (const std::system_error& error) {
    return std::unexpected(system_error(error.code().value(), "cannot look up a name"));
  }
  const auto ready = wait_for(look_up->done.get(), POLLIN, clock, until);
  if (!ready) return std::unexpected(ready.error().in("looking up " + host));
  take(look_up->done);
  return look_up;
}

Result<Addresses> found_by(const LookUp& look_up) {
  if (look_up.error == 0 && look_up.found != nullptr) return all_of(look_up.found);
  return fail(ErrorCode::not_found,
              "cannot find the address of " + look_up.host + ": " + gai_strerror(look_up.error));
}

Addresses numeric(const std::string& host, int port) {
  const addrinfo hints = hints_for(AF_UNSPEC, AI_NUMERICHOST);
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return {};
  auto all = all_of(found);
  freeaddrinfo(found);
  return all;
}

}  // namespace

const sockaddr* SocketAddress::get() const { return reinterpret_cast<const sockaddr*>(&bytes); }

std::string SocketAddress::number() const {
  char host[NI_MAXHOST];
  const int error = getnameinfo(get(), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return error == 0 ? host : "";
}

// At the same place in both families.
int SocketAddress::port() const {
  return ntohs(reinterpret_cast<const sockaddr_in&>(bytes).sin_port);
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return size == other.size && std::memcmp(&bytes, &other.bytes, size) == 0;
}

Result<Addresses> addresses_of(const std::string& host, int port, const Clock& clock,
                               const Until& until) {
  if (auto number = numeric(host, port); !number.empty()) return number;
  TRY(look_up, ended_look_up(host, port, AF_UNSPEC, clock, until));
  return found_by(*look_up);
}

void look_up_behind(const std::string& host, int port,
                    std::function<void(Result<Addresses>)> then) {
  auto look_up = std::make_unique<LookUp>(host, port, AF_UNSPEC);
  try {
    std::thread([look_up = std::move(look_up), then] {
      look_up->run();
      then(found_by(*look_up));
    }).detach();
  } catch (const std::system_error& error) {
    then(std::unexpected(system_error(error.code().value(), "cannot look up " + host)));
  }
}

Result<std::vector<std::string>> numbers_of(const std::string& host, int family, const Clock& clock,
                                            const Until& until) {
  TRY(look_up, ended_look_up(host, 0, family, clock, until));
  const int error = look_up->error;
  std::vector<std::string> numbers;
  if (error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY) return numbers;
  if (error != 0) {
    return fail(ErrorCode::failed, "cannot look " + host + " up: " + gai_strerror(error));
  }
  for (const auto& address : all_of(look_up->found)) numbers.push_back(address.number());
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  return numbers;
}

}  // namespace gameday
