#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "drills/systems/link.h"
#include "engine/rows.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "address",
     .type = FieldType::address,
     .help = "Where a connection must be accepted.",
     .required = true},
    {.name = "send",
     .help = "What is said first, as it stands. ${env:NAME} and ${file:PATH} in it are secrets."},
    {.name = "expect",
     .help = "Text that must stand in the first 64 KiB of what comes back; without it nothing is "
             "waited for."},
};

constexpr std::size_t kLargestAnswer = 64 << 10;

Status say(const Descriptor& line, std::string_view text, const DeedContext& context) {
  while (!text.empty()) {
    TRY(ready, wait_for(line.get(), POLLOUT, context.doors.clock, context.until));
    static_cast<void>(ready);
    const ssize_t sent = send(line.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return std::unexpected(system_error(errno, "cannot send"));
    }
    if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

// What has come when `wanted` is in it or nothing more can change that.
struct Heard {
  std::string text;
  std::string end;  // why no more came; empty: the text is there
};

Heard hear(const Descriptor& line, const std::string& wanted, const DeedContext& context) {
  Heard heard;
  while (heard.text.size() < kLargestAnswer) {
    const auto ready = wait_for(line.get(), POLLIN, context.doors.clock, context.until);
    if (!ready) {
      heard.end = ready.error().text;
      return heard;
    }
    char bytes[16 << 10];
    const std::size_t most = std::min(sizeof bytes, kLargestAnswer - heard.text.size());
    const ssize_t came = recv(line.get(), bytes, most, 0);
    if (came < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (came <= 0) {
      heard.end = came == 0 ? "the peer closed" : system_error(errno, "cannot read").text;
      return heard;
    }
    // What was searched before is not searched again, but for an end that may begin the text.
    const std::size_t old = heard.text.size();
    heard.text.append(bytes, static_cast<std::size_t>(came));
    if (heard.text.find(wanted, old - std::min(old, wanted.size())) != std::string::npos) {
      return heard;
    }
  }
  heard.end = "the peer sent more";
  return heard;
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const std::string wanted = arguments.text("expect");
  const auto text = context.secrets.reveal(arguments.text("send"));
  if (!text) return {false, text.error().text};
  const auto line = connect_to(arguments.text("address"), context);
  if (!line) return {false, "not connected (" + line.error().text + ")"};
  if (const auto said = say(*line, *text, context); !said) {
    return {false, "connected, but not everything could be sent (" + said.error().text + ")"};
  }
  if (wanted.empty()) return {true, text->empty() ? "connected" : "connected and sent"};
  const Heard heard = hear(*line, wanted, context);
  if (heard.end.empty()) return {true, "the peer said '" + wanted + "'"};
  return {false, "connected, but '" + wanted + "' is not in the " +
                     std::to_string(heard.text.size()) + " bytes that came (" + heard.end + ")"};
}

}  // namespace

extern const ProbeRow tcp_probe;
const ProbeRow tcp_probe{
    .name = "tcp",
    .summary = "Connects to an address, may say something and looks for a text in what comes back.",
    .scalar = "address",
    .fields = kFields,
    .example = R"(front-speaks: { tcp: { address: "127.0.0.1:8080", )"
               R"(send: "HEAD /healthz HTTP/1.0\r\n\r\n", expect: "200" }, every: 500ms })",
    .ask = &ask,
};

}  // namespace gameday
