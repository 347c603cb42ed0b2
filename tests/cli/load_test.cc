// The command `load`, whole: the real binary against a real server.
#include <algorithm>

#include "cli/load_document.h"
#include "cli/load_live.h"
#include "cli/load_order.h"
#include "engine/base/text.h"
#include "tests/cli/load_fixture.h"
#include "tests/cli/pty.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LoadCommand : public LoadCliTest {};

TEST_F(LoadCommand, AtARateItSaysWhatWasPlannedAndWhatCame) {
  const Ran ran = put({"-r", "50", "-d", "2s", "-b", "{\"sum\":\"{seq}\"}"});
  expect_measured(ran);
  for (const char* text : {"PUT ", "open loop, 50/s for 2s", "100 planned, 100 sent, 100 ok",
                           "errors    none", "50/s planned, 50/s sent, 50/s ok", "p99.99",
                           "response", "service", "send lag", "% of a processor"}) {
    EXPECT_TRUE(ran.out.contains(text)) << text << "\n" << ran.out;
  }
  EXPECT_FALSE(ran.out.contains("closed loop"));
  EXPECT_EQ(ran.err, "");  // too short for a line of a log
  EXPECT_EQ(server_.count(), 100U);
  const auto seen = server_.seen();
  EXPECT_EQ(seen.front().method, "PUT");
  EXPECT_EQ(seen.front().target, "/orders/0");
  EXPECT_EQ(seen.back().body, "{\"sum\":\"99\"}");
  EXPECT_FALSE(Files().exists(file("state")));
}

TEST_F(LoadCommand, ItsDocumentHasTheLoadOfADrillsResult) {
  const Ran ran = put({"--rate", "3000/m", "--duration", "1s", "--json", "-b", "x"});
  expect_measured(ran);
  const Json made = document(ran);
  expect_valid(made);
  EXPECT_EQ(made.integer("exit_code", -1), ran.code);
  EXPECT_EQ(made.get("plan").number("rate", 0), 50);
  ASSERT_EQ(made.items("load").size(), 1U);
  const Json& load = made.items("load").front();
  const Json& phase = load.items("phases").front();
  EXPECT_EQ(phase.integer("due", 0), 50);
  EXPECT_EQ(phase.integer("ok", 0), 50);
  EXPECT_EQ(phase.boolean("valid", false), made.get("measured").integer("marked", -1) == 0);
  EXPECT_EQ(made.get("measured").integer("planned", 0), 50);
  EXPECT_EQ(made.items("seconds").size(), 1U);
  EXPECT_NE(load.get("transport").text("why"), "");
}

TEST_F(LoadCommand, HeadersMethodAndBodyAreAsTheyWereAskedFor) {
  write("body.json", "{\"sum\":\"of a file\"}");
  setenv("LOAD_TOKEN", "s3cret-value", 1);
  const Ran ran =
      put({"-r", "20", "-d", "500ms", "-H", "X-One: 1", "-H", "X-Two:two", "-H",
           "Authorization: Bearer ${env:LOAD_TOKEN}", "-b", "@" + file("body.json"), "--json"});
  unsetenv("LOAD_TOKEN");
  expect_measured(ran);
  const auto seen = server_.seen();
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(seen[0].head.contains("X-One: 1\r\n")) << seen[0].head;
  EXPECT_TRUE(seen[0].head.contains("X-Two: two\r\n")) << seen[0].head;
  EXPECT_TRUE(seen[0].head.contains("Authorization: Bearer s3cret-value\r\n"));
  EXPECT_EQ(seen[0].body, "{\"sum\":\"of a file\"}");
  EXPECT_FALSE(ran.out.contains("s3cret-value"));
}

TEST_F(LoadCommand, AsFastAsItGoesItSaysThatItsLatenciesAreClosedLoop) {
  const Ran ran = put({"--max", "-c", "4", "-d", "1s", "-b", "{}"});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_TRUE(ran.out.contains("closed loop, 4 connections, as fast as they go for 1s")) << ran.out;
  EXPECT_TRUE(ran.out.contains("These latencies are of a closed loop")) << ran.out;
  EXPECT_FALSE(ran.out.contains("response"));
  EXPECT_FALSE(ran.out.contains("planned"));
  const Json made = document(put({"--max", "-c", "4", "-d", "500ms", "-b", "{}", "--json"}));
  expect_valid(made);
  EXPECT_EQ(made.get("plan").text("loop"), "closed");
  EXPECT_TRUE(made.get("measured").get("response_s").is_null());
  EXPECT_TRUE(made.get("measured").get("planned").is_null());
}

TEST_F(LoadCommand, WithoutAnAnswerAsExpectedItHasFailed) {
  server_.behave(Manner::unavailable);
  const Ran ran = put({"-r", "20", "-d", "1s", "-b", "{}"});
  EXPECT_EQ(ran.code, 1) << ran.out;
  EXPECT_TRUE(ran.out.contains("20 with status 503")) << ran.out;
  EXPECT_TRUE(ran.out.contains("failed: no answer was as expected")) << ran.out;
  const Ran nobody = load({"http://127.0.0.1:1/", "-r", "20", "-d", "500ms", "--json"});
  EXPECT_EQ(nobody.code, 1);
  expect_valid(document(nobody));
  EXPECT_EQ(document(nobody).get("measured").get("errors").integer("connect", 0), 10);
  server_.behave(Manner::silent);
  const Ran silent = put({"-r", "20", "-d", "500ms", "--timeout", "200ms", "-b", "{}"});
  EXPECT_EQ(silent.code, 1);
  EXPECT_TRUE(silent.out.contains("10 timed out")) << silent.out;
}

// One connection for a server that takes 300 ms, at 50 a second: most wait for it in us.
TEST_F(LoadCommand, APlanThatWeMissedIsInconclusive) {
  server_.behave(Manner::slow);
  const Ran ran = put({"-r", "50", "-d", "1s", "-c", "1", "--timeout", "600ms", "-b", "{}"});
  EXPECT_EQ(ran.code, 6) << ran.out;
  EXPECT_TRUE(ran.out.contains("inconclusive: the load missed its plan: ")) << ran.out;
  EXPECT_TRUE(ran.out.contains("seconds: we were late ourselves")) << ran.out;
}

TEST_F(LoadCommand, AStopEndsItSoonWithASummaryOfWhatWasMeasured) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const SystemClock clock;
    const Instant start = clock.now().boot;
    const Ran ran = stopped({url(), "-m", "PUT", "-b", "{}", "-r", "50", "-d", "60s", "--json"},
                            signal, seconds(2));
    EXPECT_EQ(ran.code, 4) << ran.err;
    EXPECT_LT(clock.now().boot - start, seconds(20));
    const Json made = document(ran);
    expect_valid(made);
    EXPECT_EQ(made.text("verdict"), "stopped");
    EXPECT_GT(made.get("measured").integer("ok", 0), 10);
    EXPECT_LT(made.get("measured").integer("planned", 0), 1000);
    EXPECT_TRUE(made.items("reasons").front().text().contains(" of 60s")) << ran.out;
  }
}

TEST_F(LoadCommand, WrongUsageIsToldAndNothingIsSent) {
  const std::pair<std::vector<std::string>, std::string> bad[] = {
      {{}, "a URL is required"},
      {{url()}, "a rate is required"},
      {{url(), "-r", "0"}, "is no rate"},
      {{url(), "-r", "fast"}, "is no rate"},
      {{url(), "-r", "5", "-d", "10"}, "`10` is no duration"},
      {{url(), "-r", "5", "-d", "0s"}, "--duration is to be over 0"},
      {{url(), "-r", "5", "--timeout", "0s"}, "--timeout is to be over 0"},
      {{url(), "-r", "5", "-c", "0"}, "--connections is to be over 0"},
      {{url(), "-r", "5", "-c", "1.5"}, "--connections wants a whole number from 0, not `1.5`"},
      {{url(), "-r", "5", "-c1e3"}, "--connections wants a whole number from 0, not `1e3`"},
      {{url(), "-r", "5", "-c", "60001"}, "at most 60000"},
      {{url(), "-r", "1000001"}, "at most 1000000/s"},
      {{url(), "--max", "-r", "5"}, "--max goes as fast as it can"},
      {{url(), "--max", "--poisson"}, "--max goes as fast as it can"},
      {{"127.0.0.1:80/x", "-r", "5"}, "did you mean `http://127.0.0.1:80/x`?"},
      {{"ftp://127.0.0.1/", "-r", "5"}, "is no http or https URL"},
      {{"http:///x", "-r", "5"}, "names no server"},
      {{"http://127.0.0.1/a b", "-r", "5"}, "write a blank as %20"},
      {{url(), "-r", "5", "-H", "nocolon"}, "--header: `nocolon` is no header"},
      {{url(), "-r", "5", "-H", "a b: c"}, "is no header"},
      {{url(), "-r", "5", "-H", "a: b\nc: d"}, "one line"},
      {{url(), "-r", "5", "-m", "G T"}, "is no method"},
      {{url(), "-r", "5", "-b", "@/no/such/file"}, "--body: "},
      {{url(), "-r", "5", "--poison"}, "did you mean `--poisson`?"},
  };
  for (const auto& [arguments, text] : bad) {
    const Ran ran = load(arguments);
    EXPECT_EQ(ran.code, 2) << text;
    EXPECT_TRUE(ran.err.contains(text)) << text << "\n" << ran.err;
    EXPECT_EQ(ran.out, "");
  }
  const Ran secret = load({url(), "-r", "5", "-H", "a: ${env:NO_SUCH_TOKEN}"});
  EXPECT_EQ(secret.code, 3) << secret.err;
  EXPECT_TRUE(secret.err.contains("NO_SUCH_TOKEN")) << secret.err;
  EXPECT_EQ(server_.count(), 0U);
}

TEST_F(LoadCommand, LettersStandForOptionsInHelpManualAndCompletion) {
  const std::string help = run({"load", "--help"}).out;
  for (const char* text : {"-r, --rate RATE", "-d, --duration TIME", "-c, --connections N",
                           "-m, --method METHOD", "-H, --header 'K: V'", "  4   stopped"}) {
    EXPECT_TRUE(help.contains(text)) << text << help;
  }
  EXPECT_TRUE(run({"man", "load"}).out.contains("\\-r, \\-\\-rate"));
  EXPECT_EQ(run({"__complete", "load", "-b", ""}).out.substr(0, 7), ":files\n");
  EXPECT_EQ(run({"__complete", "load", "-r", ""}).out.substr(0, 6), ":none\n");
}

// A word with blanks is a value, whatever it begins with.
TEST_F(LoadCommand, AValueMayBeginWithADash) {
  const Ran ran = put({"-r", "20", "-d", "500ms", "-b", "- a list"});
  expect_measured(ran);
  ASSERT_GT(server_.count(), 0U);
  EXPECT_EQ(server_.seen().front().body, "- a list");
  expect_measured(put({"-r", "20", "-d", "500ms", "--body", "- a list"}));
  EXPECT_EQ(server_.seen().back().body, "- a list");
}

// One line that is drawn anew each second, and is gone in the end; none where nobody asked for it.
TEST_F(LoadCommand, OnATerminalALineSaysEachSecondHowItGoes) {
  setenv("TERM", "xterm-256color", 1);
  unsetenv("CI");
  const auto shown = [this](std::vector<std::string> more) {
    const Pty terminal;
    more.insert(more.begin(),
                {GAMEDAY_BINARY, "load", url(), "-m", "PUT", "-b", "{}", "-r", "20", "-d", "3s"});
    const int code = ended(start(more, terminal.name()));
    EXPECT_TRUE(code == 0 || code == 6) << code;  // whose machine was full, and late
    return terminal.shown();
  };
  const std::string seen = shown({});
  for (const char* text : {"load 1 of 3 s", "load 2 of 3 s", "20/s", "ok ", "p99 "}) {
    EXPECT_TRUE(seen.contains(text)) << seen;
  }
  EXPECT_TRUE(seen.ends_with("\r\x1b[K")) << seen;
  EXPECT_FALSE(seen.contains("p99.99"));
  EXPECT_TRUE(read(file(".out")).contains("p99.99"));
  EXPECT_EQ(shown({"--quiet"}), "");
}

// A log gets a line of it now and then.
TEST_F(LoadCommand, ElsewhereALineIsWrittenEveryTenSeconds) {
  const std::vector<std::string> words = {"-r", "20", "-d", "11s", "-b", "{}"};
  const Ran ran = put(words);
  expect_measured(ran);
  EXPECT_TRUE(ran.err.starts_with("load 10 of 11 s  20/s  ok 200  errors 0  p50 ")) << ran.err;
  EXPECT_EQ(std::ranges::count(ran.err, '\n'), 1) << ran.err;
}

TEST(LoadLine, SaysHowFarItIsAndWhoseLatenessItWas) {
  LoadSeen seen;
  seen.length_s = 30;
  seen.passed_s = 12;
  seen.ok = 6000;
  seen.errors = 2;
  seen.last_sent = 500;
  seen.p50_s = 0.0012;
  seen.p99_s = 0.0034;
  seen.p99s = {0.001, 0.0034};
  const TerminalTerms terms{100, 24, false, false};
  const std::string line = load_line(seen, terms);
  EXPECT_EQ(line, "load 12 of 30 s  500/s  ok 6,000  errors 2  p50 1.20 ms  p99 3.40 ms  ,#");
  seen.marked = true;
  EXPECT_TRUE(load_line(seen, terms).contains("WE ARE LATE"));
  EXPECT_LT(load_line(seen, {40, 24, false, false}).size(), 40U);
}

// Verdicts, without a load.
LoadRun run_of(std::uint64_t due, std::uint64_t ok) {
  LoadRun run;
  run.length = seconds(10);
  run.planned = run.due = run.sent = due;
  run.ok = ok;
  run.seconds.resize(10);
  run.errors.by_status[500] = due - ok;
  return run;
}

int code_of(const LoadRun& run) {
  LoadOrder order;
  order.terms.rate = 10;
  order.terms.length = seconds(10);
  return verdict_of(order, run).exit_code;
}

TEST(LoadVerdict, IsGreenOnlyWhereTheLoadWasAsPlanned) {
  EXPECT_EQ(code_of(run_of(100, 100)), 0);
  EXPECT_EQ(code_of(run_of(100, 1)), 0);
  EXPECT_EQ(code_of(run_of(100, 0)), 1);
  LoadRun late = run_of(100, 100);
  late.late = 5;
  EXPECT_EQ(code_of(late), 0);
  late.late = 6;
  EXPECT_EQ(code_of(late), 6);
  LoadRun marked = run_of(100, 100);
  marked.marked = 5;
  EXPECT_EQ(code_of(marked), 0);
  marked.marked = 6;
  EXPECT_EQ(code_of(marked), 6);
  LoadRun ended = run_of(100, 100);
  ended.problem = "a secret is gone";
  EXPECT_EQ(code_of(ended), 6);
  LoadRun ours = run_of(100, 0);
  ours.errors = {};
  ours.errors.not_sent = 100;
  EXPECT_EQ(code_of(ours), 6);  // nobody was asked: the server has not failed
  EXPECT_EQ(code_of(run_of(0, 0)), 6);
  late.stopped = true;
  EXPECT_EQ(code_of(late), 4);
}

TEST(LoadVerdict, AClosedLoadThatWasBusySaysThatTheServerMayDoMore) {
  LoadOrder order;
  order.terms.connections = 4;
  LoadRun run = run_of(100, 100);
  run.closed = true;
  run.planned.reset();
  run.service.add(milliseconds(1));
  run.carried.cpu = seconds(5);
  EXPECT_FALSE(load_text(order, run).contains("the server may do more"));
  run.carried.cpu = milliseconds(9500);
  EXPECT_TRUE(load_text(order, run).contains("the server may do more"));
}

}  // namespace
}  // namespace gameday
