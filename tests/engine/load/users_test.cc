#include "engine/load/users.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace gameday {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = Instant(std::chrono::hours(5));

UsersSpec spec(std::uint64_t users, Duration least, Duration most, double spawn_rate = 0) {
  return {.users = users, .spawn_rate = spawn_rate, .think_least = least, .think_most = most};
}

TEST(Users, AllAreThereAtOnceWithoutASpawnRate) {
  Users users(spec(3, seconds(5), seconds(9)), 1, kStart);
  for (std::size_t user = 0; user < 3; ++user) {
    EXPECT_EQ(users.spawned(), user);
    EXPECT_EQ(users.next_due(), kStart);
    EXPECT_EQ(users.take(), user);
  }
  EXPECT_EQ(users.next_due(), std::nullopt) << "all wait for their answers";
}

TEST(Users, ASpawnRateBringsThemOneByOne) {
  Users users(spec(100, seconds(5), seconds(9), 10), 1, kStart);
  for (std::size_t user = 0; user < 100; ++user) {
    EXPECT_EQ(users.next_due(), kStart + milliseconds(100) * user);
    EXPECT_EQ(users.take(), user);
  }
  EXPECT_EQ(users.next_due(), std::nullopt);
}

TEST(Users, OneThinksFromHisAnswerOn) {
  Users users(spec(1, seconds(2), seconds(2)), 1, kStart);
  EXPECT_EQ(users.take(), 0U);
  users.answered(0, kStart + milliseconds(700));
  EXPECT_EQ(users.next_due(), kStart + milliseconds(2700));
}

TEST(Users, WhoSpawnsAndWhoHasThoughtTakeTurnsByTime) {
  Users users(spec(3, milliseconds(150), milliseconds(150), 10), 1, kStart);
  EXPECT_EQ(users.take(), 0U);
  users.answered(0, kStart);
  std::vector<std::size_t> order;
  for (int i = 0; i < 3; ++i) order.push_back(users.take());
  EXPECT_EQ(order, (std::vector<std::size_t>{1, 0, 2}));
}

// How long each thinks, without what the others do.
std::map<std::size_t, std::vector<Duration>> thoughts(std::uint64_t seed, Duration answers_in,
                                                      int turns) {
  Users users(spec(50, seconds(5), seconds(9), 25), seed, kStart);
  std::map<std::size_t, Instant> since;
  std::map<std::size_t, std::vector<Duration>> found;
  for (int i = 0; i < turns; ++i) {
    const Instant due = *users.next_due();
    const std::size_t user = users.take();
    if (since.contains(user)) found[user].push_back(due - since[user]);
    since[user] = due + answers_in;
    users.answered(user, since[user]);
  }
  return found;
}

TEST(Users, TheyThinkUniformlyBetweenTheTwo) {
  std::vector<int> bins(8);
  int count = 0;
  for (const auto& [user, all] : thoughts(7, milliseconds(20), 40'000)) {
    for (const Duration thought : all) {
      ASSERT_GE(thought, seconds(5));
      ASSERT_LT(thought, seconds(9));
      ++bins[static_cast<std::size_t>((thought - seconds(5)) / milliseconds(500))];
      ++count;
    }
  }
  double chi = 0;
  for (const int bin : bins) chi += std::pow(bin - count / 8.0, 2) / (count / 8.0);
  EXPECT_LT(chi, 24.3);  // of 7 free bins, once in a thousand
}

TEST(Users, TheSeedDecidesHowLongEachThinksWhateverTheAnswersAre) {
  const auto quick = thoughts(7, milliseconds(1), 500);
  auto slow = thoughts(7, seconds(3), 500);
  EXPECT_NE(quick, thoughts(8, milliseconds(1), 500));
  for (const auto& [user, all] : quick) {
    auto& others = slow[user];
    others.resize(std::min(others.size(), all.size()));
    ASSERT_FALSE(others.empty());
    EXPECT_TRUE(std::equal(others.begin(), others.end(), all.begin())) << user;
  }
  std::set<Duration> first;
  for (const auto& [user, all] : quick) first.insert(all.front());
  EXPECT_EQ(first.size(), 50U) << "each thinks by himself";
}

}  // namespace
}  // namespace gameday
