#include <algorithm>

#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/parts.h"

namespace gameday {
namespace {

const StepForm* form_named(std::string_view key) {
  const auto forms = step_forms();
  const auto found =
      std::ranges::find_if(forms, [&](const StepForm& form) { return name_of(form.kind) == key; });
  return found == forms.end() ? nullptr : &*found;
}

// The form whose own key the step has; of two, the first written.
const StepForm* kind_of(const Node& node, const Reading& reading) {
  std::vector<std::string> known;
  for (const auto& form : step_forms()) known.emplace_back(name_of(form.kind));
  for (const auto& entry : node.entries) {
    if (const StepForm* form = form_named(entry.key)) return form;
  }
  if (node.entries.empty()) {
    reading.error(node.place, "a step without a kind" + suggestion("", known));
    return nullptr;
  }
  const auto& first = node.entries.front();
  reading.error(first.place, "unknown step " + quoted(first.key) + suggestion(first.key, known));
  return nullptr;
}

struct StepReader {
  const Node& node;
  const Reading& reading;
  Step& step;

  // The row that the kind's own key names, or an error with the names that there are.
  template <class Row>
  const Row* row_of(std::string_view family, std::span<const Row* const> rows) const {
    const Node& kind = node.find(family)->value;
    std::vector<std::string> known;
    for (const Row* row : rows) {
      if (kind.is_scalar() && row->name == kind.text) return row;
      known.emplace_back(row->name);
    }
    const auto text = kind.is_scalar() ? kind.text : "";
    reading.error(kind.place,
                  "unknown " + std::string(family) + " " + what_is(kind) + suggestion(text, known));
    return nullptr;
  }

  // The step's fields and the row's, of which the row's own become the arguments.
  Json decode_both(StepKind kind, std::span<const Field> own) const {
    const auto common = form_of(kind).fields;
    std::vector<Field> fields(common.begin(), common.end());
    fields.insert(fields.end(), own.begin(), own.end());
    Json decoded = decode(fields, node, name_of(kind), reading.decoding);
    for (const auto& [name, value] : decoded.members()) {
      const bool of_row = std::ranges::find(common, name, &Field::name) == common.end();
      if (of_row || name == "region" || name == "link") step.arguments.set(name, value);
    }
    step.target = decoded.text("target");
    return decoded;
  }

  void read_fault() const {
    const FaultRow* row = row_of("fault", reading.rows.faults);
    if (row == nullptr) return;
    row = meant(*row);
    const Json decoded = decode_both(StepKind::fault, row->fields);
    step.fault = row->name;
    step.hold = duration_in(decoded, "for");
    step.allow_irreversible = decoded.text("allow_irreversible");
    check_aim(*row);
  }

  // The playbook says what; what the target is decides how.
  const FaultRow* meant(const FaultRow& named) const {
    const System& system = reading.playbook.system;
    const auto aim = [&](const char* name) {
      const Entry* entry = node.find(name);
      return entry != nullptr && entry->value.is_scalar() ? entry->value.text : std::string();
    };
    if (!aim("link").empty()) return on_link(named);
    if (const auto region = aim("region"); !region.empty()) {
      return reading.rows.fault_in(system, region, named.name);
    }
    const Target* target = system.target(aim("target"));
    return target == nullptr ? &named : reading.rows.fault_on(*target, named.name);
  }

  // The fault of that name as it is done to links.
  [[nodiscard]] const FaultRow* on_link(const FaultRow& named) const {
    const auto is = [&](const FaultRow* row) {
      return row->as == named.name && row->facet == "link";
    };
    const auto at = std::ranges::find_if(reading.rows.faults, is);
    return named.facet == "link" || at == reading.rows.faults.end() ? &named : *at;
  }

  void read_action() const {
    const ActionRow* row = row_of("action", reading.rows.actions);
    if (row == nullptr) return;
    const Json decoded = decode_both(StepKind::action, row->fields);
    step.action = row->name;
    step.deadline = duration_in(decoded, "deadline");
    const std::string action = "action `" + std::string(row->name) + "`";
    if (row->facet.empty() && node.find("target") != nullptr) {
      reading.error(place_in(node, "target"), action + " takes no target");
    } else if (!row->facet.empty() && node.find("target") == nullptr) {
      reading.error(node.place, "missing `target`: " + action + " changes a target");
    }
  }

  // Which of target, region and link a fault takes is a matter of what it hits: exactly one, or
  // none where its own fields say what.
  void check_aim(const FaultRow& row) const {
    const auto takes = aims_of(row);
    const std::string fault = "fault `" + std::string(row.name) + "`";
    std::string wanted;
    for (const auto aim : takes)
      wanted += (wanted.empty() ? "`" : " or `") + std::string(aim) + "`";
    const Entry* given = nullptr;
    for (const auto aim : kAims) {
      const Entry* entry = node.find(aim);
      if (entry == nullptr) continue;
      if (std::ranges::find(takes, aim) == takes.end()) {
        reading.error(entry->place,
                      fault + " takes " +
                          (wanted.empty() ? "neither target, region nor link"
                                          : wanted + ", not `" + std::string(aim) + "`"));
      } else if (given != nullptr) {
        reading.error(entry->place, fault + " takes only one of " + wanted);
      }
      given = entry;
    }
    if (given == nullptr && !takes.empty()) {
      reading.error(node.place,
                    "missing " + wanted + ": " + fault + " hits " +
                        (row.takes_region           ? "a target, or those of a region"
                         : row.facet != "link"      ? "a target"
                         : row.other_way != nullptr ? "the links of a region, one link, or a target"
                                                    : "the links of a region, or one link"));
    }
  }

  // How long it takes until each of these probes has been heard of.
  Duration until_heard(const std::vector<std::string>& probes) const {
    Duration longest{};
    for (const auto& name : probes) {
      const ProbeSpec* probe = reading.playbook.probe(name);
      if (probe == nullptr) continue;
      longest = std::max(longest, probe->every * probe->successes + probe->timeout);
    }
    return longest;
  }

  void read_steady(const Json& decoded) const {
    const Json& terms = decoded.get("steady_state");
    step.steady_for = duration_in(terms, "for").value_or(Duration{});
    step.names = texts_in(terms, "probes");
    step.within = duration_in(terms, "within").value_or(step.steady_for + until_heard(step.names));
    if (step.within < step.steady_for) {
      const Node& written = node.find("steady_state")->value;
      reading.error(place_in(written, "within"),
                    "`steady_state.within` is shorter than `for`: it could never be met");
    }
  }

  void read_restore(const Json& decoded) const {
    step.target = decoded.text("restore");
    step.into_place = decoded.text("into") == "place";
    step.replay = decoded.text("replay");
    step.deadline = duration_in(decoded, "deadline");
    for (const auto* name : {"from", "point"}) {
      if (const Json* given = decoded.find(name)) step.arguments.set(name, *given);
    }
    if (!step.replay.empty() && decoded.text("into") == "scratch") {
      reading.error(place_in(node, "replay"),
                    "`replay` needs `into: place`: nothing is replayed "
                    "into a scratch copy");
    }
  }

  void read_verify(const Json& decoded) const {
    step.names = texts_in(decoded, "verify");
    step.deadline = duration_in(decoded, "deadline");
    const Node& written = node.find("verify")->value;
    if (!step.names.empty() || !(written.items.empty())) return;
    for (const auto& load : reading.decoding.names.loads) step.names.push_back(load);
  }

  void read_human(const Json& decoded) const {
    const Json& terms = decoded.get("human");
    const std::string on_timeout = terms.text("on_timeout");
    step.what = terms.text("do");
    step.person = terms.text("by");
    step.within = duration_in(terms, "within").value_or(Duration{});
    step.on_timeout = on_timeout == "continue" ? OnTimeout::goes_on
                      : on_timeout == "stop"   ? OnTimeout::stops
                                               : OnTimeout::fails;
  }

  void read_approve(const Json& decoded) const {
    const Json& terms = decoded.get("approve");
    step.person = terms.text("role");
    step.not_operator = terms.text("not") == "operator";
    step.within = duration_in(terms, "within").value_or(Duration{});
  }

  void read_backup(const Json& decoded) const {
    step.target = decoded.text("backup");
    if (decoded.boolean("keep", false)) step.arguments.set("keep", true);
  }

  void read(const StepForm& form) const {
    if (form.kind == StepKind::fault) return read_fault();
    if (form.kind == StepKind::action) return read_action();
    const Json decoded = decode(form.fields, node, name_of(form.kind), reading.decoding);
    switch (form.kind) {
      case StepKind::steady_state: return read_steady(decoded);
      case StepKind::backup: return read_backup(decoded);
      case StepKind::restore: return read_restore(decoded);
      case StepKind::wait:
        step.steady_for = duration_in(decoded, "wait").value_or(Duration{});
        return;
      case StepKind::revert: step.revert = decoded.text("revert"); return;
      case StepKind::verify: return read_verify(decoded);
      case StepKind::human: return read_human(decoded);
      case StepKind::approve: return read_approve(decoded);
      case StepKind::parallel:
      case StepKind::action:
      case StepKind::fault: return;
    }
  }
};

constexpr std::size_t kMostSteps = 1000;

// Reads steps one after another; `number` is a step's place in the timeline, "3", or "3-1" inside a
// parallel.
class TimelineReader {
 public:
  explicit TimelineReader(const Reading& reading) : reading_(reading) {}

  void too_many(Place place) const {
    reading_.error(place, "a timeline of more than " + std::to_string(kMostSteps) + " steps");
  }

  void read_step(const Node& written, const std::string& number, bool inside) {
    // A `verify:` with nothing after it means every load.
    Node node = written;
    for (auto& entry : node.entries) {
      if (entry.key == "verify" && entry.value.kind == Node::Kind::empty) {
        entry.value.kind = Node::Kind::sequence;
      }
    }
    if (!node.is_mapping()) {
      reading_.error(node.place, "a step: expected a mapping, not " + what_is(node));
      return;
    }
    const StepForm* form = kind_of(node, reading_);
    if (form == nullptr) return;
    Step step;
    step.kind = form->kind;
    step.inside = inside;
    step.place = node.place;
    step.id = std::string(name_of(form->kind)) + "-" + number;
    read_id(node, step);
    StepReader{node, reading_, step}.read(*form);
    if (inside) check_inside(step);
    auto& timeline = reading_.playbook.timeline;
    timeline.push_back(std::move(step));
    if (form->kind == StepKind::parallel && !inside) read_lanes(node, number);
  }

 private:
  void read_id(const Node& node, Step& step) const {
    if (const Entry* id = node.find("id"); id != nullptr && id->value.is_scalar()) {
      step.id = id->value.text;
      const auto problem = name_problem(step.id);
      if (!problem.empty()) reading_.error(id->value.place, problem);
    }
    const auto& timeline = reading_.playbook.timeline;
    const auto same = std::ranges::find(timeline, step.id, &Step::id);
    if (same == timeline.end()) return;
    reading_.error(place_in(node, "id"), "id " + quoted(step.id) + " is that of the step on line " +
                                             std::to_string(same->place.line));
  }

  // A restore into place closes what others have opened, and no stop ends it: it stands alone.
  void check_inside(const Step& step) const {
    const bool into_place = step.kind == StepKind::restore && step.into_place;
    if (may_stand_inside(step.kind) && !into_place) return;
    const std::string what =
        into_place ? "a restore into place" : "`" + std::string(name_of(step.kind)) + "`";
    reading_.error(step.place, what + " cannot stand inside `parallel`; put it after");
  }

  void read_lanes(const Node& node, const std::string& number) {
    const Node& lanes = node.find("parallel")->value;
    if (!lanes.is_sequence() || lanes.items.empty()) {
      reading_.error(lanes.place, "`parallel`: expected a list of steps, not " +
                                      (lanes.is_sequence() ? "an empty one" : what_is(lanes)));
      return;
    }
    auto& timeline = reading_.playbook.timeline;
    const std::size_t outer = timeline.size() - 1;
    if (outer + lanes.items.size() > kMostSteps) return too_many(lanes.place);
    for (std::size_t i = 0; i < lanes.items.size(); ++i) {
      read_step(lanes.items[i], number + "-" + std::to_string(i + 1), true);
    }
    timeline[outer].inner = timeline.size() - 1 - outer;
  }

  const Reading& reading_;
};

}  // namespace

void read_timeline(const Node& timeline, const Reading& reading) {
  if (!timeline.is_sequence() || timeline.items.empty()) {
    reading.error(timeline.place,
                  "`timeline`: expected a list of steps, not " +
                      (timeline.is_sequence() ? "an empty one" : what_is(timeline)));
    return;
  }
  TimelineReader reader(reading);
  if (timeline.items.size() > kMostSteps) return reader.too_many(timeline.place);
  for (std::size_t i = 0; i < timeline.items.size(); ++i) {
    reader.read_step(timeline.items[i], std::to_string(i + 1), false);
  }
}

}  // namespace gameday
