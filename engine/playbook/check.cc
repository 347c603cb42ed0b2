#include "engine/playbook/check.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/playbook/bounds.h"
#include "engine/playbook/check_backups.h"
#include "engine/playbook/check_loads.h"
#include "engine/playbook/check_probes.h"
#include "engine/playbook/check_restore.h"
#include "engine/playbook/lint.h"

namespace gameday {
namespace {

std::string line(Place place) { return "line " + std::to_string(place.line); }

std::string named(std::string_view kind, std::string_view name) {
  return std::string(kind) + " `" + std::string(name) + "`";
}

// Goes through the timeline once, in its order, with what is open at each step.
class Walk {
 public:
  Walk(const Playbook& playbook, const Rows& rows, Problems& problems)
      : playbook_(playbook), rows_(rows), problems_(problems) {}

  void go() {
    const auto& timeline = playbook_.timeline;
    for (std::size_t first = 0, last = 0; first < timeline.size(); first = last + 1) {
      // What stands inside of a parallel is open together.
      last = first + timeline[first].inner;
      for (std::size_t i = first; i <= last; ++i) visit(timeline[i]);
      check_lanes(first, last);
      now_ += least_duration(timeline, first);
      for (std::size_t i = first; i <= last; ++i) {
        if (timeline[i].kind == StepKind::fault && timeline[i].hold) close(timeline[i]);
      }
    }
    if (first_fault_ && !open_.empty()) last_undo_ = now_;
    check_injection_time();
  }

 private:
  struct OpenFault {
    const Step* step;
    const FaultRow* row;
  };
  struct Loss {
    const Step* step;
    Duration at;
  };
  struct Backup {
    const Step* step;
    Duration at;
  };

  void error(const Step& step, std::string text) { problems_.error(step.place, std::move(text)); }

  void visit(const Step& step) {
    switch (step.kind) {
      case StepKind::steady_state:
      case StepKind::human:
      case StepKind::approve:
      case StepKind::parallel:
      case StepKind::wait: return;
      case StepKind::action: return visit_action(step);
      case StepKind::backup: return visit_backup(step);
      case StepKind::fault: return visit_fault(step);
      case StepKind::restore: return visit_restore(step);
      case StepKind::revert: return visit_revert(step);
      case StepKind::verify: return visit_verify(step);
    }
  }

  void visit_backup(const Step& step) {
    const Target* target = playbook_.system.target(step.target);
    if (target != nullptr && rows_.restore_of(*target) == nullptr) {
      error(step, named("target", step.target) + " has nothing that can be backed up");
    }
    backups_.push_back({&step, now_});
  }

  void visit_fault(const Step& step) {
    const FaultRow* row = rows_.fault(step.fault);
    if (row == nullptr) return error(step, "unknown fault `" + step.fault + "`");
    check_aim(step, *row);
    if (row->fits != nullptr) {
      if (const auto fit = row->fits(step); !fit) {
        const std::string& hint = fit.error().hint;
        error(step, named("fault", step.fault) + ": " + fit.error().text +
                        (hint.empty() ? "" : "; " + hint));
      }
    }
    if (row->reversal == Reversal::none && step.allow_irreversible.empty()) {
      error(step, named("fault", step.fault) + " cannot be undone; it needs " +
                      "`allow_irreversible: REASON`");
    }
    if (!playbook_.loads.empty() && ended_.size() == playbook_.loads.size()) {
      error(step, "a fault after `verify` has ended every load: nothing would see what it does");
    }
    if (!first_fault_) first_fault_ = now_;
    open_.push_back({&step, row});
    if (row->holds_data || row->effect == Effect::loses) losses_.push_back({&step, now_});
    check_count(step);
  }

  void visit_action(const Step& step) {
    const ActionRow* row = rows_.action(step.action);
    const Target* target = playbook_.system.target(step.target);
    if (row == nullptr || target == nullptr || target->facets.find(row->facet) != nullptr) return;
    error(step, named("action", step.action) + " needs a target with `" + std::string(row->facet) +
                    "`, which " + named("target", step.target) + " has not");
  }

  // What a fault hits, or a revert frees: names of targets and links.
  std::vector<std::string> places_of(const Step& step) const {
    if (step.kind == StepKind::revert) {
      const auto& timeline = playbook_.timeline;
      const auto fault = std::ranges::find(timeline, step.revert, &Step::id);
      const bool known = fault != timeline.end() && fault->kind == StepKind::fault;
      return known ? places_of(*fault) : std::vector<std::string>{};
    }
    const FaultRow* row = rows_.fault(step.fault);
    if (step.kind != StepKind::fault || row == nullptr) return {};
    return names_hit(playbook_.system, *row, step);
  }

  // Two deeds on one place at once: each would take the other's harm for the prior state.
  void check_lanes(std::size_t first, std::size_t last) {
    std::map<std::string, const Step*> taken;
    for (std::size_t i = first; i <= last; ++i) {
      const Step& step = playbook_.timeline[i];
      for (const auto& place : places_of(step)) {
        const auto [other, is_new] = taken.emplace(place, &step);
        if (is_new) continue;
        error(step, "`" + place + "` is hit by step `" + other->second->id + "` of the same " +
                        "`parallel`: what was there before could not be told any more");
      }
    }
  }

  void check_aim(const Step& step, const FaultRow& row) {
    const std::string facet(facet_of(row, step));
    if (const auto region = step.arguments.text("region"); !region.empty()) {
      if (!names_hit(playbook_.system, row, step).empty()) return;
      const bool links = facet == "link";
      error(step, named("region", region) + " has no " +
                      (links ? "links" : "targets with `" + facet + "`") + " that " +
                      named("fault", row.name) + " could hit" +
                      (links ? "; declare them under `system.links`" : ""));
      return;
    }
    const Target* target = playbook_.system.target(step.target);
    if (target == nullptr || facet.empty() || target->facets.find(facet) != nullptr) return;
    error(step, named("fault", row.name) + " needs a target with `" + facet + "`, which " +
                    named("target", step.target) + " has not");
  }

  void check_count(const Step& step) {
    std::set<std::string> hit;
    for (const auto& open : open_) {
      const auto name = hit_by(*open.row, *open.step);
      hit.insert(name.empty() ? "region " + open.step->arguments.text("region") : name);
    }
    const auto count = static_cast<std::int64_t>(hit.size());
    if (count <= playbook_.limits.targets) return;
    error(step, std::to_string(count) + " targets would be under fault at once; `limits.targets` " +
                    "is " + std::to_string(playbook_.limits.targets));
  }

  void visit_restore(const Step& step) {
    const Target* target = playbook_.system.target(step.target);
    if (target != nullptr && rows_.restore_of(*target) == nullptr) {
      error(step, named("target", step.target) + " has nothing that can be restored");
    }
    const RestoreRow* row = target != nullptr ? rows_.restore_of(*target) : nullptr;
    if (row != nullptr) {
      for (const auto& wrong : wrong_with_restore(step, *row, *target)) error(step, wrong);
    }
    const auto wrong = wrong_with_point(step, playbook_.timeline);
    if (!wrong.empty()) error(step, wrong);
    const auto from = step.arguments.text("from");
    const auto backup =
        std::ranges::find_if(backups_.rbegin(), backups_.rend(), [&](const Backup& b) {
          return b.step->target == step.target && (from.empty() || b.step->id == from);
        });
    if (backup == backups_.rend()) {
      error(step, from.empty() ? "no backup of `" + step.target + "` is taken before this restore"
                               : "`" + from + "` is no earlier backup of `" + step.target + "`");
    }
    const Target* queue = playbook_.system.target(step.replay);
    if (queue != nullptr && rows_.queue_of(*queue) == nullptr) {
      error(step, named("target", step.replay) + " has no queue that could replay");
    }
    if (!step.into_place) return;
    if (backup != backups_.rend()) check_recovery_point(step, *backup);
    const std::string place = row != nullptr ? place_of(*row, *target) : step.target;
    std::erase_if(open_, [&](const OpenFault& open) {
      return open.row->holds_data && open.step->target == place;
    });
    if (open_.empty()) last_undo_ = now_;
  }

  // What was written after the backup and before the loss is gone, unless a queue has it still.
  void check_recovery_point(const Step& restore, const Backup& backup) {
    const auto& rpo = playbook_.objectives.rpo;
    const auto loss = std::ranges::find_if(losses_.rbegin(), losses_.rend(), [&](const Loss& l) {
      return l.step->target == restore.target;
    });
    if (!rpo || !restore.replay.empty() || loss == losses_.rend()) return;
    const Duration between = loss->at - backup.at;
    if (between <= *rpo) return;
    error(restore, "an RPO of " + in_words(*rpo) + " cannot hold: " + in_words(between) +
                       " or more lie between the backup (" + line(backup.step->place) +
                       ") and the loss (" + line(loss->step->place) + "), and no `replay` fills " +
                       "them");
  }

  void visit_revert(const Step& step) {
    const auto& timeline = playbook_.timeline;
    const auto fault = std::ranges::find(timeline, step.revert, &Step::id);
    if (fault == timeline.end() || fault->kind != StepKind::fault || &*fault > &step) {
      std::vector<std::string> known;
      for (const auto& open : open_) known.push_back(open.step->id);
      return error(step,
                   "`" + step.revert + "` is no earlier fault" + suggestion(step.revert, known));
    }
    if (fault->hold) {
      return error(step, named("fault", step.revert) + " has `for`: it is reverted at its end");
    }
    const bool is_open =
        std::ranges::any_of(open_, [&](const OpenFault& open) { return open.step == &*fault; });
    if (!is_open) {
      return error(step, named("fault", step.revert) + " is no longer open here");
    }
    close(*fault);
  }

  void visit_verify(const Step& step) {
    for (const auto& load : step.names) {
      if (ended_.insert(load).second) continue;
      error(step, named("load", load) + " was ended by an earlier `verify`");
    }
  }

  void close(const Step& fault) {
    std::erase_if(open_, [&](const OpenFault& open) { return open.step == &fault; });
    if (open_.empty()) last_undo_ = now_;
  }

  void check_injection_time() {
    if (!first_fault_) return;
    const Duration injected = last_undo_ - *first_fault_;
    if (injected <= playbook_.limits.duration) return;
    problems_.error(playbook_.limits.place, "`limits.duration` is " +
                                                in_words(playbook_.limits.duration) +
                                                ", but from the first fault to the last undo " +
                                                in_words(injected) + " or more pass");
  }

  const Playbook& playbook_;
  const Rows& rows_;
  Problems& problems_;
  Duration now_{};  // the least time since the first step's start
  std::vector<OpenFault> open_;
  std::vector<Backup> backups_;
  std::vector<Loss> losses_;
  std::set<std::string> ended_;  // loads
  std::optional<Duration> first_fault_;
  Duration last_undo_{};
};

class Terms {
 public:
  Terms(const Playbook& playbook, Problems& problems) : playbook_(playbook), problems_(problems) {}

  void check() {
    check_rto();
    check_others();
  }

 private:
  void error(std::string text) { problems_.error(playbook_.objectives.place, std::move(text)); }

  void check_rto() {
    const auto& rto = playbook_.objectives.rto;
    if (!rto) return;
    if (playbook_.loads.empty() && rto->from.empty()) {
      error("`objectives.rto` cannot be judged: there is no load, and no probe in `from`");
    }
    const auto& timeline = playbook_.timeline;
    const bool has_steady =
        std::ranges::find(timeline, StepKind::steady_state, &Step::kind) != timeline.end();
    if (!rto->hold && !has_steady) {
      error("`objectives.rto` needs `hold`: there is no steady state to take it from");
    }
  }

  void check_others() {
    const auto& objectives = playbook_.objectives;
    const bool has_ledger = std::ranges::any_of(
        playbook_.loads, [](const LoadSpec& load) { return load.ledger.has_value(); });
    if (objectives.rpo && !has_ledger) {
      error("`objectives.rpo` cannot be judged: no load has a ledger");
    }
    if (objectives.success_rate) check_phase("success_rate", objectives.success_rate->during);
    for (const auto& latency : objectives.latencies) check_phase(latency.name, latency.during);
  }

  void check_phase(const std::string& objective, const std::string& during) {
    if (playbook_.loads.empty()) {
      error("`objectives." + objective + "` cannot be judged: there is no load");
    }
    std::vector<std::string> known{"steady"};
    for (const auto& step : playbook_.timeline) {
      if (step.kind == StepKind::fault) known.push_back(step.id);
    }
    if (std::ranges::find(known, during) != known.end()) return;
    error("`objectives." + objective + ".during`: there is no phase " + quoted(during) +
          suggestion(during, known));
  }

  const Playbook& playbook_;
  Problems& problems_;
};

Duration least_alone(const Step& step) {
  switch (step.kind) {
    case StepKind::steady_state:
    case StepKind::wait: return step.steady_for;
    case StepKind::fault: return step.hold.value_or(Duration{});
    default: return {};
  }
}

}  // namespace

Duration least_duration(const std::vector<Step>& timeline, std::size_t index) {
  if (timeline[index].inside) return {};
  Duration longest = least_alone(timeline[index]);
  for (std::size_t i = 1; i <= timeline[index].inner; ++i) {
    longest = std::max(longest, least_alone(timeline[index + i]));
  }
  return longest;
}

Problems check_playbook(const Playbook& playbook, const Rows& rows) {
  Problems problems;
  Walk(playbook, rows, problems).go();
  Terms(playbook, problems).check();
  check_loads(playbook, problems);
  check_backups(playbook, rows, problems);
  check_probes(playbook, problems);
  lint_playbook(playbook, rows, problems);
  return problems;
}

LoadedPlaybook load_checked(const std::string& path, const Vars& vars, const Rows& rows) {
  auto loaded = load_playbook(path, vars, rows);
  if (!loaded.playbook) return loaded;
  loaded.problems.add(check_playbook(*loaded.playbook, rows));
  if (loaded.problems.has_errors()) loaded.playbook.reset();
  return loaded;
}

}  // namespace gameday
