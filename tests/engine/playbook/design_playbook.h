// The playbook that the design shows, word for word: the one that must always work.
#pragma once

#include <string_view>

namespace gameday {

inline constexpr std::string_view kDesignPlaybook =
    R"yaml(# yaml-language-server: $schema=../schema.json
gameday: 1
name: shop-survives-losing-its-store
summary: One region is cut off, then the store is lost; orders go on through the other region and every acknowledged order is there afterwards.
owner: payments-sre
environment: staging          # production also wants --confirm NAME, --plan sha256:..., a window and an approval
cadence: 90d
controls: [soc2:A1.3, iso27001:A.5.30, nist-800-53:CP-4]

objectives: { rto: { within: 60s, hold: 5s }, rpo: 0s, success_rate: 99.5%, latency_p99: 250ms }

system:
  shop:    { start: [./shop, up], stop: [./shop, down], ready: shop-answers }   # started if it is not ready; outlives the runner
  front:   { http: "http://127.0.0.1:8080" }
  west:    { process: { pidfile: run/west.pid }, region: eu-west }
  north:   { process: { pidfile: run/north.pid }, region: eu-north }
  store:   { sqlite: run/store.db, process: { pidfile: run/store.pid } }
  orders:  { queue: "http://127.0.0.1:8090/orders" }
  links:
    west-to-store: { listen: "127.0.0.1:8201", to: "127.0.0.1:8200", region: eu-west }

limits: { targets: 2, writes: 50000, duration: 10m, stop_when: [{ probe: shop-answers, fails_for: 90s }] }

load:
  checkout:
    rate: 200/s
    request: { method: PUT, url: "{front}/orders/{key}", json: { item: book, sum: "{digest}" } }
    ledger:  { digest: /sum, read_back: "{front}/orders/{key}", list: "{front}/orders?drill={drill}" }
    cleanup: { method: DELETE, url: "{front}/orders?drill={drill}" }

probes:
  shop-answers: { http: "{front}/healthz", every: 500ms, timeout: 400ms, expect: { status: 200 } }

timeline:
  - steady_state: { for: 10s, within: 30s, probes: [shop-answers] }
  - { fault: block, region: eu-west, for: 15s }
  - { fault: kill, target: west, for: 5s }
  - backup: store
  - { fault: lose-data, target: store, id: lost }
  - { restore: store, into: place, replay: orders }
  - steady_state: { for: 10s, within: 60s, probes: [shop-answers] }
  - verify: [checkout]
)yaml";

}  // namespace gameday
