#include <algorithm>

#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/invariants.h"
#include "engine/playbook/parts.h"
#include "engine/playbook/url.h"
#include "engine/secrets.h"

namespace gameday {
namespace {

bool is_own_key(std::string_view key) {
  const auto fields = target_fields();
  return std::ranges::find(fields, key, &Field::name) != fields.end();
}

// The target's own keys alone, for decoding; facets are decoded by their rows.
Node own_keys(const Node& node) {
  Node own = node;
  std::erase_if(own.entries, [](const Entry& entry) { return !is_own_key(entry.key); });
  return own;
}

void read_facet(const Entry& entry, const std::string& where, Target& target,
                const Reading& reading) {
  const FacetRow* row = reading.rows.facet(entry.key);
  if (row == nullptr) {
    auto known = names_of(target_fields());
    for (const FacetRow* facet : reading.rows.facets) known.emplace_back(facet->name);
    reading.error(entry.place, "unknown key " + quoted(entry.key) + " in `" + where + "`" +
                                   suggestion(entry.key, known));
    return;
  }
  Vocabulary names = reading.decoding.names;
  // An address is what the other URLs are built on; it cannot be built on itself.
  if (entry.key == "http") names.http.clear();
  const Decoding decoding{names, reading.decoding.folder, reading.decoding.problems};
  target.facets.set(entry.key, decode_short(row->fields, row->scalar, entry.value,
                                            where + "." + entry.key, decoding));
  if (entry.value.find(kInvariants) == nullptr) return;
  if (const auto problem = invariants_problem(target); !problem.empty()) {
    reading.error(place_in(entry.value, kInvariants),
                  "`" + where + "." + entry.key + ".invariants`: " + problem);
  }
}

void read_commands(const Json& own, const Node& node, const std::string& name,
                   const Reading& reading) {
  System& system = reading.playbook.system;
  const bool has_commands = node.find("start") != nullptr || node.find("stop") != nullptr;
  if (!has_commands && node.find("ready") == nullptr) return;
  if (!system.name.empty()) {
    reading.error(node.place, "two targets with start, stop or ready: `" + system.name + "` and `" +
                                  name + "`; one stands for the whole system");
    return;
  }
  system.name = name;
  system.start = texts_in(own, "start");
  system.stop = texts_in(own, "stop");
  system.ready = own.text("ready");
  if (node.find("start") != nullptr && node.find("ready") == nullptr) {
    reading.error(place_in(node, "start"),
                  "`start` needs `ready`: a probe that says whether the "
                  "system is up");
  }
  for (const std::string_view key : {"start", "stop"}) {
    const Entry* entry = node.find(key);
    if (entry == nullptr) continue;
    if (entry->value.is_sequence() && entry->value.items.empty()) {
      reading.error(entry->value.place, "an empty command");
    }
    for (const auto& argument : entry->value.items) {
      if (references_in(argument.text).empty()) continue;
      reading.error(argument.place, "a secret in a command: all users see argument lists");
    }
  }
}

void read_target(const Entry& entry, const Reading& reading) {
  const Node& node = entry.value;
  const std::string where = "system." + entry.key;
  Target target;
  target.name = entry.key;
  target.place = entry.place;
  target.facets = Json::object();
  auto problem = name_problem(entry.key);
  if (std::ranges::find(request_names(), entry.key) != request_names().end()) {
    problem = "`" + entry.key + "` cannot name a target: {" + entry.key +
              "} is filled in for each request";
  }
  if (!problem.empty()) reading.error(entry.place, problem);
  const Json own = decode(target_fields(), own_keys(node), where, reading.decoding);
  target.region = own.text("region");
  target.identity = own.text("identity");
  for (const auto& inner : node.entries) {
    if (!is_own_key(inner.key)) read_facet(inner, where, target, reading);
  }
  const auto lasts = [&](const auto& facet) {
    const FacetRow* row = reading.rows.facet(facet.first);
    return row != nullptr && !row->fleeting;
  };
  if (!target.identity.empty() && std::ranges::none_of(target.facets.members(), lasts)) {
    reading.error(place_in(node, "identity"),
                  "`" + where +
                      ".identity`: nothing of this target has an identity that outlives "
                      "its process");
  }
  const bool says_nothing = node.is_mapping() && node.entries.empty();
  if (says_nothing) reading.error(entry.place, "`" + where + "` says nothing about the target");
  read_commands(own, node, entry.key, reading);
  reading.playbook.system.targets.push_back(std::move(target));
}

void read_links(const Node& links, const Reading& reading) {
  if (!links.is_mapping()) {
    reading.error(links.place, "`system.links`: expected a mapping, not " + what_is(links));
    return;
  }
  auto& all = reading.playbook.system.links;
  for (const auto& entry : links.entries) {
    if (const auto problem = name_problem(entry.key); !problem.empty()) {
      reading.error(entry.place, problem);
    }
    const Json decoded =
        decode(link_fields(), entry.value, "system.links." + entry.key, reading.decoding);
    const Link link{entry.key, decoded.text("listen"), decoded.text("to"), decoded.text("region"),
                    entry.place};
    const auto same = std::ranges::find(all, link.listen, &Link::listen);
    if (same != all.end() && !link.listen.empty()) {
      reading.error(place_in(entry.value, "listen"),
                    "link `" + same->name + "` listens on " + quoted(link.listen) + " already");
    }
    if (!link.listen.empty() && link.listen == link.to) {
      reading.error(place_in(entry.value, "to"), "a link to itself");
    }
    all.push_back(link);
  }
}

}  // namespace

void read_system(const Node& system, const Reading& reading) {
  if (!system.is_mapping()) {
    reading.error(system.place, "`system`: expected a mapping, not " + what_is(system));
    return;
  }
  for (const auto& entry : system.entries) {
    if (entry.key == "links") {
      read_links(entry.value, reading);
    } else {
      read_target(entry, reading);
    }
  }
}

}  // namespace gameday
