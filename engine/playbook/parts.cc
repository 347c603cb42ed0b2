#include "engine/playbook/parts.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/url.h"

namespace gameday {
namespace {

std::vector<std::string> keys_of(const Entry* section) {
  std::vector<std::string> keys;
  if (section == nullptr) return keys;
  for (const auto& entry : section->value.entries) keys.push_back(entry.key);
  return keys;
}

std::string scalar_in(const Node& node, std::string_view key) {
  const Entry* entry = node.find(key);
  return entry != nullptr && entry->value.is_scalar() ? entry->value.text : "";
}

void add_region(const Node& node, Vocabulary& names) {
  const auto region = scalar_in(node, "region");
  if (region.empty() || std::ranges::find(names.regions, region) != names.regions.end()) return;
  names.regions.push_back(region);
}

// The address of an http target. One that is wrong is reported where it stands; here it becomes a
// good one, so that the URLs built on it are not reported as well.
void add_address(const Entry& target, Vocabulary& names) {
  const Entry* facet = target.value.find("http");
  if (facet == nullptr && target.value.is_mapping()) return;
  std::string address;
  if (facet != nullptr) {
    address = facet->value.is_scalar() ? facet->value.text : scalar_in(facet->value, "url");
  }
  const auto good = filled_url(address, {});
  names.http.emplace_back(target.key, good ? *good : "http://unreadable");
}

void add_system(const Node& system, Vocabulary& names) {
  for (const auto& entry : system.entries) {
    if (entry.key == "links") {
      for (const auto& link : entry.value.entries) {
        names.links.push_back(link.key);
        add_region(link.value, names);
      }
    } else {
      names.targets.push_back(entry.key);
      add_region(entry.value, names);
      add_address(entry, names);
    }
  }
}

struct LatencyName {
  std::string_view name;
  double quantile;
};
constexpr std::array kLatencies{LatencyName{"latency_p50", 0.5}, LatencyName{"latency_p90", 0.9},
                                LatencyName{"latency_p99", 0.99},
                                LatencyName{"latency_p99.9", 0.999}};

}  // namespace

Place place_in(const Node& mapping, std::string_view key) {
  const Entry* entry = mapping.find(key);
  return entry == nullptr ? mapping.place : entry->value.place;
}

Place place_of(const Node& mapping, std::string_view path) {
  const Node* node = &mapping;
  for (const auto& name : split(path, '.')) {
    const Entry* entry = node->find(name);
    if (entry == nullptr) break;
    node = &entry->value;
  }
  return node->place;
}

Vocabulary vocabulary_of(const Node& root) {
  Vocabulary names;
  names.probes = keys_of(root.find("probes"));
  names.loads = keys_of(root.find("load"));
  if (const Entry* system = root.find("system")) add_system(system->value, names);
  return names;
}

void read_objectives(const Json& objectives, const Reading& reading) {
  Objectives& into = reading.playbook.objectives;
  if (const Json* rto = objectives.find("rto")) {
    if (const auto within = duration_in(*rto, "within")) {
      into.rto = RtoObjective{*within, duration_in(*rto, "hold"), rto->text("from")};
    }
  }
  into.rpo = duration_in(objectives, "rpo");
  if (const Json* ratio = objectives.find("success_rate")) {
    if (const auto at_least = percent_in(*ratio, "at_least")) {
      into.success_rate = RatioObjective{*at_least, ratio->text("during", "steady")};
    }
  }
  for (const auto& [name, quantile] : kLatencies) {
    const Json& latency = objectives.get(name);
    if (const auto within = duration_in(latency, "within")) {
      into.latencies.push_back(
          {quantile, std::string(name), *within, latency.text("during", "steady")});
    }
  }
}

void read_limits(const Json& limits, const Reading& reading) {
  Limits& into = reading.playbook.limits;
  into.targets = limits.integer("targets", into.targets);
  into.writes = limits.integer("writes", into.writes);
  into.duration = duration_in(limits, "duration").value_or(into.duration);
  for (const auto& condition : limits.items("stop_when")) {
    if (const auto fails_for = duration_in(condition, "fails_for")) {
      into.stop_when.push_back({condition.text("probe"), *fails_for});
    }
  }
}

}  // namespace gameday
