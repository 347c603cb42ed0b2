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

Duration mean_latency(const std::vector<Sample>& samples) {
  Duration sum{};
  for (const Sample& sample : samples) sum += sample.latency();
  return sum / samples.size();
}

// N users with think time Z and response time R ask N / (Z + R) times a second.
TEST_F(UsersLoadTest, TheirRateIsTheirNumberOverThinkAndLatency) {
  OrderServer server;
  const auto load = ran(users(server.url(), {.users = 100,
                                             .spawn_rate = 200,
                                             .think_least = milliseconds(50),
                                             .think_most = milliseconds(90)}),
                        milliseconds(5500));
  const auto& samples = load->samples();
  ASSERT_GT(samples.size(), 3000U);
  EXPECT_EQ(count(*load, SampleOutcome::ok), samples.size());
  // All are there after half a second; then as many as the formula says.
  const auto asked = [&](int from_ms, int to_ms) {
    return static_cast<double>(std::ranges::count_if(samples, [&](const Sample& sample) {
      const Duration since = sample.due - load->started();
      return since >= milliseconds(from_ms) && since < milliseconds(to_ms);
    }));
  };
  const double each = 0.070 + gameday::seconds(mean_latency(samples));
  EXPECT_NEAR(asked(500, 5500) / 5, 100 / each, 0.03 * 100 / each);
  // Those of the first half a second, as they are spawned: the i-th asks from i / 200 s on.
  double expected = 0;
  for (int i = 0; i < 100; ++i) expected += 1 + (0.5 - i / 200.0) / each - 0.5;
  EXPECT_NEAR(asked(0, 500), expected, 0.1 * expected);
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
  ASSERT_EQ(load->samples().size(), 41U);
  for (std::size_t i = 0; i < 41; ++i) {
    EXPECT_EQ(load->samples()[i].due, load->started() + milliseconds(25) * i);
  }
  EXPECT_EQ(load->users()->spawned, 41U);
}

// A closed loop in its nature: while it is not answered, it asks nothing.
TEST_F(UsersLoadTest, ASilentServerIsAskedAsOftenAsRequestsAreGivenUp) {
  OrderServer server;
  server.behave(Manner::silent);
  auto made = users(server.url(), {.users = 5});
  made.spec.timeout = milliseconds(400);
  const auto load = ran(made, milliseconds(1000));
  EXPECT_EQ(load->samples().size(), 15U);
  EXPECT_EQ(count(*load, SampleOutcome::unknown), 15U);
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
  EXPECT_EQ(load->samples().size(), 10'000U);
  EXPECT_EQ(count(*load, SampleOutcome::ok), 10'000U);
}

}  // namespace
}  // namespace gameday
