// Launches children that end with us. It does not wait for them, and it is no way to start what
// shall outlive us (processes_again.h).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct Launch {
  std::string exe;  // an absolute path
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string folder;
  Descriptor output;  // what standard output and error go to; standard input is empty
};

// Thread-safe. A child is killed when the thread that launched it ends, so that all are launched
// from one thread that lives as long as this object.
class Launcher {
 public:
  Launcher();
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // The child leads a process group of its own and has no descriptor but 0, 1 and 2.
  // `before_it_runs` is called on the caller's thread with its pid, while it waits: the program
  // starts only when that has returned. The caller has to reap it.
  [[nodiscard]] Result<pid_t> launch(Launch launch,
                                     const std::function<void(pid_t)>& before_it_runs);

 private:
  struct Order;
  struct Bench;
  std::unique_ptr<Bench> bench_;
};

}  // namespace gameday
