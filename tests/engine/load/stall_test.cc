// Whether a load tells the truth of a server that stood still: 2,000 requests a second, which are
// due whether it answers or not, and a stall of 500 ms. How long each had to wait is computed from
// when it was due and when the server answered by its own record, and what a load records is held
// to it. A recorder that waits for answers is caught by the same.
#include <gtest/gtest.h>

#include <thread>

#include "engine/load/http_request.h"
#include "engine/load/sender.h"
#include "engine/load/wire_request.h"
#include "tests/engine/load/order_server.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr double kRate = 2000;
constexpr Duration kStall = milliseconds(500), kLength = milliseconds(3000);
constexpr int kFirst = 1000;  // the request at which it stops
constexpr double kWithin = 0.05;

struct Told {
  Duration p99{}, p999{};
  [[nodiscard]] bool near(const Told& truth) const {
    const auto off = [](Duration told, Duration true_one) {
      return std::abs(seconds(told) / seconds(true_one) - 1);
    };
    return off(p99, truth.p99) <= kWithin && off(p999, truth.p999) <= kWithin;
  }
};

Told told_by(const Histogram& histogram) {
  return {histogram.quantile(0.99), histogram.quantile(0.999)};
}

// By the server's record. Where the machine has time for it, the first that finds it standing waits
// for all of the stall, and each after it 0.5 ms less.
Told truth_of(OrderServer& server, Instant start) {
  Histogram truth;
  for (const auto& seen : server.seen()) {
    const auto number = seen.target.substr(seen.target.rfind('/') + 1);
    truth.add(seen.answered - (start + from_seconds(std::stod(number) / kRate)));
  }
  return told_by(truth);
}

struct Recorded {
  Told truth;
  Histogram response, service, lag;
};

using Make = Result<std::unique_ptr<Transport>> (*)(const Clock&, std::size_t, const PlainHttp&);

Recorded recorded(Make make, std::size_t connections) {
  const SystemClock clock;
  OrderServer server;
  server.stall_at(kFirst, kStall);
  LoadRequest request;
  request.url = server.url() + "/orders/{seq}";
  const Secrets secrets;
  const RequestPattern pattern(request, "01J", "checkout", 7, secrets);
  auto transport = make(clock, connections, pattern.wire()->to());
  EXPECT_TRUE(transport) << transport.error().text;
  if (!transport) return {};
  Recorded all;
  const Instant start = clock.now().boot;
  Recorder recorder({start, kRate, nullptr, nullptr, [&](const WindowCount& window) {
                       all.response += window.response;
                       all.service += window.service;
                       all.lag += window.send_lag;
                     }});
  Sender sender({.rate = kRate, .start = start}, std::chrono::seconds(5), pattern, **transport,
                recorder, clock, {});
  std::jthread ending([&] {
    (void)clock.sleep({Stop(), start + kLength});
    sender.end();
  });
  std::jthread([&] {
    go_first();
    sender.run();
  }).join();
  all.truth = truth_of(server, start);
  return all;
}

Result<std::unique_ptr<Transport>> uring(const Clock& clock, std::size_t most,
                                         const PlainHttp& to) {
  return make_uring_transport(clock, most, to);
}

std::vector<Make> makes_here() {
  std::vector<Make> makes{&make_epoll_transport};
  if (uring(SystemClock(), 1, {})) makes.push_back(&uring);
  return makes;
}

using StallTest = testing::TestWithParam<Make>;

TEST_P(StallTest, IsToldAsItWas) {
  const Recorded load = recorded(GetParam(), 4096);
  EXPECT_GT(load.truth.p99, milliseconds(450));
  EXPECT_TRUE(told_by(load.response).near(load.truth))
      << seconds(load.response.quantile(0.99)) << " " << seconds(load.response.quantile(0.999))
      << ", not " << seconds(load.truth.p99) << " " << seconds(load.truth.p999);
}

// As most tools do it: no more requests on the wire than there are connections, and latency from
// when each was sent.
TEST_P(StallTest, IsHiddenByWhoWaitsForAnswers) {
  const Recorded load = recorded(GetParam(), 16);
  EXPECT_FALSE(told_by(load.service).near(load.truth));
  EXPECT_LT(load.service.quantile(0.99), milliseconds(200));
  EXPECT_TRUE(told_by(load.response).near(load.truth));  // though it was sent late
}

INSTANTIATE_TEST_SUITE_P(Each, StallTest, testing::ValuesIn(makes_here()), [](const auto& each) {
  return each.param == &make_epoll_transport ? "epoll" : "uring";
});

}  // namespace
}  // namespace gameday
