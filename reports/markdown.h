// The report as Markdown: complete, and harmless wherever it is pasted. No text out of a playbook
// or a server becomes a link, a heading, a tag or a column. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "reports/story.h"

namespace gameday {

[[nodiscard]] std::string markdown_report(const Story& story, const Json& result);

// The first part of it, for a CI's summary page: verdict, reasons, objectives, score.
[[nodiscard]] std::string markdown_summary(const Json& result);

// A text as Markdown that shows it as it is, in one line.
[[nodiscard]] std::string in_markdown(std::string_view raw);

}  // namespace gameday
