// Backups that are taken while a fault holds the data, and are restored into place later.
#include <gtest/gtest.h>

#include "tests/engine/playbook/edited_playbook.h"

namespace gameday {
namespace {

// A base backup of another target, and what leads on from it: taken by its step, or found.
constexpr std::array kArchiveFields{
    Field{.name = "of", .type = FieldType::target, .help = "The live one."},
    Field{.name = "base", .type = FieldType::path, .help = "The one that is there."}};
constexpr FacetRow kArchive{"archive", "An archive.", "", kArchiveFields, nullptr};
constexpr std::array kFacets{&test_rows::kSqlite, &test_rows::kQueue, &kArchive};

std::string place_of_archive(const Target& target) {
  return target.facets.get("archive").text("of");
}
bool takes(const Target& target) { return target.facets.get("archive").text("base").empty(); }
Status fits_point(const std::string&) { return {}; }
constexpr RestoreRow kArchiveRestore{.name = "archive",
                                     .summary = "Goes on from a base backup.",
                                     .facet = "archive",
                                     .rights = "to read it",
                                     .example = "{ restore: archive }",
                                     .backup = nullptr,
                                     .restore_scratch = nullptr,
                                     .prepare = nullptr,
                                     .restore_place = nullptr,
                                     .undo = nullptr,
                                     .gone = nullptr,
                                     .close = nullptr,
                                     .fits_point = fits_point,
                                     .place_of = place_of_archive,
                                     .takes = takes};
constexpr std::array kRestores{&test_rows::kSqliteRestore, &kArchiveRestore};

constexpr FaultRow kLoseQueue =
    test_rows::fault("lose-queue", {}, "queue", Reversal::saved_copy, Effect::loses, false);
constexpr std::array kFaults{&test_rows::kLoseData, &kLoseQueue};
constexpr Rows kRows{kFacets, kFaults, kRestores, test_rows::kQueues, test_rows::kProbes};

constexpr std::string_view kHead = R"yaml(gameday: 1
name: p
summary: s
owner: o
limits: { targets: 3 }
system:
  store:   { sqlite: s.db, queue: "http://127.0.0.1:8090/s" }
  other:   { sqlite: o.db }
  archive: { archive: { of: store } }
  nightly: { archive: { of: store, base: /backups } }
timeline:
)yaml";

// The errors of a timeline, its first step on line 12, without their places.
std::vector<std::string> errors_of(const std::vector<std::string>& steps) {
  std::string source(kHead);
  for (const auto& step : steps) source += "  - " + step + "\n";
  auto loaded = decode_playbook("/drills/p.yaml", source, {}, kRows);
  if (loaded.playbook) loaded.problems.add(check_playbook(*loaded.playbook, kRows));
  std::vector<std::string> errors;
  constexpr std::string_view kError = ": error: ";
  for (const auto& line : split(rendered("p.yaml", source, loaded.problems), '\n')) {
    const auto at = line.find(kError);
    if (line.starts_with("p.yaml:") && at != std::string::npos) {
      errors.push_back(line.substr(at + kError.size()));
    }
  }
  return errors;
}

using Errors = std::vector<std::string>;

std::string brings_back(const std::string& restore, const std::string& backup,
                        const std::string& lines) {
  const auto comma = lines.find(',');
  return "`" + restore + "` would bring back what `lost` (line " + lines.substr(0, comma) +
         ") did: its backup `" + backup + "` (line " + lines.substr(comma + 1) +
         ") is taken while that holds; take it before `lost`, or after a `revert: lost`";
}

constexpr const char* kLost = "{ fault: lose-data, target: store, id: lost }";
constexpr const char* kIntoPlace = "{ restore: store, into: place }";

TEST(BackupOfALoss, IsNotRestoredIntoPlace) {
  EXPECT_EQ(errors_of({kLost, "backup: store", "wait: 1s", kIntoPlace}),
            Errors{brings_back("restore-4", "backup-2", "12,13")});
}

TEST(BackupOfALoss, IsNotRestoredWhenTheLossHasBeenRevertedEither) {
  EXPECT_EQ(errors_of({kLost, "backup: store", "revert: lost", kIntoPlace}),
            Errors{brings_back("restore-4", "backup-2", "12,13")});
}

TEST(BackupOfALoss, IsNotRestoredWhenAnOlderOneHasBeen) {
  EXPECT_EQ(errors_of({"{ backup: store, id: whole }", kLost, "backup: store",
                       "{ restore: store, into: place, from: whole }", kIntoPlace}),
            Errors{brings_back("restore-5", "backup-3", "13,14")});
}

TEST(BackupOfALoss, MayBeTakenAndRestoredElsewhere) {
  EXPECT_EQ(errors_of({kLost, "backup: store", "{ restore: store }"}), Errors());
  EXPECT_EQ(errors_of({"{ backup: store, id: whole }", kLost, "backup: store",
                       "{ restore: store, into: place, from: whole }"}),
            Errors());
}

TEST(BackupOfALoss, IsOneOfThatPlaceAlone) {
  EXPECT_EQ(errors_of({kLost, "backup: other", "{ restore: other, into: place }"}), Errors());
  EXPECT_EQ(
      errors_of({"{ fault: lose-queue, target: store, id: lost }", "backup: store", kIntoPlace}),
      Errors());
}

TEST(BackupOfALoss, IsNoneOnceTheLossIsOver) {
  EXPECT_EQ(
      errors_of({"{ fault: lose-data, target: store, for: 1s }", "backup: store", kIntoPlace}),
      Errors());
  EXPECT_EQ(errors_of({kLost, "revert: lost", "backup: store", kIntoPlace}), Errors());
  EXPECT_EQ(errors_of({"backup: store", kLost, kIntoPlace, "backup: store", kIntoPlace}), Errors());
}

// Which of two that begin together is done first, nobody knows.
TEST(BackupOfALoss, IsNoneForCertainWhereTheyStandBesideEachOther) {
  EXPECT_EQ(errors_of({std::string("parallel: [") + kLost + ", { backup: store }]", kIntoPlace}),
            Errors());
  EXPECT_EQ(errors_of({kLost, "parallel: [{ backup: store }, { revert: lost }]", kIntoPlace}),
            Errors());
  EXPECT_EQ(errors_of({kLost, "parallel: [{ wait: 1s }, { backup: store }]", kIntoPlace}),
            Errors{brings_back("restore-3", "backup-2-2", "12,13")});
}

TEST(BackupOfALoss, IsOfThePlaceThatAnArchiveIsOf) {
  EXPECT_EQ(errors_of({kLost, "backup: archive", "{ restore: archive, into: place }"}),
            Errors{brings_back("restore-3", "backup-2", "12,13")});
  EXPECT_EQ(
      errors_of({kLost, "backup: archive", "{ restore: archive, into: place, point: backup }"}),
      Errors{brings_back("restore-3", "backup-2", "12,13")});
}

// What comes after the backup, or an older one: either may be without the loss.
TEST(BackupOfALoss, OfAnArchiveGoesOnToItsEnd) {
  EXPECT_EQ(
      errors_of({kLost, "backup: archive", "revert: lost", "{ restore: archive, into: place }"}),
      Errors());
  EXPECT_EQ(errors_of({kLost, "backup: archive",
                       "{ restore: archive, into: place, point: before lost }"}),
            Errors());
}

TEST(BackupOfALoss, IsNoneForCertainWhereAStepFindsTheNewest) {
  EXPECT_EQ(errors_of({kLost, "backup: nightly", "{ restore: nightly, into: place }"}), Errors());
}

}  // namespace
}  // namespace gameday
