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
    // Of one command its name has a dash in it.
    const bool lists = one.name.starts_with("repo-ls-");
    one.command = lists ? "repo-ls" : one.name.substr(0, one.name.find('-'));
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

// Every ending is read as the state that it was recorded in, and every row is met by one.
inline void expect_read_as_recorded(const TruthTable& table, const std::string& folder) {
  std::set<const TruthRow*> seen;
  for (const auto& one : recorded(folder)) {
    const Reading reading = read_ending(table, one.command, one.ended);
    EXPECT_EQ(reading.state, one.state) << folder << "/" << one.name << ": " << reading.text;
    EXPECT_EQ(reading.truth == Truth::pass, one.state == "done") << one.name;
    seen.insert(reading.row);
    // There are rows for when so much was printed that its end was not kept.
    Ended cut = one.ended;
    cut.output = cut.output.substr(0, cut.output.find("Fatal: "));
    seen.insert(read_ending(table, one.command, cut).row);
  }
  for (const auto& row : table.rows) {
    EXPECT_TRUE(seen.contains(&row)) << folder << " has no record that meets the row " << row.state
                                     << " of " << row.command << " by \"" << row.says << '"';
  }
}

}  // namespace gameday
