// Real targets for the conformance suite, one kind a facet: what a fault of that facet is done to,
// how the world looks from outside, and a peer that accepts and never answers. A facet that has no
// place here fails the suite: `place_for` says what to add.
#pragma once

#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "drills/systems/disk.h"
#include "drills/systems/link.h"
#include "drills/systems/process.h"
#include "drills/systems/sqlite.h"
#include "drills/systems/standstill.h"
#include "engine/proxy/proxy.h"
#include "tests/drills/deed_world.h"
#include "tests/drills/shop_database.h"
#include "tests/drills/shop_queue.h"

namespace gameday {

// Accepts connections and says nothing, over TCP or a Unix socket.
class SilentPeer {
 public:
  explicit SilentPeer(const std::string& unix_path = "")
      : socket_(socket(unix_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (unix_path.empty()) {
      const auto any = resolve_address("127.0.0.1:0");
      EXPECT_EQ(bind(socket_.get(), any->get(), any->size), 0);
      address_ = bound_address(socket_.get());
    } else {
      const auto where = unix_address(unix_path);
      EXPECT_EQ(bind(socket_.get(), where->get(), where->size()), 0);
      address_ = unix_path;
    }
    EXPECT_EQ(listen(socket_.get(), 64), 0);
  }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Descriptor socket_;
  std::string address_;
};

// One real target. In a playbook it has the name that the rows' examples give it.
class TargetPlace {
 public:
  virtual ~TargetPlace() = default;
  // What stands in the playbook for it: what is not there keeps the plain one.
  [[nodiscard]] virtual std::string pidfile() const { return "west.pid"; }
  [[nodiscard]] virtual std::string database() const { return "store.db"; }
  [[nodiscard]] virtual std::string queue() const { return "http://127.0.0.1:1/orders"; }
  [[nodiscard]] virtual std::string link() const {
    return R"({ listen: "127.0.0.1:2", to: "127.0.0.1:3", region: eu-west })";
  }
  // Everything that a user of the target could see: equal before and after, nothing was touched.
  [[nodiscard]] virtual std::string seen() = 0;
  // Whatever comes back may be another instance: `seen` without what tells instances apart.
  [[nodiscard]] virtual std::string content() { return seen(); }
  // From now on whoever is asked for this target takes the question and never answers.
  virtual void fall_silent() {}
  // The same undo aimed at a peer that never answers; as it is where nobody is asked.
  [[nodiscard]] virtual Undo silenced(Undo undo) { return undo; }
};

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
    return std::to_string(living().size()) + " living, " + std::to_string(stopped()) +
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
    for (const auto& key : queue_.keys()) all += key + " ";
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
  // What a client finds. Once slow may be the machine's doing.
  [[nodiscard]] std::string behaviour() const {
    std::string found;
    for (int look = 0; look < 3; ++look) {
      found = answered();
      if (found != "passes slowly") break;
    }
    return found;
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

// A small filesystem in memory, for what fills it.
class DiskPlace : public TargetPlace {
 public:
  explicit DiskPlace(DeedWorld& world) : folder_(world.file("spool")) {
    std::filesystem::create_directory(folder_);
    EXPECT_EQ(mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64m"), 0)
        << "this test must be allowed to mount a tmpfs (run it as root)";
    std::ofstream(folder_ + "/theirs") << "not ours\n";
  }
  ~DiskPlace() override { umount2(folder_.c_str(), MNT_DETACH); }
  std::string seen() override {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.insert(entry.path().filename().string());
    }
    std::string all = std::to_string(disk_of(folder_)->free) + " free";
    for (const auto& name : names) all += " " + name;
    return all;
  }

 private:
  std::string folder_;
};

// What a command makes in the playbook's folder.
class CommandPlace : public TargetPlace {
 public:
  explicit CommandPlace(DeedWorld& world) : world_(world) {}
  std::string seen() override {
    return std::filesystem::exists(world_.file("maintenance")) ? "maintenance" : "none";
  }
  Undo silenced(Undo undo) override {
    for (const char* name : {"do", "undo", "check"}) {
      undo.arguments.set(name, Json(Json::Array{"sleep", "30"}));
    }
    return undo;
  }

 private:
  DeedWorld& world_;
};

// This machine, of which only what a stressor of ours takes is looked at.
class MachinePlace : public TargetPlace {
 public:
  explicit MachinePlace(DeedWorld& world) : world_(world) {
    setenv("GAMEDAY_PROGRAM", GAMEDAY_BIN_DIR "/../gameday", 1);
  }
  ~MachinePlace() override {
    for (const auto& id : stressors()) {
      (void)world_.doors().processes.signal(id, SIGKILL);
      (void)world_.doors().processes.wait_gone(id, world_.context().until);
    }
  }
  std::string seen() override { return std::to_string(stressors().size()) + " stressors"; }

 private:
  std::vector<ProcessId> stressors() const {
    std::vector<ProcessId> found;
    for (const pid_t pid : world_.doors().processes.all()) {
      const auto facts = world_.doors().processes.look(pid);
      const bool ours = facts && !facts->zombie && facts->argv.size() > 3 &&
                        facts->argv[1] == "stress" &&
                        facts->argv[3].starts_with(world_.private_folder());
      if (ours) found.push_back(facts->id);
    }
    return found;
  }

  DeedWorld& world_;
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
  if (facet == "process") return std::make_unique<ProcessPlace>(world);
  if (facet == "sqlite") return std::make_unique<DatabasePlace>(world);
  if (facet == "queue") return std::make_unique<QueuePlace>(world);
  if (facet == "link") return std::make_unique<LinkPlace>(world);
  if (name == "exhaust") return std::make_unique<MachinePlace>(world);
  if (name == "command") return std::make_unique<CommandPlace>(world);
  if (name == "fill-disk") return std::make_unique<DiskPlace>(world);
  ADD_FAILURE() << (facet.empty() ? "fault `" : "facet `") << (facet.empty() ? name : facet)
                << "` has no target in this suite: add a TargetPlace for it to "
                << "tests/drills/conformance_places.h, and name it in place_for";
  return nullptr;
}

}  // namespace gameday
