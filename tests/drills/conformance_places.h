// Real targets for the conformance suite, one kind a facet: what a fault of that facet is done to,
// how the world looks from outside, and a peer that accepts and never answers. A facet that has no
// place here fails the suite: `place_for` says what to add.
#pragma once

#include <sys/socket.h>

#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "drills/systems/link.h"
#include "drills/systems/process.h"
#include "drills/systems/sqlite.h"
#include "drills/systems/standstill.h"
#include "engine/proxy/proxy.h"
#include "engine/sys/time_offsets.h"
#include "tests/drills/conformance_place.h"
#include "tests/drills/conformance_places_docker.h"
#include "tests/drills/conformance_places_own.h"
#include "tests/drills/conformance_places_rabbit.h"
#include "tests/drills/conformance_places_redis.h"
#include "tests/drills/conformance_places_s3.h"
#include "tests/drills/conformance_places_ssh.h"
#include "tests/drills/conformance_postgres.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/netns_fixture.h"
#include "tests/drills/shop_database.h"
#include "tests/drills/shop_queue.h"
#include "tests/drills/silent_peer.h"

namespace gameday {

class ProcessPlace : public TargetPlace {
 public:
  explicit ProcessPlace(DeedWorld& world) : world_(world) {
    const auto id = world.doors().processes.start_detached(
        {{GAMEDAY_BIN_DIR "/process_child", "serve", world.file("said")}, world.file(""), {}},
        world.file("log"));
    EXPECT_TRUE(id);
    EXPECT_TRUE(eventually([&] { return world_.doors().files.exists(world_.file("said")); }));
    EXPECT_TRUE(world.doors().files.write(pidfile(), std::to_string(id->pid) + "\n"));
  }
  ~ProcessPlace() override {
    for (const auto& facts : living()) {
      (void)world_.doors().processes.signal(facts.id, SIGKILL);
      (void)world_.doors().processes.wait_gone(facts.id, world_.context().until);
    }
  }
  std::string pidfile() const override { return world_.file("west.pid"); }
  std::string seen() override {
    std::string all = content();
    for (const auto& facts : living()) all += " " + std::to_string(facts.id.pid);
    const auto said = world_.doors().files.read(pidfile());
    return all + " pidfile " + said.value_or("none");
  }
  std::string content() override {
    const auto named = process_at(pidfile(), world_.doors());
    std::string each;
    for (const auto& facts : living()) {
      const auto offsets = time_offsets_of(facts.id.pid);
      each += "clocks " + (offsets ? text_of(*offsets) : offsets.error().text);
      for (const auto& limit : facts.limits) {
        each += " " + std::to_string(limit.soft) + "/" + std::to_string(limit.hard);
      }
      each += "\n";
    }
    return each + std::to_string(living().size()) + " living, " + std::to_string(stopped()) +
           " stopped, the pidfile names " + (named ? "one" : "none");
  }

 private:
  std::vector<ProcessFacts> living() const {
    std::vector<ProcessFacts> found;
    for (const pid_t pid : world_.doors().processes.all()) {
      auto facts = world_.doors().processes.look(pid);
      const bool ours = facts && !facts->zombie && facts->argv.size() == 3 &&
                        facts->argv[2] == world_.file("said");
      if (ours) found.push_back(std::move(*facts));
    }
    return found;
  }
  std::int64_t stopped() const {
    return std::ranges::count_if(living(), [&](const auto& facts) {
      const auto activity = activity_of(facts.id, world_.doors());
      return activity && activity->stopped;
    });
  }

  DeedWorld& world_;
};

class DatabasePlace : public TargetPlace {
 public:
  explicit DatabasePlace(DeedWorld& world) : world_(world) {
    make_database(database(), kEverything);
  }
  std::string database() const override { return world_.file("store.db"); }
  std::string seen() override {
    const auto state = read_state(database(), world_.context());
    return state ? state->content.digest : state.error().text;
  }
  // A writer that never ends its transaction.
  void fall_silent() override {
    holder_.emplace(Database::open(database()).value());
    // A damaged one is held too.
    EXPECT_TRUE(holder_->execute("PRAGMA writable_schema = ON"));
    EXPECT_TRUE(holder_->execute("BEGIN EXCLUSIVE"));
  }

 private:
  DeedWorld& world_;
  std::optional<Database> holder_;
};

class QueuePlace : public TargetPlace {
 public:
  explicit QueuePlace(DeedWorld& world) : queue_(world) { queue_.publish({"d-1", "d-2", "d-3"}); }
  std::string queue() const override { return queue_.url(); }
  std::string seen() override {
    const auto looked = queue_.ask("GET", "");
    return content() + (looked ? looked->dump() : looked.error().text);
  }
  std::string content() override {
    std::string all;
    const auto listed = queue_.ask("GET", "/messages");
    if (!listed) return listed.error().text;
    for (const Json& message : listed->items("messages")) {
      all += message.text("key") + " " + message.text("state") + " ";
    }
    return all;
  }
  Undo silenced(Undo undo) override {
    const std::string path = "/orders";
    undo.arguments.set("url", "http://" + silent_.address() + path);
    return undo;
  }

 private:
  ShopQueue queue_;
  SilentPeer silent_;
};

class LinkPlace : public TargetPlace {
 public:
  explicit LinkPlace(DeedWorld& world) : world_(world), silent_(world.file("silent.sock")) {
    link_ = {"west-to-store", free_address(), echo_.address(), "eu-west", {}};
    const std::string control = proxy_control_path(link_.listen).value();
    std::filesystem::create_directories(std::filesystem::path(control).parent_path());
    thread_ = std::thread([this, control] {
      EXPECT_TRUE(
          run_proxy({link_.name, link_.listen, link_.to, control}, world_.clock(), stop_.stop()));
    });
    EXPECT_TRUE(eventually([&] {
      return find_proxy(proxy_link(link_), world_.clock(), world_.context().until).has_value();
    }));
  }
  ~LinkPlace() override {
    stop_.request();
    thread_.join();
  }
  static std::string free_address() {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = resolve_address("127.0.0.1:0");
    EXPECT_EQ(bind(probe.get(), any->get(), any->size), 0);
    return bound_address(probe.get());
  }
  std::string link() const override {
    return "{ listen: \"" + link_.listen + "\", to: \"" + link_.to + "\", region: eu-west }";
  }
  std::string seen() override {
    const auto status = find_proxy(proxy_link(link_), world_.clock(), world_.context().until);
    return (status ? status->get("toxics").dump() : status.error().text) + " " + behaviour();
  }
  std::string content() override { return behaviour(); }
  Undo silenced(Undo undo) override {
    Json links = Json::array();
    for (Json link : undo.arguments.items("links")) {
      links.push(link.set("control", silent_.address()));
    }
    undo.arguments.set("links", std::move(links));
    return undo;
  }

 private:
  // What clients find. A bad line hurts many of them; a few slow ones may be the machine's
  // doing.
  [[nodiscard]] std::string behaviour() const {
    int slow = 0;
    for (int look = 0; look < 20; ++look) {
      const std::string found = answered();
      if (found == "passes") continue;
      if (found != "passes slowly" || ++slow == 5) return found;
    }
    return "passes";
  }
  [[nodiscard]] std::string answered() const {
    constexpr Duration kSlow = std::chrono::milliseconds(100);
    const std::string question(8 << 10, 'x');
    const Instant begun = world_.clock().now().boot;
    const Peer peer = Peer::to(link_.listen);
    peer.send_some(question);
    if (!peer.readable(std::chrono::seconds(1))) return "does not pass";
    if (peer.receive(question.size()).size() < question.size()) return "breaks off";
    return world_.clock().now().boot - begun < kSlow ? "passes" : "passes slowly";
  }

  DeedWorld& world_;
  Echo echo_;
  SilentPeer silent_;
  Link link_;
  StopSource stop_;
  std::thread thread_;
};

// A network namespace, with a server that is reached inside of it by both families.
class HostPlace : public TargetPlace {
 public:
  explicit HostPlace(DeedWorld& world) : netns_(world) {}
  std::string netns() const override { return netns_.path(); }
  std::string seen() override {
    return netns_.rules() + netns_.run({"tc", "qdisc", "show"}) +
           ClientInside(netns_, "127.0.0.1:8200").state() + ", " +
           ClientInside(netns_, "[::1]:8200").state();
  }

 private:
  TestNetns netns_;
  ServerInside four_{netns_, "127.0.0.1:8200"}, six_{netns_, "[::1]:8200"};
};

// How long `work` goes on after its stop, which comes while it is under way.
template <class Work>
Duration after_its_stop(DeedWorld& world, const Work& work) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  StopSource stop;
  world.set_until({stop.stop(), world.clock().in(seconds(30))});
  Instant asked{};
  std::jthread stopper([&] {
    (void)world.clock().sleep({{}, world.clock().in(milliseconds(50))});
    asked = world.clock().now().boot;
    stop.request();
  });
  work();
  const Instant ended = world.clock().now().boot;
  stopper.join();
  world.set_until({{}, world.clock().in(seconds(30))});
  return ended > asked ? ended - asked : Duration{};
}

// `name` is the fault's whose own fields say what it hits; any other has a facet.
[[nodiscard]] inline std::unique_ptr<TargetPlace> place_for(std::string_view facet,
                                                            DeedWorld& world,
                                                            std::string_view name = "") {
  if (name == "bad-certificate" || name == "revoke-credential") {
    return std::make_unique<EdgePlace>(world);
  }
  if (facet == "process") return std::make_unique<ProcessPlace>(world);
  if (facet == "sqlite") return std::make_unique<DatabasePlace>(world);
  if (facet == "queue") return std::make_unique<QueuePlace>(world);
  if (facet == "rabbitmq") {
    return std::make_unique<RabbitPlace>(world, name.empty(), name == "cut-consumers");
  }
  if (facet == "redis") return std::make_unique<RedisServerPlace>(world);
  if (facet == "s3") return std::make_unique<S3ServerPlace>(world);
  if (facet == "ssh") return std::make_unique<SshPlace>(world);
  if (facet == "host") return std::make_unique<HostPlace>(world);
  if (facet == "link") return std::make_unique<LinkPlace>(world);
  if (facet == "container") return std::make_unique<ContainerPlace>(world, name);
  if (needs_postgres(facet)) {
    return std::make_unique<PostgresPlace>(world, name == "pause-replication");
  }
  if (name == "exhaust") return std::make_unique<MachinePlace>(world);
  if (name == "dns") return std::make_unique<NamesPlace>(world);
  if (name == "command") return std::make_unique<CommandPlace>(world);
  if (name == "fill-disk" || name == "exhaust-inodes") return std::make_unique<DiskPlace>(world);
  ADD_FAILURE() << (facet.empty() ? "fault `" : "facet `") << (facet.empty() ? name : facet)
                << "` has no target in this suite: add a TargetPlace for it to "
                << "tests/drills/conformance_places.h, and name it in place_for";
  return nullptr;
}

}  // namespace gameday
