#include "drills/systems/packet_rules.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "drills/systems/netns.h"
#include "drills/systems/own_rights.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr std::string_view kCommentPrefix = "gameday:";
constexpr bool kInwards[] = {true, false};

// Of iptables(8): what was asked about is not there. Anything above is an error.
constexpr int kNotThere = 1, kNoSuchChain = 2;

std::string comment_of(const std::string& mark) { return std::string(kCommentPrefix) + mark; }

Result<std::string> program(Family family, const std::string& suffix) {
  const std::string name = (family == Family::v4 ? "iptables" : "ip6tables") + suffix;
  // As a path: nsenter, which runs it, would look in PATH alone.
  if (auto found = program_of({{name}, "/", {}})) return found;
  return fail(ErrorCode::unsupported, name + " is not installed", "apt-get install iptables");
}

struct Tables {
  const std::string& entrance;
  Family family;
  const DeedContext& context;

  // `asks`: that what it asks about is not there is an answer.
  [[nodiscard]] Result<Ended> run(std::vector<std::string> arguments, bool asks = false) const {
    TRY(path, program(family, ""));
    // Another user of the tables is waited for.
    arguments.insert(arguments.begin(), {path, "-w", "5"});
    TRY(ended, run_inside(entrance, arguments, context));
    const bool answered = asks && ended.how == Ended::How::exited &&
                          (ended.code == kNotThere || ended.code == kNoSuchChain);
    if (ended.succeeded() || answered) return ended;
    return failed(ended);
  }

  [[nodiscard]] std::unexpected<Error> failed(const Ended& ended) const {
    const auto said = trimmed(ended.output);
    const std::string last(said.substr(said.rfind('\n') + 1));
    const bool refused = said.contains("ermission denied") || said.contains("not permitted") ||
                         said.contains("must be root");
    return fail(refused ? ErrorCode::refused : ErrorCode::failed,
                std::string(name_of(family)) + " rules: " + (last.empty() ? "no answer" : last) +
                    (refused ? in_brackets(lacking_inside(entrance)) : ""),
                refused ? "be root, or hold CAP_NET_ADMIN (and CAP_SYS_ADMIN for a namespace that "
                          "is not ours)"
                        : "");
  }
};

}  // namespace

const char* builtin(bool inwards) { return inwards ? "INPUT" : "OUTPUT"; }

// A name has 28 letters at most, fewer than a mark.
std::string chain_of(const std::string& mark, bool inwards) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kHexDigits = 16;
  const std::string digest = sha256(mark).substr(std::string_view("sha256:").size(), kHexDigits);
  std::string name;
  for (auto left = std::strtoull(digest.c_str(), nullptr, 16); left > 0; left /= kDigits.size()) {
    name.insert(name.begin(), kDigits[left % kDigits.size()]);
  }
  return "GD" + name + (inwards ? "-in" : "-out");
}

std::vector<std::string> way_into_chain(const std::string& mark, bool inwards) {
  return {builtin(inwards),       "-m", "comment", "--comment", comment_of(mark), "-j",
          chain_of(mark, inwards)};
}

std::string rules_text(const Packets& packets, Family family, const std::string& mark,
                       const FirstRules& first) {
  const std::string marked = " -m comment --comment " + comment_of(mark);
  std::string chains, rules;
  for (const bool inwards : kInwards) {
    const auto wanted = rules_for(packets, family, inwards);
    if (wanted.empty()) continue;
    const std::string chain = chain_of(mark, inwards);
    chains += ":" + chain + " - [0:0]\n";
    for (const auto& rule : inwards ? first.inwards : first.outwards) {
      rules += "-A " + chain + marked + " " + rule + "\n";
    }
    for (const auto& rule : wanted) rules += "-A " + chain + marked + " " + rule + "\n";
    rules += "-I " + std::string(builtin(inwards)) + " 1" + marked + " -j " + chain + "\n";
  }
  return "*filter\n" + chains + rules + "COMMIT\n";
}

void count_stopping(const std::string& listing, RulesThere& there) {
  for (const auto& line : split(listing, '\n')) {
    const auto counter = line.find(" -c ");
    const auto packets = counter == std::string::npos ? 0 : std::atoll(line.c_str() + counter + 4);
    if (!line.contains(" -j ")) there.counted += packets;
    if (!stops(line)) continue;
    ++there.stopping;
    there.stopped += packets;
  }
}

Status may_set_rules(const std::string& entrance, Family family, const DeedContext& context) {
  TRY_OK(program(family, "-restore"));
  TRY(listed, Tables{entrance, family, context}.run({"-S", "OUTPUT", "1"}));
  static_cast<void>(listed);
  return {};
}

Status may_set_these(const std::string& entrance, const Packets& packets, Family family,
                     const DeedContext& context) {
  TRY_OK(may_set_rules(entrance, family, context));
  TRY(path, program(family, "-restore"));
  const std::string text = rules_text(packets, family, context.mark);
  TRY(ended, run_inside(entrance,
                        {"sh", "-c", "printf %s \"$0\" | \"$1\" -w 5 --noflush --test", text, path},
                        context));
  if (ended.succeeded()) return {};
  const auto failed = Tables{entrance, family, context}.failed(ended);
  if (failed.error().code == ErrorCode::refused) return failed;
  const auto said = trimmed(ended.output);
  return fail(
      ErrorCode::unsupported,
      std::string(name_of(family)) + " rules: " + std::string(said.substr(0, said.find('\n'))),
      "`gameday doctor` tells what the packet filter of this kernel has");
}

Status set_rules(const std::string& entrance, const Packets& packets, Family family,
                 const std::string& mark, const std::string& file, const DeedContext& context) {
  TRY(path, program(family, "-restore"));
  const Files& files = context.doors.files;
  TRY_OK(files.write(file, rules_text(packets, family, mark), 0600));
  auto ended = run_inside(entrance, {path, "-w", "5", "--noflush", file}, context);
  const auto removed = files.remove(file);
  if (!ended) return std::unexpected(ended.error());
  if (!ended->succeeded()) return Tables{entrance, family, context}.failed(*ended);
  return removed;
}

Result<RulesThere> look_for_rules(const std::string& entrance, Family family,
                                  const std::string& mark, const DeedContext& context) {
  const Tables tables{entrance, family, context};
  RulesThere there;
  for (const bool inwards : kInwards) {
    TRY(listed, tables.run({"-v", "-S", chain_of(mark, inwards)}, true));
    std::vector<std::string> check = way_into_chain(mark, inwards);
    check.insert(check.begin(), "-C");
    if (!listed.succeeded()) continue;
    ++there.chains;
    TRY(jumps, tables.run(check, true));
    if (jumps.succeeded()) ++there.jumps;
    count_stopping(listed.output, there);
  }
  return there;
}

bool are_whole(const RulesThere& there, const Packets& packets, Family family) {
  int chains = 0, stopping = 0;
  for (const bool inwards : kInwards) {
    const auto rules = rules_for(packets, family, inwards);
    chains += rules.empty() ? 0 : 1;
    stopping += static_cast<int>(std::ranges::count_if(rules, stops));
  }
  return there.chains == chains && there.jumps == chains && there.stopping == stopping;
}

Status remove_rules(const std::string& entrance, Family family, const std::string& mark,
                    const DeedContext& context) {
  const Tables tables{entrance, family, context};
  for (const bool inwards : kInwards) {
    const std::string chain = chain_of(mark, inwards);
    TRY(listed, tables.run({"-S", chain}, true));
    if (!listed.succeeded()) continue;
    std::vector<std::string> leave = way_into_chain(mark, inwards);
    leave.insert(leave.begin(), "-D");
    // There may be more than one, where it was injected more than once.
    while (true) {
      TRY(left, tables.run(leave, true));
      if (!left.succeeded()) break;
    }
    // Somebody else who undoes the same may have been faster.
    TRY(emptied, tables.run({"-F", chain}, true));
    TRY(removed, tables.run({"-X", chain}, true));
  }
  return {};
}

std::vector<std::string> nft_asks_for(Family family, bool inwards) {
  return {"nft", "list", "chain", family == Family::v4 ? "ip" : "ip6", "filter", builtin(inwards)};
}

std::string as_made(const std::string& chain) { return "-P " + chain + " ACCEPT"; }

Result<std::vector<std::string>> chains_to_be_made(const std::string& entrance, Family family,
                                                   const DeedContext& context) {
  std::vector<std::string> found;
  const auto nft = program_of({{"nft"}, "/", {}});
  if (!nft) return found;
  for (const bool inwards : kInwards) {
    auto asks = nft_asks_for(family, inwards);
    asks.front() = *nft;
    TRY(listed, run_inside(entrance, asks, context));
    if (listed.output.contains(kNftFindsNone)) found.emplace_back(builtin(inwards));
  }
  return found;
}

Status remove_made_chains(const std::string& entrance, Family family,
                          const std::vector<std::string>& chains, const DeedContext& context) {
  const Tables tables{entrance, family, context};
  for (const auto& chain : chains) {
    TRY(listed, tables.run({"-S", chain}));
    // Somebody has come to need it: whoever they are, it is theirs now.
    if (trimmed(listed.output) != as_made(chain)) continue;
    TRY(removed, tables.run({"-X", chain}, true));
  }
  return {};
}

Result<std::vector<std::string>> marks_in_rules(const std::string& entrance, Family family,
                                                const DeedContext& context) {
  const Tables tables{entrance, family, context};
  std::vector<std::string> marks;
  for (const bool inwards : kInwards) {
    TRY(listed, tables.run({"-S", builtin(inwards)}));
    for (const auto& line : split(listed.output, '\n')) {
      const auto from = line.find(kCommentPrefix);
      if (from == std::string::npos || !line.contains("-j GD")) continue;
      const auto text = line.substr(from + kCommentPrefix.size());
      std::string mark = text.substr(0, text.find_first_of("\" "));
      if (std::ranges::find(marks, mark) == marks.end()) marks.push_back(std::move(mark));
    }
  }
  return marks;
}

}  // namespace gameday
