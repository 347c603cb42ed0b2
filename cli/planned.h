// The plan of a playbook as a document, with the digest by which people name it.
#pragma once

#include <memory>
#include <string>

#include "engine/playbook/playbook.h"
#include "engine/rows.h"

namespace gameday {

struct Planned {
  Json document;
  std::string sha256;
};
[[nodiscard]] Result<Planned> planned(const std::shared_ptr<const Playbook>& playbook,
                                      const Rows& rows);

}  // namespace gameday
