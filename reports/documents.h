// Every document that a drill's journal becomes, by format. Each is a pure function of the story;
// the same journal gives the same bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

struct DocumentFormat {
  std::string_view name;  // "html"
  std::string_view file;  // "report.html"
  std::string (*made)(const Story& story, const Json& result);
};
[[nodiscard]] std::span<const DocumentFormat> document_formats();

}  // namespace gameday
