#include "tests/crash/crash_points.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "engine/base/text.h"
#include "engine/sys/processes.h"

namespace gameday {
namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Our own guardian; 0 before it was started.
pid_t guardian_of_ours() {
  const SystemClock clock;
  const auto processes = make_processes(clock);
  for (const pid_t pid : processes->all()) {
    const auto facts = processes->look(pid);
    if (!facts || facts->parent != getpid() || facts->zombie || facts->argv.size() < 2) continue;
    if (facts->argv[1] == "guardian") return pid;
  }
  return 0;
}

class CrashPoints {
 public:
  CrashPoints()
      : at_(setting("GAMEDAY_CRASH_AT")),
        at_last_(setting("GAMEDAY_CRASH_AT_LAST")),
        nth_(std::atoi(setting("GAMEDAY_CRASH_NTH").c_str())),
        way_(setting("GAMEDAY_CRASH_WAY")),
        log_(open(setting("GAMEDAY_CRASH_LOG").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                  0600)) {}

  void pass(std::string_view door, Side side) {
    // Held while dying: no other thread of the runner gets to a change of its own meanwhile.
    const std::lock_guard lock(mutex_);
    int& count = counts_[std::string(door) + (side == Side::before ? "<" : ">")];
    const std::string here = std::string(door) + ":" + std::to_string(++count) +
                             (side == Side::before ? ":before" : ":after");
    const std::string line = here + "\n";
    if (log_) (void)!write(log_.get(), line.data(), line.size());
    if (here == at_ || here == at_last_ || ++passed_ == nth_) die();
  }

 private:
  void die() const {
    const pid_t guardian = guardian_of_ours();
    if (way_ == "both" && guardian > 0) kill(guardian, SIGKILL);
    // Without a guardian nobody would ever end one that stands still.
    if (way_ == "stopped" && guardian > 0) {
      raise(SIGSTOP);
    } else {
      raise(SIGKILL);
    }
  }

  const std::string at_, at_last_;
  const int nth_;  // of all points, whichever it is; 0: none
  const std::string way_;
  const Descriptor log_;
  std::mutex mutex_;
  int passed_ = 0;
  std::map<std::string, int> counts_;  // by door and side
};

}  // namespace

WriteObserver crash_observer() {
  bool any = false;
  for (const char* name : {"GAMEDAY_CRASH_LOG", "GAMEDAY_CRASH_AT", "GAMEDAY_CRASH_NTH"}) {
    any = any || !setting(name).empty();
  }
  if (!any) return {};
  return [points = std::make_shared<CrashPoints>()](std::string_view door, Side side) {
    points->pass(door, side);
  };
}

}  // namespace gameday
