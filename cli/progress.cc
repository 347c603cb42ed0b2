#include "cli/progress.h"

#include <cstdio>
#include <utility>

#include "cli/line.h"
#include "cli/say.h"
#include "cli/screen.h"
#include "engine/sys/log.h"

namespace gameday {
namespace {

// What a person is to do, as much of it as leaves room for how it is answered.
std::string instruction(const std::string& what) {
  constexpr int kWidest = 600;  // columns
  std::string start = start_of(what, kWidest);
  return start == what ? start : start + " (the playbook has all of it)";
}

std::string told(const std::string& drill, std::string_view type, const Json& data) {
  const std::string id = data.text("id");
  const std::string name = id + " (" + data.text("kind") + ")";
  const std::string why = data.text("error");
  if (type == "phase") return "phase " + data.text("phase");
  if (type == "step") {
    const bool ended = data.text("what") == "ended";
    const std::string result = data.boolean("ok", false) ? "done" : "did not hold";
    return "step " + id + " " + data.text("step") + (ended ? ": " + result : "");
  }
  if (type == "deed" && data.find("undo") == nullptr) return "action recorded: " + name;
  if (type == "deed") return "undo recorded: " + name;
  if (type == "not_prepared") return "NOT prepared: " + name + ": " + why;
  if (type == "injected") return "injected: " + name + (why.empty() ? "" : ": FAILED: " + why);
  if (type == "proof" || type == "gone") {
    const bool held = data.boolean("held", false);
    const std::string yes = type == "proof" ? "proven: " : "gone: ";
    const std::string no = type == "proof" ? "NOT proven: " : "NOT gone: ";
    return (held ? yes : no) + name + ": " + data.text("text", why);
  }
  if (type == "still_bites") {
    const bool held = data.boolean("held", false) || !why.empty();
    return (held ? "CAME BACK: " : "did not come back: ") + name + ": " + data.text("text", why);
  }
  if (type == "undo" && !data.boolean("ok", false)) return "undo failed: " + name + ": " + why;
  if (type == "superseded") {
    return "superseded by " + data.text("by") + ": " + std::to_string(data.items("deeds").size()) +
           " undos";
  }
  if (type == "residue") return "RESIDUE: " + name + ": " + data.text("text");
  if (type == "stop") return "STOP by " + data.text("by") + ": " + data.text("reason");
  if (type == "system_start") return why.empty() ? "system is ready" : "system: " + why;
  if (type == "backup" && data.find("backup") != nullptr) {
    return "backup taken: " + data.get("backup").text("id");
  }
  if (type == "asked") {
    const bool approval = data.text("step") == "approve";
    const std::string who = data.text("person", "a person");
    const std::string what =
        approval ? "approval by " + who : who + " to " + instruction(data.text("what"));
    return "WAITING for " + what + ", then: gameday " + (approval ? "approve " : "ack ") + drill +
           " " + id;
  }
  if (type == "answered") {
    const std::string said = data.get("who").text("name") + " " + data.text("what") + " " + id;
    return data.boolean("counts", false) ? said
                                         : said + ", which does not count: " + data.text("why");
  }
  if (type == "note") return "note by " + data.get("who").text("name") + ": " + data.text("text");
  if (type == "verdict") return "verdict " + data.text("verdict");
  return why.empty() ? "" : std::string(type) + ": " + why;
}

// What the live part shows anyway, and so need not stay above it.
bool passes(std::string_view type, const Json& data) {
  if (type == "phase" || type == "deed") return true;
  return type == "step" && data.text("what") == "started";
}

bool alarms(std::string_view type, const Json& data) {
  if (type == "stop" || type == "residue" || type == "not_prepared") return true;
  if (type == "proof" || type == "gone") return !data.boolean("held", false);
  if (type == "still_bites") return data.boolean("held", false) || data.find("error") != nullptr;
  return (type == "injected" || type == "undo") && !data.boolean("ok", false);
}

std::string at_time(Duration since_start, const std::string& text) {
  char time[32];
  std::snprintf(time, sizeof time, "%8.3f  ", seconds(since_start));
  return time + text;
}

Duration since_start(const Drill& drill, Instant now) {
  return drill.began.boot == Instant{} ? Duration{} : now - drill.began.boot;
}

// While nothing else happens, somebody who watches a log wants to know that the drill lives.
constexpr Duration kTellEvery = std::chrono::seconds(10);
constexpr std::size_t kTellWindows = 10;

}  // namespace

std::string progress_line(const Drill& drill, std::string_view type, const Json& data) {
  const std::string text = told(drill.plan.drill, type, data);
  if (text.empty()) return text;
  return at_time(since_start(drill, drill.now.boot), text);
}

Progress::Progress(const Clock& clock, bool live) : clock_(clock) {
  auto terminal = live ? Terminal::of_standard_error() : std::nullopt;
  if (terminal) live_.emplace(std::move(*terminal), clock);
}

void Progress::tell(std::string line, Ink ink) {
  told_ = clock_.now().boot;
  if (live_) return live_->keep(std::move(line), ink);
  log_line(harmless(line), ink == Ink::bad ? Tone::alarm : Tone::plain);
}

void Progress::watch(const Drill& drill, std::string_view type, const Json& data) {
  watched_.see(drill.now.boot, type, data);
  std::string line = progress_line(drill, type, data);
  if (line.empty() || (live_ && !live_->too_small() && passes(type, data))) return;
  tell(std::move(line), alarms(type, data) ? Ink::bad : Ink::plain);
}

void Progress::tell_of_the_load(const Drill& drill) {
  const Instant now = clock_.now().boot;
  if (drill.loads_running.empty() || now - told_ < kTellEvery) return;
  for (const auto& load : drill.loads_running) {
    const auto windows = watched_.loads.find(load);
    if (windows == watched_.loads.end()) continue;
    tell(at_time(since_start(drill, now), "load " + load_line(load, windows->second, kTellWindows)),
         Ink::plain);
  }
}

void Progress::tick(const Drill& drill) {
  if (live_) live_->frame(drill, watched_);
  if (!live_ || live_->too_small()) tell_of_the_load(drill);
}

void Progress::end() {
  if (live_) live_->end();
}

}  // namespace gameday
