// The files that `gameday load` leaves, and what it makes of two of its documents.
#include "cli/load_files.h"

#include "engine/base/text.h"
#include "tests/cli/load_fixture.h"

namespace gameday {
namespace {

// A reader of HdrHistogram's log that shares no code with ours, from its description: it prints the
// tag, the count, and the value at 50 and 99 percent of each interval, in nanoseconds.
constexpr std::string_view kReader = R"py(
import base64, struct, sys, zlib

def counts(text):
    cookie, length = struct.unpack(">II", (raw := base64.b64decode(text))[:8])
    assert cookie == 0x1c849314 and length == len(raw) - 8, hex(cookie)
    data = zlib.decompress(raw[8:])
    cookie, size, shift, digits, low, high, ratio = struct.unpack(">IIIIQQd", data[:40])
    assert (cookie, shift, digits, low, ratio) == (0x1c849313, 0, 2, 1, 1.0), data[:40]
    assert size == len(data) - 40 and high >= 2
    at, found = 40, []
    while at < len(data):
        value = 0
        for place in range(9):
            byte = data[at]
            at += 1
            if place == 8:
                value |= byte << 56
                break
            value |= (byte & 0x7f) << (7 * place)
            if byte < 0x80:
                break
        value = (value >> 1) ^ -(value & 1)
        found += [0] * -value if value < 0 else [value]
    return found

def highest(index):
    if index < 256:
        return index
    bucket, sub = (index >> 7) - 1, (index & 127) + 128
    return ((sub + 1) << bucket) - 1

def at(found, percent):
    wanted, seen = max(1, -(-percent * sum(found) // 100)), 0
    for index, count in enumerate(found):
        seen += count
        if seen >= wanted:
            return highest(index)

for line in open(sys.argv[1]):
    if line[0] in '#"':
        continue
    tag = ""
    if line.startswith("Tag="):
        tag, line = line[4:].split(",", 1)
    start, length, longest, text = line.strip().split(",")
    found = counts(text)
    print(tag or "-", start, length, sum(found), at(found, 50), at(found, 99))
)py";

class LoadFileTest : public LoadCliTest {};

TEST_F(LoadFileTest, TheHdrLogHasEachSecondAsTheDocumentHasIt) {
  const Ran ran = put({"-r", "50", "-d", "3s", "-b", "{}", "--json", "--hdr", file("load.hlog")});
  expect_measured(ran);
  write("reader.py", std::string(kReader));
  const Ran read = run_program({"/usr/bin/python3", file("reader.py"), file("load.hlog")});
  ASSERT_EQ(read.code, 0) << read.err;
  const auto lines = split(read.out, '\n');
  const Json made = document(ran);
  const auto& seconds = made.items("seconds");
  ASSERT_EQ(lines.size(), seconds.size() + 1) << read.out;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const auto words = split(lines[i], ' ');
    EXPECT_EQ(words[0], seconds[i].boolean("marked", false) ? "late" : "-");
    EXPECT_EQ(words[1], std::to_string(i) + ".000");
    EXPECT_EQ(words[2], "1.000");
    EXPECT_EQ(words[3], "50");
    const double p50 = std::stod(words[4]) / 1e9, p99 = std::stod(words[5]) / 1e9;
    EXPECT_NEAR(p50, seconds[i].number("p50_s", 0), 1e-9);
    EXPECT_NEAR(p99, seconds[i].number("p99_s", 0), 0.008 * p99);
  }
  EXPECT_TRUE(this->read(file("load.hlog")).starts_with("#[Histogram log format version 1.3]\n"));
}

TEST_F(LoadFileTest, ThePageIsOneFile) {
  const Ran ran = put({"--max", "-c", "2", "-d", "1s", "-b", "{}", "--html", file("load.html")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string page = read(file("load.html"));
  EXPECT_TRUE(page.contains(url())) << page;
  EXPECT_TRUE(page.contains("these latencies flatter it"));
}

TEST_F(LoadFileTest, WhereNoFileCanBeNothingIsSent) {
  for (const char* option : {"--hdr", "--html"}) {
    for (const auto& path : {std::string("/no/such/folder/x"), folder_ + "/"}) {
      const Ran ran = put({"-r", "5", "-b", "{}", option, path});
      EXPECT_EQ(ran.code, 2) << option;
      EXPECT_TRUE(ran.err.contains(path)) << ran.err;
    }
  }
  EXPECT_EQ(server_.count(), 0U);
}

// What was asked for and is not there is no success, and the figures are told all the same.
TEST_F(LoadFileTest, AFileThatCannotBeWrittenInTheEndMakesItInconclusive) {
  std::filesystem::create_directory(file("taken"));
  const Ran ran = put({"-r", "20", "-d", "500ms", "-b", "{}", "--html", file("taken"), "--json"});
  EXPECT_EQ(ran.code, 6) << ran.err;
  const Json made = document(ran);
  EXPECT_EQ(made.integer("exit_code", 0), 6);
  EXPECT_EQ(made.get("measured").integer("ok", 0), 10);
}

TEST_F(LoadFileTest, TwoRunsAreComparedFromTheirDocuments) {
  // A second of each, as if it had gone on like that.
  const auto run_into = [this](const std::string& name) {
    const Ran ran = put({"-r", "20", "-d", "1s", "-b", "{}", "--json", "--quiet"});
    Json made = document(ran);
    Json second = made.items("seconds").front();
    second.set("marked", false);
    Json seconds = Json::array();
    for (int i = 0; i < 12; ++i) {
      second.set("from_s", i);
      seconds.push(second);
    }
    made.set("seconds", seconds);
    made.set("length_s", 12.0);
    made.set("verdict", "measured");
    write(name, made.dump());
  };
  run_into("a.json");
  server_.behave(Manner::slow);
  run_into("b.json");
  const Ran same = load({"--compare", file("a.json"), file("a.json")});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_TRUE(same.out.contains("no difference was shown")) << same.out;
  const Ran slower = load({"--compare", file("a.json"), file("b.json"), "--json", "--seed", "3"});
  EXPECT_EQ(slower.code, 1) << slower.err;
  EXPECT_TRUE(document(slower).boolean("differs", false));
  EXPECT_EQ(document(slower).integer("seed", 0), 3);
  EXPECT_EQ(server_.count(), 40U);
}

TEST_F(LoadFileTest, WhatIsNoTwoDocumentsIsWrongUsage) {
  write("a.json", "{}");
  write("bad.json", "{");
  const std::pair<std::vector<std::string>, std::string> bad[] = {
      {{"--compare", file("a.json")}, "two documents"},
      {{"--compare", file("a.json"), file("a.json")}, "A is no document of `gameday load --json`"},
      {{"--compare", file("a.json"), file("bad.json")}, "bad.json"},
      {{"--compare", file("a.json"), file("none.json")}, "none.json"},
      {{"--compare", "-r", "5", file("a.json"), file("a.json")}, "without --rate"}};
  for (const auto& [arguments, text] : bad) {
    const Ran ran = load(arguments);
    EXPECT_EQ(ran.code, 2) << text;
    EXPECT_TRUE(ran.err.contains(text)) << ran.err;
  }
}

}  // namespace
}  // namespace gameday
