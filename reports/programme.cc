#include "reports/programme.h"

#include <algorithm>
#include <map>

#include "engine/base/units.h"
#include "reports/document.h"
#include "reports/score.h"

namespace gameday {
namespace {

struct Run {
  std::string drill, scenario, owner, verdict;
  Utc ended{};
  std::optional<Duration> cadence;
  bool tested = false;  // a fault was injected
  std::vector<Scored> criteria;
  Json gates;
};

struct Action {
  std::string criterion, scenario, drill, owner;
  Utc since{}, due{};
  bool done = false;
};

Run run_of(const Story& story, const Rubric& rubric) {
  const Json result = document_of(story);
  const Json& playbook = story.planned.get("playbook");
  Run run;
  run.drill = story.drill;
  run.scenario = playbook.text("name");
  run.owner = playbook.text("owner");
  run.verdict = result.text("verdict");
  if (const auto ended = parse_rfc3339(result.text("ended"))) run.ended = *ended;
  if (const auto cadence = parse_duration(playbook.text("cadence"))) run.cadence = *cadence;
  run.tested = first_fault(story).has_value();
  run.criteria = scored(story, result, rubric);
  run.gates = gates_of(story, result, rubric);
  return run;
}

// The worse of two results of one criterion. What one scenario lacks, another may have.
int rank(Outcome outcome) {
  switch (outcome) {
    case Outcome::fail: return 5;
    case Outcome::partial: return 4;
    case Outcome::pass: return 3;
    case Outcome::invalid: return 2;
    case Outcome::not_assessed: return 1;
    default: return 0;
  }
}

std::string in_days(Duration duration) {
  return counted(std::chrono::duration_cast<std::chrono::days>(duration).count(), "day", "days");
}

class Programme {
 public:
  Programme(const Rubric& rubric, Utc as_of) : rubric_(rubric), as_of_(as_of) {}

  void add(const ProgrammeJournal& journal) {
    std::string problem = journal.problem;
    const auto story = story_of(journal.lines);
    if (!story) problem = story.error().text;
    if (problem.empty() && !story->closed) problem = "the journal has no closing event";
    if (!problem.empty()) {
      unverifiable_.emplace_back(journal.named, problem);
      return;
    }
    runs_[story->drill] = run_of(*story, rubric_);
  }

  Json document() {
    std::ranges::sort(unverifiable_);
    pick_newest();
    find_actions();
    merge();
    Json score = score_document(merged_, gates(), rubric_);
    Json grade = grade_of(score);
    return Json::object({{"as_of", rfc3339(as_of_)},
                         {"rubric_sha256", rubric_.sha256},
                         {"grade", std::move(grade)},
                         {"score", std::move(score)},
                         {"scenarios", scenarios_json()},
                         {"actions", actions_json()},
                         {"unverifiable", unverifiable_json()}});
  }

 private:
  // A drill that put nothing to the test replaces none that did.
  void pick_newest() {
    for (const auto& [id, run] : runs_) {
      const Run*& newest = newest_[run.scenario];
      const auto key = [](const Run& r) { return std::tuple(r.tested, r.ended, r.drill); };
      if (newest == nullptr || key(run) > key(*newest)) newest = &run;
    }
  }

  [[nodiscard]] bool expired(const Run& run) const {
    return as_of_ - run.ended > rubric_.valid_for;
  }

  // Each criterion that failed wants something done; a later pass of the same scenario is it.
  void find_actions() {
    for (const auto& [id, run] : runs_) {
      for (const auto& one : run.criteria) {
        if (one.assessment.outcome != Outcome::fail) continue;
        Action action{one.criterion->id,
                      run.scenario,
                      run.drill,
                      run.owner,
                      run.ended,
                      run.ended + rubric_.fix_within,
                      false};
        action.done = passed_later(run, one.criterion->id);
        actions_.push_back(std::move(action));
      }
    }
  }

  [[nodiscard]] bool passed_later(const Run& failed, const std::string& criterion) const {
    return std::ranges::any_of(runs_, [&](const auto& entry) {
      const Run& run = entry.second;
      if (run.scenario != failed.scenario || run.ended <= failed.ended) return false;
      return std::ranges::any_of(run.criteria, [&](const Scored& one) {
        return one.criterion->id == criterion && one.assessment.outcome == Outcome::pass;
      });
    });
  }

  [[nodiscard]] bool overdue(const Action& action) const {
    return !action.done && as_of_ > action.due;
  }

  void merge() {
    for (std::size_t i = 0; i < rubric_.criteria.size(); ++i) {
      const Criterion& criterion = rubric_.criteria[i];
      Scored worst{&criterion, unassessed("no drill was given"), false};
      if (criterion.judged_by == JudgedBy::fresh) {
        worst.assessment = fresh();
      } else if (criterion.judged_by == JudgedBy::owned) {
        worst.assessment = owned();
      } else {
        worst = worst_of(i, std::move(worst));
      }
      merged_.push_back(std::move(worst));
    }
  }

  [[nodiscard]] Scored worst_of(std::size_t index, Scored worst) const {
    bool first = true;
    for (const auto& [scenario, run] : newest_) {
      Scored one = run->criteria[index];
      if (expired(*run) && one.assessment.assessed()) {
        one.assessment = unassessed("the evidence of drill " + run->drill + " is older than " +
                                    in_days(rubric_.valid_for));
      }
      one.assessment.reason = scenario + ": " + one.assessment.reason;
      // Numbers of events mean something in their own journal alone.
      one.assessment.evidence.clear();
      const int a = rank(one.assessment.outcome), b = rank(worst.assessment.outcome);
      if (first || a > b || (a == b && one.assessment.score < worst.assessment.score)) {
        worst = std::move(one);
      }
      first = false;
    }
    return worst;
  }

  [[nodiscard]] Assessment fresh() const {
    if (newest_.empty()) return unassessed("no drill was given");
    for (const auto& [scenario, newest] : newest_) {
      const bool any = std::ranges::any_of(runs_, [&](const auto& entry) {
        const Run& run = entry.second;
        return run.scenario == scenario && run.verdict == "passed" && !expired(run);
      });
      if (!any) {
        return failed(scenario + " was not passed within " + in_days(rubric_.valid_for), {});
      }
    }
    return passed("each scenario was passed within " + in_days(rubric_.valid_for), {});
  }

  [[nodiscard]] Assessment owned() const {
    for (const auto& action : actions_) {
      if (!action.done && action.owner.empty()) {
        return failed(action.criterion + " failed in " + action.scenario + ", which has no owner",
                      {}, 0);
      }
      if (overdue(action)) {
        return failed(action.criterion + " of " + action.scenario + " was due on " +
                          rfc3339(action.due).substr(0, 10),
                      {}, 0);
      }
    }
    return newest_.empty() ? unassessed("no drill was given") : passed("nothing is overdue", {}, 0);
  }

  [[nodiscard]] Json gates() const {
    Json all = Json::array();
    for (const auto& [scenario, run] : newest_) {
      for (const auto& gate : run->gates.items()) {
        Json one = gate;
        one.set("reason", scenario + ": " + gate.text("reason"));
        one.set("evidence", Json::array());
        all.push(std::move(one));
      }
    }
    for (const auto& [named, problem] : unverifiable_) {
      all.push(Json::object({{"id", "G6"},
                             {"then", "no-grade"},
                             {"reason", named + " does not verify: " + problem},
                             {"evidence", Json::array()}}));
    }
    return all;
  }

  [[nodiscard]] bool reached(const Grade& grade, const Json& score) const {
    if (score.number("floor", 0) < grade.floor) return false;
    if (score.number("coverage", 0) < grade.coverage) return false;
    return std::ranges::all_of(score.items("pillars"), [&](const Json& pillar) {
      return pillar.number("floor", 0) >= grade.every_pillar;
    });
  }

  // The best letter whose conditions hold, and no better than any shut gate leaves.
  [[nodiscard]] Json grade_of(const Json& score) const {
    for (const auto& gate : score.items("gates")) {
      if (gate.text("then") == "no-grade") return {};
    }
    if (score.number("coverage", 0) < rubric_.incomplete_below) return "I";
    std::string best = "F";
    for (const auto& grade : rubric_.grades) {
      if (!reached(grade, score)) continue;
      best = grade.grade;
      break;
    }
    // The best grade asks for open gates, whatever each of them leaves.
    const bool top = !rubric_.grades.empty() && best == rubric_.grades.front().grade;
    if (top && !score.items("gates").empty() && rubric_.grades.size() > 1) {
      best = rubric_.grades[1].grade;
    }
    for (const auto& gate : score.items("gates")) best = std::max(best, gate.text("then"));
    return best;
  }

  [[nodiscard]] Json scenarios_json() const {
    Json list = Json::array();
    for (const auto& [scenario, run] : newest_) {
      Json one = Json::object({{"scenario", scenario},
                               {"drill", run->drill},
                               {"verdict", run->verdict},
                               {"owner", run->owner},
                               {"ended", rfc3339(run->ended)},
                               {"valid_until", rfc3339(run->ended + rubric_.valid_for)},
                               {"expired", expired(*run)}});
      one.set("due", run->cadence ? Json(rfc3339(run->ended + *run->cadence)) : Json());
      one.set("overdue", run->cadence && as_of_ > run->ended + *run->cadence);
      list.push(std::move(one));
    }
    return list;
  }

  [[nodiscard]] Json actions_json() const {
    Json list = Json::array();
    for (const auto& action : actions_) {
      list.push(Json::object({{"criterion", action.criterion},
                              {"scenario", action.scenario},
                              {"drill", action.drill},
                              {"owner", action.owner},
                              {"since", rfc3339(action.since)},
                              {"due", rfc3339(action.due)},
                              {"state", action.done       ? "done"
                                        : overdue(action) ? "overdue"
                                                          : "open"}}));
    }
    return list;
  }

  [[nodiscard]] Json unverifiable_json() const {
    Json list = Json::array();
    for (const auto& [named, problem] : unverifiable_) {
      list.push(Json::object({{"bundle", named}, {"problem", problem}}));
    }
    return list;
  }

  const Rubric& rubric_;
  Utc as_of_;
  std::map<std::string, Run> runs_;
  std::map<std::string, const Run*> newest_;  // by scenario
  std::vector<Action> actions_;
  std::vector<Scored> merged_;
  std::vector<std::pair<std::string, std::string>> unverifiable_;
};

}  // namespace

Json programme_of(const std::vector<ProgrammeJournal>& journals, const Rubric& rubric, Utc as_of) {
  Programme programme(rubric, as_of);
  for (const auto& journal : journals) programme.add(journal);
  return programme.document();
}

}  // namespace gameday
