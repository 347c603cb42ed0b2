// What a backup tool really said, as it was recorded: a file an ending, "STATE EXIT" on its first
// line, and what was printed after it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "drills/systems/truth.h"

namespace gameday {

struct Recorded {
  std::string name, command, state;
  Ended ended;
};

inline std::vector<Recorded> recorded(const std::string& folder) {
  std::vector<Recorded> all;
  for (const auto& entry :
       std::filesystem::directory_iterator(GAMEDAY_SOURCE_DIR "/tests/drills/recorded/" + folder)) {
    Recorded one;
    one.name = entry.path().filename().string();
    one.command = one.name.substr(0, one.name.find('-'));
    std::ifstream file(entry.path());
    file >> one.state >> one.ended.code;
    file.ignore();
    std::ostringstream rest;
    rest << file.rdbuf();
    one.ended.output = rest.str();
    all.push_back(one);
  }
  return all;
}

// Every ending is read as the state that it was recorded in, and every state is recorded.
inline void expect_read_as_recorded(const TruthTable& table, const std::string& folder) {
  std::set<std::string_view> seen;
  for (const auto& one : recorded(folder)) {
    const Reading reading = read_ending(table, one.command, one.ended);
    EXPECT_EQ(reading.state, one.state) << folder << "/" << one.name << ": " << reading.text;
    EXPECT_EQ(reading.truth == Truth::pass, one.state == "done") << one.name;
    seen.insert(reading.state);
  }
  for (const auto& row : table.rows) {
    EXPECT_TRUE(seen.contains(row.state)) << folder << " has no record of " << row.state;
  }
}

}  // namespace gameday
