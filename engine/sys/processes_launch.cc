#include "engine/sys/processes_launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio/io_context.hpp>
#include <boost/process/v2.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/posix/vfork_launcher.hpp>
#pragma GCC diagnostic pop

#include "engine/sys/processes_gate.h"

namespace gameday {
namespace {

namespace process = boost::process::v2;

// Under tsan a vfork is a fork, and what the child says of itself in our memory is lost.
#ifdef __SANITIZE_THREAD__
using Start = process::posix::default_launcher;
#else
using Start = process::posix::vfork_launcher;
#endif

// What the child does after vfork, in our memory. Boost calls these by name; `pointers` were made
// before fork.
struct ChildSide {
  const Gate& gate;
  const char* folder;
  std::array<int, 3> streams;
  const char* const* argv;
  const char* const* environment;

  // Boost would put the path of the program in place of argv[0].
  process::error_code on_setup(Start& launcher, const process::filesystem::path&,
                               const char* const*& arguments) const {
    launcher.env = environment;
    arguments = argv;
    return {};
  }

  process::error_code on_exec_setup(Start&, const process::filesystem::path&,
                                    const char* const*) const {
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return last_error();
    if (!gate.pass()) _exit(127);
    if (!take_streams(streams) || chdir(folder) != 0) return last_error();
    // Boost opens its own pipe without the flag, and closes too little before exec.
    if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return last_error();
    reset_signals();
    return {};
  }

  // Boost would go on to exit(), whose handlers are the parent's.
  template <class... Any>
  void on_exec_error(Any&&...) const {
    _exit(127);
  }

 private:
  static process::error_code last_error() { return {errno, process::system_category()}; }
};

std::vector<const char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const auto& text : texts) pointers.push_back(text.c_str());
  pointers.push_back(nullptr);
  return pointers;
}

Result<Descriptor> empty_input() {
  Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return std::unexpected(system_error(errno, "cannot open /dev/null"));
  return above_streams(std::move(null));
}

}  // namespace

struct Launcher::Order {
  Launch launch;
  Gate gate;
  Descriptor input;
  std::promise<Result<pid_t>> done;

  Result<pid_t> carry_out() const {
    const auto argv = pointers_to(launch.argv);
    const auto environment = pointers_to(launch.environment);
    const ChildSide child{gate,
                          launch.folder.c_str(),
                          {input.get(), launch.output.get(), launch.output.get()},
                          argv.data(),
                          environment.data()};
    // A context of its own holds no services yet, so that nothing of it has to live through fork.
    // By vfork: a copy of our memory holds up each thread that writes to it, and on a busy machine
    // the load was late by 0.3 s while a fault ran many programs. It is this thread alone that
    // waits until the child is another program.
    boost::asio::io_context context;
    Start start;
    process::error_code error;
    auto started = start(context.get_executor(), error, process::filesystem::path(launch.exe),
                         std::vector<std::string>(), child);
    if (error) {
      if (start.pid > 0) waitpid(start.pid, nullptr, 0);
      return std::unexpected(system_error(error.value(), "cannot run " + launch.exe));
    }
    started.detach();  // Boost must not reap it: it folds exit codes and signals into one number
    return start.pid;
  }
};

struct Launcher::Bench {
  std::mutex mutex;
  std::condition_variable_any came;
  std::deque<Order*> orders;
  std::jthread thread;

  void work(const std::stop_token& stop) {
    sigset_t every;  // signals for us are for the threads that expect them
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, nullptr);
    while (true) {
      std::unique_lock lock(mutex);
      if (!came.wait(lock, stop, [this] { return !orders.empty(); })) return;
      Order* order = orders.front();
      orders.pop_front();
      lock.unlock();
      auto launched = order->carry_out();
      order->gate.no_more_children();
      order->done.set_value(std::move(launched));
    }
  }

  void give(Order& order) {
    const std::lock_guard lock(mutex);
    if (!thread.joinable()) {
      thread = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }
    orders.push_back(&order);
    came.notify_one();
  }
};

Launcher::Launcher() : bench_(std::make_unique<Bench>()) {}
Launcher::~Launcher() = default;

Result<pid_t> Launcher::launch(Launch launch, const std::function<void(pid_t)>& before_it_runs) {
  TRY(gate, Gate::make());
  TRY(input, empty_input());
  TRY(output, above_streams(std::move(launch.output)));
  launch.output = std::move(output);
  Order order{std::move(launch), std::move(gate), std::move(input), {}};
  auto launched = order.done.get_future();
  bench_->give(order);
  const pid_t pid = order.gate.arrived();
  std::exception_ptr thrown;
  try {
    if (pid > 0) before_it_runs(pid);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown == nullptr) {
    order.gate.open();
  } else {
    kill(pid, SIGKILL);
  }
  auto result = launched.get();
  if (thrown == nullptr) return result;
  if (result) waitpid(*result, nullptr, 0);
  std::rethrow_exception(thrown);
}

}  // namespace gameday
