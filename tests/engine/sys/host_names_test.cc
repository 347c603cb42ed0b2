#include "engine/sys/host_names.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

using namespace std::chrono_literals;

const SystemClock kClock;

TEST(HostNames, ANumberIsItself) {
  const Until until{{}, kClock.in(10s)};
  const auto four = addresses_of("127.0.0.1", 80, kClock, until);
  ASSERT_TRUE(four);
  ASSERT_EQ(four->size(), 1u);
  EXPECT_EQ(four->front().number(), "127.0.0.1");
  EXPECT_EQ(four->front().family(), AF_INET);
  EXPECT_EQ(addresses_of("::1", 80, kClock, until)->front().number(), "::1");
}

TEST(HostNames, ANameHasEveryAddressOfIt) {
  const auto found = addresses_of("localhost", 80, kClock, {{}, kClock.in(10s)});
  ASSERT_TRUE(found) << found.error().text;
  bool loopback = false;
  for (const auto& address : *found) loopback = loopback || address.number() == "127.0.0.1";
  EXPECT_TRUE(loopback);
}

TEST(HostNames, ANameThatThereIsNotIsToldByName) {
  const auto found = addresses_of("no such host", 80, kClock, {{}, kClock.in(10s)});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_TRUE(found.error().text.contains("no such host")) << found.error().text;
}

}  // namespace
}  // namespace gameday
