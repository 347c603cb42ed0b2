#include <fstream>

#include "drills/systems/s3_trail.h"
#include "tests/drills/s3_fixture.h"

namespace gameday {

extern const RestoreRow s3_restore;

namespace {

class RestoreOnS3 : public S3Test {
 protected:
  const Target& target() { return world_.system().targets.front(); }
  BackupTaken backup() {
    auto taken = s3_restore.backup(target(), context("drill-backup"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  Undo prepared() {
    auto undo = s3_restore.prepare(target(), context("drill-2"));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  Restored restore(const BackupTaken& taken, const Undo& undo) {
    auto restored = s3_restore.restore_place(target(), taken, undo, context("drill-2"));
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    return restored.value_or(Restored{});
  }
  Restored restore_aside(const BackupTaken& taken) {
    auto restored = s3_restore.restore_scratch(target(), taken, context());
    EXPECT_TRUE(restored) << (restored ? "" : restored.error().text);
    return restored.value_or(Restored{});
  }
  // What `lose-data` does to both objects.
  S3Trail lose() {
    const S3Trail trail = plan_trail(s3_place_of(target()).value(), context()).value();
    const auto remove = [](S3& bucket, const S3Step& step) -> Result<std::string> {
      TRY(removed, bucket.remove(step.key));
      return removed.version;
    };
    EXPECT_TRUE(leave_trail(trail, {{"kept/one", true}, {"kept/two", true}}, remove, context()));
    return trail;
  }
  std::string version_of(const std::string& key) { return open().look(key)->version; }
};

TEST_F(RestoreOnS3, WhatWasRemovedWrittenOverAndAddedIsAsItWas) {
  const BackupTaken taken = backup();
  EXPECT_EQ(taken.facts.integer("objects", 0), 2);
  const std::string before = server_.versions("kept");
  server_.put("/kept/kept/one", "wrong");
  EXPECT_TRUE(server_.curl("DELETE", "/kept/kept/two").ends_with("204"));
  server_.put("/kept/kept/three", "new");
  server_.put("/kept/other", "changed");
  const std::string lost = server_.versions("kept");
  const Undo undo = prepared();
  const Restored restored = restore(taken, undo);
  EXPECT_TRUE(restored.verified) << restored.text;
  EXPECT_FALSE(restored.vacuous);
  EXPECT_EQ(restored.facts.integer("changed", 0), 3);
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
  EXPECT_EQ(server_.get("/kept/kept/two"), "second of two 200");
  EXPECT_TRUE(server_.get("/kept/kept/three").ends_with(" 404"));
  EXPECT_EQ(server_.get("/kept/other"), "changed 200");
  EXPECT_FALSE(s3_restore.gone(undo, context())->held);
  ASSERT_TRUE(s3_restore.undo(undo, context()));
  EXPECT_TRUE(s3_restore.gone(undo, context())->held);
  EXPECT_EQ(server_.versions("kept"), lost);
  EXPECT_NE(lost, before);
}

// A store cannot be held still: what is new in it is of after the restore, what is other is wrong.
TEST_F(RestoreOnS3, WhatOthersPutMeanwhileStaysAndWhatTheyWriteOverIsTold) {
  const auto restored_while = [&](const std::string& path) {
    const BackupTaken taken = backup();
    server_.put("/kept/kept/one", "wrong");
    const Undo undo = prepared();
    bool done = false;
    world_.doors().observer = [&](std::string_view door, Side side) {
      if (door == "http" && side == Side::after && !std::exchange(done, true)) {
        server_.put(path, "by others");
      }
    };
    Restored result = restore(taken, undo);
    world_.doors().observer = {};
    EXPECT_EQ(server_.get(path), "by others 200");
    return result;
  };
  const Restored beside = restored_while("/kept/kept/four");
  EXPECT_TRUE(beside.verified) << beside.text;
  EXPECT_EQ(beside.facts.integer("put_since", 0), 1);
  const Restored over = restored_while("/kept/kept/one");
  EXPECT_FALSE(over.verified);
  EXPECT_TRUE(over.text.contains("others write to it")) << over.text;
}

TEST_F(RestoreOnS3, WhatItHasSupersededGoesAtTheEndAndTheRestoreStays) {
  const BackupTaken taken = backup();
  const S3Trail lost = lose();
  const Undo undo = prepared();
  EXPECT_TRUE(restore(taken, undo).verified);
  EXPECT_EQ(look_at_trail(lost, context())->there, 2);
  EXPECT_EQ(look_at_trail(lost, context())->current, 0);
  ASSERT_TRUE(close_trail(lost, context()));
  ASSERT_TRUE(s3_restore.close(undo, false, context()));
  EXPECT_FALSE(server_.versions("kept").contains("DeleteMarker"));
  EXPECT_EQ(server_.get("/kept/kept/one"), "second 200");
  EXPECT_EQ(server_.get("/kept/kept/two"), "second of two 200");
}

TEST_F(RestoreOnS3, AVersionThatIsGoneIsFoundOut) {
  const BackupTaken taken = backup();
  const std::string version = version_of("kept/two");
  EXPECT_TRUE(server_.curl("DELETE", "/kept/kept/two?versionId=" + version).ends_with("204"));
  const Restored aside = restore_aside(taken);
  EXPECT_FALSE(aside.verified);
  EXPECT_TRUE(aside.text.contains("version " + version + " of kept/two is gone")) << aside.text;
  const std::string before = server_.versions("kept");
  const Undo undo = prepared();
  EXPECT_FALSE(restore(taken, undo).verified);
  EXPECT_EQ(server_.versions("kept"), before);
}

TEST_F(RestoreOnS3, AnEmptySetIsVacuous) {
  for (const char* key : {"one", "two"}) server_.curl("DELETE", std::string("/kept/kept/") + key);
  const BackupTaken taken = backup();
  const Restored aside = restore_aside(taken);
  EXPECT_TRUE(aside.vacuous);
  EXPECT_EQ(aside.text, "the backup holds no objects");
  EXPECT_TRUE(restore(taken, prepared()).vacuous);
}

TEST_F(RestoreOnS3, WhatIsThereAlreadyIsVacuous) {
  const BackupTaken taken = backup();
  const std::string before = server_.versions("kept");
  const Undo undo = prepared();
  const Restored restored = restore(taken, undo);
  EXPECT_TRUE(restored.verified && restored.vacuous);
  EXPECT_EQ(server_.versions("kept"), before);
}

TEST_F(RestoreOnS3, ABackupThatIsNotTheOneIsNotTaken) {
  BackupTaken taken = backup();
  std::ofstream(taken.id, std::ios::app) << " ";
  EXPECT_TRUE(restore_aside(taken).text.contains("is not the inventory that was written"));
  taken = backup();
  aim("locked");
  EXPECT_TRUE(restore_aside(taken).text.contains("is of http://"));
}

TEST_F(RestoreOnS3, AnAnswerThatNobodyReadIsNotForgotten) {
  const BackupTaken taken = backup();
  (void)lose();
  const std::string before = server_.versions("kept");
  bool died = true;
  for (int change = 0; died; ++change) {
    const Undo undo = s3_restore.prepare(target(), context(std::to_string(change))).value();
    const Target aimed = target();
    died = world_.dies_at(change, [&] {
      (void)s3_restore.restore_place(aimed, taken, undo, context(std::to_string(change)));
    });
    ASSERT_TRUE(s3_restore.undo(undo, context()));
    EXPECT_TRUE(s3_restore.gone(undo, context())->held);
    ASSERT_EQ(server_.versions("kept"), before) << "died at change " << change;
  }
}

}  // namespace
}  // namespace gameday
