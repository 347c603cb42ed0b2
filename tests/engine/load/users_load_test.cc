// Users in a closed loop against a real server: how often they ask is what their number, what they
// think and what the server takes make of it.
#include <fstream>

#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class UsersLoadTest : public LoadTest {
 protected:
  LoadTerms users(const std::string& url, const UsersSpec& spec) const {
    LoadTerms made = terms(url, static_cast<double>(spec.users));
    made.spec.users = spec;
    made.spec.ledger.reset();
    return made;
  }
};

// Of those that were due in that time.
struct Asked {
  double count = 0, mean_latency_s = 0;
};
Asked asked(const Load& load, Duration from, Duration to) {
  Asked found;
  for (const Sample& sample : load.samples()) {
    const Duration since = sample.due - load.started();
    if (since < from || since >= to) continue;
    ++found.count;
    found.mean_latency_s += gameday::seconds(sample.latency());
  }
  found.mean_latency_s /= found.count;
  return found;
}

// N users with think time Z and response time R ask N / (Z + R) times a second.
TEST_F(UsersLoadTest, TheirRateIsTheirNumberOverThinkAndLatency) {
  OrderServer server;
  const auto load = ran(users(server.url(), {.users = 100,
                                             .spawn_rate = 200,
                                             .think_least = milliseconds(50),
                                             .think_most = milliseconds(90)}),
                        milliseconds(8500));
  const auto& samples = load->samples();
  ASSERT_GT(samples.size(), 3000U);
  EXPECT_EQ(count(*load, SampleOutcome::ok), samples.size());
  // All are there after half a second; then as many as the formula says.
  const Asked all = asked(*load, milliseconds(500), milliseconds(8500));
  const double rate = 100 / (0.070 + all.mean_latency_s);
  EXPECT_NEAR(all.count / 8, rate, 0.03 * rate);
  // Before, as they are spawned: the i-th asks from i / 200 s on.
  const Asked early = asked(*load, {}, milliseconds(500));
  const double each = 0.070 + early.mean_latency_s;
  double expected = 0;
  for (int i = 0; i < 100; ++i) expected += 1 + (0.5 - i / 200.0) / each - 0.5;
  EXPECT_NEAR(early.count, expected, 0.1 * expected);
  ASSERT_TRUE(load->users());
  EXPECT_EQ(load->users()->users, 100U);
  EXPECT_EQ(load->users()->spawned, 100U);
  EXPECT_GE(load->users()->until, samples.back().due);
}

TEST_F(UsersLoadTest, ASpawnRateIsKept) {
  OrderServer server;
  const auto load = ran(
      users(
          server.url(),
          {.users = 1000, .spawn_rate = 40, .think_least = seconds(60), .think_most = seconds(60)}),
      milliseconds(1010));
  // However long it really was: one each 25 ms, and the first at once.
  const auto there =
      static_cast<std::size_t>((load->users()->until - load->started()) / milliseconds(25)) + 1;
  EXPECT_GE(there, 41U);
  ASSERT_EQ(load->samples().size(), there);
  for (std::size_t i = 0; i < there; ++i) {
    EXPECT_EQ(load->samples()[i].due, load->started() + milliseconds(25) * i);
  }
  EXPECT_EQ(load->users()->spawned, there);
}

// A closed loop in its nature: while it is not answered, it asks nothing.
TEST_F(UsersLoadTest, ASilentServerIsAskedAsOftenAsRequestsAreGivenUp) {
  OrderServer server;
  server.behave(Manner::silent);
  auto made = users(server.url(), {.users = 5});
  made.spec.timeout = milliseconds(400);
  const auto load = ran(made, milliseconds(1000));
  const auto times =
      static_cast<std::size_t>((load->users()->until - load->started()) / milliseconds(400)) + 1;
  EXPECT_LE(load->samples().size(), 5 * times);
  EXPECT_GE(load->samples().size(), 10U);
  EXPECT_EQ(count(*load, SampleOutcome::unknown), load->samples().size());
}

TEST_F(UsersLoadTest, GoesByANameToo) {
  OrderServer server;
  const std::string url = server.url();
  const auto load =
      ran(users("http://localhost" + url.substr(url.rfind(':')),
                {.users = 10, .think_least = milliseconds(20), .think_most = milliseconds(30)}),
          milliseconds(1000));
  EXPECT_GT(load->samples().size(), 100U);
  EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
}

double resident_mib() {
  std::ifstream numbers("/proc/self/statm");
  double all = 0, resident = 0;
  numbers >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Each is a few dozen bytes who waits for nothing but the time.
TEST_F(UsersLoadTest, TenThousandOfThemCostLittleMemory) {
  OrderServer server;
  auto made = users(
      server.url(),
      {.users = 10'000, .spawn_rate = 5'000, .think_least = seconds(5), .think_most = seconds(9)});
  made.spec.timeout = seconds(10);
  [[maybe_unused]] const double before = resident_mib();
  const auto load = start(made);
  rest(seconds(3));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what was freed
  EXPECT_LT(resident_mib() - before, 32) << "the server's own part is in it";
#endif
  load->end();
  EXPECT_EQ(load->users()->spawned, 10'000U);
  EXPECT_GE(load->samples().size(), 10'000U);
  EXPECT_EQ(count(*load, SampleOutcome::ok), load->samples().size());
}

}  // namespace
}  // namespace gameday
