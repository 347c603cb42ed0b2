#include <arpa/inet.h>

#include <map>
#include <utility>

#include "engine/base/text.h"
#include "engine/sys/dns.h"

namespace gameday {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 255;  // in a packet, with the lengths and the root
constexpr unsigned kIsAnswer = 0x8000;
constexpr unsigned kCut = 0x0200;
constexpr unsigned kRecurse = 0x0100;
constexpr unsigned kCodeMask = 0x000f;
constexpr unsigned kInternet = 1;
constexpr unsigned kAlias = 5;

void put_16(std::string& into, unsigned value) {
  into += static_cast<char>(value >> 8);
  into += static_cast<char>(value & 0xff);
}

// The name as it stands in a packet, in lower case: so that names are compared.
Result<std::string> wire_name(std::string_view name) {
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorCode::invalid, "'" + valid_utf8(name) + "' is no name to ask for: " + why);
  };
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string wire;
  for (const std::string& label : split(lower(name), '.')) {
    if (label.empty()) return wrong("a part of it is empty");
    if (label.size() > kLongestLabel) return wrong("a part is longer than 63 characters");
    for (const char c : label) {
      if (c <= ' ' || c > '~') return wrong("write other than plain letters as xn--");
    }
    wire += static_cast<char>(label.size());
    wire += label;
  }
  wire += '\0';
  if (wire.size() > kLongestName) return wrong("it is longer than 253 characters");
  return wire;
}

// Reads a packet from its start; what goes beyond its end is an error, wherever that is found.
class Reader {
 public:
  explicit Reader(std::string_view packet) : packet_(packet) {}

  [[nodiscard]] bool wrong() const { return wrong_; }

  unsigned number_16() {
    const std::string_view two = bytes(2);
    return wrong_ ? 0 : byte_of(two[0]) << 8 | byte_of(two[1]);
  }

  std::string_view bytes(std::size_t count) {
    if (wrong_ || count > packet_.size() - at_) {
      wrong_ = true;
      return {};
    }
    at_ += count;
    return packet_.substr(at_ - count, count);
  }

  // A name as in wire_name, with its pointers followed. Each must point before the last one, so
  // that none is met twice.
  std::string name() {
    std::string found;
    std::size_t at = at_;
    std::size_t before = at_;
    bool jumped = false;
    while (!wrong_ && at < packet_.size()) {
      const unsigned length = byte_of(packet_[at]);
      const std::size_t next = at + 1 + length;
      if (length >= kPointer) {
        if (at + 2 > packet_.size()) break;
        if (!std::exchange(jumped, true)) at_ = at + 2;
        at = (length - kPointer) << 8 | byte_of(packet_[at + 1]);
        if (at >= before) break;
        before = at;
        continue;
      }
      if (length > kLongestLabel || next > packet_.size()) break;
      found += lower(packet_.substr(at, 1 + length));
      if (found.size() > kLongestName) break;
      at = next;
      if (length > 0) continue;
      if (!jumped) at_ = at;
      return found;
    }
    wrong_ = true;
    return {};
  }

 private:
  static constexpr unsigned kPointer = 0xc0;
  static unsigned byte_of(char c) { return static_cast<unsigned char>(c); }

  std::string_view packet_;
  std::size_t at_ = 0;
  bool wrong_ = false;
};

std::unexpected<Error> malformed(const char* what) {
  return fail(ErrorCode::corrupt, std::string("a malformed answer: ") + what);
}

struct Records {
  std::map<std::string, std::string> aliases;         // by the name
  std::multimap<std::string, std::string> addresses;  // by the name
};

std::string shown_address(std::string_view bytes, DnsType type) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(type == DnsType::a ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

Status read_record(Reader& reader, std::string_view packet, DnsType type, Records& records) {
  const std::string owner = reader.name();
  const unsigned kind = reader.number_16();
  const unsigned family = reader.number_16();
  static_cast<void>(reader.bytes(4));  // how long it may be kept
  const unsigned size = reader.number_16();
  const std::string_view data = reader.bytes(size);
  if (reader.wrong()) return malformed("a record goes beyond its end");
  if (family != kInternet) return {};
  if (kind == std::to_underlying(type)) {
    const std::size_t right = type == DnsType::a ? 4 : 16;
    if (size != right) return malformed("an address of the wrong length");
    records.addresses.emplace(owner, shown_address(data, type));
  } else if (kind == kAlias) {
    // Its pointers count from the start of the packet.
    Reader inside(packet.substr(0, static_cast<std::size_t>(data.end() - packet.begin())));
    static_cast<void>(inside.bytes(static_cast<std::size_t>(data.begin() - packet.begin())));
    const std::string target = inside.name();
    if (inside.wrong()) return malformed("an alias of no name");
    records.aliases.emplace(owner, target);
  }
  return {};
}

// The addresses of what the name is an alias of, at the end.
Result<std::vector<std::string>> addresses_of(std::string name, const Records& records) {
  for (std::size_t steps = 0; records.aliases.contains(name); ++steps) {
    if (steps >= records.aliases.size()) return malformed("its aliases go round in a circle");
    name = records.aliases.at(name);
  }
  std::vector<std::string> addresses;
  const auto [begin, end] = records.addresses.equal_range(name);
  for (auto at = begin; at != end; ++at) addresses.push_back(at->second);
  return addresses;
}

}  // namespace

std::string name_of(DnsCode code) {
  switch (code) {
    case DnsCode::no_error: return "NOERROR";
    case DnsCode::format: return "FORMERR";
    case DnsCode::server: return "SERVFAIL";
    case DnsCode::no_such_name: return "NXDOMAIN";
    case DnsCode::refused: return "REFUSED";
  }
  return "code " + std::to_string(std::to_underlying(code));
}

Result<std::string> dns_packet(const DnsQuestion& question, std::uint16_t id) {
  TRY(name, wire_name(question.name));
  std::string packet;
  put_16(packet, id);
  put_16(packet, kRecurse);
  for (const unsigned count : {1U, 0U, 0U, 0U}) put_16(packet, count);
  packet += name;
  put_16(packet, std::to_underlying(question.type));
  put_16(packet, kInternet);
  return packet;
}

Result<DnsAnswer> read_dns_packet(std::string_view packet, const DnsQuestion& question,
                                  std::uint16_t id) {
  TRY(asked, wire_name(question.name));
  if (packet.size() < kHeader) return malformed("it is shorter than a header");
  Reader reader(packet);
  const bool same_id = reader.number_16() == id;
  const unsigned flags = reader.number_16();
  const unsigned questions = reader.number_16();
  const unsigned answers = reader.number_16();
  static_cast<void>(reader.bytes(4));  // what stands behind the answers is not read
  if (!same_id || (flags & kIsAnswer) == 0) {
    return fail(ErrorCode::conflict, "an answer to another question came");
  }
  DnsAnswer answer{static_cast<DnsCode>(flags & kCodeMask), {}, (flags & kCut) != 0};
  // A server that understood nothing repeats no question.
  if (questions == 0 && answer.code != DnsCode::no_error) return answer;
  if (questions != 1) return malformed("it does not repeat the question");
  const std::string name = reader.name();
  const unsigned type = reader.number_16();
  const unsigned family = reader.number_16();
  if (reader.wrong()) return malformed("its question goes beyond its end");
  if (name != asked || type != std::to_underlying(question.type) || family != kInternet) {
    return fail(ErrorCode::conflict, "an answer to another question came");
  }
  if (answer.cut) return answer;
  Records records;
  for (unsigned number = 0; number < answers; ++number) {
    TRY_OK(read_record(reader, packet, question.type, records));
  }
  TRY(addresses, addresses_of(asked, records));
  answer.addresses = std::move(addresses);
  return answer;
}

}  // namespace gameday
