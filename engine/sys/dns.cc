#include "engine/sys/dns.h"

#include <poll.h>
#include <sys/random.h>

#include <cerrno>

#include "engine/base/assert.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr std::size_t kLargestPacket = 64 << 10;

std::uint16_t some_id() {
  std::uint16_t id = 0;
  const ssize_t got = getrandom(&id, sizeof id, 0);  // so few bytes come whole
  GD_ASSERT(got == sizeof id);
  return id;
}

struct Asking {
  const DnsQuestion& question;
  const sockaddr* server;
  socklen_t size;
  const Clock& clock;
  const Until& until;
};

// Connected: nobody else's packets come in, and a server that is not there is told.
Result<Descriptor> connected(const Asking& asking, int type) {
  Descriptor line(socket(asking.server->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!line) return std::unexpected(system_error(errno, "cannot make a socket"));
  if (connect(line.get(), asking.server, asking.size) != 0) {
    if (errno != EINPROGRESS) return std::unexpected(system_error(errno, "cannot connect"));
    TRY(ready, wait_for(line.get(), POLLOUT, asking.clock, asking.until));
    static_cast<void>(ready);
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(line.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return std::unexpected(system_error(error, "cannot connect"));
  return line;
}

Result<DnsAnswer> ask_by_udp(const Asking& asking) {
  const std::uint16_t id = some_id();
  TRY(packet, dns_packet(asking.question, id));
  TRY(line, connected(asking, SOCK_DGRAM));
  if (send(line.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
    return std::unexpected(system_error(errno, "cannot ask"));
  }
  std::string others;  // what came that was no answer
  std::string came(kLargestPacket, '\0');
  while (true) {
    const auto ready = wait_for(line.get(), POLLIN, asking.clock, asking.until);
    if (!ready) return std::unexpected(others.empty() ? ready.error() : ready.error().in(others));
    const ssize_t size = recv(line.get(), came.data(), came.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) return std::unexpected(system_error(errno, "no answer"));
    const std::string_view whole(came.data(), static_cast<std::size_t>(size));
    auto answer = read_dns_packet(whole, asking.question, id);
    if (answer || answer.error().code != ErrorCode::conflict) return answer;
    others = answer.error().text;
  }
}

Status send_all(const Descriptor& line, std::string_view bytes, const Asking& asking) {
  while (!bytes.empty()) {
    TRY(ready, wait_for(line.get(), POLLOUT, asking.clock, asking.until));
    static_cast<void>(ready);
    const ssize_t sent = send(line.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return std::unexpected(system_error(errno, "cannot ask over TCP"));
    }
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::string> receive_all(const Descriptor& line, std::size_t count, const Asking& asking) {
  std::string bytes(count, '\0');
  for (std::size_t have = 0; have < count;) {
    TRY(ready, wait_for(line.get(), POLLIN, asking.clock, asking.until));
    static_cast<void>(ready);
    const ssize_t came = recv(line.get(), bytes.data() + have, count - have, 0);
    if (came < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (came < 0) return std::unexpected(system_error(errno, "no answer over TCP"));
    if (came == 0) return fail(ErrorCode::corrupt, "the answer over TCP breaks off");
    have += static_cast<std::size_t>(came);
  }
  return bytes;
}

Result<DnsAnswer> ask_by_tcp(const Asking& asking) {
  const std::uint16_t id = some_id();
  TRY(packet, dns_packet(asking.question, id));
  TRY(line, connected(asking, SOCK_STREAM));
  // Over TCP, its length stands before each packet.
  const std::string length{static_cast<char>(packet.size() >> 8),
                           static_cast<char>(packet.size() & 0xff)};
  TRY_OK(send_all(line, length + packet, asking));
  TRY(head, receive_all(line, 2, asking));
  std::size_t size = 0;
  for (const char c : head) size = size << 8 | static_cast<unsigned char>(c);
  TRY(whole, receive_all(line, size, asking));
  auto answer = read_dns_packet(whole, asking.question, id);
  if (answer && answer->cut) return fail(ErrorCode::corrupt, "the answer is cut over TCP too");
  return answer;
}

}  // namespace

Result<DnsAnswer> ask_dns(const DnsQuestion& question, const sockaddr* server, socklen_t size,
                          const Clock& clock, const Until& until) {
  const Asking asking{question, server, size, clock, until};
  TRY(answer, ask_by_udp(asking));
  if (!answer.cut) return answer;
  auto whole = ask_by_tcp(asking);
  return whole ? std::move(whole) : std::unexpected(whole.error().in("too long for UDP"));
}

}  // namespace gameday
