// Journals as drills leave them, in which one thing is another.
#include <optional>

#include "tests/reports/example_drill.h"

namespace gameday {

std::vector<std::string> with(const Change& change, const std::vector<std::string>& from) {
  std::vector<std::string> lines;
  std::optional<Chain> chain;
  for (const auto& line : from) {
    Event event = *parse_event(line);
    change(event);
    if (event.type.empty()) continue;  // left out
    if (!chain) chain.emplace(event.drill, event.boot, event.prev);
    if (event.type == kClosing) event.data = Json::object({{"events", chain->count() + 1}});
    const auto made = chain->line({event.at, *parse_rfc3339(event.utc)}, event.type, event.data);
    lines.push_back(made.line);
    chain->advance(made);
  }
  return lines;
}

namespace {

// What the example's plan lacks: what the system holds, and the steps' targets.
void declare(Event& event) {
  if (event.type != "planned") return;
  Json plan = event.data.get("plan");
  Json system = Json::array();
  system.push(Json::object(
      {{"target", "store"}, {"region", "eu-west"}, {"holds", Json::array().push("data")}}));
  system.push(Json::object(
      {{"target", "orders"}, {"region", "eu-north"}, {"holds", Json::array().push("queue")}}));
  event.data.set("plan", plan.set("system", std::move(system)));
}

}  // namespace

std::vector<std::string> good_drill() {
  const auto add = [](Event& event) {
    declare(event);
    if (event.type == "phase" && event.data.text("phase") == "verifying") {
      event.type = "drain";
      event.data = Json::object({{"ok", true}, {"names", Json::array().push("orders")}});
    }
    if (event.type != "verdict") return;
    Json ledger = event.data.items("ledgers").front();
    event.data.set("ledgers", Json::array().push(ledger.set("resurrected", 0)));
  };
  return with(add, passed_drill());
}

std::vector<std::string> closed_drill() {
  return with(
      [](Event& event) {
        if (event.type != "verdict") return;
        Json load = event.data.items("load").front();
        load.set("closed_loop",
                 Json::object({{"users", 50}, {"spawned", 49}, {"longest_gap_s", 0.25}}));
        event.data.set("load", Json::array().push(std::move(load)));
        Json objectives = Json::array();
        for (Json one : event.data.items("objectives")) {
          if (one.text("name") == "latency_p99") {
            one.set("why", "load checkout is a closed loop: it asks less while the system is slow");
            one.set("closed_loop", true);
          }
          objectives.push(std::move(one));
        }
        event.data.set("objectives", std::move(objectives));
      },
      passed_drill());
}

}  // namespace gameday
