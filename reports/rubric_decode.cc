// A rubric's YAML, read as a playbook's is: every field by its row, every mistake with its place.
#include <algorithm>
#include <cmath>

#include "engine/base/assert.h"
#include "engine/base/digest.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/decode.h"
#include "reports/rubric.h"

namespace gameday {
namespace {

constexpr double kYear = 366 * 86400.0;
constexpr std::array<std::string_view, 1> kVersions{"1"};

template <class Value>
struct Word {
  std::string_view word;
  Value value;
};
constexpr std::array kTiers{Word<double>{"required", 3}, Word<double>{"good", 2},
                            Word<double>{"best", 1}};
constexpr std::array kLevelWords{Word<int>{"E0", 0}, Word<int>{"E1", 1}, Word<int>{"E2", 2},
                                 Word<int>{"E3", 3}, Word<int>{"E4", 4}};
constexpr std::array kJudges{Word<JudgedBy>{"objective", JudgedBy::objective},
                             Word<JudgedBy>{"restored", JudgedBy::restored},
                             Word<JudgedBy>{"intact", JudgedBy::intact},
                             Word<JudgedBy>{"no-surplus", JudgedBy::no_surplus},
                             Word<JudgedBy>{"drained", JudgedBy::drained},
                             Word<JudgedBy>{"unattended", JudgedBy::unattended},
                             Word<JudgedBy>{"budget", JudgedBy::budget},
                             Word<JudgedBy>{"latency-regained", JudgedBy::latency_regained},
                             Word<JudgedBy>{"on-schedule", JudgedBy::on_schedule},
                             Word<JudgedBy>{"restraint", JudgedBy::restraint},
                             Word<JudgedBy>{"no-residue", JudgedBy::no_residue},
                             Word<JudgedBy>{"no-secrets", JudgedBy::no_secrets},
                             Word<JudgedBy>{"committed", JudgedBy::committed},
                             Word<JudgedBy>{"approval", JudgedBy::approval},
                             Word<JudgedBy>{"acknowledged", JudgedBy::acknowledged},
                             Word<JudgedBy>{"probe", JudgedBy::probe},
                             Word<JudgedBy>{"fact", JudgedBy::fact},
                             Word<JudgedBy>{"owned", JudgedBy::owned},
                             Word<JudgedBy>{"fresh", JudgedBy::fresh}};
constexpr std::array kWhens{Word<When>{"always", When::always}, Word<When>{"after", When::after},
                            Word<When>{"detects", When::detects}, Word<When>{"quiet", When::quiet},
                            Word<When>{"informs", When::informs}};
constexpr std::array kGateWhens{Word<GateWhen>{"fault-not-proven", GateWhen::fault_not_proven},
                                Word<GateWhen>{"not-steady-again", GateWhen::not_steady_again},
                                Word<GateWhen>{"data-wrong", GateWhen::data_wrong},
                                Word<GateWhen>{"data-lost", GateWhen::data_lost},
                                Word<GateWhen>{"residue", GateWhen::residue},
                                Word<GateWhen>{"outside-the-plan", GateWhen::outside_the_plan}};

template <class Words>
constexpr auto words_of(const Words& words) {
  std::array<std::string_view, std::tuple_size_v<Words>> found{};
  for (std::size_t i = 0; i < words.size(); ++i) found[i] = words[i].word;
  return found;
}
constexpr auto kTierWords = words_of(kTiers);
constexpr auto kLevelNames = words_of(kLevelWords);
constexpr auto kJudgeWords = words_of(kJudges);
constexpr auto kWhenWords = words_of(kWhens);
constexpr auto kGateWords = words_of(kGateWhens);
constexpr std::array<std::string_view, 4> kObjectives{"rto", "rpo", "success_rate", "latency"};
constexpr std::array<std::string_view, 7> kNeeds{"data",    "queue",  "tls",      "failover",
                                                 "regions", "people", "programme"};
constexpr std::array<std::string_view, 7> kThen{"no-grade", "A", "B", "C", "D", "E", "F"};
constexpr std::array<std::string_view, 6> kGradeWords{"A", "B", "C", "D", "E", "F"};

constexpr Field share(std::string_view name, std::string_view help, bool required = false) {
  return {.name = name, .type = FieldType::percent, .help = help, .required = required};
}

constexpr std::array kTop{
    Field{.name = "rubric",
          .type = FieldType::choice,
          .help = "The version of this format.",
          .required = true,
          .choices = kVersions},
    Field{.name = "name", .help = "What the rubric is called.", .required = true},
    Field{.name = "valid_for",
          .type = FieldType::duration,
          .help = "How long evidence counts in a programme.",
          .otherwise = "92d",
          .most = 10 * kYear},
    Field{.name = "fix_within",
          .type = FieldType::duration,
          .help = "After that, what failed is overdue.",
          .otherwise = "30d",
          .most = 10 * kYear},
    Field{.name = "most_not_applicable",
          .type = FieldType::percent,
          .help = "The share of a pillar that a playbook may call not applicable.",
          .otherwise = "25%"},
    Field{.name = "incomplete_below",
          .type = FieldType::percent,
          .help = "The coverage under which a programme's grade is I.",
          .otherwise = "50%"},
    Field{.name = "pillars",
          .type = FieldType::json,
          .help = "The weight of each pillar; together 100%.",
          .required = true},
    Field{.name = "criteria",
          .type = FieldType::json,
          .help = "What is judged, by id.",
          .required = true},
    Field{.name = "gates", .type = FieldType::json, .help = "What no number makes up for."},
    Field{.name = "grades", .type = FieldType::json, .help = "A programme's letters, best first."}};

constexpr std::array kPartial{share("E0", "The score on evidence of this level."),
                              share("E1", "The score on evidence of this level."),
                              share("E2", "The score on evidence of this level."),
                              share("E3", "The score on evidence of this level.")};
constexpr std::array kCriterion{
    Field{.name = "title", .help = "What holds where it passes.", .required = true},
    Field{.name = "tier",
          .type = FieldType::choice,
          .help = "How much it weighs.",
          .required = true,
          .choices = kTierWords},
    Field{.name = "level",
          .type = FieldType::choice,
          .help = "The least evidence that can pass.",
          .required = true,
          .choices = kLevelNames},
    Field{.name = "judged_by",
          .type = FieldType::choice,
          .help = "How it is judged.",
          .required = true,
          .choices = kJudgeWords},
    Field{.name = "objective",
          .type = FieldType::choice,
          .help = "The objective that it goes by.",
          .choices = kObjectives},
    Field{.name = "when",
          .type = FieldType::choice,
          .help = "How its probes are judged.",
          .choices = kWhenWords},
    Field{.name = "within", .type = FieldType::duration, .help = "By when.", .most = kYear},
    Field{.name = "slack",
          .type = FieldType::duration,
          .help = "Latency that is let pass beside the margin.",
          .most = 3600},
    share("margin", "How far over the baseline latency, or traffic, may stay."),
    Field{.name = "most",
          .type = FieldType::integer,
          .help = "Attempts for each request that is due.",
          .least = 1,
          .most = 1000},
    Field{.name = "calm", .type = FieldType::rate, .help = "Fewer attempts are no storm."},
    share("allowance", "The share of 30 days' error budget that a drill may spend."),
    Field{.name = "fact", .help = "An event's type and one of its facts."},
    Field{.name = "needs", .type = FieldType::texts, .help = "What the system must have."},
    Field{.name = "partial",
          .type = FieldType::group,
          .help = "Scores on lesser evidence.",
          .fields = kPartial},
    Field{.name = "aws", .type = FieldType::texts, .help = "Where AWS asks for it."}};
constexpr std::array kGate{Field{.name = "id", .help = "Its name.", .required = true},
                           Field{.name = "when",
                                 .type = FieldType::choice,
                                 .help = "What shuts it.",
                                 .required = true,
                                 .choices = kGateWords},
                           Field{.name = "then",
                                 .type = FieldType::choice,
                                 .help = "The best grade that is left.",
                                 .required = true,
                                 .choices = kThen}};
constexpr std::array kGrade{Field{.name = "grade",
                                  .type = FieldType::choice,
                                  .help = "The letter.",
                                  .required = true,
                                  .choices = kGradeWords},
                            Field{.name = "floor",
                                  .type = FieldType::integer,
                                  .help = "The least score.",
                                  .required = true,
                                  .most = 100},
                            share("coverage", "The least share that was assessed."),
                            Field{.name = "every_pillar",
                                  .type = FieldType::integer,
                                  .help = "The least score of every pillar.",
                                  .otherwise = "0",
                                  .most = 100}};

template <class Words>
auto meaning(const Words& words, const std::string& word) {
  for (const auto& [known, value] : words) {
    if (known == word) return value;
  }
  return words[0].value;
}

class Reader {
 public:
  Reader(Rubric& rubric, Problems& problems) : rubric_(rubric), problems_(problems) {}

  void read(const Node& root) {
    const Json top = decode(kTop, root, "rubric", decoding_);
    rubric_.name = top.text("name");
    rubric_.valid_for = duration_in(top, "valid_for").value_or(Duration{});
    rubric_.fix_within = duration_in(top, "fix_within").value_or(Duration{});
    rubric_.most_not_applicable = percent_in(top, "most_not_applicable").value_or(0);
    rubric_.incomplete_below = percent_in(top, "incomplete_below").value_or(0);
    if (const Entry* pillars = root.find("pillars")) read_pillars(pillars->value);
    if (const Entry* criteria = root.find("criteria")) read_criteria(criteria->value);
    if (const Entry* gates = root.find("gates")) each(gates->value, "gates", &Reader::read_gate);
    if (const Entry* grades = root.find("grades")) {
      each(grades->value, "grades", &Reader::read_grade);
    }
  }

 private:
  void read_pillars(const Node& node) {
    std::array<Field, kPillars> fields;
    for (std::size_t i = 0; i < kPillars; ++i) fields[i] = share(kPillarNames[i].name, "", true);
    const Json weights = decode(fields, node, "pillars", decoding_);
    double sum = 0;
    for (std::size_t i = 0; i < kPillars; ++i) {
      rubric_.weights[i] = percent_in(weights, kPillarNames[i].name).value_or(0);
      sum += rubric_.weights[i];
    }
    const bool whole = weights.members().size() == kPillars;
    if (whole && std::abs(sum - 1) > 1e-9) {
      problems_.error(node.place, "`pillars`: the weights are together " +
                                      std::to_string(std::lround(sum * 100)) + "%, not 100%");
    }
  }

  void read_criteria(const Node& node) {
    if (!node.is_mapping()) {
      problems_.error(node.place, "`criteria`: expected a mapping, not " + what_is(node));
      return;
    }
    for (const auto& entry : node.entries) {
      const auto problem = criterion_problem(entry.key);
      if (!problem.empty()) problems_.error(entry.place, problem);
      if (problem.empty()) read_criterion(entry);
    }
  }

  void read_criterion(const Entry& entry) {
    const std::string where = "criteria." + entry.key;
    const Json decoded = decode(kCriterion, entry.value, where, decoding_);
    Criterion found;
    found.id = entry.key;
    for (std::size_t i = 0; i < kPillars; ++i) {
      if (entry.key.starts_with(std::string(kPillarNames[i].prefix) + "-")) found.pillar = i;
    }
    found.title = decoded.text("title");
    found.tier = decoded.text("tier");
    found.weight = meaning(kTiers, found.tier);
    found.level = meaning(kLevelWords, decoded.text("level"));
    found.judged_by = meaning(kJudges, decoded.text("judged_by"));
    found.objective = decoded.text("objective");
    if (decoded.find("when") != nullptr) found.when = meaning(kWhens, decoded.text("when"));
    found.within = duration_in(decoded, "within");
    found.slack = duration_in(decoded, "slack");
    found.margin = percent_in(decoded, "margin").value_or(0);
    found.most = decoded.number("most", 0);
    found.calm_per_s = rate_in(decoded, "calm").value_or(0);
    found.allowance = percent_in(decoded, "allowance").value_or(0);
    found.fact = decoded.text("fact");
    found.needs = texts_in(decoded, "needs");
    found.aws = texts_in(decoded, "aws");
    for (int level = 0; level < kLevels; ++level) {
      const auto index = static_cast<std::size_t>(level);
      found.partial[index] = percent_in(decoded.get("partial"), kLevelNames[index]).value_or(0);
    }
    check_needs(entry.value, where, found);
    if (decoded.find("judged_by") != nullptr) check_terms(entry.value, where, decoded, found);
    rubric_.criteria.push_back(std::move(found));
  }

  void check_needs(const Node& node, const std::string& where, const Criterion& found) {
    const Entry* needs = node.find("needs");
    const std::vector<std::string> known(kNeeds.begin(), kNeeds.end());
    for (std::size_t i = 0; i < found.needs.size(); ++i) {
      if (std::ranges::find(known, found.needs[i]) != known.end()) continue;
      problems_.error(needs->value.items[i].place, "`" + where + ".needs`: unknown need " +
                                                       quoted(found.needs[i]) +
                                                       suggestion(found.needs[i], known));
    }
  }

  // What a way of judging goes by must be said, and nothing that it does not go by.
  void check_terms(const Node& node, const std::string& where, const Json& decoded,
                   const Criterion& found) {
    const bool timed = found.when && *found.when != When::always && *found.when != When::after;
    const auto term = [&](std::string_view name, bool wanted) {
      const bool there = decoded.find(name) != nullptr;
      if (there == wanted) return;
      const Entry* entry = node.find(name);
      const std::string by = "judged by " + decoded.text("judged_by");
      problems_.error(
          entry != nullptr ? entry->place : node.place,
          there ? "`" + where + "` is " + by + ", which takes no `" + std::string(name) + "`"
                : "`" + where + "` is " + by + " and needs `" + std::string(name) + "`");
    };
    const bool latency = found.judged_by == JudgedBy::latency_regained;
    const bool restraint = found.judged_by == JudgedBy::restraint;
    term("objective", found.judged_by == JudgedBy::objective);
    term("when", found.judged_by == JudgedBy::probe);
    term("within", latency || restraint || (found.judged_by == JudgedBy::probe && timed));
    term("margin", latency || restraint);
    term("most", restraint);
    term("calm", restraint);
    term("slack", latency);
    term("allowance", found.judged_by == JudgedBy::budget);
    term("fact", found.judged_by == JudgedBy::fact);
  }

  void each(const Node& node, const std::string& where,
            void (Reader::*item_of)(const Node&, const std::string&)) {
    if (!node.is_sequence()) {
      problems_.error(node.place, "`" + where + "`: expected a list, not " + what_is(node));
      return;
    }
    for (const auto& item : node.items) (this->*item_of)(item, where);
  }

  void read_gate(const Node& node, const std::string& where) {
    const Json gate = decode(kGate, node, where, decoding_);
    rubric_.gates.push_back(
        {gate.text("id"), meaning(kGateWhens, gate.text("when")), gate.text("then")});
  }

  void read_grade(const Node& node, const std::string& where) {
    const Json grade = decode(kGrade, node, where, decoding_);
    Grade found{grade.text("grade"), grade.number("floor", 0),
                percent_in(grade, "coverage").value_or(0), grade.number("every_pillar", 0)};
    if (!rubric_.grades.empty() && found.grade <= rubric_.grades.back().grade) {
      problems_.error(node.place, "`grades`: " + quoted(found.grade) + " after " +
                                      quoted(rubric_.grades.back().grade) +
                                      "; the best one stands first");
    }
    rubric_.grades.push_back(std::move(found));
  }

  Rubric& rubric_;
  Problems& problems_;
  const Vocabulary names_;
  const Decoding decoding_{names_, "/", problems_};
};

}  // namespace

ReadRubric read_rubric(std::string_view file, std::string source) {
  Problems problems;
  Rubric rubric;
  if (const auto root = parse_yaml(source, problems)) Reader(rubric, problems).read(*root);
  ReadRubric read;
  read.problems = rendered(file, source, problems);
  if (problems.has_errors()) return read;
  rubric.sha256 = sha256(source);
  rubric.source = std::move(source);
  read.rubric = std::move(rubric);
  return read;
}

const Rubric& default_rubric() {
  static const Rubric built_in = [] {
    auto read = read_rubric("rubric.yaml", std::string(default_rubric_text()));
    GD_ASSERT(read.rubric.has_value());
    return std::move(*read.rubric);
  }();
  return built_in;
}

}  // namespace gameday
