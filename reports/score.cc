#include "reports/score.h"

#include <algorithm>
#include <set>

#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::string_view kLevelNames[] = {"E0", "E1", "E2", "E3", "E4"};

// What the system has by the playbook's own word, and what is in this drill.
std::set<std::string> declared(const Story& story) {
  const Json& plan = story.planned.get("plan");
  std::set<std::string> found, regions;
  for (const auto& target : plan.items("system")) {
    for (const auto& held : target.items("holds")) {
      if (held.is_text()) found.insert(held.text());
    }
    if (!target.text("region").empty()) regions.insert(target.text("region"));
  }
  if (regions.size() > 1) found.insert("regions");
  for (const auto& load : plan.items("load")) {
    if (load.boolean("ledger", false)) found.insert("data");
    if (load.text("url").starts_with("https://")) found.insert("tls");
  }
  for (const auto& probe : plan.items("probes")) {
    if (probe.get("arguments").dump().find("\"https://") != std::string::npos) found.insert("tls");
  }
  for (const auto& step : plan.items("timeline")) {
    const std::string kind = step.text("step");
    if (kind == "backup" || kind == "restore") found.insert("data");
    if (kind == "action") found.insert("failover");
    if (kind == "human") found.insert("people");
  }
  return found;
}

bool named_by_a_probe(const Story& story, const std::string& criterion) {
  for (const auto& probe : story.planned.get("plan").items("probes")) {
    for (const auto& named : probe.items("evidence_for")) {
      if (named.is_text() && named.text() == criterion) return true;
    }
  }
  return false;
}

// These put the system to the test; the others look at the drill and what it left.
bool tests_the_system(JudgedBy by) {
  constexpr std::array kOthers{JudgedBy::on_schedule, JudgedBy::no_residue, JudgedBy::no_secrets,
                               JudgedBy::committed,   JudgedBy::approval,   JudgedBy::fact,
                               JudgedBy::owned,       JudgedBy::fresh};
  return std::ranges::find(kOthers, by) == kOthers.end();
}

bool goes_by_the_load(const Criterion& criterion) {
  if (criterion.judged_by == JudgedBy::objective) return criterion.objective != "rpo";
  return criterion.judged_by == JudgedBy::budget ||
         criterion.judged_by == JudgedBy::latency_regained;
}

// Why the whole drill is no valid test; empty: it is one.
std::string flaw_of(const Case& drill) {
  for (const auto& fault : drill.result.items("faults")) {
    if (!fault.boolean("proven", false)) {
      return "fault " + fault.text("id") + " was not proven to have bitten";
    }
  }
  if (!drill.result.get("stop").is_null()) return "the drill was stopped before its end";
  if (!drill.story.verdict) return "the drill came to no verdict";
  return "";
}

class Scorer {
 public:
  Scorer(const Case& drill, const Rubric& rubric)
      : drill_(drill), rubric_(rubric), has_(declared(drill.story)), flaw_(flaw_of(drill)) {
    Criterion schedule;
    schedule.judged_by = JudgedBy::on_schedule;
    const Assessment offered = judged(drill, schedule);
    if (offered.outcome == Outcome::fail)
      late_ = "the load was not offered on time: " + offered.reason;
  }

  [[nodiscard]] std::vector<Scored> all() const {
    std::vector<Scored> found;
    for (const auto& criterion : rubric_.criteria) {
      Scored one{&criterion, {}, false};
      if (const Json* waiver = waiver_of(criterion)) {
        one.waived = true;
        one.assessment = not_applicable(waiver->text("reason") + " (agreed by " +
                                        waiver->text("approved_by") + ")");
      } else {
        one.assessment = assess(criterion);
      }
      found.push_back(std::move(one));
    }
    return found;
  }

 private:
  static Assessment not_applicable(std::string reason) {
    return {Outcome::not_applicable, 0, -1, std::move(reason), {}};
  }

  [[nodiscard]] const Json* waiver_of(const Criterion& criterion) const {
    for (const auto& waiver : drill_.story.planned.get("plan").items("not_applicable")) {
      if (waiver.text("criterion") == criterion.id) return &waiver;
    }
    return nullptr;
  }

  [[nodiscard]] Assessment assess(const Criterion& criterion) const {
    // Who brings evidence for a criterion has what it is about.
    if (!named_by_a_probe(drill_.story, criterion.id)) {
      for (const auto& need : criterion.needs) {
        if (need == "programme") return not_applicable("judged over several drills alone");
        if (!has_.contains(need)) {
          return not_applicable("the system has none of this by its own declaration: " + need);
        }
      }
    }
    if (drill_.story.planned.find("rehearsal") != nullptr) {
      return unassessed("a rehearsal: no real system was measured");
    }
    if (!first_fault(drill_.story)) {
      return unassessed("no fault was injected: nothing was put to the test");
    }
    return valid(criterion, by_level(criterion, judged(drill_, criterion)));
  }

  // Evidence of too low a level can't pass; it can say no.
  [[nodiscard]] static Assessment by_level(const Criterion& criterion, Assessment found) {
    if (found.outcome != Outcome::pass || found.level >= criterion.level) return found;
    const auto level = static_cast<std::size_t>(std::max(found.level, 0));
    const auto wanted = static_cast<std::size_t>(criterion.level);
    found.reason += "; evidence of level " + std::string(kLevelNames[level]) + ", of " +
                    std::string(kLevelNames[wanted]) + " it takes";
    found.score = criterion.partial[level];
    found.outcome = found.score > 0 ? Outcome::partial : Outcome::not_assessed;
    return found;
  }

  [[nodiscard]] Assessment valid(const Criterion& criterion, Assessment found) const {
    if (!found.assessed()) return found;
    // What no event of its own tells, the verdict does.
    if (found.evidence.empty()) found.evidence = events_of(drill_.story, "verdict");
    const bool good = found.outcome != Outcome::fail;
    std::string why;
    if (goes_by_the_load(criterion)) why = late_;
    if (why.empty() && good && tests_the_system(criterion.judged_by)) why = flaw_;
    if (why.empty()) return found;
    found.reason = why + (found.reason.empty() ? "" : " (" + found.reason + ")");
    found.outcome = Outcome::invalid;
    found.score = 0;
    return found;
  }

  const Case& drill_;
  const Rubric& rubric_;
  std::set<std::string> has_;
  std::string flaw_, late_;
};

Json numbers(const std::vector<std::uint64_t>& events) {
  Json list = Json::array();
  for (const auto event : events) list.push(event);
  return list;
}

Json criterion_json(const Scored& scored) {
  const auto& [criterion, found, waived] = scored;
  return Json::object(
      {{"id", criterion->id},
       {"title", criterion->title},
       {"result", name_of(found.outcome)},
       {"score", found.assessed() ? Json(found.score) : Json()},
       {"weight", criterion->weight},
       {"level",
        found.level < 0 ? Json() : Json(kLevelNames[static_cast<std::size_t>(found.level)])},
       {"reason", found.reason},
       {"evidence", numbers(found.evidence)}});
}

void set_sum(Json& into, const Sum& sum) {
  into.set("floor", points_down(sum.floor));
  into.set("ceiling", points_up(sum.ceiling));
  into.set("coverage", ratio_down(sum.coverage));
}

}  // namespace

Result<Rubric> rubric_of(const Story& story) {
  const std::string text = story.planned.get("rubric").text("text");
  if (text.empty() || text == default_rubric_text()) return default_rubric();
  auto read = read_rubric("rubric.yaml", text);
  if (read.rubric) return std::move(*read.rubric);
  return fail(ErrorCode::corrupt, "the journal's rubric cannot be read: " + read.problems);
}

std::vector<Scored> scored(const Story& story, const Json& result, const Rubric& rubric) {
  const Case drill{story, result};
  return Scorer(drill, rubric).all();
}

Json score_document(const std::vector<Scored>& all, Json gates, const Rubric& rubric) {
  std::vector<Counted> counts;
  for (const auto& one : all) {
    counts.push_back({one.criterion->pillar, one.criterion->weight, one.assessment.outcome,
                      one.assessment.score, one.waived});
  }
  const ScoreSum sum = sum_up(counts, rubric);
  Json pillars = Json::array();
  for (std::size_t i = 0; i < kPillars; ++i) {
    Json pillar = Json::object({{"pillar", kPillarNames[i].name}, {"weight", rubric.weights[i]}});
    set_sum(pillar, sum.pillars[i]);
    const auto& measured = sum.pillars[i].measured;
    pillar.set("measured", measured ? Json(points_down(*measured)) : Json());
    if (sum.waived_too_much[i]) {
      pillar.set("why", "too much of it is called not applicable: it counts as not assessed");
    }
    Json criteria = Json::array();
    for (const auto& one : all) {
      if (one.criterion->pillar == i) criteria.push(criterion_json(one));
    }
    pillars.push(std::move(pillar.set("criteria", std::move(criteria))));
  }
  Json score;
  set_sum(score, sum.weighted);
  score.set("rubric_sha256", rubric.sha256).set("gates", std::move(gates));
  Json equal;
  set_sum(equal, sum.equal);
  score.set("equal_weights", std::move(equal)).set("pillars", std::move(pillars));
  return score;
}

Json score_of(const Story& story, const Json& result, const Rubric& rubric) {
  return score_document(scored(story, result, rubric), gates_of(story, result, rubric), rubric);
}

Json unassessed_score(const std::string& reason) {
  const Rubric& rubric = default_rubric();
  std::vector<Scored> all;
  for (const auto& criterion : rubric.criteria) {
    all.push_back({&criterion, unassessed(reason), false});
  }
  Json score = score_document(all, Json::array(), rubric);
  return score.set("rubric_sha256", Json());
}

}  // namespace gameday
