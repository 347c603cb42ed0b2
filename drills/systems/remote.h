// A machine behind ssh as a target: who it is, and how a deed is done on it so that nothing stays
// behind there if we, our machine or the way there are lost. Before anything is injected the
// machine itself holds the undo, and a timer that does it when its time is over (the dead man):
// both were seen to outlive the connection that brought them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drills/systems/ssh.h"
#include "engine/rows.h"

namespace gameday {

struct Remote {
  SshHost ssh;
  std::string id;          // its machine-id
  std::string boot;        // its boot_id
  std::string host_key;    // "SHA256:..."
  std::string client;      // our address, as its ssh server sees it; empty: it cannot tell
  std::int64_t port = 0;   // at which its ssh server is reached
  std::int64_t grace = 0;  // seconds after a fault's planned end until the dead man acts
};
[[nodiscard]] Json to_json(const Remote& remote);
[[nodiscard]] Result<Remote> remote_from(const Json& value);

// The machine of a target with `ssh`, asked who it is. `conflict`: it is not the one that the
// playbook means; `unsupported`: it lacks what deeds there are done with.
[[nodiscard]] Result<Remote> remote_of(const Target& target, const DeedContext& context);
[[nodiscard]] Result<Remote> remote_named(const std::string& target, const DeedContext& context);

// A question that changes nothing: `script`, run by its sh, where it is still that machine. What is
// not 0 is an error with the last line that the script wrote.
[[nodiscard]] Result<std::string> ask_remote(const Remote& remote, const std::string& script,
                                             const std::vector<std::string>& arguments,
                                             const DeedContext& context);

// A probe's question of a target with `ssh`, by one connection. Where the target names a machine_id
// or a host_key, another machine's answer is none.
[[nodiscard]] Result<Said> ask_target(const Target& target, const std::string& script,
                                      const std::vector<std::string>& arguments,
                                      const DeedContext& context);
// What is wrong with a field that names such a target; empty: nothing, or it is not there.
[[nodiscard]] std::string wrong_remote(const Json& arguments, const std::string& field,
                                       const System& system);

// What is done there and undone. `undo` stands on its own, may run twice, half way, and where
// nothing was done; the folder that the deed has there is its $1, and its file `begun` says that
// the deed was begun.
struct RemoteDeed {
  Remote remote;
  std::string mark;
  std::string undo;
  Duration lasts{};  // as planned
};
// Leaves the undo and the dead man there, then has `script` run; $d is its folder. One whose end
// was not told is looked for once more: it is an error only where it was not done.
[[nodiscard]] Status do_there(const RemoteDeed& deed, const std::string& script,
                              const DeedContext& context);
[[nodiscard]] Status undo_there(const RemoteDeed& deed, const DeedContext& context);

// What there is of it, and what `script` says after that.
struct RemoteLook {
  bool there = false;    // anything at all
  bool watched = false;  // the dead man lives
  std::string said;
};
[[nodiscard]] Result<RemoteLook> look_there(const Remote& remote, const std::string& mark,
                                            const std::string& script,
                                            const std::vector<std::string>& arguments,
                                            const DeedContext& context);

// The marks of all deeds that have left something there.
[[nodiscard]] Result<std::vector<std::string>> marks_there(const Remote& remote,
                                                           const DeedContext& context);

// What any drill has left on the deed's target; stands in the rows as it is.
[[nodiscard]] Result<Json> discover_there(const Deed& deed, const DeedContext& context);

// `key` and its value on a line of their own, as our scripts say it; empty: none.
[[nodiscard]] std::string told_of(const std::string& said, const std::string& key);

}  // namespace gameday
