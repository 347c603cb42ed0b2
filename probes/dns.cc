#include "engine/sys/dns.h"

#include <arpa/inet.h>

#include <algorithm>

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/proxy/address.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr std::string_view kTypes[] = {"A", "AAAA"};

constexpr Field kExpect[] = {
    {.name = "addresses",
     .type = FieldType::texts,
     .help = "The addresses that must come, in any order, and no others."},
    {.name = "at_least",
     .type = FieldType::integer,
     .help = "How many addresses must come; 1 where nothing else is expected.",
     .least = 1},
    {.name = "none",
     .type = FieldType::boolean,
     .help = "Whether the name must have no address: whoever is asked says so, and is not just "
             "silent."},
};

constexpr Field kFields[] = {
    {.name = "name", .help = "What is asked for: shop.example.", .required = true},
    {.name = "type",
     .type = FieldType::choice,
     .help = "A for IPv4 addresses, AAAA for those of IPv6.",
     .otherwise = "A",
     .choices = kTypes},
    {.name = "server",
     .type = FieldType::address,
     .help = "The DNS server that is asked; without it the name is looked up as this machine's "
             "programs do, with its hosts file and search list."},
    {.name = "expect",
     .type = FieldType::group,
     .help = "What a good answer is.",
     .fields = kExpect},
};

DnsType type_in(const Json& arguments) {
  return arguments.text("type") == "AAAA" ? DnsType::aaaa : DnsType::a;
}

// As the kernel would write it; empty: it is no address of that type.
std::string plain_address(const std::string& written, DnsType type) {
  const int family = type == DnsType::a ? AF_INET : AF_INET6;
  unsigned char bytes[sizeof(in6_addr)];
  char text[INET6_ADDRSTRLEN];
  if (inet_pton(family, written.c_str(), bytes) != 1) return "";
  inet_ntop(family, bytes, text, sizeof text);
  return text;
}

Answer judged_list(const Json& expect, std::vector<std::string> came, DnsType type,
                   const std::string& seen) {
  std::vector<std::string> wanted;
  for (const std::string& written : texts_in(expect, "addresses")) {
    wanted.push_back(plain_address(written, type));
  }
  std::ranges::sort(wanted);
  std::ranges::sort(came);
  if (wanted == came) return {true, seen};
  return {false, seen + ", expected " + join(wanted, ", ")};
}

Answer judged(const Json& expect, const DnsAnswer& answer, DnsType type) {
  const bool known = answer.code == DnsCode::no_error || answer.code == DnsCode::no_such_name;
  if (!known) return {false, "the server says " + name_of(answer.code)};
  const std::size_t count = answer.addresses.size();
  const std::string seen = count > 0                          ? join(answer.addresses, ", ")
                           : answer.code == DnsCode::no_error ? "no address"
                                                              : "no such name";
  if (expect.boolean("none", false)) {
    return {count == 0, count == 0 ? seen : seen + ", expected no address"};
  }
  const bool listed = expect.find("addresses") != nullptr;
  const std::int64_t least = expect.integer("at_least", listed ? 0 : 1);
  if (static_cast<std::int64_t>(count) < least) {
    return {false, seen + ", expected at least " + std::to_string(least)};
  }
  return listed ? judged_list(expect, answer.addresses, type, seen) : Answer{true, seen};
}

Result<DnsAnswer> asked(const Json& arguments, DnsType type, const DeedContext& context) {
  const std::string server = arguments.text("server");
  if (server.empty()) {
    TRY(addresses, numbers_of(arguments.text("name"), type == DnsType::a ? AF_INET : AF_INET6,
                              context.doors.clock, context.until));
    return DnsAnswer{.addresses = std::move(addresses)};
  }
  TRY(where, resolve_address(server, context.doors.clock, context.until));
  auto answer = ask_dns({arguments.text("name"), type}, where.get(), where.size,
                        context.doors.clock, context.until);
  return answer ? std::move(answer) : std::unexpected(answer.error().in(server));
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const DnsType type = type_in(arguments);
  const auto answer = asked(arguments, type, context);
  if (answer) return judged(arguments.get("expect"), *answer, type);
  return {false, "no answer (" + answer.error().text + ")"};
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  const Json& expect = arguments.get("expect");
  const bool listed = expect.find("addresses") != nullptr;
  if (expect.boolean("none", false) && (listed || expect.find("at_least") != nullptr)) {
    return WrongField{"expect", "`none` and addresses cannot both be expected"};
  }
  const auto addresses = texts_in(expect, "addresses");
  if (listed && addresses.empty()) {
    return WrongField{"expect.addresses", "must not be empty; `none: true` expects no address"};
  }
  for (const std::string& written : addresses) {
    if (!plain_address(written, type_in(arguments)).empty()) continue;
    return WrongField{"expect.addresses", "'" + written + "' is no address of that type"};
  }
  return std::nullopt;
}

}  // namespace

extern const ProbeRow dns_probe;
const ProbeRow dns_probe{
    .name = "dns",
    .summary = "Asks for a name's addresses: a DNS server, or as this machine's programs do.",
    .scalar = "name",
    .fields = kFields,
    .example =
        "name-known: { dns: shop.example, server: \"127.0.0.1:8080\", every: 5s, "
        "expect: { at_least: 1 } }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
