// Locks on targets and drills: who comes second is told who was first, from any store.
#include "engine/runtime/locks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

// Locks are the machine's: names that no drill has, and no other run of this test.
std::string own(const std::string& name) {
  return "locks-test:" + std::to_string(getpid()) + ":" + name;
}

class LocksTest : public testing::Test {
 protected:
  [[nodiscard]] LockFolder folder() const { return *LockFolder::find(files); }
  Files files;
  SystemClock clock;
};

TEST_F(LocksTest, ATargetIsHeldByOneDrill) {
  const auto first = folder().hold_targets({own("a"), own("b")}, "first", "/store");
  ASSERT_TRUE(first.has_value()) << first.error().text;
  const auto second = folder().hold_targets({own("b")}, "second", "/another");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().text.find("drill first"), std::string::npos) << second.error().text;
  first->forget();
}

TEST_F(LocksTest, OtherTargetsAreFree) {
  const auto first = folder().hold_targets({own("c")}, "first", "/store");
  const auto second = folder().hold_targets({own("d")}, "second", "/store");
  EXPECT_TRUE(second.has_value());
  first->forget();
  second->forget();
}

TEST_F(LocksTest, WhatIsRefusedHoldsNothing) {
  const auto first = folder().hold_targets({own("f")}, "first", "/store");
  EXPECT_FALSE(folder().hold_targets({own("e"), own("f")}, "second", "/store").has_value());
  const auto third = folder().hold_targets({own("e")}, "third", "/store");
  EXPECT_TRUE(third.has_value());
  first->forget();
  third->forget();
}

// The dead drill's name stays until somebody knows that nothing is owed.
TEST_F(LocksTest, WhoeverDiedHoldingItIsNamedToTheNext) {
  {
    ASSERT_TRUE(folder().hold_targets({own("g")}, "dead", "/its-store").has_value());
  }
  const auto trace = lock_trace(files, own("g"));
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->holder.drill, "dead");
  EXPECT_FALSE(trace->held);
  const auto next = folder().hold_targets({own("g")}, "next", "/store");
  ASSERT_TRUE(next.has_value());
  ASSERT_EQ(next->previous.size(), 1U);
  EXPECT_EQ(next->previous[0].drill, "dead");
  EXPECT_EQ(next->previous[0].store, "/its-store");
  next->forget();
}

TEST_F(LocksTest, WhoeverEndedWellLeavesNoName) {
  {
    const auto held = folder().hold_targets({own("h")}, "well", "/store");
    EXPECT_TRUE(lock_trace(files, own("h"))->held);
    held->forget();
  }
  EXPECT_FALSE(lock_trace(files, own("h")).has_value());
  EXPECT_TRUE(folder().hold_targets({own("h")}, "next", "/store")->previous.empty());
}

TEST_F(LocksTest, ADrillHasOneReplayer) {
  const Until soon{Stop(), clock.in(std::chrono::milliseconds(120))};
  auto first = folder().hold_drill(own("drill"), clock, soon);
  ASSERT_TRUE(first.has_value());
  const Instant asked = clock.now().boot;
  const auto second = folder().hold_drill(own("drill"), clock, soon);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_LT(clock.now().boot - asked, std::chrono::seconds(2));
  *first = Descriptor();
  EXPECT_TRUE(
      folder().hold_drill(own("drill"), clock, {Stop(), clock.in(std::chrono::seconds(1))}));
}

TEST_F(LocksTest, WaitingForADrillEndsWithAStop) {
  const auto first =
      folder().hold_drill(own("held"), clock, {Stop(), clock.in(std::chrono::seconds(1))});
  ASSERT_TRUE(first.has_value());
  StopSource stop;
  stop.request();
  const auto second =
      folder().hold_drill(own("held"), clock, {stop.stop(), clock.in(std::chrono::hours(1))});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::stopped);
}

TEST(LockNames, AreOnePerFacetThatADrillMayChangeAndOnePerFaultWithoutOne) {
  Playbook playbook;
  Target front, store;
  front.name = "front";
  front.facets = Json::object({{"http", Json::object({{"url", "http://127.0.0.1:1"}})}});
  store.name = "store";
  store.facets = Json::object({{"sqlite", Json::object({{"path", "/run/store.db"}})},
                               {"process", Json::object({{"pidfile", "/run/store.pid"}})}});
  playbook.system.targets = {front, store};
  Link link;
  link.listen = "127.0.0.1:8201";
  playbook.system.links = {link};
  Step kill, litter;
  kill.kind = litter.kind = StepKind::fault;
  kill.fault = "kill";
  kill.target = "store";
  litter.fault = "litter";
  litter.arguments = Json::object({{"path", "/run/data"}});
  playbook.timeline = {kill, litter, litter};
  const auto names = lock_names(playbook, test_rows::kRows);
  ASSERT_EQ(names.size(), 4U);
  EXPECT_EQ(names[0], "link:127.0.0.1:8201");
  EXPECT_EQ(names[1], "litter:/run/data");
  EXPECT_TRUE(names[2].starts_with("process:"));
  EXPECT_TRUE(names[3].starts_with("sqlite:"));
  // Another way to write the same thing is the same lock, and another name for it.
  playbook.system.targets[1].name = "database";
  EXPECT_EQ(lock_names(playbook, test_rows::kRows), names);
}

TEST(LockNames, AreOneForEachWayToWriteTheSame) {
  const std::string folder = testing::TempDir() + "locks-" + std::to_string(getpid());
  std::filesystem::create_directories(folder + "/real");
  std::filesystem::create_directory_symlink(folder + "/real", folder + "/link");
  const auto names_of = [&](const std::string& pidfile, const std::string& queue,
                            const std::string& listen) {
    Playbook playbook;
    Target target;
    target.name = "west";
    target.facets = Json::object({{"process", Json::object({{"pidfile", pidfile}})},
                                  {"queue", Json::object({{"url", queue}})}});
    playbook.system.targets = {target};
    Link link;
    link.listen = listen;
    playbook.system.links = {link};
    return lock_names(playbook, test_rows::kRows);
  };
  const auto names = names_of(folder + "/real/west.pid", "http://127.0.0.1:8/q", "127.0.0.1:82");
  EXPECT_EQ(names_of(folder + "/link/./west.pid", "http://localhost:8/q", "localhost:82"), names);
  EXPECT_NE(names_of(folder + "/real/west.pid", "http://localhosts:8/q", "127.0.0.1:82"), names);
  std::filesystem::remove_all(folder);
}

TEST(LockNames, AreThoseOfTheProcessesThatTargetsLeadTo) {
  const Json process = Json::object({{"boot", "b"}, {"pid", 7}, {"start", 9}});
  const Instance one{"west", "process 7", "process:/run/w.pid",
                     Json::object({{"process", process}})};
  const Instance same{"gate", "process 7", "process:/run/q.pid",
                      Json::object({{"process", process}})};
  const Instance store{"store", "database", "sqlite:/run/s.db", Json::object()};
  const Instance front{"front", "http", "http://127.0.0.1:1", Json::object()};
  EXPECT_EQ(lock_names({one}), lock_names({same}));
  EXPECT_EQ(lock_names({one, same, store, front}).size(), 2U);
}

}  // namespace
}  // namespace gameday
