#include "engine/sys/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace gameday {
namespace {

bool in_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return (no_colour == nullptr || *no_colour == '\0') && isatty(STDERR_FILENO) == 1;
}

spdlog::logger& made_logger() {
  const auto mode = in_colour() ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(mode);
  sink->set_pattern(in_colour() ? "%^%v%$" : "%v");
  sink->set_color(spdlog::level::info, sink->reset);
  sink->set_color(spdlog::level::err, sink->red_bold);
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
  logger.log(tone == Tone::alarm ? spdlog::level::err : spdlog::level::info,
             spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace gameday
