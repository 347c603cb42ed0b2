#include "cli/step_summary.h"

#include <cstdlib>
#include <fstream>

#include "cli/say.h"
#include "reports/markdown.h"

namespace gameday {

void append_step_summary(const Json& result) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return;
  std::ofstream file(path, std::ios::app);
  file << markdown_summary(result) << "\n";
  file.flush();
  if (!file) say("gameday: the summary for GITHUB_STEP_SUMMARY could not be written");
}

}  // namespace gameday
