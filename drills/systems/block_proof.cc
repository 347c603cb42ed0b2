#include "drills/systems/block_proof.h"

namespace gameday {
namespace {

std::string_view does_not(const Packets& packets) {
  return packets.protocol == "udp" ? "is not sent to" : "does not answer";
}

std::string told(const Seen& seen, Family family, const Packets& packets) {
  const auto port = packets.port;
  const std::string name(name_of(family));
  if (!seen.whole) return name + ": the rules of this deed are not all there";
  if (!seen.passed.empty()) {
    return name + ": " + shown(seen.passed, port) + " " + std::string(does(packets)) +
           " all the same";
  }
  if (!seen.stopped.empty()) {
    return name + ": " + shown(seen.stopped, port) + " " + std::string(does_not(packets)) +
           " any more";
  }
  if (seen.by_others == 0) {
    return name +
           ": nothing that it would stop has come by, and what was tried answered not "
           "before either";
  }
  return name + ": " + std::to_string(seen.by_others) + " packets of others were stopped";
}

}  // namespace

Json to_json(const std::vector<Somebody>& people) {
  Json list = Json::array();
  for (const auto& somebody : people) list.push(somebody.address);
  return list;
}

std::vector<Somebody> people_in(const Json& addresses) {
  std::vector<Somebody> people;
  for (const Json& address : addresses.items()) {
    const std::string text = address.is_text() ? address.text() : "";
    people.push_back({text, text.contains(':') ? Family::v6 : Family::v4});
  }
  return people;
}

std::string shown(const std::vector<Somebody>& people, std::int64_t port) {
  std::string text;
  for (const auto& somebody : people) {
    const bool six = somebody.family == Family::v6 && port != 0;
    text += (text.empty() ? "" : ", ") + (six ? "[" + somebody.address + "]" : somebody.address);
    if (port != 0) text += ":" + std::to_string(port);
  }
  return text;
}

bool lets_ours_through(const Packets& packets) {
  if (packets.direction != "in") return false;
  const bool of_others = packets.everything || !packets.addresses.empty();
  return packets.protocol == "udp" || (packets.existing == "keep" && of_others);
}

std::string_view does(const Packets& packets) {
  return packets.protocol == "udp" ? "is sent to" : "answers";
}

void ProofOfBlock::add(Family family, const Seen& seen) {
  const bool each = !packets_.addresses.empty();
  const bool spoilt = !seen.whole || !seen.passed.empty();
  one_ = one_ || seen.bites();
  proof_.held = proof_.held && !spoilt && (!each || seen.bites());
  proof_.text += (proof_.text.empty() ? "" : "; ") + told(seen, family, packets_);
  proof_.facts.set(name_of(family), Json::object({{"bites", seen.bites()},
                                                  {"packets_of_others", seen.by_others},
                                                  {"stopped", to_json(seen.stopped)},
                                                  {"passed", to_json(seen.passed)}}));
}

Proof ProofOfBlock::whole() const {
  Proof proof = proof_;
  proof.held = proof.held && one_;
  return proof;
}

}  // namespace gameday
