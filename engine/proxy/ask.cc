#include "engine/proxy/ask.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "engine/proxy/unix_socket.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestAnswer = 1 << 20;

std::optional<ErrorCode> code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::failed); ++i) {
    if (name_of(static_cast<ErrorCode>(i)) == name) return static_cast<ErrorCode>(i);
  }
  return std::nullopt;
}

class Conversation {
 public:
  Conversation(const std::string& path, const std::string& whom, const Clock& clock,
               const Until& until)
      : path_(path), whom_(whom), clock_(clock), until_(until) {}

  // The kernel says "try again" when so many others wait to be accepted that there is no room.
  Status connect_to() {
    constexpr Duration kPause = std::chrono::milliseconds(5);
    TRY(address, unix_address(path_));
    socket_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return std::unexpected(system_error(errno, "cannot make a socket"));
    while (connect(socket_.get(), address.get(), address.size()) != 0) {
      if (errno == ENOENT || errno == ECONNREFUSED) {
        return fail(ErrorCode::not_found, whom_ + " does not answer on " + path_);
      }
      if (errno != EAGAIN && errno != EINTR) {
        return std::unexpected(system_error(errno, "cannot reach " + whom_ + " on " + path_));
      }
      TRY_OK(clock_.pause(kPause, until_));
    }
    return {};
  }

  Status send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno == EAGAIN) {
        TRY(ready, wait_for(socket_.get(), POLLOUT, clock_, until_));
        (void)ready;
      } else if (sent < 0 && errno != EINTR) {
        return gone();
      }
    }
    return {};
  }

  Result<std::string> receive_line() {
    std::string line;
    while (line.size() < kLongestAnswer) {
      TRY(ready, wait_for(socket_.get(), POLLIN, clock_, until_));
      (void)ready;
      char block[4096];
      const ssize_t got = recv(socket_.get(), block, sizeof block, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got <= 0) return std::unexpected(gone().error());
      line.append(block, static_cast<std::size_t>(got));
      if (line.back() == '\n') return line;
    }
    return fail(ErrorCode::failed, "the answer of " + whom_ + " is too long");
  }

 private:
  Status gone() const { return fail(ErrorCode::not_found, whom_ + " has gone away"); }

  const std::string& path_;
  const std::string& whom_;
  const Clock& clock_;
  const Until& until_;
  Descriptor socket_;
};

}  // namespace

Result<std::string> control_folder() {
  const std::string shared(kControlFolder);
  if (geteuid() == 0 || access(shared.c_str(), W_OK) == 0) return shared;
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder == nullptr || *folder != '/') {
    return fail(ErrorCode::refused, "there is no folder for control sockets",
                "set XDG_RUNTIME_DIR, or make " + shared + " writable");
  }
  return std::string(folder) + "/gameday";
}

Status make_control_folder(const std::string& control_path, const Files& files) {
  const auto folder = std::filesystem::path(control_path).parent_path().string();
  return files.make_folder(folder, folder == kControlFolder ? 0755 : 0700);
}

Result<Json> ask_control(const std::string& path, const Json& request, const std::string& whom,
                         const Clock& clock, const Until& until) {
  Conversation conversation(path, whom, clock, until);
  TRY_OK(conversation.connect_to());
  TRY_OK(conversation.send_all(request.dump() + "\n"));
  TRY(line, conversation.receive_line());
  TRY(answer, Json::parse(line));
  if (answer.boolean("ok", false)) return answer;
  return fail(code_named(answer.text("code")).value_or(ErrorCode::failed),
              whom + " refuses: " + answer.text("text"), answer.text("hint"));
}

}  // namespace gameday
