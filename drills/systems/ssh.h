// How a machine is spoken to that is reached through ssh(1), run as a child: what it is called, who
// may log in and by which key is the business of the user's own configuration. Host keys are always
// checked, nobody is asked for a password, and each script has a connection of its own, so that
// nothing but a script is ever left there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/rows.h"

namespace gameday {

struct SshHost {
  std::string to;      // as ssh(1) takes it: user@name, or a name of its configuration
  std::string config;  // a file in place of the user's; empty: theirs
};
[[nodiscard]] Json to_json(const SshHost& host);
[[nodiscard]] Result<SshHost> ssh_host_from(const Json& value);

// One line for a shell, which parses what ssh(1) has joined: each argument comes out as it went in.
// For shells of POSIX's kind, and fish.
[[nodiscard]] std::string quoted(std::span<const std::string> argv);

// How ssh(1) is run. What is said here goes before what its configuration says.
[[nodiscard]] std::vector<std::string> ssh_words(const SshHost& host, const std::string& line);

struct Said {
  int code = 0;          // the script's
  std::string output;    // of both its streams
  std::string host_key;  // the fingerprint of who was spoken to: "SHA256:..."
};
// What came of a connection, by all that ssh(1) and the script have written, this between two lines
// of ours with `token` in them. Where the second is not there, nobody knows what was done, and the
// error says so.
[[nodiscard]] Result<Said> said_by(const SshHost& host, const std::string& token,
                                   const std::string& output);

// Has `script` run by the machine's sh, with `arguments` as $1, $2 and so on, to its end.
[[nodiscard]] Result<Said> run_there(const SshHost& host, const std::string& script,
                                     const std::vector<std::string>& arguments,
                                     const DeedContext& context);

}  // namespace gameday
