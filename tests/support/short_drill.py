"""A short playbook on the sample shop, with a timeline of the caller's."""

PLAYBOOK = """\
gameday: 1
name: short
summary: A short drill.
owner: tests
environment: test
objectives: { rto: { within: 30s, hold: 500ms }OBJECTIVES }
system:
  front:   { http: "http://127.0.0.1:8080" }
  west:    { process: { pidfile: run/west.pid }, region: eu-west }
  north:   { process: { pidfile: run/north.pid }, region: eu-north }
  store:   { sqlite: run/store.db, process: { pidfile: run/store.pid } }
  orders:  { queue: "http://127.0.0.1:8090/orders" }
  machine: { host: own }
  links:
    west-to-store: { listen: "127.0.0.1:8201", to: "127.0.0.1:8200", region: eu-west }
limits:
  { targets: 2, writes: 50000, duration: 2m, stop_when: [{ probe: answers, fails_for: FAILS }] }
load:
  checkout:
    rate: 50/s
    request:
      { method: PUT, url: "{front}/orders/{key}", json: { item: book, sum: "{digest}" }HEADERS }
    ledger:
      { digest: /sum, read_back: "{front}/orders/{key}", list: "{front}/orders?drill={drill}" }
    cleanup: { method: DELETE, url: "{front}/orders?drill={drill}"HEADERS }
probes:
  answers: { http: "{front}/healthz", every: 200ms, timeout: 150ms, expect: { status: 200 } }
timeline:
  - steady_state: { for: 500ms, within: 20s, probes: [answers] }
TIMELINE
  - verify: [checkout]
"""


def short_playbook(*steps, objectives="", fails_for="60s", headers=""):
    timeline = "\n".join(f"  - {step}" for step in steps)
    return (PLAYBOOK.replace("TIMELINE", timeline).replace("OBJECTIVES", objectives)
            .replace("FAILS", fails_for).replace("HEADERS", headers))
