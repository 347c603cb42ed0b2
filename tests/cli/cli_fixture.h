// Runs the real binary in a folder of its own, with a home, a store and a runtime folder in it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "engine/base/json.h"
#include "engine/journal/store.h"
#include "engine/sys/files.h"
#include "engine/sys/sqlite.h"

namespace gameday {

struct Ran {
  int code = -1;  // 128 and the signal where one ended it
  std::string out, err;
};

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gameday-cli-XXXXXX";
    folder_ = std::filesystem::canonical(mkdtemp(pattern.data())).string();
    store_ = folder_ + "/state/gameday/gameday.db";
    setenv("HOME", folder_.c_str(), 1);
    setenv("XDG_STATE_HOME", (folder_ + "/state").c_str(), 1);
    setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
    unsetenv("NO_COLOR");
    unsetenv("GAMEDAY_MARK");
    const char* path = std::getenv("PATH");
    path_ = path != nullptr ? path : "";
  }
  void TearDown() override {
    setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(Files().write(file(name), text));
  }
  [[nodiscard]] static std::string read(const std::string& path) {
    const auto text = Files().read(path);
    EXPECT_TRUE(text) << path;
    return text.value_or("");
  }

  // A child with its streams in files; `error_to` may name a terminal instead.
  pid_t start(const std::vector<std::string>& argv, const std::string& error_to) const {
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder_.c_str());
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY;
    posix_spawn_file_actions_addopen(&actions, 1, file(".out").c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, error_to.c_str(), flags, 0600);
    pid_t child = 0;
    const int failed =
        posix_spawnp(&child, words.front(), &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    // A child of number 0 would be our whole process group to whoever ends it.
    if (failed != 0) throw std::system_error(failed, std::generic_category(), argv.front());
    return child;
  }

  static int ended(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  [[nodiscard]] Ran run_program(const std::vector<std::string>& argv) const {
    Ran ran;
    ran.code = ended(start(argv, file(".err")));
    ran.out = read(file(".out"));
    ran.err = read(file(".err"));
    return ran;
  }
  [[nodiscard]] Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), GAMEDAY_BINARY);
    return run_program(arguments);
  }

  // Standard output is one JSON document and nothing else.
  [[nodiscard]] static Json document(const Ran& ran) {
    const auto read = Json::parse(ran.out);
    EXPECT_TRUE(read) << ran.out << ran.err;
    return read.value_or(Json());
  }

  // Enters a drill with these lines in the store, as `run` leaves one.
  void keep(const std::string& id, const std::vector<std::string>& lines,
            const std::string& verdict, const ProcessId& runner = {"gone", 1, 1}) const {
    const SystemClock clock;
    auto store = Store::open(store_, clock);
    ASSERT_TRUE(store) << store.error().text;
    DrillRecord record;
    record.id = id;
    record.name = "name-of-" + id;
    record.playbook = "/srv/drills/" + id + ".yaml";
    record.runner = runner;
    record.created = "2026-01-02T03:04:05.000006Z";
    ASSERT_TRUE((*store)->add(record));
    ASSERT_TRUE((*store)->set_verdict(id, verdict));
    auto database = Database::open(store_);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("BEGIN"));
    std::int64_t number = 0;
    for (const auto& line : lines) {
      auto put = database->prepare("INSERT INTO events(drill, number, line) VALUES (?, ?, ?)");
      ASSERT_TRUE(put);
      put->bind_text(1, id).bind(2, ++number).bind_text(3, line);
      ASSERT_TRUE(put->run());
    }
    ASSERT_TRUE(database->execute("COMMIT"));
  }

  std::string folder_, store_;

 private:
  std::string path_;
};

}  // namespace gameday
