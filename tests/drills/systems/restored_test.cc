#include "drills/systems/restored.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

TEST(RestoredCopy, WithoutRowsIsVacuousAndSaysSo) {
  const SystemClock clock;
  BackupTaken backup;
  backup.id = "/backups/one";
  backup.taken = clock.now().utc - std::chrono::minutes(1);
  const auto full = restored(3, Json::object({{"tables", 1}}), backup, clock);
  EXPECT_TRUE(full.verified);
  EXPECT_FALSE(full.vacuous);
  EXPECT_EQ(full.text, "");
  EXPECT_EQ(full.facts.text("backup"), "/backups/one");
  EXPECT_EQ(full.facts.integer("tables", 0), 1);
  EXPECT_NEAR(full.facts.number("age_s", 0), 60, 5);
  const auto empty = restored(0, Json::object(), backup, clock);
  EXPECT_TRUE(empty.vacuous);
  EXPECT_EQ(empty.text, "the backup holds no rows");
}

}  // namespace
}  // namespace gameday
