#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/base/random.h"
#include "engine/sys/descriptor.h"
#include "tests/engine/journal/store_folder.h"

namespace gameday {
namespace {

constexpr int kKills = 40;
constexpr std::uint64_t kSeed = 20261122;

class StoreCrash : public StoreFolder {
 protected:
  // Appends without end; each durable event that returned is told to the parent, by its number.
  [[noreturn]] void write_until_killed(const std::string& id, int to_parent) {
    auto store = Store::open(path(), clock_);
    if (!store || !(*store)->add(record(id))) _exit(2);
    auto journal = (*store)->journal(id);
    if (!journal) _exit(3);
    for (int i = 0; i < 100000; ++i) {
      const bool sample = i % 3 != 0;
      const std::string text(static_cast<std::size_t>(i % 700), 'x');
      const auto number = put(**journal, sample ? Durability::batched : Durability::durable, text);
      if (!number) _exit(4);
      if (!sample && ::write(to_parent, &*number, sizeof *number) != sizeof *number) _exit(5);
    }
    _exit(6);
  }

  [[noreturn]] static void fail_child(const Error& error) {
    std::fprintf(stderr, "%s: %s\n", name_of(error.code), error.text.c_str());
    _exit(1);
  }

  // The last number that a child told before it was killed, having told `enough`.
  std::uint64_t killed_after(const std::string& id, std::uint64_t enough) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    const pid_t child = fork();
    if (child == 0) write_until_killed(id, writing.get());
    writing.reset();
    std::uint64_t told = 0, last = 0, count = 0;
    while (::read(reading.get(), &told, sizeof told) == sizeof told) {
      last = told;
      if (++count == enough) kill(child, SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    return last;
  }
};

TEST_F(StoreCrash, WhateverIsKilledEveryDurableEventThatReturnedIsThere) {
  Random random(kSeed);
  for (int i = 0; i < kKills; ++i) {
    const std::string id = "01K" + std::to_string(1000 + i);
    const std::uint64_t last = killed_after(id, 1 + random.below(30));
    const auto store = opened();
    ASSERT_NE(store, nullptr);
    const auto state = verify_chain(*store->lines(id));
    EXPECT_TRUE(state.intact) << state.problem;
    EXPECT_TRUE(state.interrupted);
    EXPECT_GE(state.events, last) << id;
    const auto drill = store->drill(id);
    EXPECT_FALSE(drill->closed);
    const auto guardian = store->take_over(id);
    ASSERT_TRUE(guardian);
    EXPECT_EQ(put(**guardian), state.events + 1);
    EXPECT_TRUE(verify_chain(*store->lines(id)).intact);
  }
}

TEST_F(StoreCrash, TwoProcessesMakeOneStoreAtTheSameTime) {
  for (int round = 0; round < 10; ++round) {
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        const std::string id = "01R" + std::to_string(i);
        auto store = Store::open(path(), clock_);
        if (!store) fail_child(store.error());
        if (auto added = (*store)->add(record(id)); !added) fail_child(added.error());
        auto journal = (*store)->journal(id);
        for (int n = 0; n < 5; ++n) {
          if (!journal) fail_child(journal.error());
          if (auto number = put(**journal); !number) fail_child(number.error());
        }
        _exit(0);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
    const auto store = opened();
    const auto drills = store->drills();
    ASSERT_EQ(drills->size(), 4U);
    for (const auto& drill : *drills) {
      EXPECT_EQ(verify_chain(*store->lines(drill.id)).events, 5U);
    }
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
}

}  // namespace
}  // namespace gameday
