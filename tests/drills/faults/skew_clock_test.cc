#include "drills/systems/clock_skew.h"
#include "tests/drills/edge_server.h"

namespace gameday {

extern const FaultRow skew_clock_fault;

namespace {

using namespace std::chrono_literals;

class SkewClockTest : public testing::Test {
 protected:
  SkewClockTest() {
    world_.add_target("edge", "process", Json::object({{"pidfile", edge_.pidfile()}}));
    std::filesystem::create_directory(world_.private_folder());
    original_ = process_at(edge_.pidfile(), world_.doors()).value();
  }
  ~SkewClockTest() override {
    if (const auto living = process_at(edge_.pidfile(), world_.doors())) {
      (void)world_.doors().processes.signal(living->id, SIGKILL);
    }
  }
  Result<Undo> prepare() { return skew_clock_fault.prepare(deed_, world_.context(mark_)); }
  Undo prepared() {
    auto undo = prepare();
    EXPECT_TRUE(undo) << undo.error().text;
    return undo.value_or(Undo{});
  }
  Undo injected() {
    const Undo undo = prepared();
    const auto done = skew_clock_fault.inject(deed_, undo, world_.context(mark_));
    EXPECT_TRUE(done) << done.error().text;
    return undo;
  }
  Proof proof(const Undo& undo) {
    return skew_clock_fault.prove(deed_, undo, world_.context()).value();
  }
  Proof gone(const Undo& undo) { return skew_clock_fault.gone(undo, world_.context()).value(); }
  Status undone(const Undo& undo) { return skew_clock_fault.undo(undo, world_.context()); }
  ProcessFacts living() { return process_at(edge_.pidfile(), world_.doors()).value(); }
  bool has_variable(const ProcessFacts& facts, std::string_view start) {
    return std::ranges::any_of(facts.environment,
                               [&](const auto& variable) { return variable.starts_with(start); });
  }
  void expect_as_before() {
    const ProcessFacts now = living();
    EXPECT_EQ(now.exe, original_.exe);
    EXPECT_EQ(now.argv, original_.argv);
    EXPECT_EQ(now.cwd, original_.cwd);
    EXPECT_FALSE(has_variable(now, "LD_PRELOAD=") || has_variable(now, "FAKETIME"));
    EXPECT_EQ(clocks_ahead(now.id.pid), Duration{});
  }
  void realtime() { deed_.arguments.set("clock", "realtime").set("url", edge_.url()); }

  DeedWorld world_;
  EdgeServer edge_{world_};
  ProcessFacts original_;
  std::string mark_ = "skew-" + std::to_string(getpid());
  Deed deed_{.id = "skewed",
             .kind = "skew-clock",
             .target = "edge",
             .arguments = Json::object(
                 {{"clock", "monotonic"}, {"by", "1h"}, {"direction", "ahead"}, {"url", "none"}})};
};

TEST_F(SkewClockTest, ItsClocksSinceBootAreAheadAndAfterwardsAsOurs) {
  const Undo undo = prepared();
  EXPECT_FALSE(proof(undo).held);
  EXPECT_EQ(living().id, original_.id) << "preparing must change nothing";
  ASSERT_TRUE(skew_clock_fault.inject(deed_, undo, world_.context(mark_)));
  EXPECT_EQ(clocks_ahead(living().id.pid), 1h);
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_NE(proof(undo).text.find("3600 s ahead"), std::string::npos) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(undone(undo));
    EXPECT_TRUE(gone(undo).held) << gone(undo).text;
    expect_as_before();
  }
  ASSERT_TRUE(skew_clock_fault.close(undo, false, world_.context()));
  EXPECT_TRUE(std::filesystem::is_empty(world_.private_folder()));
}

TEST_F(SkewClockTest, ItMayBeBehindToo) {
  deed_.arguments.set("direction", "behind").set("by", "90s");
  const Undo undo = injected();
  EXPECT_EQ(clocks_ahead(living().id.pid), -90s);
  EXPECT_NE(proof(undo).text.find("90 s behind"), std::string::npos) << proof(undo).text;
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(SkewClockTest, ItsTimeOfDayIsWhatItsAnswersSay) {
  realtime();
  const Undo undo = injected();
  const auto ahead = date_ahead(edge_.url(), world_.context());
  ASSERT_TRUE(ahead) << ahead.error().text;
  EXPECT_GT(*ahead, 1h - 2s);
  EXPECT_LT(*ahead, 1h + 2s);
  EXPECT_EQ(clocks_ahead(living().id.pid), Duration{});
  EXPECT_TRUE(proof(undo).held) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held);
  const std::string pid = std::to_string(living().id.pid);
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held) << gone(undo).text;
  expect_as_before();
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/faketime_shm_" + pid));
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/sem.faketime_sem_" + pid));
}

// A program that takes no notice of the library, as one that is linked statically.
TEST_F(SkewClockTest, WhatKeepsItsTimeWasNotHit) {
  realtime();
  Undo undo = prepared();
  undo.arguments.set("library", "/no/such/library.so");
  ASSERT_TRUE(skew_clock_fault.inject(deed_, undo, world_.context(mark_)));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_NE(proof(undo).text.find("as ours"), std::string::npos) << proof(undo).text;
  EXPECT_FALSE(gone(undo).held) << "it is still the one that was started for it";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
}

TEST_F(SkewClockTest, OneThatEndedAtOnceIsNoProofAndIsPutBack) {
  const Undo undo = injected();
  const ProcessId skewed = living().id;
  ASSERT_TRUE(world_.doors().processes.signal(skewed, SIGKILL));
  ASSERT_TRUE(world_.doors().processes.wait_gone(skewed, world_.context().until));
  EXPECT_FALSE(proof(undo).held);
  EXPECT_FALSE(gone(undo).held) << "nobody is in its place";
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  expect_as_before();
}

TEST_F(SkewClockTest, WhoWasStartedByOthersInTheMeantimeStays) {
  const Undo undo = injected();
  const ProcessId skewed = living().id;
  ASSERT_TRUE(world_.doors().processes.signal(skewed, SIGKILL));
  ASSERT_TRUE(world_.doors().processes.wait_gone(skewed, world_.context().until));
  edge_.start();
  const ProcessId theirs = living().id;
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(living().id, theirs);
}

TEST_F(SkewClockTest, WithoutInjectionNothingIsEnded) {
  const Undo undo = undo_from(Json::parse(to_json(prepared()).dump()).value()).value();
  ASSERT_TRUE(undone(undo));
  EXPECT_TRUE(gone(undo).held);
  EXPECT_EQ(living().id, original_.id);
}

TEST_F(SkewClockTest, DyingAtAnyChangePutsItBack) {
  int points = 0;
  for (bool died = true; died; ++points) {
    const Undo undo = prepared();
    died = world_.dies_at(points, [&] {
      // Processes of its own, which tell of each change.
      const auto processes = make_processes(world_.clock(), {}, world_.doors().observer);
      const Doors doors{world_.clock(), world_.doors().files, *processes, world_.doors().http,
                        world_.doors().observer};
      const DeedContext from = world_.context(mark_);
      const DeedContext context{doors,     from.system,         from.secrets, from.drill,
                                from.mark, from.private_folder, from.until};
      static_cast<void>(skew_clock_fault.inject(deed_, undo, context));
    });
    ASSERT_TRUE(undone(undo)) << "point " << points;
    ASSERT_TRUE(gone(undo).held) << "point " << points << ": " << gone(undo).text;
    expect_as_before();
    original_ = living();
  }
  EXPECT_GE(points, 4);
}

TEST_F(SkewClockTest, WhatCannotWorkIsNotBegun) {
  const auto refusal = [&] {
    const auto undo = prepare();
    EXPECT_FALSE(undo);
    return undo ? std::string() : undo.error().text;
  };
  deed_.arguments.set("direction", "behind").set("by", "3650d");
  EXPECT_NE(refusal().find("has run for"), std::string::npos);
  deed_.arguments.set("clock", "realtime");
  EXPECT_NE(refusal().find("needs `url`"), std::string::npos);
  realtime();
  deed_.arguments.set("by", "3s");
  EXPECT_NE(refusal().find("at least 6s"), std::string::npos);
  deed_.arguments.set("by", "1h").set("url", "http://127.0.0.1:1/");
  EXPECT_FALSE(refusal().empty());
  EXPECT_EQ(living().id, original_.id);
  realtime();
  const Undo undo = injected();
  mark_ += "-2";  // another deed's, with a private file of its own
  EXPECT_NE(refusal().find("behind ours before anything was done"), std::string::npos);
  ASSERT_TRUE(undone(undo));
}

}  // namespace
}  // namespace gameday
