#include "engine/proxy/proxy.h"

#include <csignal>

#include "cli/command.h"
#include "cli/say.h"
#include "engine/proxy/ask.h"
#include "engine/proxy/client.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"name", OptionKind::text, "NAME", "The link's name, for people.", true},
    {"listen", OptionKind::text, "HOST:PORT", "Where it takes connections.", true},
    {"to", OptionKind::text, "HOST:PORT", "Where it passes them on to.", true},
    {"control", OptionKind::text, "PATH", "Its control socket; made from --listen by default."}};

int run(const Arguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string control = arguments.text("control");
  if (control.empty()) {
    const auto path = proxy_control_path(arguments.text("listen"));
    if (!path) return say_error(path.error()), 2;
    control = *path;
    if (auto made = make_control_folder(control, Files()); !made) return say_error(made.error()), 1;
  }
  const SystemClock clock;
  const auto ended = run_proxy(
      {arguments.text("name"), arguments.text("listen"), arguments.text("to"), control}, clock, {});
  if (!ended) say_error(ended.error());
  return ended ? 0 : 1;
}

}  // namespace

extern const CommandRow proxy_command;
const CommandRow proxy_command{
    "proxy",
    "A link: passes TCP traffic on, and lets faults stand in its way; `run` starts what is "
    "missing.",
    "gameday proxy --name west-to-store --listen 127.0.0.1:8201 --to 127.0.0.1:8200",
    {},
    kOptions,
    run,
    Group::parts};

}  // namespace gameday
