#include "engine/playbook/check_backups.h"

#include <algorithm>
#include <ranges>
#include <span>

#include "engine/playbook/check_restore.h"

namespace gameday {
namespace {

// Goes through the timeline once. Only what is certain counts: of steps beside each other in a
// `parallel`, nobody knows which one is done first.
class Backups {
 public:
  Backups(const Playbook& playbook, const Rows& rows, Problems& problems)
      : playbook_(playbook), rows_(rows), problems_(problems) {}

  void check() {
    const std::span<const Step> timeline(playbook_.timeline);
    for (std::size_t first = 0; first < timeline.size(); first += 1 + timeline[first].inner) {
      visit(timeline.subspan(first, 1 + timeline[first].inner));
    }
  }

 private:
  struct Taken {
    const Step* step;
    std::vector<const Step*> held;  // faults that held data while it was taken
  };

  // What ends beside a backup may have ended before it; what begins beside one, after it.
  void visit(std::span<const Step> together) {
    for (const auto& step : together) {
      if (step.kind == StepKind::revert) end(step.revert);
    }
    const auto held = open_;
    for (const auto& step : together) {
      if (step.kind == StepKind::backup) backups_.push_back({&step, held});
      if (step.kind == StepKind::fault) begin(step);
      if (step.kind == StepKind::restore && step.into_place) judge(step);
    }
  }

  void begin(const Step& fault) {
    const FaultRow* row = rows_.fault(fault.fault);
    if (row != nullptr && row->holds_data && !fault.hold) open_.push_back(&fault);
  }

  void end(const std::string& fault) {
    std::erase_if(open_, [&](const Step* step) { return step->id == fault; });
  }

  // It ends, besides, the faults that hold the data of its place.
  void judge(const Step& restore) {
    tell(restore);
    std::erase_if(open_, [&](const Step* fault) { return hits(*fault, restore); });
  }

  void tell(const Step& restore) {
    const auto from = restore.arguments.text("from");
    const auto newest_first = backups_ | std::views::reverse;
    const auto backup = std::ranges::find_if(newest_first, [&](const Taken& taken) {
      return taken.step->target == restore.target && (from.empty() || taken.step->id == from);
    });
    if (backup == newest_first.end() || !takes(restore)) return;
    const auto fault = std::ranges::find_if(backup->held, [&](const Step* held) {
      return hits(*held, restore) && bites(*held, restore);
    });
    if (fault == backup->held.end()) return;
    const std::string called = "`" + (*fault)->id + "`";
    problems_.error(restore.place, "`" + restore.id + "` would bring back what " + called + " (" +
                                       line(**fault) + ") did: its backup `" + backup->step->id +
                                       "` (" + line(*backup->step) + ") is taken while that " +
                                       "holds; take it before " + called +
                                       ", or after a `revert: " + (*fault)->id + "`");
  }

  // Else it may be older than any fault, whenever its step is.
  [[nodiscard]] bool takes(const Step& restore) const {
    const RestoreRow* row = row_of(restore);
    if (row == nullptr) return false;
    return row->takes == nullptr || row->takes(*playbook_.system.target(restore.target));
  }

  // What goes on from its backup to a later point has in it how the fault was ended, too.
  [[nodiscard]] bool bites(const Step& fault, const Step& restore) const {
    if (row_of(restore)->fits_point == nullptr) return true;
    return !may_go_back(restore) && std::ranges::find(open_, &fault) != open_.end();
  }

  [[nodiscard]] bool hits(const Step& fault, const Step& restore) const {
    const RestoreRow* row = row_of(restore);
    if (row == nullptr) return false;
    const auto hit = names_hit(playbook_.system, *rows_.fault(fault.fault), fault);
    const std::string place = place_of(*row, *playbook_.system.target(restore.target));
    return std::ranges::find(hit, place) != hit.end();
  }

  [[nodiscard]] const RestoreRow* row_of(const Step& restore) const {
    const Target* target = playbook_.system.target(restore.target);
    return target != nullptr ? rows_.restore_of(*target) : nullptr;
  }

  static std::string line(const Step& step) { return "line " + std::to_string(step.place.line); }

  const Playbook& playbook_;
  const Rows& rows_;
  Problems& problems_;
  std::vector<const Step*> open_;  // faults that hold data
  std::vector<Taken> backups_;
};

}  // namespace

void check_backups(const Playbook& playbook, const Rows& rows, Problems& problems) {
  Backups(playbook, rows, problems).check();
}

}  // namespace gameday
