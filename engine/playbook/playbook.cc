#include "engine/playbook/playbook.h"

#include <algorithm>

namespace gameday {
namespace {

template <class Named>
const Named* named(const std::vector<Named>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Duration> smallest(const Objectives& objectives) {
  std::vector<Duration> all;
  if (objectives.rto) all.push_back(objectives.rto->within);
  if (objectives.rpo && *objectives.rpo > Duration{}) all.push_back(*objectives.rpo);
  for (const auto& latency : objectives.latencies) all.push_back(latency.within);
  if (all.empty()) return {};
  return std::ranges::min(all);
}

std::string_view name_of(During during) {
  switch (during) {
    case During::always: return "always";
    case During::edge: return "edge";
    case During::fault: return "fault";
  }
  return "always";
}

std::string_view name_of(StepKind kind) {
  switch (kind) {
    case StepKind::steady_state: return "steady_state";
    case StepKind::backup: return "backup";
    case StepKind::fault: return "fault";
    case StepKind::action: return "action";
    case StepKind::restore: return "restore";
    case StepKind::human: return "human";
    case StepKind::approve: return "approve";
    case StepKind::wait: return "wait";
    case StepKind::revert: return "revert";
    case StepKind::parallel: return "parallel";
    case StepKind::verify: return "verify";
  }
  return "wait";
}

const Target* System::target(std::string_view name_wanted) const {
  return named(targets, name_wanted);
}
const ProbeSpec* Playbook::probe(std::string_view name_wanted) const {
  return named(probes, name_wanted);
}
const LoadSpec* Playbook::load(std::string_view name_wanted) const {
  return named(loads, name_wanted);
}

std::string texts_of(const LoadRequest& request) {
  std::string texts = request.url + request.body;
  for (const auto& [name, value] : request.headers) texts += value;
  if (request.basic) texts += request.basic->user + request.basic->password;
  if (request.aws) {
    texts += request.aws->access_key + request.aws->secret_key + request.aws->session_token;
  }
  return texts;
}

bool only_reads(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace gameday
