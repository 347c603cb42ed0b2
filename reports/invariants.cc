#include "reports/invariants.h"

namespace gameday {
namespace {

// With when and by which step each was made.
void add_readings(Json& list, const Json::Array& seen, const Json& at, const Json& step) {
  for (Json reading : seen) list.push(reading.set("at", at).set("step", step));
}

// Of an event about a restore; empty: it is of none, or nobody said what is always true.
const Json::Array& restored_readings(const Note& note) {
  return note.data.get("restored").items("invariants");
}

}  // namespace

std::string value_read(const Json& reading) {
  const std::string error = reading.text("error");
  if (!error.empty()) return "not read: " + error;
  const Json& value = reading.get("value");
  return value.is_text() ? value.text() : "NULL";
}

std::string moment_read(const Json& reading) {
  const std::string at = reading.text("at"), step = reading.text("step");
  if (at == "begin") return "when the drill began";
  if (at == "restore") return "what step " + step + " restored";
  return step.empty() ? "at the drill's end" : "step " + step;
}

InvariantsRead invariants_read(const Json& result) {
  InvariantsRead read;
  for (const auto& one : result.items("invariants")) {
    const bool holds = one.boolean("holds", false);
    if (holds && one.text("at") != "begin") ++read.held;
    if (holds) continue;
    const std::string called = "invariant " + one.text("name") + " of " + one.text("target");
    const bool unread = !one.text("error").empty();
    std::string& text = unread ? read.unread : read.broken;
    text += (text.empty() ? "" : "; ") + called + (unread ? " " : " is ") + value_read(one) +
            (unread ? "" : ", expected " + one.text("must")) + " (" + moment_read(one) + ")";
  }
  return read;
}

std::vector<std::uint64_t> invariant_events(const Story& story) {
  std::vector<std::uint64_t> numbers;
  for (const auto& note : story.notes) {
    const bool tells = note.type == "invariants" || !restored_readings(note).empty();
    if (tells) numbers.push_back(note.number);
  }
  return numbers;
}

Json readings_of(const Story& story) {
  Json list = Json::array();
  for (const auto& note : story.notes) {
    if (note.type == "invariants") {
      add_readings(list, note.data.items("invariants"), note.data.get("at"), note.data.get("step"));
    }
    add_readings(list, restored_readings(note), "restore", note.data.text("id"));
  }
  return list;
}

}  // namespace gameday
