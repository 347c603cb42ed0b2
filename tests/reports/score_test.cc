// Each way of judging says yes where it is so, and no where it is not: journals that differ in one
// thing from a drill that passed.
#include "reports/score.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "reports/document.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

Json score_of_lines(const std::vector<std::string>& lines) {
  const auto story = story_of(lines);
  EXPECT_TRUE(story) << (story ? "" : story.error().text);
  return story ? document_of(*story).get("score") : Json();
}

Json criterion(const Json& score, std::string_view id) {
  for (const auto& pillar : score.items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("id") == id) return one;
    }
  }
  ADD_FAILURE() << id << " is in no pillar";
  return {};
}

std::string result_of(const std::vector<std::string>& lines, std::string_view id) {
  return criterion(score_of_lines(lines), id).text("result");
}

// The verdict's member `name` put through `change`.
Change verdict(std::string_view name, const std::function<void(Json&)>& change) {
  return [name = std::string(name), change](Event& event) {
    if (event.type != "verdict") return;
    Json value = event.data.get(name);
    change(value);
    event.data.set(name, std::move(value));
  };
}

Change in_first(std::string_view list, std::string_view name, const Json& value) {
  return verdict(list, [name = std::string(name), value](Json& items) {
    Json changed = Json::array();
    for (const auto& item : items.items()) {
      Json one = item;
      if (changed.items().empty()) one.set(name, value);
      changed.push(std::move(one));
    }
    items = std::move(changed);
  });
}

Change objective(std::string_view name, const Json& held) {
  return verdict("objectives", [name = std::string(name), held](Json& items) {
    Json changed = Json::array();
    for (const auto& item : items.items()) {
      Json one = item;
      if (one.text("name") == name) one.set("held", held);
      changed.push(std::move(one));
    }
    items = std::move(changed);
  });
}

Change data_of(std::string_view type, std::string_view name, const Json& value) {
  return [type = std::string(type), name = std::string(name), value](Event& event) {
    if (event.type == type) event.data.set(name, value);
  };
}

Change git(const Json& value) {
  return [value](Event& event) {
    if (event.type != "planned") return;
    Json playbook = event.data.get("playbook");
    event.data.set("playbook", playbook.set("git", value));
  };
}

struct Switch {
  std::string_view criterion;
  Change change;
  std::string_view becomes;
};

Change both(const Change& one, const Change& other) {
  return [=](Event& event) {
    one(event);
    other(event);
  };
}

std::vector<Switch> switches_of_all() {
  const Change no_restores = verdict("restores", [](Json& restores) { restores = Json::array(); });
  const Json dirty = Json::object({{"commit", "8c19778"}, {"dirty", true}});
  const auto slow_after = [](Event& event) {
    if (event.type == "window" && event.data.integer("from_ns", 0) > 18042000000000) {
      event.data.set("p99_s", 0.9);
    }
  };
  return {
      {"REL-1", objective("rto", false), "fail"},
      {"REL-1", objective("rto", Json()), "not_assessed"},
      {"REL-2", objective("rpo", false), "fail"},
      {"PERF-6", objective("latency_p99", false), "fail"},
      {"REL-3", in_first("restores", "vacuous", true), "fail"},
      {"REL-3", in_first("restores", "verified", false), "fail"},
      {"REL-3", in_first("restores", "into", "scratch"), "not_assessed"},
      {"REL-3", in_first("ledgers", "lost", Json()), "not_assessed"},
      {"REL-3", no_restores, "not_assessed"},
      {"REL-3", both(data_of("backup", "ok", false), no_restores), "fail"},
      {"REL-4", in_first("ledgers", "corrupt", 1), "fail"},
      {"REL-5", in_first("ledgers", "duplicate", 1), "fail"},
      {"REL-5", in_first("ledgers", "phantom", Json()), "not_assessed"},
      {"REL-7", data_of("drain", "ok", false), "fail"},
      // The restore may have lost it; without one, nobody else can have.
      {"REL-7", in_first("ledgers", "lost", 3), "not_assessed"},
      {"REL-7", both(in_first("ledgers", "lost", 3), no_restores), "fail"},
      {"REL-10",
       [](Event& event) {
         if (event.type == "step" && event.data.text("id") == "lost") {
           event.data.set("step", "human");
         }
       },
       "fail"},
      {"PERF-1",
       verdict("load",
               [](Json& loads) {
                 Json load = loads.items().front();
                 Json phase = load.items("phases").front();
                 phase.set("due", 500000).set("sent", 500000).set("ok", 100000);
                 loads = Json::array().push(load.set("phases", Json::array().push(phase)));
               }),
       "fail"},
      {"PERF-2", slow_after, "fail"},
      {"PERF-3",
       verdict("load",
               [](Json& loads) {
                 Json load = loads.items().front();
                 Json phase = load.items("phases").front();
                 phase.set("late", 4000);
                 loads = Json::array().push(load.set("phases", Json::array().push(phase)));
               }),
       "fail"},
      {"OPS-6", git(dirty), "fail"},
      {"OPS-6", git(Json()), "not_assessed"},
      {"SEC-8", data_of("replay", "text", "Authorization: Bearer abcdefghijklmnopqrst"), "fail"},
      {"COST-2",
       verdict("residue",
               [](Json& residue) {
                 residue = Json::array().push(Json::object({{"what", "a rule"}, {"by_hand", "-"}}));
               }),
       "fail"}};
}

// Of the shape of a load: stages, and users in a closed loop.
std::vector<Switch> switches_of_shapes() {
  const auto quiet_after = [](Event& event) {
    if (event.type == "window" && event.data.integer("from_ns", 0) > 18042000000000) {
      event.data.set("due", event.data.integer("due", 0) / 2);
    }
  };
  const auto staged = [](Event& event) {
    if (event.type != "planned") return;
    Json plan = event.data.get("plan");
    Json load = plan.items("load").front();
    load.set("stages", Json::array().push(Json::object({{"from", 200.0}, {"to", 100.0}})));
    event.data.set("plan", plan.set("load", Json::array().push(load)));
  };
  const auto spawned = [](int users) {
    return in_first("load", "closed_loop",
                    Json::object({{"users", 5}, {"spawned", users}, {"longest_gap_s", 0.5}}));
  };
  return {{"PERF-1", spawned(5), "not_assessed"},
          {"PERF-2", both(staged, quiet_after), "not_assessed"},
          {"PERF-2", staged, "pass"},
          {"PERF-3", spawned(4), "fail"}};
}

std::vector<Switch> switches() {
  auto all = switches_of_all();
  for (auto& change : switches_of_shapes()) all.push_back(std::move(change));
  return all;
}

TEST(Score, SaysYesToADrillThatPassed) {
  const Json score = score_of_lines(good_drill());
  for (const auto& change : switches()) {
    EXPECT_EQ(criterion(score, change.criterion).text("result"), "pass")
        << change.criterion << ": " << criterion(score, change.criterion).text("reason");
  }
  EXPECT_TRUE(score.items("gates").empty()) << score.get("gates").dump();
}

TEST(Score, SaysNoToTheOneThingThatIsWrong) {
  const auto good = good_drill();
  for (const auto& change : switches()) {
    const Json one = criterion(score_of_lines(with(change.change, good)), change.criterion);
    EXPECT_EQ(one.text("result"), change.becomes) << one.dump();
    EXPECT_FALSE(one.text("reason").empty()) << change.criterion;
  }
}

TEST(Score, TracesEachPointToEventsThatAreThere) {
  const auto lines = good_drill();
  int points = 0;
  const Json score = score_of_lines(lines);
  for (const auto& pillar : score.items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      if (one.text("result") != "pass") continue;
      ++points;
      EXPECT_FALSE(one.items("evidence").empty()) << one.dump();
      for (const auto& number : one.items("evidence")) {
        EXPECT_GE(number.integer(), 1);
        EXPECT_LE(number.integer(), static_cast<std::int64_t>(lines.size()));
      }
    }
  }
  EXPECT_GE(points, 13);
}

TEST(Score, MeasuresTheDemoInEnoughCriteriaByItsOwnEyes) {
  std::map<std::string, int> measured;
  const Json score = score_of_lines(good_drill());
  for (const auto& pillar : score.items("pillars")) {
    for (const auto& one : pillar.items("criteria")) {
      measured[pillar.text("pillar")] += one.text("level") >= "E3" && one.get("score").is_number();
    }
  }
  EXPECT_GE(measured["reliability"], 6);
  EXPECT_GE(measured["performance efficiency"], 3);
  EXPECT_GE(measured["cost optimization"], 1);
  EXPECT_GE(measured["security"], 1);
  EXPECT_GE(measured["operational excellence"], 1);
}

TEST(Score, IsInvalidWhereTheDrillWasNoTest) {
  const auto unproven = with(in_first("faults", "proven", false), good_drill());
  EXPECT_EQ(result_of(unproven, "REL-4"), "invalid");
  EXPECT_EQ(result_of(unproven, "COST-2"), "pass") << "what it left can be seen all the same";
  EXPECT_EQ(score_of_lines(unproven).items("gates").front().text("id"), "G1");
  const auto stopped =
      with(verdict("stop", [](Json& stop) { stop = Json::object({{"by", "x"}}); }), good_drill());
  EXPECT_EQ(result_of(stopped, "REL-1"), "invalid");
  // What is wrong stays wrong: a stop excuses nothing.
  EXPECT_EQ(result_of(with(in_first("ledgers", "corrupt", 1), stopped), "REL-4"), "fail");
}

TEST(Score, JudgesNoLatencyByALoadThatWasLate) {
  const auto all = switches();
  const auto late = std::ranges::find(all, "PERF-3", &Switch::criterion);
  const auto lines = with(late->change, good_drill());
  for (const char* id : {"REL-1", "PERF-1", "PERF-2", "PERF-6"}) {
    EXPECT_EQ(result_of(lines, id), "invalid") << id;
  }
  EXPECT_EQ(result_of(lines, "REL-2"), "pass") << "the ledger does not go by the schedule";
}

TEST(Score, AssessesNothingWhereNothingWasBroken) {
  const Json score = score_of_lines(not_started_drill());
  EXPECT_EQ(score.number("floor", 1), 0);
  EXPECT_EQ(score.number("ceiling", 0), 100);
  EXPECT_EQ(score.number("coverage", 1), 0);
  EXPECT_TRUE(score.items("pillars").front().get("measured").is_null());
}

TEST(Score, AssessesNoRehearsal) {
  const Json score = score_of_lines(
      with(data_of("planned", "rehearsal", Json::object({{"most_rate", 20}})), good_drill()));
  EXPECT_EQ(score.number("coverage", 1), 0);
  EXPECT_EQ(criterion(score, "REL-1").text("result"), "not_assessed");
}

TEST(Score, LeavesOutWhatTheSystemDoesNotHave) {
  const auto lines = good_drill();
  EXPECT_EQ(result_of(lines, "SEC-3"), "not_applicable") << "no TLS is declared";
  EXPECT_EQ(result_of(lines, "REL-8"), "not_assessed") << "two regions are";
  const auto no_queue = with(
      [](Event& event) {
        if (event.type == "planned") event.data.set("plan", Json::object());
      },
      lines);
  EXPECT_EQ(result_of(no_queue, "REL-7"), "not_applicable");
}

TEST(Score, LeavesOutWhatThePlaybookWaivesWithAName) {
  const auto waive = [](Event& event) {
    if (event.type != "planned") return;
    Json plan = event.data.get("plan");
    plan.set("not_applicable",
             Json::array().push(Json::object(
                 {{"criterion", "REL-9"}, {"reason", "no inbound API"}, {"approved_by", "mara"}})));
    event.data.set("plan", std::move(plan));
  };
  const Json one = criterion(score_of_lines(with(waive, good_drill())), "REL-9");
  EXPECT_EQ(one.text("result"), "not_applicable");
  EXPECT_NE(one.text("reason").find("agreed by mara"), std::string::npos);
}

TEST(Score, ShutsTheGates) {
  const auto shut = [](const Change& change, std::string_view id) {
    const Json score = score_of_lines(with(change, good_drill()));
    for (const auto& gate : score.items("gates")) {
      if (gate.text("id") == id) return true;
    }
    return false;
  };
  EXPECT_TRUE(shut(in_first("faults", "proven", false), "G1"));
  EXPECT_TRUE(shut(
      [](Event& event) {
        if (event.type != "step" || event.data.text("id") != "steady_state-6") return;
        if (event.data.text("what") == "ended") event.data.set("ok", false);
      },
      "G2"));
  EXPECT_TRUE(shut(
      [](Event& event) {
        if (event.type != "replay") return;
        event.type = "settled";
        event.data = Json::object({{"held", false}});
      },
      "G2"));
  EXPECT_TRUE(shut(in_first("ledgers", "phantom", 2), "G3"));
  EXPECT_TRUE(shut(objective("rpo", false), "G4"));
  EXPECT_FALSE(shut(in_first("ledgers", "lost", 2), "G4")) << "the RPO that allows it held";
  EXPECT_TRUE(shut(verdict("residue",
                           [](Json& residue) {
                             residue = Json::array().push(
                                 Json::object({{"what", "x"}, {"by_hand", "y"}}));
                           }),
                   "G5"));
  EXPECT_TRUE(shut(
      [](Event& event) {
        if (event.type != "deed" || event.data.text("id") != "lost") return;
        event.data.set("targets", Json::array().push("front"));
      },
      "G7"));
}

TEST(Score, GoesByTheRubricThatTheJournalHolds) {
  std::string text(default_rubric_text());
  text.replace(text.find("reliability: 40%"), 16, "reliability: 30%");
  text.replace(text.find("security: 15%"), 13, "security: 25%");
  const auto lines =
      with(data_of("planned", "rubric", Json::object({{"text", text}})), good_drill());
  const Json score = score_of_lines(lines);
  EXPECT_EQ(score.items("pillars")[2].number("weight", 0), 0.3);
  EXPECT_NE(score.text("rubric_sha256"), default_rubric().sha256);
  EXPECT_LT(score.number("floor", 0), score_of_lines(good_drill()).number("floor", 0));
  // One that cannot be read assesses nothing.
  const auto broken =
      with(data_of("planned", "rubric", Json::object({{"text", "rubric: 7"}})), good_drill());
  EXPECT_EQ(score_of_lines(broken).number("coverage", 1), 0);
  EXPECT_TRUE(score_of_lines(broken).get("rubric_sha256").is_null());
}

TEST(Score, IsTheSameBytesEachTime) {
  EXPECT_EQ(score_of_lines(good_drill()).dump(), score_of_lines(good_drill()).dump());
}

TEST(Score, DoesNotDependOnTheOrderOfWhatHappenedAtOnce) {
  // Samples of two probes at the same moment may come in either order.
  const auto story = story_of(good_drill());
  ASSERT_TRUE(story);
  Story turned = *story;
  std::ranges::reverse(turned.notes);
  Json sorted, reversed;
  const Json result = document_of(*story);
  for (auto* which : {&sorted, &reversed}) {
    const Json score = score_of(which == &sorted ? *story : turned, result, default_rubric());
    which->set("floor", score.get("floor")).set("coverage", score.get("coverage"));
  }
  EXPECT_EQ(sorted, reversed);
}

}  // namespace
}  // namespace gameday
