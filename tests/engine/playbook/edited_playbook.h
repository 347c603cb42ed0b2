// The design's playbook with one edit, and all that is then said of it.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "engine/base/text.h"
#include "engine/playbook/check.h"
#include "tests/engine/playbook/design_playbook.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {

struct EditedPlaybook {
  const char* name;
  std::string replaced;
  std::string by;
  std::vector<std::string> told;  // "LINE:COL: error: text", in the order of their places
};

inline void PrintTo(const EditedPlaybook& edited, std::ostream* out) { *out << edited.name; }

inline std::string name_of_case(const testing::TestParamInfo<EditedPlaybook>& info) {
  return info.param.name;
}

// The first lines of all that `gameday check` would print of these bytes.
inline std::vector<std::string> told_of(const std::string& source, const Vars& vars = {}) {
  auto loaded = decode_playbook("/drills/p.yaml", source, vars, test_rows::kRows);
  if (loaded.playbook) loaded.problems.add(check_playbook(*loaded.playbook, test_rows::kRows));
  std::vector<std::string> lines;
  const std::string file = "p.yaml:";
  for (const auto& line : split(rendered("p.yaml", source, loaded.problems), '\n')) {
    if (line.starts_with(file)) lines.push_back(line.substr(file.size()));
  }
  return lines;
}

inline std::string edited_design(const std::string& replaced, const std::string& by) {
  std::string source(kDesignPlaybook);
  const auto at = source.find(replaced);
  EXPECT_NE(at, std::string::npos) << replaced;
  if (at != std::string::npos) source.replace(at, replaced.size(), by);
  return source;
}

inline void expect_told(const EditedPlaybook& edited) {
  EXPECT_EQ(told_of(edited_design(edited.replaced, edited.by)), edited.told);
}

}  // namespace gameday
