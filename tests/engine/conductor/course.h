// Leads a drill's machine by hand: every task is answered well unless the test says otherwise, and
// time goes on only when nothing else is to be done.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/conductor/drill.h"
#include "engine/playbook/invariants.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {

class Course {
 public:
  explicit Course(std::string_view timeline = kSimTimeline, std::string_view head = kSimHead)
      : drill(planned(timeline, head)) {
    now.boot = Instant(std::chrono::seconds(1000));
    now.utc = Utc(std::chrono::seconds(1'800'000'000));
    give(Begun{});
  }

  void give(const Happening& happening) {
    drill.now = now;
    types.push_back(describe(drill, happening).type);
    for (auto& command : step(drill, now, happening)) obey(std::move(command));
  }

  // Answers well until a task of that kind is asked for, which is then the test's to answer.
  Task until(Op op, const std::string& kind = "") {
    for (int turns = 0; turns < 2000 && !finished; ++turns) {
      if (tasks.empty()) {
        pass(std::chrono::milliseconds(100));
        continue;
      }
      const Task task = tasks.front();
      tasks.pop_front();
      if (task.op == op && (kind.empty() || task.what.kind == kind)) return task;
      well(task);
    }
    ADD_FAILURE() << "no " << name_of(op) << " " << kind << " was asked for";
    return {};
  }
  // Until the drill is closed; its judgement.
  Judgement finish() {
    for (int turns = 0; turns < 5000 && !finished; ++turns) {
      if (tasks.empty()) {
        pass(std::chrono::milliseconds(100));
      } else {
        const Task task = tasks.front();
        tasks.pop_front();
        well(task);
      }
    }
    EXPECT_TRUE(finished) << "stuck in phase " << name_of(drill.phase);
    return judge(drill);
  }

  void answer(const Task& task, decltype(Done::value) value) {
    now.boot += std::chrono::milliseconds(5);
    now.utc += std::chrono::milliseconds(5);
    give(Done{task.id, {}, std::move(value)});
  }
  void refuse(const Task& task, ErrorCode code = ErrorCode::failed, std::string text = "refused") {
    give(Done{task.id, fail(code, std::move(text)), {}});
  }
  void well(const Task& task) { answer(task, good(task)); }

  // Probes answer twice a second, timers fire when they are due.
  void pass(Duration time) {
    const Instant end = now.boot + time;
    while (!timers.empty() && timers.begin()->first <= end) {
      const auto [at, timer] = *timers.begin();
      timers.erase(timers.begin());
      go_to(at);
      give(Woken{timer});
      if (!tasks.empty() || finished) return;
    }
    go_to(end);
    if (now.boot >= next_sample && !silent) sample(probes_ok);
  }
  void sample(bool ok) {
    next_sample = now.boot + std::chrono::milliseconds(500);
    give(Sampled{"answers", now.boot - std::chrono::milliseconds(2), now.boot, ok, ""});
  }
  // Whether a probe is being asked, by the last that was said of it.
  [[nodiscard]] bool asked(const std::string& probe) const {
    const auto last = std::find_if(asks.rbegin(), asks.rend(),
                                   [&](const Ask& ask) { return ask.probe == probe; });
    return last != asks.rend() && last->on;
  }
  void stop(StopBy by = StopBy::person) { give(StopAsked{by, "asked to stop", "", now.boot}); }

  [[nodiscard]] bool recorded(const std::string& type, const std::string& key = "",
                              const std::string& value = "") const {
    return std::ranges::any_of(records, [&](const Record& record) {
      return record.type == type && (key.empty() || record.data.text(key) == value);
    });
  }
  [[nodiscard]] const DeedState& deed(const std::string& step) const {
    const auto found = std::ranges::find(drill.deeds, step, &DeedState::step_id);
    EXPECT_NE(found, drill.deeds.end()) << step;
    return *found;
  }
  // The marks whose undo was asked for, in order.
  [[nodiscard]] std::vector<std::string> undone_steps() const {
    std::vector<std::string> steps;
    for (const auto index : undos) {
      const auto& deed = drill.deeds[index];
      steps.push_back(deed.step_id.empty() ? deed.deed.kind : deed.step_id);
    }
    return steps;
  }

  Drill drill;
  Now now{};
  std::deque<Task> tasks;
  std::vector<TaskId> cancelled;
  std::multimap<Instant, TimerId> timers;
  std::vector<Record> records;
  std::vector<Ask> asks;
  std::vector<std::string> types;  // of the events given
  std::vector<std::size_t> undos;
  bool finished = false;
  bool probes_ok = true, silent = false;
  LedgerSummary ledger = whole_ledger();
  LoadSummary load = steady_load();

  static LedgerSummary whole_ledger() {
    LedgerSummary summary;
    summary.load = "checkout";
    summary.acknowledged = summary.present = 100;
    summary.phantom = summary.resurrected = 0;
    summary.read_back = true;
    return summary;
  }
  static LoadSummary steady_load() {
    LoadSummary summary;
    summary.load = "checkout";
    PhaseSummary steady;
    steady.phase = "steady";
    steady.due = steady.sent = steady.ok = 100;
    steady.latency_s.p99 = 0.01;
    summary.phases = {steady};
    return summary;
  }

 private:
  static Plan planned(std::string_view timeline, std::string_view head) {
    auto plan = make_plan(sim_playbook(timeline, head), sim_rows::kRows, "01DRILL", 7, {});
    EXPECT_TRUE(plan.has_value());
    return std::move(*plan);
  }

  void obey(DrillCommand command) {
    if (auto* task = std::get_if<Task>(&command)) {
      if (task->op == Op::undo) undos.push_back(task->deed);
      tasks.push_back(std::move(*task));
    }
    if (const auto* stopped = std::get_if<Cancel>(&command)) cancelled.push_back(stopped->task);
    if (const auto* wake = std::get_if<Wake>(&command)) timers.emplace(wake->at, wake->timer);
    if (auto* ask = std::get_if<Ask>(&command)) asks.push_back(std::move(*ask));
    if (auto* record = std::get_if<Record>(&command)) records.push_back(std::move(*record));
    if (std::holds_alternative<Finish>(command)) finished = true;
  }

  void go_to(Instant at) {
    if (at <= now.boot) return;
    now.utc += at - now.boot;
    now.boot = at;
  }

  decltype(Done::value) good(const Task& task) const {
    switch (task.op) {
      case Op::system_start: return SystemUp{};
      case Op::invariants: {
        std::vector<InvariantSeen> seen;
        for (const InvariantSpec& one : invariants_of(drill.plan.playbook->system)) {
          seen.push_back({.target = one.target, .name = one.name, .must = one.is, .holds = true});
        }
        return seen;
      }
      case Op::prepare: return Undo{task.what.kind, Json::object({{"saved", "/private/copy"}})};
      case Op::inject:
        if (task.what.kind == "restore") return Restored{false, true, "", Json::object()};
        return {};
      case Op::still_bites: return Proof{false, "it was not touched", Json::object()};
      case Op::prove:
      case Op::look: return Proof{true, "seen", Json::object()};
      case Op::backup: {
        BackupTaken taken;
        taken.target = task.target;
        taken.id = "/backup";
        taken.taken = now.utc;
        return taken;
      }
      case Op::restore_scratch: return Restored{false, true, "", Json::object()};
      case Op::replay: return std::int64_t{3};
      case Op::read_back: return ledger;
      case Op::summarise: return load;
      default: return {};
    }
  }

  Instant next_sample{};
};

}  // namespace gameday
