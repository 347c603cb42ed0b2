#include <algorithm>

#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/parts.h"

namespace gameday {
namespace {

const StepForm* form_of(std::string_view key) {
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
    const auto later = steps_not_supported();
    if (std::ranges::find(later, entry.key) != later.end()) {
      reading.error(entry.place, "step " + quoted(entry.key) + " is not supported by this version");
      return nullptr;
    }
    if (const StepForm* form = form_of(entry.key)) return form;
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

  void read_fault() const {
    const Entry* kind = node.find("fault");
    const FaultRow* row = kind->value.is_scalar() ? reading.rows.fault(kind->value.text) : nullptr;
    if (row == nullptr) {
      std::vector<std::string> known;
      for (const FaultRow* fault : reading.rows.faults) known.emplace_back(fault->name);
      const auto text = kind->value.is_scalar() ? kind->value.text : "";
      reading.error(kind->value.place,
                    "unknown fault " + what_is(kind->value) + suggestion(text, known));
      return;
    }
    const auto common = form_of("fault")->fields;
    std::vector<Field> fields(common.begin(), common.end());
    fields.insert(fields.end(), row->fields.begin(), row->fields.end());
    const Json decoded = decode(fields, node, "fault", reading.decoding);
    step.fault = row->name;
    step.target = decoded.text("target");
    step.hold = duration_in(decoded, "for");
    step.allow_irreversible = decoded.text("allow_irreversible");
    for (const auto& [name, value] : decoded.members()) {
      const bool own = std::ranges::find(common, name, &Field::name) == common.end();
      if (own || name == "region" || name == "link") step.arguments.set(name, value);
    }
    check_aim(*row);
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
                        (row.facet == "link" ? "the links of a region, or one link" : "a target"));
    }
  }

  void read_steady(const Json& decoded) const {
    const Json& terms = decoded.get("steady_state");
    step.steady_for = duration_in(terms, "for").value_or(Duration{});
    step.within = duration_in(terms, "within").value_or(step.steady_for);
    step.names = texts_in(terms, "probes");
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
    if (const Json* from = decoded.find("from")) step.arguments.set("from", *from);
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

  void read(const StepForm& form) const {
    if (form.kind == StepKind::fault) return read_fault();
    const Json decoded = decode(form.fields, node, name_of(form.kind), reading.decoding);
    switch (form.kind) {
      case StepKind::steady_state: return read_steady(decoded);
      case StepKind::backup: step.target = decoded.text("backup"); return;
      case StepKind::restore: return read_restore(decoded);
      case StepKind::wait:
        step.steady_for = duration_in(decoded, "wait").value_or(Duration{});
        return;
      case StepKind::revert: step.revert = decoded.text("revert"); return;
      case StepKind::verify: return read_verify(decoded);
      case StepKind::fault: return;
    }
  }
};

void read_step(const Node& written, std::size_t number, const Reading& reading) {
  // A `verify:` with nothing after it means every load.
  Node node = written;
  for (auto& entry : node.entries) {
    if (entry.key == "verify" && entry.value.kind == Node::Kind::empty) {
      entry.value.kind = Node::Kind::sequence;
    }
  }
  if (!node.is_mapping()) {
    reading.error(node.place, "a step: expected a mapping, not " + what_is(node));
    return;
  }
  const StepForm* form = kind_of(node, reading);
  if (form == nullptr) return;
  Step step;
  step.kind = form->kind;
  step.place = node.place;
  step.id = std::string(name_of(form->kind)) + "-" + std::to_string(number);
  if (const Entry* id = node.find("id"); id != nullptr && id->value.is_scalar()) {
    step.id = id->value.text;
    const auto problem = name_problem(step.id);
    if (!problem.empty()) reading.error(id->value.place, problem);
  }
  StepReader{node, reading, step}.read(*form);
  auto& timeline = reading.playbook.timeline;
  const auto same = std::ranges::find(timeline, step.id, &Step::id);
  if (same != timeline.end()) {
    reading.error(place_in(node, "id"), "id " + quoted(step.id) + " is that of the step on line " +
                                            std::to_string(same->place.line));
  }
  timeline.push_back(std::move(step));
}

}  // namespace

void read_timeline(const Node& timeline, const Reading& reading) {
  constexpr std::size_t kMostSteps = 1000;
  if (!timeline.is_sequence() || timeline.items.empty()) {
    reading.error(timeline.place,
                  "`timeline`: expected a list of steps, not " +
                      (timeline.is_sequence() ? "an empty one" : what_is(timeline)));
    return;
  }
  if (timeline.items.size() > kMostSteps) {
    reading.error(timeline.place,
                  "a timeline of more than " + std::to_string(kMostSteps) + " steps");
    return;
  }
  for (std::size_t i = 0; i < timeline.items.size(); ++i) {
    read_step(timeline.items[i], i + 1, reading);
  }
}

}  // namespace gameday
