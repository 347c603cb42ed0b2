// Playbooks for rehearsals, short in virtual time: faults with and without an end of their own,
// lost data that a restore and a replay bring back, and a queue that is dropped.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/load_playbook.h"
#include "tests/engine/sim/sim_rows.h"

namespace gameday {

inline constexpr std::string_view kSimHead = R"yaml(gameday: 1
name: rehearsed
summary: A shop loses a process, a link, its queue and its store.
owner: engine

objectives: { rto: { within: 20s, hold: 1s }, rpo: 0s, success_rate: 90%, latency_p99: 250ms }

system:
  shop:    { start: [./shop, up], stop: [./shop, down], ready: answers }
  front:   { http: "http://127.0.0.1:8080" }
  west:    { process: { pidfile: run/west.pid }, region: eu-west }
  north:   { process: { pidfile: run/north.pid }, region: eu-north }
  store:   { sqlite: run/store.db, process: { pidfile: run/store.pid } }
  orders:  { queue: "http://127.0.0.1:8090/orders" }
  links:
    west-to-store: { listen: "127.0.0.1:8201", to: "127.0.0.1:8200", region: eu-west }
    west-to-queue: { listen: "127.0.0.1:8202", to: "127.0.0.1:8090", region: eu-west }

limits: { targets: 3, writes: 5000, duration: 5m, stop_when: [{ probe: answers, fails_for: 3s }] }

load:
  checkout:
    rate: 10/s
    request: { method: PUT, url: "{front}/orders/{key}", json: { sum: "{digest}" } }
    ledger:  { digest: /sum, read_back: "{front}/orders/{key}", list: "{front}/orders?drill={drill}" }
    cleanup: { method: DELETE, url: "{front}/orders?drill={drill}" }

probes:
  answers: { http: "{front}/healthz", every: 500ms, timeout: 400ms, expect: { status: 200 } }
)yaml";

// The same with more terms of its probe: "failures: 3".
inline std::string sim_head_with(const std::string& terms) {
  std::string head(kSimHead);
  const std::string_view written = "every: 500ms, ";
  return head.insert(head.find(written) + written.size(), terms + ", ");
}

// The same with users in a closed loop beside.
inline std::string sim_head_with_users(const std::string& shape) {
  std::string head(kSimHead);
  const std::string_view before = "  checkout:\n";
  return head.insert(head.find(before),
                     "  browsing: { " + shape + ", request: \"{front}/orders\" }\n");
}

// Every kind of step.
inline constexpr std::string_view kSimTimeline = R"yaml(
timeline:
  - steady_state: { for: 1s, within: 4s, probes: [answers] }
  - { fault: block, region: eu-west, for: 1s }
  - { fault: kill, target: west, id: west-killed }
  - { fault: drop-queue, target: orders, for: 300ms }
  - revert: west-killed
  - backup: store
  - { fault: lose-data, target: store, id: lost }
  - wait: 300ms
  - { restore: store, into: place, replay: orders }
  - steady_state: { for: 1s, within: 10s, probes: [answers] }
  - verify: [checkout]
)yaml";

// Faults that are all open at the end, and are undone there. A steady state that is missed is
// missed before limits.stop_when stops.
inline constexpr std::string_view kOpenTimeline = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 2s, probes: [answers] }
  - { fault: slow, target: north, id: slowed }
  - { fault: lose-data, target: store, id: lost }
  - wait: 500ms
)yaml";

// Lanes beside each other, people who are waited for, and an action.
inline constexpr std::string_view kLanesTimeline = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 4s, probes: [answers] }
  - approve: { role: owner, not: operator, within: 2s }
  - parallel:
      - { fault: block, region: eu-west, for: 600ms }
      - { fault: kill, target: west, id: west-killed }
      - { fault: slow, target: north, for: 200ms }
      - wait: 300ms
  - parallel:
      - revert: west-killed
      - human: { do: look at the pager, by: sre, within: 3s, on_timeout: continue }
      - { action: promote, id: promoted }
      - backup: store
  - parallel:
      - { fault: fill, target: north, id: filled }
      - { fault: lose-data, target: store, id: lost }
      - { restore: store, id: looked-at }
  - human: { do: say that the store is lost, by: sre, within: 2s, on_timeout: stop }
  - { restore: store, into: place, replay: orders }
  - approve: { role: owner, within: 2s }
  - revert: filled
  - human: { do: close the incident, within: 2s }
  - steady_state: { for: 500ms, within: 2500ms, probes: [answers] }
  - verify: [checkout]
)yaml";

// Faults that all end in time, and nothing lost: what is missed or missing here, nothing else
// tells.
inline constexpr std::string_view kHeldTimeline = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 2s, probes: [answers] }
  - approve: { role: owner, not: operator, within: 2s }
  - { fault: slow, target: north, for: 300ms }
  - { fault: kill, target: west, for: 500ms }
  - backup: store
  - { restore: store, id: looked-at }
  - { fault: block, region: eu-west, id: cut }
  - human: { do: look at the pager, by: sre, within: 2s, on_timeout: continue }
  - revert: cut
  - steady_state: { for: 500ms, within: 2500ms, probes: [answers] }
)yaml";

// More targets at once than limits.targets allows, which `check` would have refused.
inline constexpr std::string_view kTooManyTimeline = R"yaml(
timeline:
  - steady_state: { for: 500ms, within: 4s, probes: [answers] }
  - parallel:
      - { fault: kill, target: west, for: 500ms }
      - { fault: block, region: eu-west, for: 500ms }
      - { fault: slow, target: north, for: 500ms }
      - { fault: drop-queue, target: orders, for: 500ms }
)yaml";

inline std::shared_ptr<const Playbook> sim_playbook(std::string_view timeline = kSimTimeline,
                                                    std::string_view head = kSimHead,
                                                    const Rows& rows = sim_rows::kRows) {
  auto loaded = decode_playbook("/drills/rehearsed.yaml", std::string(head) + std::string(timeline),
                                {}, rows);
  if (!loaded.playbook) {
    ADD_FAILURE() << rendered("rehearsed.yaml", loaded.source, loaded.problems);
    return nullptr;
  }
  return std::make_shared<const Playbook>(std::move(*loaded.playbook));
}

// The same with probes that are not always asked.
inline std::string sim_head_with_times(const std::string& terms) {
  return sim_head_with(terms) + R"yaml(
  at-edges:  { http: "{front}/audit", every: 300ms, during: edge }
  in-faults: { http: "{front}/admin", every: 200ms, during: fault, expect: { status: 401 } }
)yaml";
}

// Which playbook a seed rehearses, where many are tried.
class SimPlaybooks {
 public:
  [[nodiscard]] const std::shared_ptr<const Playbook>& of(std::uint64_t seed) const {
    if (seed % 12 == 11) return too_many_;
    return seed % 7 == 0 ? patient_ : all_[seed % all_.size()];
  }

 private:
  std::vector<std::shared_ptr<const Playbook>> all_ = {sim_playbook(), sim_playbook(kOpenTimeline),
                                                       sim_playbook(kLanesTimeline),
                                                       sim_playbook(kHeldTimeline)};
  std::shared_ptr<const Playbook> too_many_ = sim_playbook(kTooManyTimeline);
  std::shared_ptr<const Playbook> patient_ =
      sim_playbook(kSimTimeline, sim_head_with_times("failures: 9, successes: 2"));
};

}  // namespace gameday
