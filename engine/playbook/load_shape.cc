#include "engine/playbook/load_shape.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"

namespace gameday {
namespace {

std::string number(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return text.data();
}

std::string per_second(double rate) { return number(rate) + "/s"; }

constexpr Duration kLongest = std::chrono::days(366);

class Stages {
 public:
  Stages(const std::string& where, const Reading& reading) : where_(where), reading_(reading) {}

  void add(const Json& decoded, const Node& node) {
    first_ = !std::exchange(any_, true);
    const Entry* kind = kind_of(node);
    if (kind == nullptr) return;
    const auto rate = rate_in(decoded, kind->key);
    const auto length = duration_in(decoded, "for");
    if (!rate || !length) return;
    all_ = std::min(all_ + *length, kLongest + Duration(1));
    if (all_ > kLongest) return error(node.place, "all stages together are longer than a year");
    RateStage stage{.from = *rate, .to = *rate, .length = *length};
    const bool good = kind->key == "to"     ? ramp(decoded, node, stage)
                      : kind->key == "sine" ? sine(decoded, node, stage)
                                            : true;
    if (good) stages_.push_back(stage);
  }
  [[nodiscard]] std::vector<RateStage> taken() { return std::move(stages_); }

 private:
  void error(Place place, const std::string& text) const {
    reading_.error(place, "`" + where_ + "`: " + text);
  }

  const Entry* kind_of(const Node& node) const {
    constexpr std::array<std::string_view, 3> kKinds{"rate", "to", "sine"};
    const Entry* kind = nullptr;
    for (const auto& name : kKinds) {
      const Entry* entry = node.find(name);
      if (entry == nullptr) continue;
      if (kind != nullptr) {
        error(node.place, "a stage has one of `rate`, `to` and `sine`, not two of them");
        return nullptr;
      }
      kind = entry;
    }
    if (kind == nullptr && node.is_mapping()) {
      error(node.place, "a stage has one of `rate`, `to` and `sine`");
    }
    return kind == nullptr || strays(*kind, node) ? nullptr : kind;
  }

  // Whether it has what goes with another kind.
  bool strays(const Entry& kind, const Node& node) const {
    const std::array<std::pair<std::string_view, std::string_view>, 3> owned{
        {{"from", "to"}, {"swing", "sine"}, {"period", "sine"}}};
    bool any = false;
    for (const auto& [part, owner] : owned) {
      const Entry* entry = node.find(part);
      if (entry == nullptr || kind.key == owner) continue;
      error(entry->place, "`" + std::string(part) + "` goes with `" + std::string(owner) + "`");
      any = true;
    }
    return any;
  }

  bool ramp(const Json& decoded, const Node& node, RateStage& stage) const {
    if (node.find("from") != nullptr) {
      const auto from = rate_in(decoded, "from");
      stage.from = from.value_or(stage.from);
      return from.has_value();
    }
    if (first_) {
      error(node.place, "the first stage has no rate before it: `to` needs `from` here");
    }
    if (stages_.empty()) return false;
    stage.from = RateCurve(std::vector{stages_.back()}).at(Duration::max());
    return true;
  }

  bool sine(const Json& decoded, const Node& node, RateStage& stage) const {
    for (const std::string_view part : {"swing", "period"}) {
      if (node.find(part) != nullptr) continue;
      error(node.place, "`sine` needs `" + std::string(part) + "`");
      return false;
    }
    const auto swing = rate_in(decoded, "swing");
    const auto period = duration_in(decoded, "period");
    if (!swing || !period) return false;
    if (*swing >= stage.from) {
      error(place_in(node, "swing"), "the rate must stay over 0/s: `swing` is less than `sine`");
      return false;
    }
    if (stage.from + *swing > kHighestRate) {
      error(place_in(node, "swing"),
            "the rate may be " + number(kHighestRate) + "/s at most: so much is too high");
      return false;
    }
    stage.swing = *swing;
    stage.period = *period;
    return true;
  }

  const std::string& where_;
  const Reading& reading_;
  std::vector<RateStage> stages_;
  Duration all_{};
  bool any_ = false, first_ = false;
};

void read_stages(const Json& decoded, const Entry& entry, LoadSpec& load, const Reading& reading) {
  const std::string where = "load." + load.name + ".stages";
  const std::vector<Node>& nodes = entry.value.items;
  const auto& list = decoded.items("stages");
  if (entry.value.is_sequence() && nodes.empty()) {
    reading.error(entry.value.place, "`" + where + "`: must not be empty");
  }
  if (list.size() != nodes.size()) return;
  const std::size_t errors_before = reading.decoding.problems.errors();
  Stages stages(where, reading);
  for (std::size_t i = 0; i < nodes.size(); ++i) stages.add(list[i], nodes[i]);
  if (reading.decoding.problems.errors() != errors_before) return;
  load.stages = stages.taken();
  if (!load.stages.empty()) load.rate = load.curve().highest();
}

void read_users(const Json& decoded, LoadSpec& load) {
  UsersSpec users;
  users.users = static_cast<std::uint64_t>(decoded.integer("users", 1));
  users.spawn_rate = rate_in(decoded, "spawn_rate").value_or(0);
  const DurationRange think = durations_in(decoded, "think").value_or(DurationRange{});
  users.think_least = think.least;
  users.think_most = think.most;
  const double mean = seconds(think.least + think.most) / 2;
  load.rate = static_cast<double>(users.users) / (mean > 0 ? mean : 1);
  load.users = users;
}

struct Owned {
  std::string_view part;
  bool of_users;
  std::string_view why;
};
constexpr std::array<Owned, 4> kOwned{
    {{"think", true, "`users`"},
     {"spawn_rate", true, "`users`"},
     {"arrivals", false, "`rate` or `stages`: users ask when they have thought"},
     {"ledger", false,
      "`rate` or `stages`: in an outage users write nothing, so that how much time was lost could "
      "not be told"}}};

// Whether the load has what goes with another shape.
bool strays(const Entry& shape, const Node& node, const Reading& reading) {
  bool any = false;
  for (const auto& [part, of_users, why] : kOwned) {
    const Entry* entry = node.find(part);
    if (entry == nullptr || of_users == (shape.key == "users")) continue;
    reading.error(entry->place, "`" + std::string(part) + "` goes with " + std::string(why));
    any = true;
  }
  return any;
}

std::string in_words(const UsersSpec& users) {
  std::string words =
      std::to_string(users.users) + (users.users == 1 ? " user" : " users") + " in a closed loop";
  if (users.spawn_rate > 0) words += ", " + number(users.spawn_rate) + " more a second";
  if (users.think_most == Duration{}) return words + ", without thinking";
  words += ", thinking for " + shown(users.think_least);
  if (users.think_most > users.think_least) words += " to " + shown(users.think_most);
  return words;
}

std::string in_words(const RateStage& stage, bool first) {
  const std::string how_long = shown(stage.length);
  if (stage.swing > 0) {
    return "a sine of " + per_second(stage.from) + " by " + per_second(stage.swing) + " every " +
           shown(stage.period) + " for " + how_long;
  }
  if (stage.from == stage.to) return per_second(stage.to) + " for " + how_long;
  return (first ? "from " + per_second(stage.from) + " " : "") + "to " + per_second(stage.to) +
         " over " + how_long;
}

}  // namespace

void read_shape(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading) {
  const std::string where = "`load." + load.name + "`";
  const Entry* shape = nullptr;
  for (const std::string_view name : {"rate", "stages", "users"}) {
    const Entry* entry = node.find(name);
    if (entry == nullptr) continue;
    if (shape != nullptr) {
      reading.error(entry->place, where + " has both `" + shape->key + "` and `" + entry->key +
                                      "`; a load has one shape");
      return;
    }
    shape = entry;
  }
  if (shape == nullptr && node.is_mapping()) {
    reading.error(node.place,
                  "missing `rate` in " + where + " (a rate like 200/s), or `stages` or `users`");
  }
  if (shape == nullptr || strays(*shape, node, reading)) return;
  if (shape->key == "rate") load.rate = rate_in(decoded, "rate").value_or(0);
  if (shape->key == "stages") read_stages(decoded, *shape, load, reading);
  if (shape->key == "users") read_users(decoded, load);
}

std::string shape_in_words(const LoadSpec& load) {
  if (load.users) return in_words(*load.users);
  if (load.stages.empty()) return per_second(load.rate);
  std::string words;
  double before = 0;
  for (const RateStage& stage : load.stages) {
    words += (words.empty() ? "" : ", ") + in_words(stage, stage.from != before);
    before = RateCurve(std::vector{stage}).at(Duration::max());
  }
  return words + ", then " + per_second(before);
}

}  // namespace gameday
