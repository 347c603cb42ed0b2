#include "engine/playbook/check_restore.h"

namespace gameday {

std::vector<std::string> wrong_with_restore(const Step& step, const RestoreRow& row,
                                            const std::string& called) {
  std::vector<std::string> wrong;
  if (step.into_place && row.restore_place == nullptr && row.fill_scratch != nullptr) {
    wrong.push_back(called + " is restored into scratch alone: it is a backup, and no place");
  }
  const Json* point = step.arguments.find("point");
  if (point == nullptr) return wrong;
  if (row.fits_point == nullptr) {
    wrong.push_back(called + " comes back as of its backup: it takes no `point`");
    return wrong;
  }
  if (const auto fit = row.fits_point(point->text()); !fit) wrong.push_back(fit.error().text);
  return wrong;
}

}  // namespace gameday
