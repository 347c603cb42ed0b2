// The tracked files keep the rules of the house, but for what exceptions.txt names.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "engine/base/text.h"
#include "engine/sys/processes.h"
#include "tests/tidy/rules.h"

namespace gameday {
namespace {

constexpr char kExceptions[] = "tests/tidy/exceptions.txt";

std::string source_folder() { return GAMEDAY_SOURCE_DIR; }

std::vector<std::string> tracked_paths() {
  const SystemClock clock;
  const auto processes = make_processes(clock);
  // The tree may be another user's: it is only read.
  const std::string whose = "safe.directory=" + source_folder();
  std::vector<std::string> paths;
  for (const char* part :
       {"cli", "drills", "engine", "playbooks", "probes", "reports", "tests", "*.*", ".ci"}) {
    const auto listed =
        processes->run({{"git", "-c", whose, "ls-files", "--", part}, source_folder(), {}},
                       {Stop(), clock.in(std::chrono::seconds(20))});
    EXPECT_TRUE(listed && listed->succeeded()) << "these tests need the git checkout";
    if (!listed) return {};
    for (auto& path : split(listed->output, '\n')) {
      if (!path.empty()) paths.push_back(std::move(path));
    }
  }
  std::ranges::sort(paths);
  paths.erase(std::ranges::unique(paths).begin(), paths.end());
  return paths;
}

const Tree& tracked() {
  static const Tree tree = [] {
    Tree read;
    for (const auto& path : tracked_paths()) {
      const auto text = Files().read(source_folder() + "/" + path);
      if (text) read.push_back({path, *text});
    }
    return read;
  }();
  return tree;
}

// Lines of "RULE PATH WHY...".
std::set<std::string> exceptions_to(const std::string& rule) {
  std::set<std::string> paths;
  const auto text = Files().read(source_folder() + "/" + kExceptions);
  EXPECT_TRUE(text);
  for (const auto& line : split(text.value_or(""), '\n')) {
    const auto words = split(line, ' ');
    if (words.size() > 2 && words[0] == rule) paths.insert(words[1]);
  }
  return paths;
}

void expect_kept(const std::string& rule, const Complaints& complaints) {
  ASSERT_GT(tracked().size(), 100u);
  std::set<std::string> unused = exceptions_to(rule);
  const auto allowed = unused;
  for (const auto& complaint : complaints) {
    unused.erase(complaint.path);
    const std::string folder = complaint.path.substr(0, complaint.path.rfind('/') + 1);
    if (allowed.contains(complaint.path) || allowed.contains(folder)) continue;
    ADD_FAILURE() << complaint.path << ":" << complaint.line << ": " << complaint.text;
  }
  for (const auto& path : unused) {
    if (path.ends_with('/')) continue;  // a whole folder is let be, whatever is in it
    ADD_FAILURE() << kExceptions << ": " << rule << " " << path << " is no exception any more";
  }
}

TEST(Tidy, NoBannedWords) { expect_kept("banned-word", banned_words(tracked())); }
TEST(Tidy, Layout) { expect_kept("layout", layout(tracked())); }
TEST(Tidy, NoLongFiles) { expect_kept("long-file", long_files(tracked())); }
TEST(Tidy, NoLongFunctions) { expect_kept("long-function", long_functions(tracked())); }
TEST(Tidy, EachFileHasATest) { expect_kept("untested", untested_files(tracked())); }
TEST(Tidy, ThirdPartyHeadersStayBehindTheirDoors) {
  expect_kept("third-party", third_party_headers(tracked()));
}
TEST(Tidy, RoomsIncludeOnlyWhatTheyMaySee) { expect_kept("include", room_includes(tracked())); }

TEST(Tidy, NoPathsOfThisMachine) {
  // A folder that every machine has says nothing about this one.
  const std::set<std::string> everywhere = {"/",    "/home", "/mnt", "/opt", "/root",
                                            "/srv", "/src",  "/tmp", "/usr", "/var"};
  const std::filesystem::path source = source_folder();
  std::vector<std::string> paths{source.string()};
  const std::string above = source.parent_path().string();
  if (!everywhere.contains(above)) paths.push_back(above);
  expect_kept("machine-path", machine_paths(tracked(), paths));
}

}  // namespace
}  // namespace gameday
