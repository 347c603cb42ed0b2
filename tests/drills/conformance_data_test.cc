// What every restore and every queue must do, whatever it is: each case runs over every row, on a
// real target of its facet. A new row enters by itself.
#include <gtest/gtest.h>

#include <algorithm>

#include "all_rows.h"
#include "tests/drills/conformance_places.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

// How a target of that facet is written in a playbook, without its name.
Json facet_of(std::string_view facet, const TargetPlace& place) {
  if (facet == "sqlite") return Json::object({{"path", place.database()}});
  if (facet == "queue") return Json::object({{"url", place.queue()}});
  if (facet == "postgres") return Json::object({{"connection", place.postgres()}});
  if (facet == "rabbitmq") return Json::parse(place.rabbitmq()).value();
  if (facet == "redis") return Json::parse(place.redis()).value();
  if (facet == "s3") return Json::parse(place.s3()).value();
  ADD_FAILURE() << "facet `" << facet << "` has no fields in this suite: add them to facet_of";
  return {};
}

// The server that `make test` does without, if the facet needs one.
std::string_view server_of(std::string_view facet) {
  if (needs_postgres(facet)) return "postgres";
  return facet == "s3" || facet == "rabbitmq" || facet == "redis" ? facet : "";
}

std::vector<const RestoreRow*> all_restores(std::string_view server) {
  std::vector<const RestoreRow*> rows;
  for (const RestoreRow* row : all_rows().restores) {
    // One that goes to a point in time has a suite of its own.
    const bool both_ways = row->prepare != nullptr;
    if (both_ways && server_of(row->facet) == server) rows.push_back(row);
  }
  return rows;
}

class EachRestore : public testing::TestWithParam<const RestoreRow*> {
 protected:
  void SetUp() override {
    place_ = place_for(row().facet, world_);
    ASSERT_TRUE(place_);
    std::filesystem::create_directories(world_.private_folder());
    target_ = world_.add_target("target", std::string(row().facet), facet_of(row().facet, *place_));
  }
  const RestoreRow& row() const { return *GetParam(); }

  BackupTaken backup() {
    auto taken = row().backup(target_, world_.context("drill-backup"));
    EXPECT_TRUE(taken) << (taken ? "" : taken.error().text);
    return taken.value_or(BackupTaken{});
  }
  // By the way that a drill goes.
  Result<Restored> aside(const BackupTaken& taken, const DeedContext& context) {
    if (row().restore_scratch != nullptr) return row().restore_scratch(target_, taken, context);
    const Deed deed{"step", "restore", target_.name, Json::object()};
    TRY(undo, row().prepare_scratch(deed, taken, context));
    auto restored = row().fill_scratch(taken, undo, context);
    TRY_OK(row().undo(undo, context));
    EXPECT_TRUE(gone(undo));
    return restored;
  }
  Undo prepared(const std::string& mark = "drill-1") {
    auto undo = row().prepare(target_, world_.context(mark));
    EXPECT_TRUE(undo) << (undo ? "" : undo.error().text);
    return undo.value_or(Undo{});
  }
  bool gone(const Undo& undo) {
    const auto proof = row().gone(undo, world_.context());
    return proof && proof->held;
  }

  DeedWorld world_;
  std::unique_ptr<TargetPlace> place_;
  Target target_;
};

TEST_P(EachRestore, BackingUpAndRestoringAsideTouchNothing) {
  const std::string before = place_->seen();
  const BackupTaken taken = backup();
  EXPECT_TRUE(taken.sha256.starts_with("sha256:"));
  const auto restored = aside(taken, world_.context("drill-scratch"));
  ASSERT_TRUE(restored) << restored.error().text;
  EXPECT_TRUE(restored->verified) << restored->text;
  EXPECT_FALSE(restored->vacuous);
  EXPECT_EQ(place_->seen(), before);
}

TEST_P(EachRestore, PrepareTouchesNothing) {
  const std::string before = place_->seen();
  (void)prepared();
  EXPECT_EQ(place_->seen(), before);
}

TEST_P(EachRestore, IntoPlaceIsVerifiedAndUndoneToTheByte) {
  const BackupTaken taken = backup();
  const std::string before = place_->content();
  const Undo undo = prepared();
  const auto restored = row().restore_place(target_, taken, undo, world_.context());
  ASSERT_TRUE(restored) << restored.error().text;
  EXPECT_TRUE(restored->verified) << restored->text;
  EXPECT_FALSE(gone(undo)) << "the restore stands, and is said to be gone";
  for (int twice = 0; twice < 2; ++twice) {
    const auto undone = row().undo(undo, world_.context());
    EXPECT_TRUE(undone) << undone.error().text;
    EXPECT_TRUE(gone(undo));
    EXPECT_EQ(place_->content(), before);
  }
}

TEST_P(EachRestore, UndoingWhatWasNeverDoneChangesNothing) {
  const std::string before = place_->seen();
  const Undo undo = prepared();
  EXPECT_TRUE(row().undo(undo, world_.context()));
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(place_->seen(), before);
}

TEST_P(EachRestore, TheUndoIsPlainDataForAnotherProcess) {
  const BackupTaken taken = backup();
  const std::string before = place_->content();
  const Undo undo = prepared();
  ASSERT_TRUE(row().restore_place(target_, taken, undo, world_.context()));
  const std::string written = to_json(undo).dump();
  const pid_t child = fork();
  if (child == 0) {
    DeedWorld own;  // doors of its own, and no system
    const auto read = undo_from(Json::parse(written).value());
    DeedContext context{own.doors(),
                        own.system(),
                        {},
                        "drill",
                        "drill-1",
                        world_.private_folder(),
                        {{}, own.clock().in(20s)}};
    const bool undone = row().undo(*read, context) && row().gone(*read, context)->held;
    _exit(undone ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(gone(undo));
  EXPECT_EQ(place_->content(), before);
}

TEST_P(EachRestore, StoppedInTheMiddleItCanStillBeUndone) {
  const std::string before = place_->content();
  int number = 0;
  for (const Duration moment : {Duration(0), Duration(500us), Duration(2ms), Duration(8ms)}) {
    world_.set_until({{}, world_.clock().in(30s)});
    const BackupTaken taken = backup();
    const std::string mark = "drill-" + std::to_string(++number);
    const Undo undo = prepared(mark);
    StopSource stop;
    world_.set_until({stop.stop(), world_.clock().in(30s)});
    std::jthread stopper([&] {
      (void)world_.clock().sleep({{}, world_.clock().in(moment)});
      stop.request();
    });
    (void)row().restore_place(target_, taken, undo, world_.context(mark));
    stopper.join();
    world_.set_until({{}, world_.clock().in(30s)});
    EXPECT_TRUE(row().undo(undo, world_.context(mark)));
    EXPECT_TRUE(gone(undo));
    EXPECT_EQ(place_->content(), before);
  }
}

TEST_P(EachRestore, StopsWithin200MillisecondsBesideAPeerThatNeverAnswers) {
  const BackupTaken taken = backup();
  const Undo undo = prepared();
  place_->fall_silent();
  const auto context = [&] { return world_.context(); };
  const auto stopped = [&](const auto& work) { return after_its_stop(world_, work); };
  EXPECT_LT(stopped([&] { (void)row().backup(target_, context()); }), 200ms);
  EXPECT_LT(stopped([&] { (void)row().prepare(target_, world_.context("drill-2")); }), 200ms);
  EXPECT_LT(stopped([&] { (void)aside(taken, context()); }), 200ms);
  EXPECT_LT(stopped([&] { (void)row().restore_place(target_, taken, undo, context()); }), 200ms);
  EXPECT_LT(stopped([&] { (void)row().gone(undo, context()); }), 200ms);
  EXPECT_LT(stopped([&] { (void)row().undo(undo, context()); }), 200ms);
}

std::string case_name(const testing::TestParamInfo<const RestoreRow*>& row) {
  return std::string(row.param->name);
}
INSTANTIATE_TEST_SUITE_P(Rows, EachRestore, testing::ValuesIn(all_restores("")), case_name);
INSTANTIATE_TEST_SUITE_P(RowsOnPostgres, EachRestore, testing::ValuesIn(all_restores("postgres")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(RowsOnRabbit, EachRestore, testing::ValuesIn(all_restores("rabbitmq")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(RowsOnRedis, EachRestore, testing::ValuesIn(all_restores("redis")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(RowsOnS3, EachRestore, testing::ValuesIn(all_restores("s3")), case_name);

class EachQueue : public testing::TestWithParam<const QueueRow*> {
 protected:
  void SetUp() override {
    place_ = place_for(row().facet, world_);
    ASSERT_TRUE(place_);
    target_ = world_.add_target("target", std::string(row().facet), facet_of(row().facet, *place_));
  }
  const QueueRow& row() const { return *GetParam(); }

  DeedWorld world_;
  std::unique_ptr<TargetPlace> place_;
  Target target_;
};

TEST_P(EachQueue, LookingTouchesNothing) {
  const std::string before = place_->seen();
  const auto depth = row().depth(target_, world_.context());
  ASSERT_TRUE(depth) << depth.error().text;
  EXPECT_GT(*depth, 0);
  EXPECT_EQ(place_->seen(), before);
}

TEST_P(EachQueue, StopsWithin200MillisecondsBesideAPeerThatNeverAnswers) {
  const SilentPeer silent;
  const Json facet = row().facet == "rabbitmq"
                         ? Json::parse(place_->silent_rabbitmq()).value()
                         : Json::object({{"url", "http://" + silent.address() + "/orders"}});
  const Target& target = world_.add_target("silent", std::string(row().facet), facet);
  const auto context = [&] { return world_.context(); };
  EXPECT_LT(after_its_stop(world_, [&] { (void)row().depth(target, context()); }), 200ms);
  EXPECT_LT(after_its_stop(world_, [&] { (void)row().replay(target, Utc{}, context()); }), 200ms);
}

INSTANTIATE_TEST_SUITE_P(Rows, EachQueue,
                         testing::ValuesIn(all_rows().queues.begin(), all_rows().queues.end()),
                         [](const auto& row) {
                           const std::string facet(row.param->facet);
                           return facet == "rabbitmq" ? facet + "OnRabbit" : facet;
                         });

}  // namespace
}  // namespace gameday
