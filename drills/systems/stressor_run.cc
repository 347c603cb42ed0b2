// What a stressor does: it takes all that it was told, looks at its lease all the while, and ends.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "drills/systems/stressor.h"
#include "engine/sys/descriptor.h"

namespace gameday {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(50);
constexpr std::int64_t kChunk = 16 << 20;

void burn(const std::atomic<bool>& over) {
  volatile std::uint64_t work = 0;
  while (!over.load(std::memory_order_relaxed)) work = work + 1;
}

class Stressor {
 public:
  Stressor(const Stress& stress, std::string lease, pid_t runner)
      : stress_(stress),
        processes_(make_processes(clock_)),
        lease_(std::move(lease), runner, *processes_) {}

  int run() {
    // The first to be ended where memory is short, before anything of the machine's own.
    std::ofstream("/proc/self/oom_score_adj") << "1000" << std::flush;
    if (!may_go_on()) return 0;
    bound_ourselves();
    std::vector<std::jthread> threads;
    const bool taken = take_descriptors() && take_memory();
    while (taken && static_cast<std::int64_t>(threads.size()) < stress_.cores) {
      threads.emplace_back([this] { burn(over_); });
    }
    while (taken && may_go_on()) (void)clock_.sleep({Stop(), clock_.in(kLook)});
    over_ = true;
    return taken ? 0 : 1;
  }

 private:
  bool may_go_on() const { return lease_.lasts(clock_); }

  // Should we be wrong about what we take, the system is not.
  void bound_ourselves() const {
    constexpr rlim_t kSpare = rlim_t{1} << 30;  // stacks and what is mapped already
    const auto bound = [](auto kind, rlim_t most) {
      rlimit limit{};
      getrlimit(kind, &limit);
      limit.rlim_cur = std::min(limit.rlim_max, most);
      setrlimit(kind, &limit);
    };
    constexpr rlim_t kOwnDescriptors = 64;
    bound(RLIMIT_AS, static_cast<rlim_t>(stress_.memory) + kSpare);
    bound(RLIMIT_NOFILE, static_cast<rlim_t>(stress_.descriptors) + kOwnDescriptors);
    bound(RLIMIT_FSIZE, 0);
  }

  bool take_descriptors() {
    while (static_cast<std::int64_t>(descriptors_.size()) < stress_.descriptors) {
      Descriptor one(open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!one) return false;
      descriptors_.push_back(std::move(one));
    }
    return true;
  }

  // Held in memory where we have the right to; else it may be written out, which is a load too.
  bool take_memory() const {
    for (std::int64_t left = stress_.memory; left > 0; left -= kChunk) {
      if (!may_go_on()) return false;
      const auto bytes = static_cast<std::size_t>(std::min(left, kChunk));
      void* chunk =
          mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (chunk == MAP_FAILED) return false;
      constexpr int kNoZero = 0x5a;  // pages of zeros can be shared
      std::memset(chunk, kNoZero, bytes);
      (void)mlock(chunk, bytes);
    }
    return true;
  }

  const Stress stress_;
  const SystemClock clock_;
  const std::unique_ptr<Processes> processes_;
  const StressorLease lease_;
  std::atomic<bool> over_{false};
  std::vector<Descriptor> descriptors_;
};

}  // namespace

StressorLease::StressorLease(std::string path, pid_t runner, const Processes& processes)
    : path_(std::move(path)), processes_(processes) {
  const auto facts = processes.look(runner);
  if (facts && !facts->zombie) runner_ = facts->id;
}

bool StressorLease::lasts(const Clock& clock) const {
  std::ifstream file(path_);
  std::int64_t until = 0;
  file >> until;
  return file && clock.now().boot < Instant(Duration(until)) && processes_.alive(runner_);
}

int run_stressor(const Stress& stress, const std::string& lease, pid_t runner) {
  return Stressor(stress, lease, runner).run();
}

}  // namespace gameday
