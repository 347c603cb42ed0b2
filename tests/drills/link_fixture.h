// What tests of the faults of links share: links with running proxies, and a fault's functions.
#pragma once

#include "drills/systems/link.h"
#include "engine/proxy/proxy.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

// A link with its proxy in a thread, before an echo server.
class RunningLink {
 public:
  RunningLink(DeedWorld& world, const std::string& name, const std::string& region)
      : world_(world) {
    link_.name = name;
    link_.listen = free_address();
    link_.to = echo_.address();
    link_.region = region;
    control_ = proxy_control_path(link_.listen).value();
    std::filesystem::create_directories(std::filesystem::path(control_).parent_path());
    world.system().links.push_back(link_);
    thread_ = std::thread([this] {
      EXPECT_TRUE(
          run_proxy({link_.name, link_.listen, link_.to, control_}, world_.clock(), stop_.stop()));
    });
    EXPECT_TRUE(eventually([&] {
      return find_proxy(proxy_link(link_), world_.clock(), world_.context().until).has_value();
    }));
  }
  ~RunningLink() { end(); }

  void end() {
    stop_.request();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] bool passes() const {
    const Peer peer = Peer::to(link_.listen);
    peer.send("x");
    return peer.readable(std::chrono::milliseconds(300));
  }
  [[nodiscard]] const Link& link() const { return link_; }
  Echo& echo() { return echo_; }

 private:
  static std::string free_address() {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(probe.get(), any->get(), any->size), 0);
    return bound_address(probe.get());
  }

  DeedWorld& world_;
  Echo echo_;
  Link link_;
  std::string control_;
  StopSource stop_;
  std::thread thread_;
};

class LinkFaultTest : public testing::Test {
 protected:
  explicit LinkFaultTest(const FaultRow& row) : row_(row) { deed_.kind = row.name; }

  Result<Undo> prepared(const Json& arguments, const std::string& mark = "drill-1") {
    Deed deed = deed_;
    deed.target = arguments.text("link");
    deed.arguments = arguments;
    return row_.prepare(deed, world_.context(mark));
  }
  Proof proof(const Undo& undo) { return row_.prove(deed_, undo, world_.context()).value(); }
  Proof gone(const Undo& undo) { return row_.gone(undo, world_.context()).value(); }
  Status injected(const Undo& undo) { return row_.inject(deed_, undo, world_.context()); }
  Status undone(const Undo& undo) { return row_.undo(undo, world_.context()); }
  // The same toxic by somebody else, who was there before.
  void hurt_by_another(Undo undo) {
    undo.arguments.set("mark", "another");
    ASSERT_TRUE(injected(undo));
  }
  void heal_of_another(Undo undo) {
    undo.arguments.set("mark", "another");
    ASSERT_TRUE(undone(undo));
  }

  const FaultRow& row_;
  DeedWorld world_;
  Deed deed_{.id = "step", .kind = "", .target = "", .arguments = Json::object()};
};

}  // namespace gameday
