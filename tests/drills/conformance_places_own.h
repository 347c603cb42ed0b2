// Targets of faults whose own fields say what they hit.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "drills/systems/disk.h"
#include "drills/systems/inodes.h"
#include "drills/systems/look_up.h"
#include "tests/drills/conformance_place.h"
#include "tests/drills/edge_server.h"

namespace gameday {

// A server with a certificate and credentials that it reads again when it is told.
class EdgePlace : public TargetPlace {
 public:
  explicit EdgePlace(DeedWorld& world) : edge_(world) {}
  std::string pidfile() const override { return edge_.pidfile(); }
  std::string aimed(std::string example) const override {
    example = std::regex_replace(example, std::regex("127\\.0\\.0\\.1:8443"), edge_.tls());
    return std::regex_replace(example, std::regex("http://127\\.0\\.0\\.1:8444/"), edge_.url());
  }
  // What it does, and what another process could see of its files.
  std::string seen() override {
    std::string all = std::to_string(edge_.status("canary-of-alice"));
    const auto shown = edge_.seen();
    all += " " + (shown ? shown->fingerprint + shown->distrust : shown.error().text);
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(edge_.file(""))) {
      const std::string name = entry.path().filename().string();
      struct stat found{};
      EXPECT_EQ(stat(entry.path().c_str(), &found), 0);
      if (name.starts_with("edge.")) {
        files[name] = std::to_string(found.st_mode) + " " + std::to_string(found.st_uid) + " " +
                      edge_.content(name);
      }
    }
    for (const auto& [name, is] : files) all += " " + name + " " + is;
    return all;
  }
  Undo silenced(Undo undo) override {
    undo.arguments.set("address", silent_.address());
    undo.arguments.set("url", "http://" + silent_.address() + "/");
    return undo;
  }

 private:
  EdgeServer edge_;
  SilentPeer silent_;
};

// A small filesystem in memory, for what fills it or takes its inodes.
class DiskPlace : public TargetPlace {
 public:
  explicit DiskPlace(DeedWorld& world) : folder_(world.file("spool")) {
    std::filesystem::create_directory(folder_);
    EXPECT_EQ(mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64m,nr_inodes=4000"), 0)
        << "this test must be allowed to mount a tmpfs (run it as root)";
    std::ofstream(folder_ + "/theirs") << "not ours\n";
  }
  ~DiskPlace() override { umount2(folder_.c_str(), MNT_DETACH); }
  std::string seen() override {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.insert(entry.path().filename().string());
    }
    std::string all = std::to_string(disk_of(folder_)->free) + " free, " +
                      std::to_string(inodes_of(folder_)->free) + " inodes";
    for (const auto& name : names) all += " " + name;
    return all;
  }

 private:
  std::string folder_;
};

// A hosts file, as processes resolve names that have it for theirs.
class NamesPlace : public TargetPlace {
 public:
  explicit NamesPlace(DeedWorld& world) : world_(world) {
    std::ofstream(world_.file("hosts")) << "127.0.0.1 localhost\n10.0.0.5 store.shop db.shop\n";
  }
  std::string seen() override {
    std::string all = world_.doors().files.read(world_.file("hosts")).value_or("none");
    const auto led = look_up("store.shop", NameFile::hosts, world_.file("hosts"), world_.context());
    EXPECT_TRUE(led) << (led ? "" : led.error().text);
    for (const auto& address : led.value_or(std::vector<std::string>{})) all += " " + address;
    for (const auto& entry : std::filesystem::directory_iterator(world_.file(""))) {
      const std::string name = entry.path().filename().string();
      if (name.contains(".gameday-")) all += " " + name;
    }
    return all;
  }

 private:
  DeedWorld& world_;
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

}  // namespace gameday
