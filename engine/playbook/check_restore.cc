#include "engine/playbook/check_restore.h"

#include <algorithm>

namespace gameday {

std::string step_before(std::string_view point) {
  constexpr std::string_view kBefore = "before ";
  return point.starts_with(kBefore) ? std::string(point.substr(kBefore.size())) : "";
}

bool may_go_back(const Step& restore) {
  const std::string point = restore.arguments.text("point");
  return !point.empty() && point != "latest" && point != "backup";
}

std::string wrong_with_point(const Step& restore, const std::vector<Step>& timeline) {
  const std::string name = step_before(restore.arguments.text("point"));
  if (name.empty()) return "";
  const auto fault = std::ranges::find(timeline, name, &Step::id);
  const bool earlier = fault != timeline.end() && &*fault < &restore;
  if (earlier && fault->kind == StepKind::fault) return "";
  return "`point`: `" + name + "` is no earlier fault";
}

std::vector<std::string> wrong_with_restore(const Step& step, const RestoreRow& row,
                                            const Target& target) {
  const std::string called = "target `" + target.name + "`";
  std::vector<std::string> wrong;
  const bool scratch_alone = row.restore_place == nullptr && row.fill_scratch != nullptr;
  if (step.into_place && (scratch_alone || place_of(row, target).empty())) {
    wrong.push_back(called + " is restored into scratch alone: it names no place");
  }
  const Json* point = step.arguments.find("point");
  if (point == nullptr) return wrong;
  if (row.fits_point == nullptr) {
    wrong.push_back(called + " comes back as of its backup: it takes no `point`");
    return wrong;
  }
  if (!step_before(point->text()).empty()) return wrong;
  if (const auto fit = row.fits_point(point->text()); !fit) wrong.push_back(fit.error().text);
  return wrong;
}

}  // namespace gameday
