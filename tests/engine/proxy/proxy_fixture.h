// A proxy in a thread, for tests that speak to both of its sides.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <thread>

#include "engine/proxy/client.h"
#include "engine/proxy/proxy.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

// A proxy in a thread of its own, in front of an echo server.
class ProxyTest : public testing::Test {
 protected:
  void SetUp() override { start(echo_.address()); }
  void TearDown() override {
    stop_.request();
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  void start(const std::string& to) {
    char pattern[] = "/tmp/gameday-proxy-XXXXXX";
    folder_ = mkdtemp(pattern);
    options_ = {.name = "west-to-store",
                .listen = "127.0.0.1:0",
                .to = to,
                .control = folder_ + "/control.sock"};
    thread_ = std::thread([this] { ended_ = run_proxy(options_, clock_, stop_.stop()); });
    ASSERT_TRUE(eventually([&] {
      if (const auto status = ask({{"op", "status"}})) address_ = status->text("bound");
      return !address_.empty();
    }));
  }

  Result<Json> ask(std::initializer_list<Json::Member> request) const {
    return ask_proxy(options_.control, Json::object(request), clock_,
                     {stop_.stop(), clock_.in(std::chrono::seconds(5))});
  }
  Json status() const { return ask({{"op", "status"}}).value(); }
  Result<Json> remove(const std::string& mark) const {
    return ask({{"op", "remove"}, {"mark", mark}});
  }
  Result<Json> block(const std::string& mark, double lease_s = 2) const {
    return ask({{"op", "add"}, {"kind", "block"}, {"mark", mark}, {"lease_s", lease_s}});
  }
  Peer client() const { return Peer::to(address_); }

  SystemClock clock_;
  Echo echo_;
  std::string folder_;
  ProxyOptions options_;
  std::string address_;
  StopSource stop_;
  Status ended_;
  std::thread thread_;
};

}  // namespace gameday
