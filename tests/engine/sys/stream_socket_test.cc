#include "engine/sys/stream_socket.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/drills/deed_world.h"
#include "tests/drills/silent_peer.h"

namespace gameday {
namespace {

using namespace std::chrono_literals;

TEST(StreamSocketTest, WhoAcceptsIsConnectedTo) {
  DeedWorld world;
  const SilentPeer tcp, local(world.file("s"));
  const auto port = std::stoi(tcp.address().substr(tcp.address().find(':') + 1));
  const Until until = world.context().until;
  EXPECT_TRUE(connected_to_host("127.0.0.1", port, world.clock(), until));
  EXPECT_TRUE(connected_to_host("localhost", port, world.clock(), until));
  EXPECT_TRUE(connected_to_path(local.address(), world.clock(), until));
}

TEST(StreamSocketTest, NobodyThereIsAnError) {
  DeedWorld world;
  const Until until = world.context().until;
  EXPECT_EQ(connected_to_host("127.0.0.1", 1, world.clock(), until).error().code,
            ErrorCode::failed);
  EXPECT_EQ(connected_to_path(world.file("none"), world.clock(), until).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(connected_to_path(std::string(200, 'x'), world.clock(), until).error().code,
            ErrorCode::invalid);
}

// A Unix socket whose backlog is full takes nobody in, and says so at once.
TEST(StreamSocketTest, AFullBacklogIsWaitedForUntilTheStop) {
  DeedWorld world;
  const SilentPeer local(world.file("s"));
  std::vector<Descriptor> all;
  const auto full = [&] {
    auto line = connected_to_path(local.address(), world.clock(), {{}, world.clock().in(50ms)});
    if (line) all.push_back(std::move(*line));
    return all.size() > 1000 || !line;
  };
  while (!full()) continue;
  ASSERT_LT(all.size(), 1000u);
  StopSource stop;
  std::jthread stopper([&] {
    (void)world.clock().sleep({{}, world.clock().in(50ms)});
    stop.request();
  });
  const Instant begun = world.clock().now().boot;
  const auto line =
      connected_to_path(local.address(), world.clock(), {stop.stop(), world.clock().in(30s)});
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ErrorCode::stopped);
  EXPECT_LT(world.clock().now().boot - begun, 250ms);
}

}  // namespace
}  // namespace gameday
