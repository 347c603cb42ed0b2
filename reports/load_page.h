// A load by itself as a page: one file that loads nothing. Pure, from its document.
#pragma once

#include <string>

#include "engine/base/json.h"

namespace gameday {

// Of a document as `gameday load --json` prints it.
[[nodiscard]] std::string load_page(const Json& document);

}  // namespace gameday
