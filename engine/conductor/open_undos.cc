#include "engine/conductor/open_undos.h"

#include <algorithm>
#include <map>

#include "engine/conductor/plan.h"

namespace gameday {
namespace {

constexpr std::string_view kAction = "action";

enum class State { open, closed, superseded, erased };

struct Entry {
  OpenUndo owed;
  State state = State::open;
};

Instant instant_of(const Json& data, std::string_view name) {
  return Instant(Duration(data.integer(name, 0)));
}

Result<Entry> entry_of(const Event& event) {
  auto undo = undo_from(event.data.get("undo"));
  if (!undo) return std::unexpected(undo.error().in("event " + std::to_string(event.number)));
  Entry entry;
  entry.owed = {event.number,
                event.data.text("deed"),
                event.data.text("id"),
                event.data.text("kind"),
                event.data.text("target"),
                event.utc,
                std::move(*undo),
                instant_of(event.data, "not_after_ns"),
                instant_of(event.data, "inject_deadline_ns") + Deadlines::settle,
                event.boot};
  if (entry.owed.target.empty()) {
    entry.owed.target = event.data.get("arguments").text("region");
  }
  return entry;
}

// An injection whose end is known is over; one that ended by a stop or at its deadline may still
// arrive within the settle time.
void note_injected(Entry& entry, const Event& event) {
  if (event.data.boolean("uncertain", false)) {
    entry.owed.uncertain_until = event.at + Deadlines::settle;
  } else {
    entry.owed.uncertain_until.reset();
  }
}

void note_event(std::vector<Entry>& entries, const Event& event) {
  const auto entry = [&](const std::string& mark) -> Entry* {
    const auto found =
        std::ranges::find_if(entries, [&](const Entry& e) { return e.owed.mark == mark; });
    return found == entries.end() ? nullptr : &*found;
  };
  if (event.type == "superseded") {
    for (const auto& mark : event.data.items("deeds")) {
      Entry* found = mark.is_text() ? entry(mark.text()) : nullptr;
      if (found != nullptr) found->state = State::superseded;
    }
  }
  Entry* found = entry(event.data.text("deed"));
  if (found == nullptr) return;
  const bool ended = event.type == "injected" || event.type == "restore_scratch";
  if (ended) note_injected(*found, event);
  if (event.type == "gone" && event.data.boolean("closes", false)) found->state = State::closed;
  if (event.type == "erased") found->state = State::erased;
}

}  // namespace

Result<Owed> owed_by(const std::vector<std::string>& lines) {
  std::vector<Entry> entries;
  std::map<std::string, std::string> actions;  // by mark, without a known end
  Owed owed;
  for (const auto& line : lines) {
    TRY(event, parse_event(line));
    const bool action = event.data.text("kind") == kAction;
    const std::string mark = event.data.text("deed");
    if (action && event.type == "deed") {
      owed.marks.push_back(mark);
      actions[mark] = event.data.text("action") + " (step " + event.data.text("id") + ")";
    } else if (action && event.type == "injected") {
      if (!event.data.boolean("uncertain", false)) actions.erase(mark);
    } else if (event.type == "deed") {
      TRY(entry, entry_of(event));
      owed.marks.push_back(entry.owed.mark);
      entries.push_back(std::move(entry));
    } else if (event.type == kClosing) {
      owed.closed = true;
    } else {
      note_event(entries, event);
    }
  }
  for (auto& [mark, name] : actions) owed.under_way.push_back(std::move(name));
  std::ranges::reverse(entries);
  for (auto& entry : entries) {
    switch (entry.state) {
      case State::open: owed.open.push_back(std::move(entry.owed)); break;
      case State::closed:
      case State::superseded:
        owed.to_erase.push_back({std::move(entry.owed.undo), std::move(entry.owed.mark),
                                 entry.state == State::superseded});
        break;
      case State::erased: break;
    }
  }
  return owed;
}

}  // namespace gameday
