#include "drills/systems/ssh.h"

#include <algorithm>
#include <cstdlib>

#include "engine/base/text.h"

namespace gameday {
namespace {

// One that says nothing for that long is gone, whatever the deed's own deadline is.
constexpr Duration kAnswersWithin = std::chrono::seconds(30);

constexpr std::string_view kHostKey = "Host key fingerprint is ";

// In a shell of its own, so that its `exit` is not ours; both streams in one, in their order.
std::string framed(const std::string& script, const std::string& token) {
  return "echo begins-" + token + "\n( " + script + "\n) 2>&1 </dev/null\nc=$?; echo; echo ends-" +
         token + " $c";
}

// What no output of a script can have in it by chance.
Result<std::string> new_token(const Files& files) {
  TRY(uuid, files.read("/proc/sys/kernel/random/uuid"));
  return std::string(trimmed(uuid));
}

// The last line that says something: ssh(1) tells the reason there.
std::string last_line(std::string_view text) {
  const auto said = trimmed(text);
  return valid_utf8(trimmed(said.substr(said.rfind('\n') + 1)));
}

std::unexpected<Error> broke_off(const SshHost& host, std::string_view rest) {
  return fail(ErrorCode::failed, "the connection to " + host.to +
                                     " broke off; what was done there by then is not known (" +
                                     last_line(rest) + ")");
}

std::unexpected<Error> no_script(const SshHost& host, std::string_view words) {
  const auto tells = [&](std::string_view part) { return words.contains(part); };
  const std::string reason = last_line(words);
  if (tells("REMOTE HOST IDENTIFICATION HAS CHANGED") || tells("Host key verification failed") ||
      tells("host key is known for")) {
    return fail(ErrorCode::refused,
                host.to + " does not show the host key that is known of it (" + reason + ")",
                "find out whose it is; a known one stands in known_hosts (ssh-keyscan, "
                "ssh-keygen -R)");
  }
  if (tells("Permission denied (") || tells("Too many authentication failures") ||
      tells("no mutual signature")) {
    return fail(ErrorCode::refused, host.to + " lets none of our keys in (" + reason + ")",
                "`ssh -o BatchMode=yes " + host.to + " true` must succeed without a question");
  }
  if (tells("Could not resolve hostname")) {
    return fail(ErrorCode::not_found, "there is no machine " + host.to + " (" + reason + ")");
  }
  // Once we were let in, the script may be under way although nothing has come of it.
  const bool was_in =
      tells(kHostKey) && (tells("closed by remote host") || tells("reset by peer") ||
                          tells("roken pipe") || tells("not responding"));
  if (was_in) return broke_off(host, words);
  const std::string why = reason.empty() ? "it said nothing" : reason;
  const bool connects = !words.contains(kHostKey);
  return fail(ErrorCode::failed,
              host.to + (connects ? " cannot be reached: " : " runs nothing for us: ") + why,
              connects ? "" : "its login must be a shell that runs sh");
}

}  // namespace

Json to_json(const SshHost& host) {
  return Json::object({{"to", host.to}, {"config", host.config}});
}

Result<SshHost> ssh_host_from(const Json& value) {
  SshHost host{value.text("to"), value.text("config")};
  if (host.to.empty()) return fail(ErrorCode::corrupt, "an undo lacks the machine it is for");
  if (host.to.starts_with('-') || has_control(host.to) || host.to.contains(' ')) {
    return fail(ErrorCode::invalid, "`" + host.to + "` is no name of a machine");
  }
  return host;
}

// What a shell may take for something else stands outside of quotes behind a backslash: there it
// means the same to all of them. A line feed has no such form, and stands inside of quotes.
std::string quoted(std::span<const std::string> argv) {
  std::string line;
  for (const auto& argument : argv) {
    line += line.empty() ? "'" : " '";
    for (const char c : argument) {
      if (c == '\'' || c == '\\' || c == '!') {
        line += std::string("'\\") + c + "'";
      } else {
        line += c;
      }
    }
    line += "'";
  }
  return line;
}

std::vector<std::string> ssh_words(const SshHost& host, const std::string& line) {
  std::vector<std::string> words = {"ssh", "-T", "-n"};
  for (const char* option :
       {"BatchMode=yes", "NumberOfPasswordPrompts=0", "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no", "VisualHostKey=yes", "LogLevel=INFO", "ConnectTimeout=5",
        "ConnectionAttempts=1", "ServerAliveInterval=3", "ServerAliveCountMax=2",
        "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "ForwardAgent=no",
        "ForwardX11=no", "PermitLocalCommand=no", "ForkAfterAuthentication=no",
        "RemoteCommand=none", "SessionType=default"}) {
    words.insert(words.end(), {"-o", option});
  }
  if (!host.config.empty()) words.insert(words.end(), {"-F", host.config});
  words.insert(words.end(), {"--", host.to, line});
  return words;
}

Result<Said> said_by(const SshHost& host, const std::string& token, const std::string& output) {
  const std::string first = "begins-" + token + "\n", last = "\nends-" + token + " ";
  const auto begins = output.find(first);
  if (begins == std::string::npos) return no_script(host, output);
  const std::string_view words = std::string_view(output).substr(0, begins);
  Said said;
  if (const auto key = words.rfind(kHostKey); key != std::string_view::npos) {
    const auto rest = words.substr(key + kHostKey.size());
    said.host_key = rest.substr(0, rest.find_first_of(" \n\r"));
  }
  const auto from = begins + first.size();
  const auto ends = output.rfind(last);
  const bool whole = ends != std::string::npos && ends + 1 >= from && output.ends_with('\n') &&
                     output.find('\n', ends + last.size()) == output.size() - 1;
  if (!whole) return broke_off(host, std::string_view(output).substr(from));
  said.code = std::atoi(output.c_str() + ends + last.size());
  if (ends > from) said.output = output.substr(from, ends - from);
  return said;
}

Result<Said> run_there(const SshHost& host, const std::string& script,
                       const std::vector<std::string>& arguments, const DeedContext& context) {
  TRY(token, new_token(context.doors.files));
  std::vector<std::string> argv = {"sh", "-c", framed(script, token), "gameday"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const Instant patience = context.doors.clock.in(kAnswersWithin);
  const Until until{context.until.stop, std::min(context.until.deadline, patience)};
  const auto ended = context.doors.processes.run({ssh_words(host, quoted(argv)), "/", {}}, until);
  if (ended) return said_by(host, token, ended->output);
  if (ended.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::unsupported, "ssh is not installed", "apt-get install openssh-client");
  }
  if (ended.error().code != ErrorCode::timed_out) return std::unexpected(ended.error());
  return fail(ErrorCode::timed_out,
              host.to + " did not answer in time; what was done there by then is not known");
}

}  // namespace gameday
