// Rules of iptables and ip6tables in chains that are one deed's own: named after its mark, with the
// mark on each rule, so that nothing of others is ever taken away.
#pragma once

#include <string>
#include <string_view>

#include "drills/systems/packets.h"
#include "engine/rows.h"

namespace gameday {

// `unsupported`: the program is not there; `refused`: we may not use it in that namespace.
[[nodiscard]] Status may_set_rules(const std::string& entrance, Family family,
                                   const DeedContext& context);

// All rules of one family at once, before those of anybody else. `file` is a private one, which
// they are read from and which is gone again afterwards.
[[nodiscard]] Status set_rules(const std::string& entrance, const Packets& packets, Family family,
                               const std::string& mark, const std::string& file,
                               const DeedContext& context);

// The same as the program that sets them reads it; `first` are rules that stand before the others,
// of what comes in and of what goes out.
struct FirstRules {
  std::vector<std::string> inwards, outwards;
};
[[nodiscard]] std::string rules_text(const Packets& packets, Family family, const std::string& mark,
                                     const FirstRules& first = {});

// Whether they can be set there: `refused` or `unsupported` where this kernel, or the program,
// lacks what they are made of. Nothing is set.
[[nodiscard]] Status may_set_these(const std::string& entrance, const Packets& packets,
                                   Family family, const DeedContext& context);

// The chain of what comes in or goes out, and the rule that leads there, as iptables' words.
[[nodiscard]] const char* builtin(bool inwards);
[[nodiscard]] std::string chain_of(const std::string& mark, bool inwards);
[[nodiscard]] std::vector<std::string> way_into_chain(const std::string& mark, bool inwards);

// What is there with that mark.
struct RulesThere {
  int chains = 0, jumps = 0;  // of the two that there can be
  int stopping = 0;           // rules that stop packets
  std::int64_t stopped = 0;   // packets so far
  std::int64_t counted = 0;   // of a share: all that came by
  [[nodiscard]] bool none() const { return chains == 0 && jumps == 0; }
};
// Adds what a chain's listing (-v -S) tells of it.
void count_stopping(const std::string& listing, RulesThere& there);
[[nodiscard]] Result<RulesThere> look_for_rules(const std::string& entrance, Family family,
                                                const std::string& mark,
                                                const DeedContext& context);
// Whether all of them are there that `set_rules` makes, and lead to where they should.
[[nodiscard]] bool are_whole(const RulesThere& there, const Packets& packets, Family family);

// Takes away what is there with that mark, all of it or half.
[[nodiscard]] Status remove_rules(const std::string& entrance, Family family,
                                  const std::string& mark, const DeedContext& context);

// The builtin chains that a deed's rules would be the first in: iptables makes one with them, and
// leaves it behind. None where there is no nft to tell.
[[nodiscard]] Result<std::vector<std::string>> chains_to_be_made(const std::string& entrance,
                                                                 Family family,
                                                                 const DeedContext& context);
// Takes away those of them that are as they were made: empty, and letting everything pass.
[[nodiscard]] Status remove_made_chains(const std::string& entrance, Family family,
                                        const std::vector<std::string>& chains,
                                        const DeedContext& context);

// How nft is asked for one, what it says where there is none, and how iptables lists one that is as
// it was made.
[[nodiscard]] std::vector<std::string> nft_asks_for(Family family, bool inwards);
inline constexpr std::string_view kNftFindsNone = "No such file or directory";
[[nodiscard]] std::string as_made(const std::string& chain);

// The marks of all deeds that have a chain there.
[[nodiscard]] Result<std::vector<std::string>> marks_in_rules(const std::string& entrance,
                                                              Family family,
                                                              const DeedContext& context);

}  // namespace gameday
