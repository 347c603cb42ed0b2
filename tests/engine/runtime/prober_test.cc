// The prober: every attempt is told, a slow answer delays the next attempt, and nothing outlives
// it.
#include "engine/runtime/prober.h"

#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/drills/deed_world.h"
#include "tests/engine/playbook/test_rows.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

Answer yes(const Json&, const DeedContext&) { return {true, "yes"}; }
Answer throws(const Json&, const DeedContext&) { throw std::runtime_error("a mistake of ours"); }
Answer waits(const Json&, const DeedContext& context) {
  const auto waited = context.doors.clock.sleep(context.until);
  return {false, waited ? "waited to its deadline" : waited.error().text};
}

// Hangs whatever its deadline, until it is let go.
std::promise<void> let_go;
std::atomic<int> hanging = 0;
Answer hangs(const Json&, const DeedContext& context) {
  ++hanging;
  let_go.get_future().wait();
  (void)context.doors.clock.now();
  --hanging;
  return {true, "after all"};
}

constexpr ProbeRow probe_row(std::string_view name,
                             Answer (*ask)(const Json&, const DeedContext&)) {
  ProbeRow row = *test_rows::kProbes.front();
  row.name = name;
  row.ask = ask;
  return row;
}
constexpr ProbeRow kYes = probe_row("yes", yes);
constexpr ProbeRow kThrows = probe_row("throws", throws);
constexpr ProbeRow kWaits = probe_row("waits", waits);
constexpr ProbeRow kHangs = probe_row("hangs", hangs);
constexpr std::array kProbes{&kYes, &kThrows, &kWaits, &kHangs};
constexpr Rows kRows{test_rows::kFacets, {}, {}, {}, kProbes};

class ProberTest : public testing::Test {
 protected:
  ProberTest()
      : playbook(std::make_shared<Playbook>()),
        performer(
            {world.doors(), kRows, secrets, playbook, "drill", 1, world.private_folder(), "", {}}) {
  }

  // What attempts use is here until the last of them has let go of it.
  void TearDown() override {
    kept.reset();
    EXPECT_EQ(let_go_of.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  }

  // What a prober with this one probe tells within that time.
  std::vector<Sampled> samples_of(const std::string& kind, Duration every, Duration timeout,
                                  Duration lasts) {
    std::mutex mutex;
    std::vector<Sampled> told;
    {
      const auto tell = [&](Sampled sample) {
        const std::lock_guard lock(mutex);
        told.push_back(std::move(sample));
      };
      Prober prober(performer, kRows, world.clock(), tell, kept);
      ProbeSpec probe;
      probe.name = "asked";
      probe.kind = kind;
      probe.every = every;
      probe.timeout = timeout;
      prober.ask(probe);
      (void)world.clock().sleep({Stop(), world.clock().in(lasts)});
      ending = world.clock().now().boot;
    }
    ended = world.clock().now().boot;
    return told;
  }

  DeedWorld world;
  Secrets secrets;
  std::shared_ptr<Playbook> playbook;
  Performer performer;
  Instant ending, ended;
  std::promise<void> let_go_of;
  std::shared_ptr<const void> kept{this, [this](const void*) { let_go_of.set_value(); }};
};

TEST_F(ProberTest, TellsEachAttempt) {
  const auto told = samples_of("yes", milliseconds(10), milliseconds(5), milliseconds(300));
  ASSERT_GT(told.size(), 5U);
  EXPECT_LT(told.size(), 40U);
  for (const auto& sample : told) {
    EXPECT_EQ(sample.probe, "asked");
    EXPECT_TRUE(sample.ok);
    EXPECT_LE(sample.start, sample.end);
  }
}

TEST_F(ProberTest, ADefectIsAFailedAttemptThatSaysSo) {
  const auto told = samples_of("throws", milliseconds(10), milliseconds(5), milliseconds(100));
  ASSERT_FALSE(told.empty());
  EXPECT_FALSE(told[0].ok);
  EXPECT_EQ(told[0].text, "defect: a mistake of ours");
}

TEST_F(ProberTest, AttemptsNeverPileUp) {
  const auto told = samples_of("waits", milliseconds(10), milliseconds(60), milliseconds(400));
  ASSERT_GT(told.size(), 1U);
  for (std::size_t i = 1; i < told.size(); ++i) EXPECT_GE(told[i].start, told[i - 1].end);
}

TEST_F(ProberTest, EndsAtOnceWithAnAttemptUnderWay) {
  const auto told = samples_of("waits", milliseconds(10), std::chrono::hours(1), milliseconds(50));
  EXPECT_TRUE(told.empty());
  EXPECT_LT(ended - ending, milliseconds(200));
}

TEST_F(ProberTest, AnAttemptThatHangsHasFailedAndHoldsUpNobody) {
  const auto told = samples_of("hangs", milliseconds(200), milliseconds(50), milliseconds(1200));
  EXPECT_LT(ended - ending, milliseconds(1000));
  ASSERT_GE(told.size(), 2U);
  for (const auto& sample : told) {
    EXPECT_FALSE(sample.ok);
    EXPECT_EQ(sample.text, "no answer: the attempt does not return");
  }
  EXPECT_LT(told[0].end - told[0].start, milliseconds(1000));
  EXPECT_EQ(told[1].start, told[0].end);
  EXPECT_EQ(hanging, 1) << "attempts have piled up";
  let_go.set_value();
}

}  // namespace
}  // namespace gameday
