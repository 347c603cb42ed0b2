// Children of a test and targets that outlive them, in a folder of its own that goes with it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/sys/processes.h"

namespace gameday {

inline const std::string kChild = std::string(GAMEDAY_BIN_DIR) + "/process_child";

class ProcessesTest : public testing::Test {
 protected:
  ProcessesTest() {
    std::string pattern = testing::TempDir() + "processes.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ProcessesTest() override {
    for (const auto& id : started_) static_cast<void>(processes_->signal(id, SIGKILL));
    for (const auto& id : started_)
      static_cast<void>(processes_->wait_gone(id, within(std::chrono::seconds(5))));
    std::filesystem::remove_all(folder_);
  }

  Until within(Duration d) const { return {{}, clock_.in(d)}; }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kChild);
    return {arguments, folder_, {}};
  }
  bool comes_true(const std::function<bool()>& condition,
                  Duration d = std::chrono::seconds(10)) const {
    const Instant end = clock_.in(d);
    while (!condition() && clock_.now().boot < end) {
      static_cast<void>(clock_.sleep({{}, clock_.in(std::chrono::milliseconds(2))}));
    }
    return condition();
  }
  std::string bytes_of(const std::string& name) const {
    return files_.read(file(name)).value_or("");
  }
  std::string when_written(const std::string& name) const {
    EXPECT_TRUE(comes_true([&] { return files_.exists(file(name)); })) << name;
    return bytes_of(name);
  }
  // A target that says what it is in the file "before".
  ProcessFacts a_target(std::vector<std::string> extra_environment = {},
                        std::vector<std::string> arguments = {}) {
    if (arguments.empty()) arguments = {"serve", file("said")};
    Command starting = command(std::move(arguments));
    starting.extra_environment = std::move(extra_environment);
    const auto id = processes_->start_detached(starting, file("log"));
    EXPECT_TRUE(id) << id.error().text;
    started_.push_back(*id);
    when_written("said");
    const auto facts = processes_->look(id->pid);
    EXPECT_TRUE(facts) << facts.error().text;
    return *facts;
  }

  SystemClock clock_;
  Files files_;
  std::string folder_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::vector<ProcessId> started_;
};

inline bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).contains("\n" + line + "\n");
}

}  // namespace gameday
