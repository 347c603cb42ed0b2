#include "cli/progress.h"

#include <cstdio>

namespace gameday {
namespace {

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
    const std::string what = approval ? "approval by " + who : who + " to " + data.text("what");
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

}  // namespace

std::string progress_line(const Drill& drill, std::string_view type, const Json& data) {
  const std::string text = told(drill.plan.drill, type, data);
  if (text.empty()) return text;
  char time[32];
  std::snprintf(time, sizeof time, "%8.3f  ", seconds(drill.now.boot - drill.began.boot));
  return (drill.began.boot == Instant{} ? "   0.000  " : time) + text;
}

}  // namespace gameday
