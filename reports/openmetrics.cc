#include "reports/openmetrics.h"

#include <array>
#include <charconv>
#include <set>

#include "engine/base/time.h"
#include "reports/markup.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestLabel = 200;

std::string number(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : neutral(value, kLongestLabel)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out + "\"";
}

// One family: its samples stand together, after what they are.
class Family {
 public:
  // A name with a unit ends in it.
  Family(std::string name, std::string_view unit, std::string_view help, std::string playbook)
      : name_(std::move(name)), playbook_(std::move(playbook)) {
    head_ = "# TYPE " + name_ + " gauge\n";
    if (!unit.empty()) head_ += "# UNIT " + name_ + " " + std::string(unit) + "\n";
    head_ += "# HELP " + name_ + " " + std::string(help) + "\n";
  }
  void add(const std::string& labels, const Json& value) {
    if (!value.is_number()) return;  // not measured is no sample
    // A series that stands twice would have the whole file refused.
    if (!series_.insert(labels).second) return;
    samples_ += name_ + "{" + playbook_ + (labels.empty() ? "" : "," + labels) + "} " +
                number(value.number()) + "\n";
  }
  [[nodiscard]] std::string text() const { return samples_.empty() ? "" : head_ + samples_; }

 private:
  std::string name_, playbook_, head_, samples_;
  std::set<std::string> series_;
};

class Exposition {
 public:
  explicit Exposition(const Json& result)
      : result_(result), playbook_(label("playbook", result.get("playbook").text("name"))) {}

  std::string text() {
    drill();
    recovery();
    objectives();
    load();
    score();
    return out_ + "# EOF\n";
  }

 private:
  [[nodiscard]] Family family(std::string name, std::string_view unit,
                              std::string_view help) const {
    return {std::move(name), unit, help, playbook_};
  }
  void one(std::string name, std::string_view unit, std::string_view help, const Json& value) {
    auto made = family(std::move(name), unit, help);
    made.add("", value);
    out_ += made.text();
  }

  static Json since_1970(const std::string& utc) {
    const auto time = parse_rfc3339(utc);
    return time ? Json(seconds(time->time_since_epoch())) : Json();
  }

  void drill() {
    auto info = family("gameday_drill_info", "", "The drill that the other figures are of.");
    info.add(label("drill", result_.text("drill")) + "," +
                 label("environment", result_.text("environment")) + "," +
                 label("verdict", result_.text("verdict")) + "," +
                 label("version", result_.text("version")),
             1);
    out_ += info.text();
    one("gameday_drill_exit_code", "", "0: passed.", result_.get("exit_code"));
    one("gameday_drill_started_timestamp_seconds", "seconds", "When it began.",
        since_1970(result_.text("started")));
    one("gameday_drill_ended_timestamp_seconds", "seconds", "When it ended.",
        since_1970(result_.text("ended")));
    if (result_.text("verdict") == "passed") {
      one("gameday_last_pass_timestamp_seconds", "seconds", "When the scenario was last passed.",
          since_1970(result_.text("ended")));
    }
    one("gameday_drill_residue", "", "Things that are left behind.",
        result_.items("residue").size());
  }

  void recovery() {
    const Json& found = result_.get("recovery");
    one("gameday_rto_seconds", "seconds", "The longest outage that clients saw, at most.",
        found.get("rto_s"));
    one("gameday_rpo_seconds", "seconds", "How much time's worth of writes is lost.",
        found.get("rpo_s"));
    one("gameday_verified_seconds", "seconds", "From the outage until the data was verified.",
        found.get("verified_s"));
    one("gameday_writes_acknowledged", "", "Writes that the system said it has.",
        found.get("acknowledged"));
    one("gameday_writes_lost", "", "Acknowledged writes that are not there.", found.get("lost"));
    one("gameday_writes_duplicated", "", "Writes that are there twice.", found.get("duplicated"));
  }

  void objectives() {
    auto held = family("gameday_objective_held", "", "1: held, 0: missed; none: not judged.");
    for (const auto& objective : result_.items("objectives")) {
      const Json& value = objective.get("held");
      if (!value.is_boolean()) continue;
      held.add(label("objective", objective.text("name")), value.boolean() ? 1 : 0);
    }
    out_ += held.text();
  }

  void load() {
    auto requests = family("gameday_requests", "", "Requests of the load by what became of them.");
    auto latency = family("gameday_latency_seconds", "seconds",
                          "Quantiles of latency, from when a request was due.");
    for (const auto& one_load : result_.items("load")) {
      for (const auto& phase : one_load.items("phases")) {
        const std::string of =
            label("load", one_load.text("name")) + "," + label("phase", phase.text("phase"));
        for (const char* outcome : {"ok", "errors"}) {
          requests.add(of + "," + label("outcome", outcome), phase.get(outcome));
        }
        constexpr std::array<std::pair<const char*, const char*>, 4> kQuantiles{
            {{"p50", "0.5"}, {"p90", "0.9"}, {"p99", "0.99"}, {"p99.9", "0.999"}}};
        for (const auto& [member, quantile] : kQuantiles) {
          latency.add(of + "," + label("quantile", quantile), phase.get("latency_s").get(member));
        }
      }
    }
    out_ += requests.text() + latency.text();
  }

  void score() {
    const Json& score = result_.get("score");
    for (const char* name : {"floor", "ceiling", "coverage"}) {
      const double scale = name == std::string_view("coverage") ? 1 : 100;
      auto found = family("gameday_score_" + std::string(name) + "_ratio", "ratio",
                          "Of the whole score and of each pillar, from 0 to 1.");
      found.add(label("pillar", "all"), score.number(name, 0) / scale);
      for (const auto& pillar : score.items("pillars")) {
        found.add(label("pillar", pillar.text("pillar")), pillar.number(name, 0) / scale);
      }
      out_ += found.text();
    }
    auto criteria = family("gameday_criterion", "", "1 with the result that a criterion has.");
    for (const auto& pillar : score.items("pillars")) {
      for (const auto& criterion : pillar.items("criteria")) {
        criteria.add(
            label("id", criterion.text("id")) + "," + label("result", criterion.text("result")), 1);
      }
    }
    out_ += criteria.text();
  }

  const Json& result_;
  std::string playbook_, out_;
};

}  // namespace

std::string openmetrics_report(const Story&, const Json& result) {
  return Exposition(result).text();
}

}  // namespace gameday
