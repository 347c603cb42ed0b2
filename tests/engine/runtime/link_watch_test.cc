// What is seen of a real proxy, second by second.
#include "engine/runtime/link_watch.h"

#include <filesystem>
#include <mutex>

#include "engine/proxy/client.h"
#include "engine/proxy/proxy.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

// A link's proxy in a thread, before an echo server.
class Running {
 public:
  Running(const std::string& name, const Clock& clock) : clock_(clock) {
    link_.name = name;
    link_.listen = free_address();
    link_.to = echo_.address();
    const std::string control = proxy_control_path(link_.listen).value();
    std::filesystem::create_directories(std::filesystem::path(control).parent_path());
    thread_ = std::thread([this, control] {
      EXPECT_TRUE(run_proxy({link_.name, link_.listen, link_.to, control}, clock_, stop_.stop()));
    });
    const ProxyLink wanted{link_.name, link_.listen, link_.to};
    EXPECT_TRUE(eventually([&] {
      return find_proxy(wanted, clock_, {Stop(), clock_.in(milliseconds(500))}).has_value();
    }));
  }
  ~Running() { end(); }

  void end() {
    stop_.request();
    if (thread_.joinable()) thread_.join();
  }
  void send_a_byte() const {
    const Peer peer = Peer::to(link_.listen);
    peer.send("x");
    EXPECT_TRUE(peer.readable(milliseconds(2000)));
  }
  [[nodiscard]] const Link& link() const { return link_; }

 private:
  static std::string free_address() {
    const Descriptor any(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto loopback = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(any.get(), loopback->get(), loopback->size), 0);
    return bound_address(any.get());
  }

  const Clock& clock_;
  Echo echo_;
  Link link_;
  StopSource stop_;
  std::thread thread_;
};

class LinkWatchTest : public testing::Test {
 protected:
  // The totals that were told so far, oldest first.
  std::vector<Json> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::unique_ptr<LinkWatch> watching(std::vector<Link> links) {
    return std::make_unique<LinkWatch>(std::move(links), clock_, [this](Json seen) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(seen));
    });
  }
  void wait(milliseconds time) { (void)clock_.sleep({Stop(), clock_.in(time)}); }

  SystemClock clock_;
  std::mutex mutex_;
  std::vector<Json> told_;
};

TEST_F(LinkWatchTest, TellsTotalsAndThoseThatStandStillOnce) {
  Running running("west-to-store", clock_);
  const auto watch = watching({running.link()});
  wait(milliseconds(2500));
  EXPECT_EQ(told().size(), 1u) << "nothing has changed";
  running.send_a_byte();
  ASSERT_TRUE(eventually([&] { return told().size() >= 3; }));
  const auto seen = told();
  EXPECT_EQ(seen[0].text("link"), "west-to-store");
  EXPECT_EQ(seen[1].get("accepted"), seen[0].get("accepted"));
  EXPECT_GT(seen[1].integer("at_ns", 0), seen[0].integer("at_ns", 0));
  EXPECT_EQ(seen[2].integer("accepted", 0), seen[1].integer("accepted", 0) + 1);
  EXPECT_EQ(seen[2].integer("bytes_up", 0), seen[1].integer("bytes_up", 0) + 1);
}

TEST_F(LinkWatchTest, PassesOverALinkWhoseProxyIsGone) {
  Running gone("one", clock_);
  Running stays("two", clock_);
  gone.end();
  const auto watch = watching({gone.link(), stays.link()});
  ASSERT_TRUE(eventually([&] { return !told().empty(); }));
  for (const auto& seen : told()) EXPECT_EQ(seen.text("link"), "two");
}

TEST_F(LinkWatchTest, EndsAtOnce) {
  Running running("one", clock_);
  auto watch = watching({running.link()});
  wait(milliseconds(50));
  const Instant from = clock_.now().boot;
  watch.reset();
  EXPECT_LT(clock_.now().boot - from, milliseconds(200));
}

}  // namespace
}  // namespace gameday
