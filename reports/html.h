// One self-contained page of a drill: inline style and inline SVG, no script, nothing loaded from
// anywhere. A pure function of the journal's lines; the same lines give the same bytes.
#pragma once

#include <string>
#include <vector>

#include "reports/story.h"

namespace gameday {

[[nodiscard]] std::string html_report(const Story& story, const Json& result);

// A journal that does not verify gives a page that says so, and reports nothing out of it.
[[nodiscard]] std::string html_report(const std::vector<std::string>& lines);

}  // namespace gameday
