#include "engine/sys/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace gameday {
namespace {

bool in_colour() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::string_view(value) : std::string_view();
  };
  const auto terminal = set("TERM");
  return set("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb" &&
         isatty(STDERR_FILENO) == 1;
}

spdlog::logger& made_logger() {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_pattern("%v");
  // Never destroyed: threads may speak while the process ends.
  auto& logger = *new spdlog::logger("gameday", std::move(sink));
  logger.flush_on(spdlog::level::info);
  // Standard error may be gone, as a guardian's is: what cannot be said is not said.
  logger.set_error_handler([](const std::string&) {});
  return logger;
}

}  // namespace

void log_line(std::string_view text, Tone tone) {
  static spdlog::logger& logger = made_logger();
  static const bool red = in_colour();
  // Written by ourselves: a sink with colours puts escapes around plain lines too.
  const std::string line =
      tone == Tone::alarm && red ? "\x1b[1;31m" + std::string(text) + "\x1b[0m" : std::string(text);
  logger.info(spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace gameday
