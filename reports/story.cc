#include "reports/story.h"

#include <algorithm>

#include "reports/secret_like.h"

namespace gameday {
namespace {

std::vector<std::string> texts_of(const Json& data, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& item : data.items(name)) {
    if (item.is_text()) found.push_back(item.text());
  }
  return found;
}

std::string seen_in(const Json& data) { return data.text("text", data.text("error")); }

// What an event tells: its members before it are ours, as are the two digests at its end.
std::string_view told_in(std::string_view line) {
  constexpr std::string_view kBegin = R"(,"data":)";
  constexpr std::size_t kDigests = 163;  // ,"prev":"sha256:...","hash":"sha256:..."}
  const auto from = std::min(line.find(kBegin), line.size());
  line.remove_prefix(from);
  return line.substr(0, line.size() - std::min(kDigests, line.size()));
}

// Goes through the events in their order.
class Teller {
 public:
  explicit Teller(Story& story) : story_(story) {}

  void tell(Event event) {
    if (story_.events == 0) begin(event);
    ++story_.events;
    const auto& type = event.type;
    if (type == "planned") story_.planned = event.data;
    if (type == "verdict") story_.verdict = event.data;
    if (type == kClosing) story_.closed = true;
    // Most events are of these kinds, and their time of day is asked for where one is the last.
    last_at_ = event.boot == boot_ ? std::optional(event.at) : std::nullopt;
    if (!last_at_) story_.ended = moment(event);
    if (type == "sample") return sample(event);
    if (type == "window") return window(event);
    if (type == "link") return link(event);
    const Moment at = moment(event);
    if (type == "step") return step(event, at);
    if (type == "deed") return deed(event, at);
    if (type == "superseded") superseded(event.data, at);
    DeedStory* known = type == "superseded" ? nullptr : deed_of(event.data);
    if (known != nullptr) deed_event(*known, event, at);
    story_.notes.push_back({at, event.number, event.type, std::move(event.data)});
  }

  void finish() {
    if (last_at_) story_.ended = instant(*last_at_);
  }

 private:
  void begin(const Event& event) {
    boot_ = event.boot;
    at_ = event.at;
    if (const auto utc = parse_rfc3339(event.utc)) story_.began_utc = *utc;
    story_.began = {0, event.utc};
  }

  Moment moment(const Event& event) const {
    if (event.boot == boot_) return instant(event.at);
    // After a restart of the machine the day's time is all that is left to go by.
    const auto utc = parse_rfc3339(event.utc);
    return {utc ? seconds(*utc - story_.began_utc) : 0, event.utc};
  }

  Moment instant(Instant at) const {
    return {seconds(at - at_), rfc3339(story_.began_utc + (at - at_))};
  }

  double offset(const Json& data, std::string_view name) const {
    return seconds(Instant(Duration(data.integer(name, 0))) - at_);
  }

  void sample(const Event& event) {
    const Json& data = event.data;
    story_.probes[data.text("probe")].push_back({offset(data, "start_ns"), offset(data, "end_ns"),
                                                 data.boolean("ok", false), data.text("text"),
                                                 event.number});
  }

  void window(const Event& event) {
    const Json& data = event.data;
    story_.loads[data.text("load")].push_back({offset(data, "from_ns"), data.integer("due", 0),
                                               data.integer("ok", 0), data.integer("errors", 0),
                                               data.number("p50_s", 0), data.number("p99_s", 0),
                                               data.boolean("marked", false), event.number});
  }

  void link(const Event& event) {
    const Json& data = event.data;
    story_.links[data.text("link")].push_back({offset(data, "at_ns"), data.integer("accepted", 0),
                                               data.integer("bytes_up", 0), event.number});
  }

  void step(const Event& event, const Moment& at) {
    const Json& data = event.data;
    if (data.text("what") == "started") {
      story_.steps.push_back({data.text("id"), data.text("step"), at, {}, false, event.number});
      return;
    }
    const auto open = std::ranges::find_if(story_.steps, [&](const StepStory& step) {
      return step.id == data.text("id") && !step.ended;
    });
    if (open == story_.steps.end()) return;
    open->ended = at;
    open->ok = data.boolean("ok", false);
    open->number = event.number;
  }

  void deed(const Event& event, const Moment& at) {
    DeedStory found;
    found.mark = event.data.text("deed");
    found.id = event.data.text("id");
    found.kind = event.data.text("kind");
    found.target = event.data.text("target");
    found.targets = texts_of(event.data, "targets");
    found.instances = texts_of(event.data, "instances");
    found.arguments = event.data.get("arguments");
    found.undo = event.data.get("undo");
    found.holds_data = event.data.boolean("holds_data", false);
    found.recorded = at;
    found.open = found.kind != "action";  // nothing is owed for it
    story_.deeds.push_back(std::move(found));
  }

  DeedStory* deed_of(const Json& data) {
    const std::string mark = data.text("deed");
    const auto found = std::ranges::find(story_.deeds, mark, &DeedStory::mark);
    return mark.empty() || found == story_.deeds.end() ? nullptr : &*found;
  }

  void deed_event(DeedStory& deed, const Event& event, const Moment& at) {
    const Json& data = event.data;
    if (event.type == "injected") {
      deed.injected = at;
      deed.injected_ok = data.boolean("ok", false);
      deed.inject_error = data.text("error");
    } else if (event.type == "proof") {
      deed.proof_at = at;
      deed.proven = data.boolean("held", false);
      deed.proof_text = seen_in(data);
      deed.proof_event = event.number;
    } else if (event.type == "undo") {
      put_back(deed, data, at, false, data.boolean("ok", false));
    } else if (event.type == "gone") {
      gone(deed, event, at);
    } else if (event.type == "residue") {
      deed.residue = data.text("text");
    }
  }

  // A verified restore closes all data undos of its target at once.
  void superseded(const Json& data, const Moment& at) {
    for (const auto& mark : texts_of(data, "deeds")) {
      const auto deed = std::ranges::find(story_.deeds, mark, &DeedStory::mark);
      if (deed == story_.deeds.end()) continue;
      deed->superseded_by = data.text("by");
      deed->reverted = at;
      deed->open = false;
    }
  }

  // A look that came before whatever was still under way had settled closes nothing.
  void gone(DeedStory& deed, const Event& event, const Moment& at) {
    put_back(deed, event.data, at, true, event.data.boolean("held", false));
    if (!event.data.boolean("closes", false)) return;
    deed.reverted = at;
    deed.open = false;
    deed.residue.clear();
  }

  void put_back(DeedStory& deed, const Json& data, const Moment& at, bool look, bool ok) {
    const std::string by = data.text("by", "runner");
    deed.undoing.push_back({at, look, ok, seen_in(data), by});
    // What the runner itself replays after a defect carries its name; what it undoes in its usual
    // course carries none.
    if (data.find("by") == nullptr || story_.taken_over) return;
    story_.taken_over_by = by;
    story_.taken_over = at;
  }

  Story& story_;
  std::string boot_;
  Instant at_;
  std::optional<Instant> last_at_;  // of the last event; none: it is of another boot
};

}  // namespace

std::string DeedStory::stage() const {
  if (!residue.empty()) return "residue";
  if (!superseded_by.empty()) return "superseded";
  if (!open) return "undone";
  if (proven) return "proven";
  return injected ? "injected" : "recorded";
}

const Note* Story::last_note(std::string_view type) const {
  for (auto note = notes.rbegin(); note != notes.rend(); ++note) {
    if (note->type == type) return &*note;
  }
  return nullptr;
}

const DeedStory* Story::deed(std::string_view id) const {
  const auto found = std::ranges::find_if(
      deeds, [&](const DeedStory& deed) { return deed.is_fault() && deed.id == id; });
  return found == deeds.end() ? nullptr : &*found;
}

bool Story::is_evidence_alone(std::string_view probe) const {
  const auto& asked = planned.get("plan").items("probes");
  const auto found =
      std::ranges::find_if(asked, [&](const Json& one) { return one.text("name") == probe; });
  return found != asked.end() && found->boolean("evidence_alone", false);
}

std::optional<double> Story::offset_of(const Json& utc) const {
  if (!utc.is_text()) return std::nullopt;
  const auto time = parse_rfc3339(utc.text());
  if (!time) return std::nullopt;
  return seconds(*time - began_utc);
}

Result<Story> story_of(const LineSource& lines) {
  Story story;
  Teller teller(story);
  std::uint64_t number = 0;
  const LineSource looked_at = [&](const LineVisitor& each) {
    return lines([&](std::string_view line) {
      ++number;
      if (looks_secret(told_in(line))) story.secret_like.push_back(number);
      return each(line);
    });
  };
  TRY(chain, verify_chain(looked_at, [&](Event event) { teller.tell(std::move(event)); }));
  teller.finish();
  if (!chain.intact) {
    return fail(ErrorCode::corrupt, "the journal does not verify: " + chain.problem,
                "gameday verify tells what is wrong with the bundle");
  }
  story.head = chain.head;
  story.drill = chain.drill;
  return story;
}

Result<Story> story_of(const std::vector<std::string>& lines) { return story_of(source_of(lines)); }

}  // namespace gameday
