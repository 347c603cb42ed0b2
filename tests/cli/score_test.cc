// `gameday score`, and what `verify` says of a score.
#include "engine/journal/bundle.h"
#include "reports/rubric.h"
#include "tests/cli/cli_fixture.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

const std::string kExample(kExampleDrill);

class ScoreCommand : public CliTest {
 protected:
  // A whole bundle of a rehearsal, sealed.
  [[nodiscard]] std::string rehearsed() const {
    const std::string out = file("bundle");
    const Ran ran =
        run({"rehearse", GAMEDAY_SOURCE_DIR "/playbooks/shop/queue-dropped.yaml", "--out", out});
    EXPECT_TRUE(Files().exists(out + "/journal.jsonl")) << ran.err;
    return out;
  }

  [[nodiscard]] static std::vector<std::string> lines_of(const std::string& folder) {
    std::vector<std::string> lines;
    std::string text = read(folder + "/journal.jsonl");
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      lines.push_back(text.substr(0, end));
    }
    return lines;
  }

  static void seal(const std::string& folder) {
    ASSERT_TRUE(write_bundle(Files(), folder, lines_of(folder)));
  }
};

TEST_F(ScoreCommand, GivesTheBytesOfTheResult) {
  keep(kExample, passed_drill(), "passed");
  ASSERT_EQ(run({"report", kExample, "--out", "one", "--format", "json"}).code, 0);
  const auto result = Json::parse(read(file("one/result.json")));
  ASSERT_TRUE(result);
  const Ran ran = run({"score", kExample, "--json"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, result->get("score").pretty());
  EXPECT_EQ(run({"score", kExample, "--json"}).out, ran.out);
  EXPECT_NE(run({"score", kExample}).out.find("range"), std::string::npos);
}

TEST_F(ScoreCommand, TakesAnotherRubric) {
  keep(kExample, passed_drill(), "passed");
  std::string text(default_rubric_text());
  text.replace(text.find("reliability: 40%"), 16, "reliability: 20%");
  text.replace(text.find("security: 15%"), 13, "security: 35%");
  write("mine.yaml", text);
  const Json own = document(run({"score", kExample, "--json", "--rubric", "mine.yaml"}));
  EXPECT_NE(own, document(run({"score", kExample, "--json"})));
  EXPECT_NE(own.text("rubric_sha256"), default_rubric().sha256);
  write("bad.yaml", text.replace(text.find("rubric: 1"), 9, "rubirc: 1"));
  const Ran bad = run({"score", kExample, "--rubric", "bad.yaml"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_NE(bad.err.find("bad.yaml:"), std::string::npos) << bad.err;
  EXPECT_NE(bad.err.find("did you mean `rubric`?"), std::string::npos) << bad.err;
  EXPECT_EQ(run({"score", kExample, "--rubric", "nowhere.yaml"}).code, 2);
}

TEST_F(ScoreCommand, ScoresSeveralAsAProgramme) {
  keep(kExample, passed_drill(), "passed");
  const Ran ran = run({"score", kExample, kExample, "--as-of", "2026-11-23", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(document(ran).text("grade"), "I");
  EXPECT_EQ(document(ran).text("as_of"), "2026-11-23T00:00:00.000000Z");
  const Ran later = run({"score", kExample, kExample, "--as-of", "2027-06-01"});
  EXPECT_NE(later.out.find("expired"), std::string::npos) << later.out;
  EXPECT_EQ(run({"score", kExample, kExample, "--as-of", "tomorrow"}).code, 2);
}

TEST_F(ScoreCommand, SaysNoToABundleThatDoesNotVerify) {
  const std::string bundle = file("bundle");
  ASSERT_TRUE(Files().make_folder(bundle));
  ASSERT_TRUE(write_bundle(Files(), bundle, passed_drill()));
  // Its journal names a ledger that is not there.
  const Ran ran = run({"score", bundle, bundle, "--as-of", "2026-11-23"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("does not verify"), std::string::npos) << ran.out;
}

TEST_F(ScoreCommand, VerifyMakesTheScoreAgain) {
  const std::string bundle = rehearsed();
  ASSERT_EQ(run({"report", bundle, "--format", "json", "--out", "again"}).code, 0);
  const auto result = Json::parse(read(file("again/result.json")));
  ASSERT_TRUE(result);
  ASSERT_TRUE(Files().write(bundle + "/result.json", result->pretty()));
  ASSERT_TRUE(Files().write(bundle + "/rubric.yaml", std::string(default_rubric_text())));
  seal(bundle);
  const Ran good = run({"verify", bundle});
  EXPECT_EQ(good.code, 0) << good.out;
  // Sealed anew over a better score, or over another rubric.
  Json forged = *result, score = result->get("score");
  forged.set("score", score.set("floor", 99.9));
  ASSERT_TRUE(Files().write(bundle + "/result.json", forged.pretty()));
  seal(bundle);
  const Ran bad = run({"verify", bundle});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.out.find("its score is not the one"), std::string::npos) << bad.out;
  ASSERT_TRUE(Files().write(bundle + "/result.json", result->pretty()));
  ASSERT_TRUE(Files().write(bundle + "/rubric.yaml", "rubric: 1\n"));
  seal(bundle);
  const Ran other = run({"verify", bundle});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.out.find("not the rubric that the journal holds"), std::string::npos);
}

}  // namespace
}  // namespace gameday
