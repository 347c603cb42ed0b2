// A real child with a pidfile as a target, for tests of what is done to processes.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "drills/systems/process.h"

namespace gameday {

class ProcessFixture : public testing::Test {
 protected:
  ProcessFixture() {
    std::string pattern = testing::TempDir() + "target.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    mark_ = "01J" + folder_.substr(folder_.size() - 6) + "-3";
    std::filesystem::create_directory(file("private"));
    system_.targets.push_back(
        {.name = "west",
         .facets = Json::object({{"process", Json::object({{"pidfile", pidfile()}})}}),
         .region = "",
         .identity = "",
         .place = {}});
  }
  // Whatever runs in our folder was started by this test or on its behalf.
  ~ProcessFixture() override {
    for (const auto& facts : targets()) {
      static_cast<void>(doors_.processes.signal(facts.id, SIGKILL));
      static_cast<void>(doors_.processes.wait_gone(facts.id, within(std::chrono::seconds(5))));
    }
    std::filesystem::remove_all(folder_);
  }

  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string pidfile() const { return file("west.pid"); }
  std::string child() const { return std::string(GAMEDAY_BIN_DIR) + "/process_child"; }
  Until within(Duration d) const { return {{}, clock_.in(d)}; }
  DeedContext context(Duration d = std::chrono::seconds(10)) const {
    return {doors_, system_, secrets_, "01J", mark_, file("private"), within(d)};
  }
  Deed deed(const std::string& signal = "KILL") const {
    return {"fault-1", "kill", "west", Json::object({{"signal", signal}})};
  }
  std::vector<ProcessFacts> targets() const {
    std::vector<ProcessFacts> found;
    for (const pid_t pid : doors_.processes.all()) {
      auto facts = doors_.processes.look(pid);
      if (facts && !facts->zombie && facts->cwd == folder_) found.push_back(std::move(*facts));
    }
    return found;
  }
  bool comes_true(const std::function<bool()>& condition) const {
    const Instant end = clock_.in(std::chrono::seconds(10));
    while (!condition() && clock_.now().boot < end) {
      static_cast<void>(clock_.sleep({{}, clock_.in(std::chrono::milliseconds(2))}));
    }
    return condition();
  }
  ProcessId start(const std::vector<std::string>& argv) {
    Command command{argv, folder_, {"SECRET=canary-of-west"}};
    const auto id = doors_.processes.start_detached(command, file("log"));
    EXPECT_TRUE(id) << id.error().text;
    return id.value_or(ProcessId{});
  }
  // The target, with its pid in the pidfile.
  ProcessId start_target(const std::string& kind = "serve") {
    const ProcessId id = start({child(), kind, file("said")});
    EXPECT_TRUE(comes_true([&] { return files_.exists(file("said")); }));
    write_pid(id.pid);
    return id;
  }
  void write_pid(pid_t pid) const {
    EXPECT_TRUE(files_.write(pidfile(), std::to_string(pid) + "\n"));
  }
  void end(const ProcessId& id) const {
    EXPECT_TRUE(doors_.processes.signal(id, SIGKILL));
    EXPECT_TRUE(doors_.processes.wait_gone(id, within(std::chrono::seconds(5))));
  }

  SystemClock clock_;
  Files files_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::unique_ptr<Http> http_ = make_curl_http(clock_);
  Doors doors_{clock_, files_, *processes_, *http_, {}};
  System system_;
  Secrets secrets_;
  std::string folder_;
  std::string mark_;  // as a drill's, of this test alone: others run at the same time
};

}  // namespace gameday
