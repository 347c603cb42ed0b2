// A running drill's door for other terminals and users: a unix socket of the runner's,
// drill-ID.sock in /run/gameday or $XDG_RUNTIME_DIR/gameday, that takes one JSON object a line:
//   {"op":"status"} | {"op":"stop","text":REASON} | {"op":"note","text":TEXT}
//   {"op":"ack","step":ID} | {"op":"approve","step":ID,"role":ROLE}
//   {"op":"refuse","step":ID,"role":ROLE,"text":REASON}
// and answers {"ok":true, ...} or {"ok":false,"code":...,"text":...}. What is answered with ok is
// in the journal. Who speaks is what the kernel says of the connection (SO_PEERCRED), never what a
// request says.
// Who may: the runner's own user, root and, where the machine has a group `gameday`, its members,
// for the socket's file is then 0660 and of that group, else 0600. Members may do all of it, stop
// too: a stop only puts back, and whoever sees harm must not have to look for somebody else first.
// Members cannot reach a socket in $XDG_RUNTIME_DIR, which is its user's alone: a drill that others
// are to approve runs where /run/gameday can be written. Who is not the operator: neither the user
// that the runner runs as, nor the one who called it through sudo. So approve as yourself: through
// sudo you are root.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/proxy/control.h"
#include "engine/runtime/inbox.h"
#include "engine/sys/doors.h"

namespace gameday {

enum class DoorOp { status, stop, note, answer };

struct DoorRequest {
  DoorOp op = DoorOp::status;
  std::string text;  // of a note, or the reason of a stop or a refusal
  Answered::What what = Answered::What::acknowledged;
  std::string step, role;  // of an answer
};
// `invalid` for what is no request, or is longer than the journal is to take.
[[nodiscard]] Result<DoorRequest> door_request(const Json& request);

// The same of a line at the drill's terminal: `ack`, `approve` or `refuse`, a step, a reason.
[[nodiscard]] Result<DoorRequest> typed_request(const std::string& line);

class DrillDoor {
 public:
  // Hands each request to the inbox and waits for its answer, on a thread of its own.
  [[nodiscard]] static Result<std::unique_ptr<DrillDoor>> open(const std::string& drill,
                                                               Inbox& inbox, const Clock& clock,
                                                               const Files& files);
  // Whoever still waits is told that the drill has ended.
  ~DrillDoor();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  DrillDoor(std::string path, Poller poller, Control control, Inbox& inbox, const Clock& clock);
  void serve();
  [[nodiscard]] Result<Json> ask(const Json& request, const Asking& asking);

  const std::string path_;
  Poller poller_;
  Control control_;
  Inbox& inbox_;
  const Clock& clock_;
  StopSource stop_;
  std::jthread thread_;
};

// A user's name as this machine knows it, else its number.
[[nodiscard]] std::string user_name(std::int64_t uid);

struct OpenDoor {
  std::string drill, path;
  bool ours = false;  // we may speak there
};
// The doors that are open on this machine, as far as we may look, by their drills' ids.
[[nodiscard]] std::vector<OpenDoor> open_doors();
// The one whose id begins so; of an empty text, the only one of ours. `not_found`: none is open;
// `conflict`: several are.
[[nodiscard]] Result<OpenDoor> find_door(const std::string& drill);

}  // namespace gameday
