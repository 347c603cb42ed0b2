// The runner's side of the guardian: starts it, tells it what it must know to undo without us, and
// beats. One line a message:
//   beat | child PID START | owe MARK NOT_AFTER_NS | paid MARK | secret REFERENCE BASE64 | bye
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "engine/secrets.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/processes.h"

namespace gameday {

// How long the runner may be silent before the guardian takes over, and how often it speaks.
inline constexpr Duration kHeartbeatLost = std::chrono::seconds(2);
inline constexpr Duration kHeartbeatEvery = std::chrono::milliseconds(400);

// Thread-safe.
class GuardianLink {
 public:
  // Starts `executable guardian --store STORE --drill DRILL` and waits until it says that it
  // stands.
  [[nodiscard]] static Result<std::unique_ptr<GuardianLink>> start(const std::string& executable,
                                                                   const std::string& store,
                                                                   const std::string& drill,
                                                                   const Clock& clock);
  ~GuardianLink();

  void beat();
  void child(const ProcessId& id);
  void owe(const std::string& mark, Instant not_after);
  void paid(const std::string& mark);
  void secret(const std::string& reference, const std::string& value);
  // The drill is closed: the guardian ends without doing anything. Waits for it.
  void bye();
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Has it died? A drill does not go on without one.
  [[nodiscard]] bool lost() const;

 private:
  GuardianLink(Descriptor socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  void say(const std::string& line);

  std::mutex mutex_;
  Descriptor socket_;
  pid_t pid_ = 0;
  bool said_bye_ = false;
};

}  // namespace gameday
