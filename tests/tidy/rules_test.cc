// Each rule says no to what breaks it, and yes to its neighbour that does not.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using Rule = Complaints (*)(const Tree&);

std::string said(Rule rule, const std::string& path, const std::string& text) {
  std::string all;
  for (const auto& complaint : rule({{path, text}})) {
    all += complaint.path + ":" + std::to_string(complaint.line) + ": " + complaint.text + "\n";
  }
  return all;
}

TEST(BannedWords, NameTheReplacement) {
  EXPECT_EQ(said(banned_words, "engine/x.cc", "int a;\nint b = std::system(c);\n"),
            "engine/x.cc:2: std::system: use Processes::run, an argument vector and no shell\n");
}

TEST(BannedWords, SayNoToEachWordWhereItIsBanned) {
  const std::pair<std::string, std::string> bad[] = {
      {"engine/x.cc", "popen(a)"},
      {"engine/x.cc", "argv = {\"/bin/sh\", \"-c\"};"},
      {"cli/x.cc", "std::chrono::system_clock::now()"},
      {"tests/engine/x_test.cc", "std::chrono::system_clock::now()"},
      {"drills/x.cc", "std::chrono::steady_clock::now()"},
      {"tests/engine/x_test.cc", "std::rand()"},
      {"engine/x.cc", "std::random_device device;"},
      {"engine/x.cc", "std::exit(1)"},
      {"engine/x.cc", "thread.detach();"},
      {"tests/engine/x_test.cc", "std::this_thread::sleep_for(1s)"},
      {"engine/x.cc", "usleep(1)"},
      {"engine/x.cc", "using namespace std;"},
      {"engine/x.cc", "// TODO: later"},
      {"engine/x.h", "// FIXME"},
      {"tests/x.h", "// XXX"},
  };
  for (const auto& [path, text] : bad) EXPECT_NE(said(banned_words, path, text), "") << text;
}

TEST(BannedWords, LeaveOthersAlone) {
  const std::pair<std::string, std::string> good[] = {
      {"engine/x.cc", "throw std::system_error(1);"},
      {"engine/x.cc", "// a comment on std::system and popen"},
      {"engine/x.cc", "text = \"std::rand\";"},
      {"engine/base/time.h", "std::chrono::system_clock"},
      {"engine/sys/clock.cc", "std::chrono::system_clock"},
      {"cli/main.cc", "std::exit(1)"},
      {"tests/x_test.cc", "pattern = \"/tmp/x-XXXXXX\";"},
      {"tests/x_test.cc", "popen(\"/bin/sh\")"},
  };
  for (const auto& [path, text] : good) EXPECT_EQ(said(banned_words, path, text), "") << text;
}

TEST(Layout, SaysNoToWideLinesBlanksTabsAndEmptyFiles) {
  EXPECT_EQ(said(layout, "cli/x.cc", std::string(101, 'x') + "\n"),
            "cli/x.cc:1: 101 columns, more than 100\n");
  EXPECT_EQ(said(layout, "cli/x.cc", "a;\nb; \n"), "cli/x.cc:2: a blank at the end of the line\n");
  EXPECT_EQ(said(layout, "README.md", "a\r\n"), "README.md:1: a blank at the end of the line\n");
  EXPECT_EQ(said(layout, "cli/x.cc", "\ta;\n"), "cli/x.cc:1: a tab\n");
  EXPECT_EQ(said(layout, "cli/x.cc", ""), "cli/x.cc:0: an empty file\n");
}

TEST(Layout, CountsCharactersAndLeavesRawStringsAlone) {
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "ü";
  EXPECT_EQ(said(layout, "cli/x.cc", wide + "\n"), "");
  const std::string raw = "R\"(" + std::string(120, 'x') + "\n" + std::string(120, 'y') + "\n)\"";
  EXPECT_EQ(said(layout, "cli/x.cc", "a = " + raw + ";\n"), "");
  EXPECT_NE(said(layout, "cli/x.cc", "a = " + raw + ";\n" + std::string(101, 'x')), "");
}

TEST(LongFiles, SaysNoFromTheFirstLineTooMany) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "a;\n";
  EXPECT_EQ(said(long_files, "cli/x.cc", text), "");
  EXPECT_EQ(said(long_files, "cli/x.cc", text + "a;\n"), "cli/x.cc:0: 401 lines, more than 400\n");
}

std::string function_of(int lines) {
  std::string text = "namespace a {\nclass B {\n  int f(int x) {\n";
  for (int i = 0; i < lines - 2; ++i) text += "    if (x) { g(); }\n";
  return text + "  }\n  int member_ = 0;\n};\n}  // namespace a\n";
}

TEST(LongFunctions, SaysNoFromTheFirstLineTooMany) {
  EXPECT_EQ(said(long_functions, "cli/x.cc", function_of(70)), "");
  EXPECT_EQ(said(long_functions, "cli/x.cc", function_of(71)),
            "cli/x.cc:3: a function of 71 lines, more than 70\n");
}

TEST(LongFunctions, DoesNotTakeTablesAndClassesForFunctions) {
  std::string table = "constexpr int kTable[] = {\n";
  for (int i = 0; i < 80; ++i) table += "  {1},\n";
  EXPECT_EQ(said(long_functions, "cli/x.cc", table + "};\n"), "");
  std::string many = "struct A {\n";
  for (int i = 0; i < 80; ++i) many += "  int f() { return '{'; }\n";
  EXPECT_EQ(said(long_functions, "cli/x.cc", many + "};\n"), "");
}

TEST(UntestedFiles, SaysNoUntilATestIsNamedAfterItOrIncludesItsHeader) {
  const SourceFile file{"engine/a/part.cc", ""};
  EXPECT_EQ(untested_files({file}).size(), 1u);
  EXPECT_EQ(untested_files({file, {"tests/engine/a/other_test.cc", ""}}).size(), 1u);
  EXPECT_TRUE(untested_files({file, {"tests/engine/a/part_test.cc", ""}}).empty());
  const std::string includes = "#include \"engine/a/part.h\"\n";
  EXPECT_TRUE(untested_files({file, {"tests/engine/a/other_test.cc", includes}}).empty());
  EXPECT_TRUE(untested_files({{"engine/a/part_of.cc", ""}, {"tests/part_test.cc", ""}}).empty());
}

TEST(UntestedFiles, FollowWhatATestedFileIncludesInItsOwnRoomAlone) {
  const SourceFile test{"tests/engine/a/door_test.cc", "#include \"engine/a/door.h\"\n"};
  const SourceFile door{"engine/a/door.cc",
                        "#include \"engine/a/hinge.h\"\n#include \"engine/b/lock.h\"\n"};
  const SourceFile header{"engine/a/hinge.h", ""}, hinge{"engine/a/hinge.cc", ""};
  const SourceFile part{"engine/a/oil.cc", "#include \"engine/a/hinge.h\"\n"};
  const SourceFile lock{"engine/b/lock.cc", ""};
  const auto complaints = untested_files({test, door, header, hinge, part, lock});
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_EQ(complaints.front().path, "engine/b/lock.cc");
  EXPECT_EQ(untested_files({door, header, hinge, part, lock}).size(), 4u);
}

TEST(UntestedFiles, TakeACommandForTestedWhereATestRunsIt) {
  const SourceFile list{"cli/list.cc", ""};
  EXPECT_EQ(untested_files({list, {"tests/cli/x_test.cc", "run({\"show\"})"}}).size(), 1u);
  EXPECT_TRUE(untested_files({list, {"tests/cli/x_test.cc", "run({\"list\"})"}}).empty());
}

TEST(ThirdPartyHeaders, SaysNoInHeadersAndInTooManyUnits) {
  EXPECT_EQ(said(third_party_headers, "engine/x.h", "#include <spdlog/logger.h>\n"),
            "engine/x.h:1: spdlog/logger.h in a header\n");
  const std::string json = "#include <nlohmann/json.hpp>\n";
  EXPECT_TRUE(third_party_headers({{"engine/x.cc", json}}).empty());
  EXPECT_EQ(third_party_headers({{"engine/x.cc", json}, {"engine/y.cc", json}}).size(), 1u);
  EXPECT_TRUE(third_party_headers({{"engine/x.cc", "#include <vector>\n"}}).empty());
}

Complaints includes(const std::string& path, const std::string& header) {
  const std::string rooms =
      "\ngameday_room(sys LINK engine_base)\ntarget_link_libraries(engine_rows PUBLIC engine_sys)\n"
      "gameday_room(journal LINK engine_sys)\ngameday_room(load LINK engine_rows)\n";
  return room_includes(
      {{"engine/CMakeLists.txt", rooms}, {header, ""}, {path, "#include \"" + header + "\"\n"}});
}

TEST(RoomIncludes, SaysNoAgainstTheDirectionOfTheHouse) {
  const std::pair<std::string, std::string> bad[] = {
      {"engine/journal/x.cc", "cli/say.h"},
      {"engine/journal/x.cc", "drills/systems/process.h"},
      {"engine/journal/x.cc", "engine/load/load.h"},
      {"engine/base/x.cc", "engine/sys/clock.h"},
      {"engine/sys/x.h", "engine/rows.h"},
      {"reports/x.cc", "drills/systems/link.h"},
      {"reports/x.cc", "probes/http.h"},
      {"reports/x.cc", "engine/load/load.h"},
      {"drills/systems/x.cc", "drills/faults/kill.h"},
      {"drills/faults/x.cc", "drills/faults/kill.h"},
      {"drills/faults/x.cc", "drills/restores/sqlite.h"},
      {"drills/restores/x.cc", "probes/http.h"},
      {"drills/faults/x.cc", "engine/journal/store.h"},
      {"probes/x.cc", "probes/http.h"},
      {"probes/x.cc", "reports/html.h"},
      {"engine/sys/x.cc", "tests/engine/helper.h"},
  };
  for (const auto& [path, header] : bad) {
    EXPECT_EQ(includes(path, header).size(), 1u) << path << " -> " << header;
  }
}

TEST(RoomIncludes, SaysYesAlongIt) {
  const std::pair<std::string, std::string> good[] = {
      {"engine/journal/x.cc", "engine/base/json.h"}, {"engine/load/x.cc", "engine/rows.h"},
      {"engine/load/x.cc", "engine/sys/clock.h"},    {"reports/x.cc", "engine/journal/chain.h"},
      {"drills/faults/x.cc", "drills/systems/y.h"},  {"drills/faults/x.cc", "engine/rows.h"},
      {"drills/faults/x.cc", "drills/faults/x.h"},   {"cli/x.cc", "reports/html.h"},
      {"cli/x.cc", "drills/systems/process.h"},
  };
  for (const auto& [path, header] : good) {
    EXPECT_TRUE(includes(path, header).empty()) << path << " -> " << header;
  }
}

TEST(RoomIncludes, SaysNoToAHeaderThatIsNotThere) {
  EXPECT_EQ(said(room_includes, "cli/x.cc", "#include \"cli/gone.h\"\n"),
            "cli/x.cc:1: cli/gone.h is no file of this tree\n");
  EXPECT_EQ(said(room_includes, "cli/x.cc", "#include \"all_rows.h\"\n"), "");
  EXPECT_NE(said(room_includes, "engine/sys/x.cc", "#include \"all_rows.h\"\n"), "");
}

TEST(MachinePaths, SaysNoToFoldersOfThisMachine) {
  const std::vector<std::string> paths = {"/place/of/mine"};
  EXPECT_EQ(machine_paths({{"README.md", "see /place/of/mine/notes\n"}}, paths).size(), 1u);
  EXPECT_EQ(machine_paths({{"README.md", "in \"/place/of/mine\".\n"}}, paths).size(), 1u);
  EXPECT_TRUE(machine_paths({{"README.md", "/place/of/minerals\n"}}, paths).empty());
}

}  // namespace
}  // namespace gameday
