#include "engine/journal/bundle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/journal/chain.h"
#include "engine/journal/manifest.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

const std::string kLedger =
    "{\"type\":\"intent\",\"from\":0,\"to\":9}\n{\"type\":\"end\",\"writes\":2}\n";
constexpr std::size_t kFirstLine = 36;
const std::string kPlaybook = "gameday: 1\nname: shop\n";

class BundleTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gameday-bundle-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    append("planned", Json::object({{"playbook", Json::object({{"sha256", sha256(kPlaybook)}})}}));
    append("evidence", evidence(kFirstLine));
    append("sample", Json::object({{"ok", true}}));
    append("evidence", evidence(kLedger.size()));
    append(kClosing, Json::object({{"events", 5}}));
    put("ledger.jsonl", kLedger);
    put("playbook.yaml", kPlaybook);
    put("report.html", "<p>passed</p>\n");
    const Json end = Json::object({{"events", chain_.count()}, {"head", chain_.head()}});
    put("result.json", Json::object({{"drill", "01A"}, {"evidence", end}}).dump() + "\n");
    const auto written = write_bundle(files_, folder_, lines_);
    ASSERT_TRUE(written) << written.error().text;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      bundle_[name] = *files_.read(entry.path());
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Json evidence(std::size_t bytes) {
    return Json::object(
        {{"file", "ledger.jsonl"}, {"bytes", bytes}, {"sha256", sha256(kLedger.substr(0, bytes))}});
  }
  void append(std::string_view type, const Json& data) {
    const Now now{Instant(1s), Utc(1700000000s)};
    const auto made = chain_.line(now, type, data);
    chain_.advance(made);
    lines_.push_back(made.line);
  }
  void put(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(files_.write(folder_ + "/" + name, bytes));
  }
  static bool names(const Verification& verification, const std::string& file) {
    return std::ranges::any_of(verification.findings,
                               [&](const Finding& one) { return one.file == file; });
  }
  static std::string first(const BundleFiles& files) {
    const auto verification = verify_files(files);
    return verification.consistent() ? "consistent" : shown(verification.findings.front());
  }
  static std::string all(const BundleFiles& files) {
    std::string text;
    for (const auto& finding : verify_files(files).findings) text += shown(finding) + "\n";
    return text;
  }
  // Somebody who edits files and then makes a MANIFEST that fits.
  static BundleFiles sealed_again(BundleFiles files) {
    auto manifest = parse_manifest(files["MANIFEST"])->manifest;
    files.erase("MANIFEST");
    manifest.files.clear();
    for (const auto& [name, bytes] : files) {
      manifest.files.push_back({sha256(bytes), bytes.size(), name});
    }
    files["MANIFEST"] = to_text(manifest);
    return files;
  }

  Files files_;
  std::string folder_;
  Chain chain_{"01A", "boot", std::string(kChainStart)};
  std::vector<std::string> lines_;
  BundleFiles bundle_;
};

TEST_F(BundleTest, ABundleIsConsistentAndItsOriginIsProvenByItsHeadOnly) {
  const auto plain = verify_bundle(files_, folder_);
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->consistent()) << shown(plain->findings.front());
  EXPECT_EQ(shown(*plain), "consistent; origin not proven");
  EXPECT_EQ(plain->drill, "01A");
  EXPECT_EQ(plain->events, 5U);
  const auto proven = verify_bundle(files_, folder_, chain_.head());
  EXPECT_TRUE(proven->origin_proven);
  EXPECT_EQ(shown(*proven), "consistent; it ends in the head that was given");
  const auto other = verify_bundle(files_, folder_, std::string(kChainStart));
  EXPECT_FALSE(other->consistent());
  EXPECT_FALSE(other->origin_proven);
}

TEST_F(BundleTest, TheManifestIsTextWithItsOwnDigestLast) {
  const auto& text = bundle_["MANIFEST"];
  EXPECT_TRUE(text.starts_with("gameday-bundle 1 01A\nsha256:")) << text;
  EXPECT_NE(text.find(" 14 report.html\n"), std::string::npos);
  const auto seal = text.find("manifest ");
  EXPECT_TRUE(text.substr(0, seal).ends_with("events 5\nhead " + chain_.head() + "\n"));
  EXPECT_EQ(text.substr(seal), "manifest " + sha256(text.substr(0, seal)) + "\n");
}

TEST_F(BundleTest, TheReportIsJson) {
  bundle_["ledger.jsonl"][40] = 'X';
  const Json report = to_json(verify_files(bundle_));
  EXPECT_FALSE(report.boolean("consistent", true));
  EXPECT_EQ(report.text("drill"), "01A");
  EXPECT_EQ(report.text("origin"), "not_proven");
  EXPECT_EQ(report.text("text"), "does not verify: 2 findings");
  const Json* range = report.at_pointer("/findings/1");
  ASSERT_NE(range, nullptr);
  EXPECT_EQ(range->text("file"), "ledger.jsonl");
  EXPECT_EQ(range->integer("from", 0), static_cast<std::int64_t>(kFirstLine));
  EXPECT_EQ(range->integer("to", 0), static_cast<std::int64_t>(kLedger.size()));
}

class EveryBit : public BundleTest,
                 public testing::WithParamInterface<std::tuple<const char*, int>> {};

constexpr int kShards = 4;  // so that they run side by side

TEST_P(EveryBit, FlippedIsRefusedAndTheFileNamed) {
  const auto [file, shard] = GetParam();
  const std::string name = file;
  ASSERT_TRUE(bundle_.contains(name));
  for (auto byte = static_cast<std::size_t>(shard); byte < bundle_[name].size(); byte += kShards) {
    for (int bit = 0; bit < 8; ++bit) {
      BundleFiles flipped = bundle_;
      flipped[name][byte] = static_cast<char>(flipped[name][byte] ^ (1 << bit));
      const auto verification = verify_files(flipped);
      ASSERT_FALSE(verification.consistent()) << byte << "." << bit;
      for (const auto& finding : verification.findings) {
        ASSERT_EQ(finding.file, name) << byte << "." << bit << " " << shown(finding);
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Files, EveryBit,
                         testing::Combine(testing::Values("MANIFEST", "journal.jsonl",
                                                          "ledger.jsonl", "playbook.yaml",
                                                          "report.html", "result.json"),
                                          testing::Range(0, kShards)),
                         [](const auto& named) {
                           std::string name = std::get<0>(named.param);
                           std::ranges::replace(name, '.', '_');
                           return name + "_" + std::to_string(std::get<1>(named.param));
                         });

TEST_F(BundleTest, EveryLineDroppedDoubledSwappedEditedOrAppendedIsRefusedAndNamed) {
  for (const auto& [name, bytes] : bundle_) {
    auto whole = split(bytes, '\n');
    whole.pop_back();
    const auto refused = [&](const std::vector<std::string>& changed, const std::string& what) {
      BundleFiles files = bundle_;
      files[name] = changed.empty() ? "" : join(changed, "\n") + "\n";
      if (files[name] == bytes) return;  // two equal lines were swapped
      EXPECT_TRUE(names(verify_files(files), name)) << name << ": " << what;
    };
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i);
      const std::string line = " line " + std::to_string(i + 1);
      auto dropped = whole, doubled = whole, swapped = whole, edited = whole, appended = whole;
      dropped.erase(dropped.begin() + at);
      refused(dropped, "dropped" + line);
      doubled.insert(doubled.begin() + at, whole[i]);
      refused(doubled, "doubled" + line);
      if (i + 1 < whole.size()) std::swap(swapped[i], swapped[i + 1]);
      refused(swapped, "swapped" + line);
      edited[i] += "x";
      refused(edited, "edited" + line);
      appended.push_back(whole[i]);
      refused(appended, "appended" + line);
    }
  }
}

TEST_F(BundleTest, ATailCutAtAnyLineOrByteIsRefusedAndNamed) {
  for (const auto& [name, bytes] : bundle_) {
    for (std::size_t keep = 0; keep < bytes.size(); ++keep) {
      BundleFiles files = bundle_;
      files[name].resize(keep);
      EXPECT_TRUE(names(verify_files(files), name)) << name << " cut to " << keep;
    }
  }
}

TEST_F(BundleTest, TheJournalsLinesAreLocatedAlsoWhereTheManifestWasMadeAgain) {
  const auto with = [&](void (*change)(std::vector<std::string>&)) {
    auto changed = lines_;
    change(changed);
    BundleFiles files = bundle_;
    files["journal.jsonl"] = join(changed, "\n") + "\n";
    return first(sealed_again(files));
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(with([](Lines& l) { l[2].replace(l[2].find("true"), 4, "null"); }),
            "journal.jsonl: line 3: edited (its hash does not match)");
  EXPECT_EQ(with([](Lines& l) { l.erase(l.begin() + 2); }),
            "journal.jsonl: line 3: dropped before it: event 3");
  EXPECT_EQ(with([](Lines& l) { l.pop_back(); }),
            "journal.jsonl: line 4: interrupted: no closing event after it");
}

TEST_F(BundleTest, OtherFilesAreHeldToTheJournalAlsoWhereTheManifestWasMadeAgain) {
  const auto with = [&](const std::string& name, const std::string& bytes) {
    BundleFiles files = bundle_;
    files[name] = bytes;
    return all(sealed_again(files));
  };
  EXPECT_EQ(with("report.html", "<p>other</p>"), "");  // nothing in the journal speaks of it
  EXPECT_EQ(with("playbook.yaml", "gameday: 1\n"),
            "playbook.yaml: edited (its digest is not the one that event 1 carries)\n");
  std::string ledger = kLedger;
  ledger[kFirstLine + 3] = 'X';
  EXPECT_EQ(with("ledger.jsonl", ledger),
            "ledger.jsonl: bytes 36 to 59: edited (their digest is not the one that event 4 "
            "carries)\n");
  EXPECT_EQ(with("ledger.jsonl", kLedger + "{}\n"),
            "ledger.jsonl: bytes 60 to 62: added after the last event that carries its digest\n");
  EXPECT_EQ(with("ledger.jsonl", kLedger.substr(0, kFirstLine)),
            "ledger.jsonl: has 36 bytes, event 4 counted 60\n");
  EXPECT_EQ(with("result.json", "{}"),
            "result.json: is of another drill\n"
            "result.json: its evidence.head is not the journal's head\n"
            "result.json: its evidence.events is not the number of the journal's events\n");
  EXPECT_EQ(with("result.json", "{"), "result.json: not JSON at byte 2\n");
  BundleFiles files = bundle_;
  files.erase("ledger.jsonl");
  files.erase("playbook.yaml");
  EXPECT_EQ(all(sealed_again(files)),
            "playbook.yaml: missing, but named by event 1\n"
            "ledger.jsonl: missing, but named by event 2\n");
}

TEST_F(BundleTest, AManifestThatWasMadeToFitAnotherEndIsRefused) {
  auto manifest = parse_manifest(bundle_["MANIFEST"])->manifest;
  manifest.events = 4;
  manifest.drill = "01B";
  bundle_["MANIFEST"] = to_text(manifest);
  EXPECT_EQ(all(bundle_),
            "journal.jsonl: it is of drill 01A\n"
            "journal.jsonl: it has 5 events, the MANIFEST says 4\n");
}

TEST_F(BundleTest, MissingExtraAndOddFilesAreRefused) {
  std::filesystem::remove(folder_ + "/report.html");
  put("extra.txt", "x");
  std::filesystem::create_directory(folder_ + "/more");
  std::filesystem::create_symlink("result.json", folder_ + "/link.json");
  const auto verification = verify_bundle(files_, folder_, chain_.head());
  ASSERT_TRUE(verification);
  EXPECT_FALSE(verification->origin_proven);
  std::vector<std::string> found;
  for (const auto& finding : verification->findings) found.push_back(shown(finding));
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"extra.txt: not in the MANIFEST",
                                             "link.json: no plain file: it cannot be in a bundle",
                                             "more: no plain file: it cannot be in a bundle",
                                             "report.html: missing"}));
  EXPECT_EQ(verify_bundle(files_, folder_ + "/none").error().code, ErrorCode::not_found);
}

TEST_F(BundleTest, WhatCannotBeInABundleIsNotSealed) {
  put("odd name", "x");
  EXPECT_EQ(write_bundle(files_, folder_, lines_).error().code, ErrorCode::refused);
  std::filesystem::remove(folder_ + "/odd name");
  std::filesystem::create_directory(folder_ + "/more");
  EXPECT_EQ(write_bundle(files_, folder_, lines_).error().code, ErrorCode::refused);
  std::filesystem::remove(folder_ + "/more");
  lines_.erase(lines_.begin());
  EXPECT_EQ(write_bundle(files_, folder_, lines_).error().code, ErrorCode::corrupt);
}

TEST_F(BundleTest, ManifestLinesThatDoNotReadAreLocated) {
  const auto problem = [&](const std::string& from, const std::string& to) {
    BundleFiles files = bundle_;
    auto& text = files["MANIFEST"];
    text.replace(text.find(from), from.size(), to);
    return first(files);
  };
  EXPECT_EQ(problem("gameday-bundle 1", "gameday-bundle 2"),
            "MANIFEST: line 1: expected \"gameday-bundle 1 ...\"");
  EXPECT_EQ(problem(" 14 report", " 014 report"), "MANIFEST: line 5: expected a number");
  EXPECT_EQ(problem(" 14 report", " 14 ../report"), "MANIFEST: line 5: expected DIGEST SIZE NAME");
  EXPECT_EQ(problem("playbook.yaml", "aaa"), "MANIFEST: line 4: not in the order of names");
  EXPECT_EQ(problem("events 5", "event 5"), "MANIFEST: line 7: expected \"events ...\"");
  EXPECT_EQ(problem("events 5", "events 6"),
            "MANIFEST: line 9: edited (the digest in its last line does not match the lines "
            "before)");
}

}  // namespace
}  // namespace gameday
