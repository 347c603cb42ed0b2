#include "engine/sys/tls.h"

#include <algorithm>
#include <optional>

#include "drills/systems/link.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/proxy/address.h"
#include "engine/rows.h"

namespace gameday {
namespace {

// From the oldest on; a name that is in none of them is older than all.
constexpr std::string_view kProtocols[] = {"TLSv1.2", "TLSv1.3"};

constexpr Field kFields[] = {
    {.name = "address",
     .type = FieldType::address,
     .help = "Where the server listens.",
     .required = true},
    {.name = "server_name",
     .help = "The name or IP address that its certificate must be for; without it the address's "
             "host."},
    {.name = "ca",
     .type = FieldType::path,
     .help = "A PEM file of the certificates that are trusted; without it those that this machine "
             "trusts."},
    {.name = "protocol",
     .type = FieldType::choice,
     .help = "The oldest protocol that is good.",
     .otherwise = "TLSv1.2",
     .choices = kProtocols},
    {.name = "cipher", .help = "Text that must stand in the cipher's name: AES_256."},
    {.name = "expires_in",
     .type = FieldType::duration,
     .help = "How long the certificate and those above it must still be valid, at least.",
     .otherwise = "0s"},
    {.name = "trusted",
     .type = FieldType::boolean,
     .help = "Whether clients take the certificate. `false` expects a wrong one, which they must "
             "refuse: a chain that is not valid, or one for another name.",
     .otherwise = "true"},
};

bool is_older(const std::string& seen, const std::string& wanted) {
  const auto last = std::end(kProtocols);
  const auto at = std::find(std::begin(kProtocols), last, seen);
  return at == last || at < std::find(std::begin(kProtocols), last, wanted);
}

// Why a client would not take the certificate, the gravest first.
std::vector<std::string> distrust_of(const TlsSeen& seen, const std::string& name) {
  std::vector<std::string> reasons;
  if (!seen.distrust.empty()) reasons.push_back("the chain is not valid: " + seen.distrust);
  if (!seen.name_matches) reasons.push_back("it is for " + seen.names + ", not for " + name);
  return reasons;
}

// What is wrong with a certificate that clients should take.
std::vector<std::string> faults_of_trusted(const TlsSeen& seen, const Json& arguments,
                                           const std::string& name, Utc now) {
  std::vector<std::string> faults = distrust_of(seen, name);
  const Duration least = duration_in(arguments, "expires_in").value_or(Duration(0));
  if (seen.expires < now) {
    faults.push_back("it expired at " + rfc3339(seen.expires));
  } else if (seen.expires < now + least) {
    faults.push_back("it expires at " + rfc3339(seen.expires) + ", expected not within " +
                     arguments.text("expires_in"));
  }
  return faults;
}

// Every check that says no.
std::vector<std::string> faults_of(const TlsSeen& seen, const Json& arguments,
                                   const std::string& name, Utc now) {
  std::vector<std::string> faults;
  if (arguments.boolean("trusted", true)) {
    faults = faults_of_trusted(seen, arguments, name, now);
  } else if (distrust_of(seen, name).empty()) {
    faults.push_back("the certificate is trusted, expected one that is not");
  }
  const std::string protocol = arguments.text("protocol", kProtocols[0]);
  if (is_older(seen.protocol, protocol)) {
    faults.push_back(seen.protocol + ", expected at least " + protocol);
  }
  const std::string cipher = arguments.text("cipher");
  if (!seen.cipher.contains(cipher)) {
    faults.push_back("cipher " + seen.cipher + ", expected one with '" + cipher + "'");
  }
  return faults;
}

Result<TlsSeen> seen_at(const std::string& address, const TlsQuestion& question,
                        const DeedContext& context) {
  TRY(line, connect_to(address, context));
  auto seen = look_at_tls(line, question, context.doors.clock, context.until);
  return seen ? std::move(seen) : std::unexpected(seen.error().in("no handshake"));
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const std::string address = arguments.text("address");
  std::string name = arguments.text("server_name");
  if (name.empty()) {
    const auto host = parse_host_port(address);
    if (!host) return {false, host.error().text};
    name = host->host;
  }
  const auto seen = seen_at(address, {name, arguments.text("ca")}, context);
  if (!seen) return {false, seen.error().text};
  const auto faults = faults_of(*seen, arguments, name, context.doors.clock.now().utc);
  if (!faults.empty()) return {false, join(faults, "; ")};
  const std::string spoken = seen->protocol + ", " + seen->cipher + ", ";
  const auto distrust = distrust_of(*seen, name);
  if (!distrust.empty()) return {true, spoken + "not trusted: " + join(distrust, "; ")};
  return {true, spoken + "valid until " + rfc3339(seen->expires)};
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  const bool dated = duration_in(arguments, "expires_in").value_or(Duration(0)) > Duration(0);
  if (arguments.boolean("trusted", true) || !dated) return std::nullopt;
  return WrongField{"expires_in",
                    "how long a certificate that must not be trusted is valid says "
                    "nothing"};
}

}  // namespace

extern const ProbeRow tls_probe;
const ProbeRow tls_probe{
    .name = "tls",
    .summary = "Shakes hands with a TLS server and judges its certificate, protocol and cipher.",
    .scalar = "address",
    .fields = kFields,
    .example =
        "front-trusted: { tls: { address: \"127.0.0.1:8080\", server_name: shop.example, "
        "expires_in: 14d }, every: 30s }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
