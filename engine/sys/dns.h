// The door to DNS (RFC 1035): one question to one server, and what it answers. Nothing is cached,
// asked again or looked up in /etc/hosts.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/clock.h"

namespace gameday {

enum class DnsType : std::uint16_t { a = 1, aaaa = 28 };

struct DnsQuestion {
  std::string name;  // "shop.example", with or without the last dot
  DnsType type = DnsType::a;
};

enum class DnsCode { no_error = 0, format = 1, server = 2, no_such_name = 3, refused = 5 };
[[nodiscard]] std::string name_of(DnsCode code);  // "NXDOMAIN"

struct DnsAnswer {
  DnsCode code = DnsCode::no_error;      // or another number below 16
  std::vector<std::string> addresses{};  // of the name, or of what it is an alias of
  bool cut = false;                      // the server had more to say than fits into UDP
};

// Asks over UDP, and over TCP where the answer was cut. An error means that there is no answer:
// timed_out, stopped, failed (refused) or corrupt (malformed). Answers to other questions are not
// taken for one. `invalid`: no name.
[[nodiscard]] Result<DnsAnswer> ask_dns(const DnsQuestion& question, const sockaddr* server,
                                        socklen_t size, const Clock& clock, const Until& until);

// The packet of that question, and what one that came back says about it. `conflict`: it answers
// another question, so that the answer may still come.
[[nodiscard]] Result<std::string> dns_packet(const DnsQuestion& question, std::uint16_t id);
[[nodiscard]] Result<DnsAnswer> read_dns_packet(std::string_view packet,
                                                const DnsQuestion& question, std::uint16_t id);

}  // namespace gameday
