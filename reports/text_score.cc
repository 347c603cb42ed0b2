// The score for a terminal.
#include "reports/markup.h"
#include "reports/programme.h"
#include "reports/result.h"

namespace gameday {
namespace {

std::string pillar_line(const Json& pillar) {
  std::string name = neutral(pillar.text("pillar"));
  name.resize(24, ' ');
  const Json& measured = pillar.get("measured");
  const std::string figures = measured.is_null() ? "not assessed"
                                                 : shown_range(pillar) + ", of what was assessed " +
                                                       fixed(measured.number(), 1);
  return "  " + name + figures + "\n";
}

std::string criterion_line(const Json& criterion) {
  std::string name = neutral(criterion.text("id"));
  name.resize(std::max<std::size_t>(name.size(), 9), ' ');
  std::string result = neutral(criterion.text("result"));
  result.resize(std::max<std::size_t>(result.size(), 15), ' ');
  return "    " + name + result + neutral(criterion.text("title")) + "\n" + std::string(28, ' ') +
         neutral(criterion.text("reason")) + "\n";
}

}  // namespace

std::string shown_range(const Json& score) {
  return fixed(score.number("floor", 0), 1) + " (range " + fixed(score.number("floor", 0), 1) +
         "-" + fixed(score.number("ceiling", 100), 1) + ", coverage " +
         shown_ratio(score.number("coverage", 0)) + ")";
}

std::vector<Json> in_reading_order(const Json& pillar) {
  std::vector<Json> sorted;
  for (const char* result :
       {"invalid", "not_assessed", "fail", "partial", "pass", "not_applicable"}) {
    for (const auto& criterion : pillar.items("criteria")) {
      if (criterion.text("result") == result) sorted.push_back(criterion);
    }
  }
  return sorted;
}

std::string text_score(const Json& score) {
  std::string out = "score " + shown_range(score) + "\n";
  out += "with every pillar alike " + shown_range(score.get("equal_weights")) + "\n";
  for (const auto& gate : score.items("gates")) {
    out += "  ! gate " + neutral(gate.text("id")) + ": " + neutral(gate.text("reason")) + "\n";
  }
  for (const auto& pillar : score.items("pillars")) {
    out += "\n" + pillar_line(pillar);
    for (const auto& criterion : in_reading_order(pillar)) out += criterion_line(criterion);
  }
  return out;
}

std::string text_programme(const Json& programme) {
  const Json& grade = programme.get("grade");
  const Json& score = programme.get("score");
  std::string out = "grade " + (grade.is_text() ? neutral(grade.text()) : std::string("none")) +
                    ", coverage " + shown_ratio(score.number("coverage", 0)) + ", as of " +
                    shown_time(programme.text("as_of")) + "\n";
  for (const auto& bundle : programme.items("unverifiable")) {
    out += "  ! " + neutral(bundle.text("bundle")) +
           " does not verify: " + neutral(bundle.text("problem")) + "\n";
  }
  for (const auto& scenario : programme.items("scenarios")) {
    out += "  " + neutral(scenario.text("scenario")) + ": " + neutral(scenario.text("verdict")) +
           " on " + neutral(scenario.text("ended")).substr(0, 10) +
           (scenario.boolean("expired", false) ? ", expired" : "") +
           (scenario.boolean("overdue", false) ? ", overdue" : "") + "\n";
  }
  for (const auto& action : programme.items("actions")) {
    if (action.text("state") == "done") continue;
    const std::string owner = action.text("owner");
    out += "  - " + neutral(action.text("criterion")) + " failed in " +
           neutral(action.text("scenario")) + ": " + (owner.empty() ? "no owner" : neutral(owner)) +
           ", due " + neutral(action.text("due")).substr(0, 10) +
           (action.text("state") == "overdue" ? ", OVERDUE" : "") + "\n";
  }
  return out + "\n" + text_score(score);
}

}  // namespace gameday
