#include "drills/systems/remote_rules.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// Where no port is named any will do: a refusal answers too.
constexpr std::int64_t kDiscard = 9;

std::string tables_of(Family family) { return family == Family::v4 ? "iptables" : "ip6tables"; }

// What cannot be listed may be there: an error, and never the same as nothing.
std::string lists(Family family) {
  return tables_of(family) + " -w 5 -S INPUT >/dev/null || exit 91\n";
}

// As lines "4 before chain", "4 before jump" and "4 before -A ...".
std::string look_script(const RemoteRules& rules, const std::string& when) {
  std::string script;
  for (const Family family : families_of(rules.packets)) {
    const std::string tables = tables_of(family) + " -w 5 ";
    const std::string line = (family == Family::v4 ? "4 " : "6 ") + when + " ";
    script += lists(family);
    for (const bool inwards : {true, false}) {
      const auto way = way_into_chain(rules.mark, inwards);
      script += "if l=$(" + tables + "-v -S " + chain_of(rules.mark, inwards) +
                " 2>/dev/null); then echo '" + line + "chain'; echo \"$l\" | sed 's/^/" + line +
                "/'; " + tables + "-C " + quoted(way) + " 2>/dev/null && echo '" + line +
                "jump'; fi\n";
    }
  }
  return script;
}

std::string lacks(Family family, bool inwards) {
  return std::string(name_of(family)) + " lacks " + builtin(inwards);
}

// Where there is no nft, its absence is not told in these words.
std::string lacks_script(const std::vector<Family>& families) {
  std::string script;
  for (const Family family : families) {
    for (const bool inwards : {true, false}) {
      script += "case $(" + quoted(nft_asks_for(family, inwards)) + " 2>&1) in *'" +
                std::string(kNftFindsNone) + "'*) echo '" + lacks(family, inwards) + "';; esac\n";
    }
  }
  return script;
}

Json lacking_in(const std::string& said, const std::vector<Family>& families) {
  const auto lines = split(said, '\n');
  Json lacking = Json::object();
  for (const Family family : families) {
    Json names = Json::array();
    for (const bool inwards : {true, false}) {
      const bool none = std::ranges::find(lines, lacks(family, inwards)) != lines.end();
      if (none) names.push(builtin(inwards));
    }
    lacking.set(name_of(family), std::move(names));
  }
  return lacking;
}

// Only as they were made: what somebody has come to need since is theirs.
std::string remove_made_script(const RemoteRules& rules, Family family) {
  const std::string tables = tables_of(family) + " -w 5 ";
  std::string script;
  for (const auto& chain : texts_in(rules.made, name_of(family))) {
    const std::vector<std::string> name = {chain}, made = {as_made(chain)};
    script += "l=$(" + tables + "-S " + quoted(name) +
              ") || exit 91\nif [ \"$l\" = " + quoted(made) + " ]; then " + tables + "-X " +
              quoted(name) + " || [ $? -le 2 ] || exit 91; fi\n";
  }
  return script;
}

RulesThere rules_in(const std::string& said, const std::string& line) {
  RulesThere there;
  for (const auto& each : split(said, '\n')) {
    if (!each.starts_with(line)) continue;
    if (each == line + "chain") ++there.chains;
    if (each == line + "jump") ++there.jumps;
    count_stopping(each, there);
  }
  return there;
}

// Each for a second, side by side. A datagram would tell nothing.
std::string try_script(const std::vector<Somebody>& tried, const Packets& packets) {
  if (packets.protocol == "udp" || tried.empty()) return "";
  std::string script = R"sh(
reach() {
  e=$(timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
  if [ $? = 0 ]; then echo "answers $1"; fi
  case $e in *refused*) echo "answers $1";; esac
}
)sh";
  const std::string port = std::to_string(packets.port != 0 ? packets.port : kDiscard);
  for (const auto& somebody : tried) {
    const std::vector<std::string> words = {"reach", somebody.address, port};
    script += quoted(words) + " &\n";
  }
  return script + "wait\n";
}

}  // namespace

FirstRules let_us_through(const Remote& remote, Family family) {
  const bool six = remote.client.contains(':');
  if (remote.client.empty() || six != (family == Family::v6)) return {};
  const std::string port = std::to_string(remote.port);
  return {{"-s " + remote.client + " -p tcp --dport " + port + " -j RETURN"},
          {"-d " + remote.client + " -p tcp --sport " + port + " -j RETURN"}};
}

std::string may_set_script(const std::vector<Family>& families) {
  std::string script;
  for (const Family family : families) {
    for (const std::string& program : {tables_of(family), tables_of(family) + "-restore"}) {
      script += "command -v " + program + " >/dev/null || { echo '" + program +
                " is not installed there'; exit 92; }\n";
    }
    script += lists(family);
  }
  return script;
}

std::string set_script(const RemoteRules& rules) {
  std::string script;
  for (const Family family : families_of(rules.packets)) {
    const std::vector<std::string> text = {
        rules_text(rules.packets, family, rules.mark, let_us_through(rules.remote, family))};
    script += "printf %s " + quoted(text) + " | " + tables_of(family) +
              "-restore -w 5 --noflush || return 91\n";
  }
  return script;
}

std::string remove_script(const RemoteRules& rules) {
  std::string script = "PATH=$PATH:/usr/sbin:/sbin\n";
  for (const Family family : families_of(rules.packets)) {
    const std::string tables = tables_of(family) + " -w 5 ";
    script += lists(family);
    for (const bool inwards : {true, false}) {
      const std::string chain = chain_of(rules.mark, inwards);
      const auto way = way_into_chain(rules.mark, inwards);
      // Whatever else it says is no word on the chain, and whoever undoes this must try again.
      script += tables + "-S " + chain + " >/dev/null 2>&1\ncase $? in 0) while " + tables + "-D " +
                quoted(way) + " 2>/dev/null; do :; done; " + tables + "-F " + chain + " && " +
                tables + "-X " + chain + " || exit 91;; 1|2) ;; *) exit 91;; esac\n";
    }
    script += remove_made_script(rules, family);
  }
  return script;
}

Result<RemoteBlockSeen> look_at_block(const RemoteRules& rules, const std::vector<Somebody>& tried,
                                      bool waits, const DeedContext& context) {
  const auto families = families_of(rules.packets);
  // Some versions of iptables make them as soon as they are asked to list one.
  std::string script = lacks_script(families) + may_set_script(families);
  script += look_script(rules, "before");
  script += try_script(tried, rules.packets) + look_script(rules, "tried");
  // Every packet that is stopped changes the listing.
  std::string every = "seen() {\n:\n";
  for (const Family family : families) {
    for (const bool inwards : {true, false}) {
      every +=
          tables_of(family) + " -w 5 -v -S " + chain_of(rules.mark, inwards) + " 2>/dev/null\n";
    }
  }
  if (waits) {
    script += every +
              "}\nl=$(seen)\nfor i in 1 2 3 4 5 6 7 8 9 10 11 12; do [ \"$l\" = \"$(seen)\" ] "
              "|| break; sleep 0.2; done\n";
  }
  script += look_script(rules, "after") + "true";
  TRY(look, look_there(rules.remote, rules.mark, script, {}, context));
  RemoteBlockSeen seen{.there = look.there,
                       .watched = look.watched,
                       .four = {},
                       .six = {},
                       .answer = {},
                       .to_be_made = lacking_in(look.said, families)};
  const auto each = [&](const std::string& number) {
    return RemoteRulesSeen{rules_in(look.said, number + " before "),
                           rules_in(look.said, number + " tried "),
                           rules_in(look.said, number + " after ")};
  };
  seen.four = each("4");
  seen.six = each("6");
  for (const auto& somebody : tried) {
    const auto answers = "\nanswers " + somebody.address + "\n";
    if (("\n" + look.said + "\n").contains(answers)) seen.answer.push_back(somebody);
  }
  return seen;
}

}  // namespace gameday
