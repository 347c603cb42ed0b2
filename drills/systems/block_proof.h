// What shows that a block of packets bites and that it is gone, wherever it was looked: on this
// machine, in a namespace, or on a machine behind ssh.
#pragma once

#include <string>
#include <vector>

#include "drills/systems/packets.h"
#include "engine/rows.h"

namespace gameday {

[[nodiscard]] Json to_json(const std::vector<Somebody>& people);
[[nodiscard]] std::vector<Somebody> people_in(const Json& addresses);

// "10.0.0.7:80, [fd00::7]:80"
[[nodiscard]] std::string shown(const std::vector<Somebody>& people, std::int64_t port);

// Of a datagram is only known that it was let out.
[[nodiscard]] std::string_view does(const Packets& packets);

// Where what we send goes through although what others send does not.
[[nodiscard]] bool lets_ours_through(const Packets& packets);

// What one family shows. Packets of our own that are stopped show something only where they were
// answered before; those of others always do.
struct Seen {
  bool whole = false;
  std::int64_t by_others = 0;  // packets stopped that are not ours
  std::vector<Somebody> stopped, passed;
  [[nodiscard]] bool bites() const {
    return whole && passed.empty() && (by_others > 0 || !stopped.empty());
  }
};

// Of each family in turn, and then of the block as a whole. Where no address is named, one of the
// two may be without any traffic.
class ProofOfBlock {
 public:
  explicit ProofOfBlock(const Packets& packets) : packets_(packets) {}
  void add(Family family, const Seen& seen);
  [[nodiscard]] bool one_bites() const { return one_; }
  [[nodiscard]] Proof whole() const;

 private:
  const Packets& packets_;
  Proof proof_{.held = true, .text = "", .facts = Json::object()};
  bool one_ = false;
};

}  // namespace gameday
