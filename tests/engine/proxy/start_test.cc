#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <filesystem>

#include "engine/proxy/client.h"
#include "engine/proxy/proxy.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {
namespace {

class StartProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = resolve_address("127.0.0.1:0");
    ASSERT_EQ(bind(probe.get(), any->get(), any->size), 0);
    link_ = {.name = "a-link", .listen = bound_address(probe.get()), .to = echo_.address()};
  }
  void TearDown() override {
    const std::string path = proxy_control_path(link_.listen).value();
    static_cast<void>(ask_proxy(path, Json::object({{"op", "shutdown"}}), clock_, until()));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(path); }));
    std::filesystem::remove(path.substr(0, path.size() - 5) + ".log");
  }
  Until until() const { return {{}, clock_.in(std::chrono::seconds(20))}; }
  Result<Json> start(const std::string& executable) {
    return start_proxy(link_, executable, doors_, until());
  }

  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  Doors doors_{clock_, files_, *processes_, *http_, {}};
  std::string self_ = std::filesystem::read_symlink("/proc/self/exe").string();
  Echo echo_;
  ProxyLink link_;
};

TEST_F(StartProxyTest, StartsOneThatOutlivesTheStarterAndFindsItAgain) {
  EXPECT_EQ(find_proxy(link_, clock_, until()).error().code, ErrorCode::not_found);
  const auto started = start(self_);
  ASSERT_TRUE(started) << started.error().text;
  const Peer peer = Peer::to(link_.listen);
  peer.send("hello");
  EXPECT_EQ(peer.receive(5), "hello");
  const auto pid = started->integer("pid", 0);
  EXPECT_EQ(start(self_)->integer("pid", 0), pid) << "a running one is used";
  EXPECT_EQ(find_proxy(link_, clock_, until())->integer("pid", 0), pid);
  EXPECT_EQ(getsid(static_cast<pid_t>(pid)), pid) << "it must not end with our terminal";
}

TEST_F(StartProxyTest, ItHoldsNoDescriptorOfOurs) {
  const auto pid = start(self_)->integer("pid", 0);
  int pipes = 0;
  for (const auto& open :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code ignored;
    const auto what = std::filesystem::read_symlink(open.path(), ignored).string();
    pipes += what.starts_with("pipe:") ? 1 : 0;
  }
  EXPECT_EQ(pipes, 0);
}

TEST_F(StartProxyTest, OneThatLeadsElsewhereIsAConflict) {
  ASSERT_TRUE(start(self_));
  link_.to = "127.0.0.1:9";
  const auto refused = start(self_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().text.find("leads to " + echo_.address()), std::string::npos);
}

TEST_F(StartProxyTest, AForeignProcessOnTheAddressIsAConflict) {
  const std::string free = link_.listen;
  link_.listen = echo_.address();
  const auto refused = start(self_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().text,
            "something that is no proxy of ours listens on " + echo_.address());
  link_.listen = free;
}

TEST_F(StartProxyTest, OneThatEndsAtOnceIsReportedWithWhatItSaid) {
  const auto refused = start("/bin/ls");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed);
  EXPECT_NE(refused.error().text.find("a-link"), std::string::npos);
  EXPECT_NE(refused.error().text.find("proxy"), std::string::npos) << refused.error().text;
}

// What `gameday proxy --name N --listen A --to B --control P` does.
int run_as_proxy(char** argv) {
  SystemClock clock;
  const ProxyOptions options{argv[3], argv[5], argv[7], argv[9]};
  return run_proxy(options, clock, Stop()) ? 0 : 1;
}

}  // namespace
}  // namespace gameday

int main(int argc, char** argv) {
  if (argc == 10 && std::strcmp(argv[1], "proxy") == 0) return gameday::run_as_proxy(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
