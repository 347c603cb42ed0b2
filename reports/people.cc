#include "reports/people.h"

#include "reports/markup.h"

namespace gameday {
namespace {

// Empty for what nobody said.
std::string said_in(const Note& note) {
  const Json& data = note.data;
  if (note.type == "note") return data.text("text");
  if (note.type == "stop_asked" && data.find("who") != nullptr) {
    return "stop: " + data.text("reason");
  }
  if (note.type == "answered" && !data.boolean("counts", true)) {
    return words(data.text("what")) + " step " + data.text("id") +
           ", which does not count: " + data.text("why");
  }
  return "";
}

}  // namespace

std::vector<Said> said_by_people(const Story& story) {
  std::vector<Said> all;
  for (const auto& note : story.notes) {
    const std::string what = said_in(note);
    if (!what.empty()) all.push_back({note.at, shown_person(note.data.get("who")), what});
  }
  return all;
}

}  // namespace gameday
