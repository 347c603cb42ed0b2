// A real Docker engine of the tests' own, and containers on it, looked at by its own command line
// tool rather than by gameday's code.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "engine/base/text.h"
#include "tests/drills/deed_world.h"

namespace gameday {

// The trimmed output of a shell command, its errors too; the test fails where it fails.
inline std::string told(const std::string& command, bool may_fail = false) {
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "re");
  std::string output;
  std::array<char, 4096> bytes{};
  while (pipe != nullptr && std::fgets(bytes.data(), bytes.size(), pipe) != nullptr) {
    output += bytes.data();
  }
  const int status = pipe != nullptr ? pclose(pipe) : -1;
  EXPECT_TRUE(status == 0 || may_fail) << command << ": " << output;
  return std::string(trimmed(output));
}

// Another engine, or none, for as long as this lives.
class OtherHost {
 public:
  explicit OtherHost(const std::string& host) {
    const char* const before = std::getenv("DOCKER_HOST");
    if (before != nullptr) before_ = before;
    setenv("DOCKER_HOST", host.c_str(), 1);
  }
  ~OtherHost() {
    before_.empty() ? unsetenv("DOCKER_HOST") : setenv("DOCKER_HOST", before_.c_str(), 1);
  }
  OtherHost(const OtherHost&) = delete;
  OtherHost& operator=(const OtherHost&) = delete;

 private:
  std::string before_;
};

// Runs from the first test that wants it; DOCKER_HOST, where it is set, says which one instead. One
// that ran before, as ctest has it started, goes on after this process.
class TestEngine {
 public:
  static const std::string& host() {
    static const TestEngine engine;
    // No test of the environment may lead another one to the engine of this machine.
    setenv("DOCKER_HOST", engine.host_.c_str(), 1);
    return engine.host_;
  }
  ~TestEngine() {
    if (ours_) told(kScript + " stop", true);
  }
  TestEngine(const TestEngine&) = delete;
  TestEngine& operator=(const TestEngine&) = delete;

 private:
  TestEngine() {
    const char* const given = std::getenv("DOCKER_HOST");
    if (given != nullptr) {
      host_ = given;
      return;
    }
    host_ = told(kScript + " host");
    ours_ = !std::filesystem::exists(host_.substr(std::string_view("unix://").size()));
    told(kScript + " start >/dev/null");
  }
  inline static const std::string kScript = GAMEDAY_SOURCE_DIR "/tests/systems/docker/engine";

  std::string host_;
  bool ours_ = false;
};

inline std::string docker(const std::string& words, bool may_fail = false) {
  return told("docker -H " + TestEngine::host() + " " + words, may_fail);
}

// A network or a volume of one test; the containers on it must be gone before it.
class TestPart {
 public:
  explicit TestPart(std::string kind, const std::string& options = "") : kind_(std::move(kind)) {
    static int number = 0;
    name_ = "gd-" + kind_ + "-" + std::to_string(getpid()) + "-" + std::to_string(++number);
    docker(kind_ + " create " + options + " " + name_);
  }
  ~TestPart() { docker(kind_ + " rm " + name_, true); }
  TestPart(const TestPart&) = delete;
  TestPart& operator=(const TestPart&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string kind_, name_;
};

// The beginning of addresses that this process alone uses: "10.97.12.".
inline std::string own_addresses() {
  constexpr int kFirst = 64, kMost = 160, kThird = 250;  // more than a machine's 32,768 processes
  return "10." + std::to_string(kFirst + getpid() / kThird % kMost) + "." +
         std::to_string(getpid() % kThird) + ".";
}

// A container of the tests' image, removed with what belongs to it at the end of the test. Its name
// is its own, as others run beside it.
class TestContainer {
 public:
  explicit TestContainer(const std::string& options = "", const std::string& command = "") {
    (void)TestEngine::host();
    static int number = 0;
    name_ = "gd-" + std::to_string(getpid()) + "-" + std::to_string(++number);
    id_ = docker("run --detach --name " + name_ + " " + options + " gameday-box " + command);
  }
  ~TestContainer() { docker("rm --force --volumes " + name_, true); }
  TestContainer(const TestContainer&) = delete;
  TestContainer& operator=(const TestContainer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& id() const { return id_; }  // the one that was made first
  // By a Go template: "{{.State.Status}}".
  [[nodiscard]] std::string is(const std::string& format) const {
    return docker("inspect --format '" + format + "' " + name_, true);
  }
  [[nodiscard]] std::string state() const { return is("{{.State.Status}}"); }
  [[nodiscard]] std::string policy() const { return is("{{.HostConfig.RestartPolicy.Name}}"); }
  [[nodiscard]] std::string started() const { return is("{{.State.StartedAt}}"); }

 private:
  std::string name_, id_;
};

// A process that does not end when it is asked to, which pid 1 of a container does anyway where it
// handles no signal; and one that ends at once.
inline const std::string kDeaf =
    "busybox sh -c 'trap \"\" TERM; while :; do busybox sleep 1; done'";
inline const std::string kEndsWhenAsked =
    "busybox sh -c 'trap \"exit 7\" TERM; while :; do busybox sleep 0.05; done'";

}  // namespace gameday
