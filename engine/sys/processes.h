// The door to processes: looking at them, signalling them, running children to their end, and
// putting one back that was killed. A process is known by boot, pid and start time, so that a pid
// which was given out again is never taken for the old one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/sys/clock.h"
#include "engine/sys/files.h"

namespace gameday {

struct ProcessId {
  std::string boot;  // boot_id()
  pid_t pid = 0;
  std::uint64_t start = 0;  // field 22 of /proc/PID/stat: clock ticks since boot
  bool operator==(const ProcessId&) const = default;
};
[[nodiscard]] Json to_json(const ProcessId& id);
[[nodiscard]] Result<ProcessId> process_id_from(const Json& value);

struct ResourceLimit {
  int resource = 0;  // RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// What is needed to start the same process again (all but its environment is no secret).
struct ProcessFacts {
  ProcessId id;
  bool zombie = false;
  pid_t parent = 0;
  std::string exe;  // an absolute path; " (deleted)" is an error when it is to be started again
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::string cwd;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  unsigned umask = 0;
  std::uint64_t ambient = 0;  // the capabilities that it hands on to what it runs, a bit each
  std::vector<ResourceLimit> limits;
  std::string cgroup;                         // /proc/PID/cgroup as it stands
  std::vector<std::string> standard_streams;  // what descriptors 0-2 are: a path, "pipe:[..]", ...
  std::vector<std::string> namespaces;        // "net:[4026531840]", ...; start_again needs ours
  Duration clocks_ahead{};  // start_again: its clocks since boot are that much ahead of ours
};
// Without the environment, which goes into a private file.
[[nodiscard]] Json to_json(const ProcessFacts& facts);
[[nodiscard]] Result<ProcessFacts> process_facts_from(const Json& value);

// How a child ended, never folded into one number: exit(9) and SIGKILL differ.
struct Ended {
  enum class How { exited, signalled } how = How::exited;
  int code = 0;           // the exit code, or the signal
  std::string output;     // standard output and error, the first `Command::most_output` bytes
  std::string last = {};  // the end of what came, 4 KiB at most
  [[nodiscard]] bool succeeded() const { return how == How::exited && code == 0; }
};

struct Command {
  std::vector<std::string> argv;  // argv[0]: a path from `folder`, or in PATH, /usr/sbin, /sbin
  std::string folder;
  std::vector<std::string> extra_environment;  // NAME=value, added to our own
  std::size_t most_output = 64 << 10;          // what it writes beyond that is thrown away
};

// Told of each child, by its process group, before the child may run: the guardian ends them.
using ChildAnnouncer = std::function<void(const ProcessId&)>;

// Thread-safe.
class Processes {
 public:
  virtual ~Processes() = default;

  [[nodiscard]] virtual Result<ProcessFacts> look(pid_t pid) const = 0;  // not_found: none such
  [[nodiscard]] virtual std::vector<pid_t> all() const = 0;
  // A zombie is not alive; a pid of another boot or start time is not this process.
  [[nodiscard]] virtual bool alive(const ProcessId& id) const = 0;
  // By a pidfd whose start time was compared. not_found: it is gone.
  [[nodiscard]] virtual Status signal(const ProcessId& id, int number) = 0;
  [[nodiscard]] virtual Status wait_gone(const ProcessId& id, const Until& until) const = 0;

  // Runs a child to its end: own process group, standard input empty, killed with its whole group
  // at the stop, the deadline, or our death.
  [[nodiscard]] virtual Result<Ended> run(const Command& command, const Until& until) = 0;
  // Starts a child that outlives us (a proxy): own session, streams on /dev/null but standard error
  // on `log`. Not announced: it is no part of a deed.
  [[nodiscard]] virtual Result<ProcessId> start_detached(const Command& command,
                                                         const std::string& log) = 0;
  // Starts again what `facts` describe: nobody's child, own session, standard streams reopened,
  // same ids, capabilities (of ours), limits, umask, folder and cgroup, `mark` (NAME=value) added
  // to its environment. `pidfile`, if not empty, holds its pid before it runs. Between fork and
  // exec it holds our drill lock, so that no second replayer acts meanwhile. Not announced: whoever
  // ends announced children would end the target that was just put back. It never runs if we die
  // before it may.
  [[nodiscard]] virtual Result<ProcessId> start_again(const ProcessFacts& facts,
                                                      const std::string& mark,
                                                      const std::string& pidfile) = 0;
};

[[nodiscard]] std::unique_ptr<Processes> make_processes(const Clock& clock,
                                                        ChildAnnouncer announcer = {},
                                                        WriteObserver observer = {});

}  // namespace gameday
