// Reading /proc: what a process is right now. Changes nothing, and never trusts a pid alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/sys/processes.h"

namespace gameday::proc {

// The fields of /proc/PID/stat that count here.
struct Stat {
  char state = 'X';
  pid_t parent = 0;
  pid_t group = 0;
  std::uint64_t start = 0;
  bool dead = false;  // gone or a zombie; a leader that ended before its threads is not
};
[[nodiscard]] Result<Stat> stat_of(pid_t pid);  // not_found: none such
[[nodiscard]] Result<Stat> parse_stat(std::string_view line);

[[nodiscard]] Result<ProcessFacts> look(pid_t pid);
[[nodiscard]] std::vector<pid_t> all();
[[nodiscard]] bool alive(const ProcessId& id);
// Is any process of that group alive?
[[nodiscard]] bool group_alive(pid_t group);

[[nodiscard]] Result<std::string> read(const std::string& path);
// The namespaces that a process shares with whoever starts it.
[[nodiscard]] std::vector<std::string> namespaces_of(const std::string& process_folder);

}  // namespace gameday::proc
