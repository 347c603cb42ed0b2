#include <algorithm>

#include "engine/base/text.h"
#include "engine/base/units.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/expect.h"
#include "engine/playbook/load_shape.h"
#include "engine/playbook/parts.h"
#include "engine/playbook/request_part.h"

namespace gameday {
namespace {

const Node& below(const Node& node, std::string_view key) {
  static const Node kNothing;
  const Entry* entry = node.find(key);
  return entry == nullptr ? kNothing : entry->value;
}

LedgerSpec ledger_of(const Json& decoded, const Node& node, const Reading& reading) {
  LedgerSpec ledger{decoded.text("digest"), decoded.text("read_back"), decoded.text("list")};
  if (!ledger.digest.empty() && !ledger.digest.starts_with('/')) {
    reading.error(place_in(node, "digest"),
                  "`digest`: expected a JSON pointer like /sum, not " + quoted(ledger.digest));
  }
  const auto needs = [&](std::string_view key, const std::string& url, std::string_view name) {
    if (url.empty() || url.find(name) != std::string::npos) return;
    reading.error(place_in(node, key),
                  "`" + std::string(key) + "`: the URL needs " + std::string(name));
  };
  needs("read_back", ledger.read_back, "{key}");
  needs("list", ledger.list, "{drill}");
  return ledger;
}

// A ledger can only find again what was sent under its own key and digest.
void check_ledger_request(const LoadSpec& load, const Node& node, const Reading& reading) {
  const auto holds = [&](std::string_view name) {
    const auto in = [&](const std::string& text) { return text.find(name) != std::string::npos; };
    return in(load.request.url) || in(load.request.body);
  };
  for (const std::string_view name : {"{key}", "{digest}"}) {
    if (holds(name)) continue;
    reading.error(written_by(load, node).place, "a request of a load with a ledger needs " +
                                                    std::string(name) + " in its URL or body");
  }
}

// What is acknowledged must have been done.
void check_acknowledged(const LoadSpec& load, const Node& node, const Reading& reading) {
  for (const auto& form : wanted_statuses(load.request.expect, "2xx")) {
    const auto range = statuses_of(form);
    if (!range || range->last < 400) continue;
    return reading.error(place_of(written_by(load, node), "expect.status"),
                         "`load." + load.name +
                             "`, `expect.status`: in a load with a ledger a good answer "
                             "acknowledges a write, and one with an error status does not");
  }
}

// What a load speaks where that is not HTTP; null: `request` says it.
const Entry* spoken_by(const Entry& load, const Reading& reading) {
  const Entry* spoken = nullptr;
  std::vector<std::string> known{"request", "requests"};
  for (const LoadRow* row : reading.rows.loads) known.emplace_back(row->name);
  for (const auto& entry : load.value.entries) {
    if (std::ranges::find(known, entry.key) == known.end()) continue;
    if (spoken != nullptr) {
      reading.error(entry.place, "`load." + load.key + "` has both `" + spoken->key + "` and `" +
                                     entry.key + "`; a load speaks one thing");
    }
    spoken = &entry;
  }
  if (spoken == nullptr && load.value.is_mapping()) {
    reading.error(load.place, "`load." + load.key + "` has none of " + join(known, ", ") +
                                  ": it sends nothing");
  }
  const bool http = spoken != nullptr && spoken->key.starts_with("request");
  return http ? nullptr : spoken;
}

// What goes with loads that we send, and not with one that a process of its own carries.
void refuse_what_is_ours(Node& load, const LoadRow& row, const Reading& reading) {
  const std::string by = "a load by `" + std::string(row.name) + "` ";
  const auto refuse = [&](std::string_view key, const std::string& why) {
    const Entry* odd = load.find(key);
    if (odd == nullptr) return;
    reading.error(odd->place, "`" + std::string(key) + "`: " + by + why);
    std::erase_if(load.entries, [&](const Entry& entry) { return entry.key == key; });
  };
  for (const auto* key : {"ledger", "cleanup"}) {
    refuse(key, "writes what its own file alone knows, so that nothing could be read back");
  }
  for (const auto* key : {"rate", "stages", "arrivals", "think"}) {
    refuse(key, "is a closed loop: its users ask again when they have had their answer");
  }
}

// The fields of a row that may stand beside its name are taken out of the load, and put together
// with those that stand under it.
Node drawn_together(Node& load, const Entry& spoken, const LoadRow& row, const Reading& reading) {
  if (row.scalar.empty()) return spoken.value;
  Node all;
  all.kind = Node::Kind::mapping;
  all.place = spoken.value.place;
  if (spoken.value.is_mapping()) {
    all.entries = spoken.value.entries;
  } else {
    all.entries.push_back({std::string(row.scalar), spoken.value.place, spoken.value});
  }
  const auto own = names_of(row.fields);
  const auto is_own = [&](const Entry& e) { return std::ranges::find(own, e.key) != own.end(); };
  for (const auto& entry : load.entries) {
    if (!is_own(entry)) continue;
    if (all.find(entry.key) != nullptr) {
      reading.error(entry.place, quoted(entry.key) + " is given twice in `" + spoken.key + "`");
    } else {
      all.entries.push_back(entry);
    }
  }
  std::erase_if(load.entries, is_own);
  return all;
}

// Its row's fields, and what the row itself finds wrong with them.
void read_spoken(const Entry& entry, const Node& spoken, LoadSpec& load, const Reading& reading) {
  const LoadRow& row = *reading.rows.load(load.kind);
  if (const Entry* data = entry.value.find("data"); data != nullptr && !load.carried) {
    reading.error(data->place, "`data` goes with `request`");
  }
  for (const std::string_view http : {"ledger", "cleanup"}) {
    const Entry* odd = load.carried ? nullptr : entry.value.find(http);
    if (odd == nullptr) continue;
    reading.error(odd->place, "`" + std::string(http) + "` goes with `request`; of `" + load.kind +
                                  "` it is a part");
  }
  const std::string where = "load." + load.name + "." + load.kind;
  const std::size_t errors_before = reading.decoding.problems.errors();
  load.arguments = decode(row.fields, spoken, where, reading.decoding);
  if (reading.decoding.problems.errors() != errors_before) return;
  if (row.keeps_ledger(load.arguments)) load.ledger.emplace();
  const auto wrong = row.check(load, reading.playbook.system);
  if (!wrong) return;
  reading.error(
      wrong->field.empty() ? spoken.place : place_in(spoken, wrong->field),
      "`" + where + (wrong->field.empty() ? "" : "." + wrong->field) + "`: " + wrong->text);
}

void read_load(const Entry& entry, const Reading& reading) {
  const std::string where = "load." + entry.key;
  const Entry* spoken = spoken_by(entry, reading);
  const LoadRow* row = spoken == nullptr ? nullptr : reading.rows.load(spoken->key);
  Node node = entry.value;
  std::erase_if(node.entries, [&](const Entry& e) { return reading.rows.load(e.key) != nullptr; });
  if (const auto problem = name_problem(entry.key); !problem.empty()) {
    reading.error(entry.place, problem);
  }
  LoadSpec load;
  load.carried = row != nullptr && row->carry != nullptr;
  if (load.carried) refuse_what_is_ours(node, *row, reading);
  const Node own = row == nullptr ? Node() : drawn_together(node, *spoken, *row, reading);
  const Json decoded =
      decode(load.carried ? carried_load_fields() : load_fields(), node, where, reading.decoding);
  load.name = entry.key;
  load.place = entry.place;
  if (!load.carried) read_shape(decoded, node, load, reading);
  load.arrivals = decoded.text("arrivals") == "poisson" ? Arrivals::poisson : Arrivals::constant;
  load.timeout = duration_in(decoded, "timeout").value_or(load.timeout);
  read_requests(decoded, node, load, reading);
  if (const Json* ledger = decoded.find("ledger")) {
    load.ledger = ledger_of(*ledger, below(node, "ledger"), reading);
    if (!load.request.url.empty()) check_ledger_request(load, node, reading);
    check_acknowledged(load, node, reading);
  }
  if (spoken != nullptr) {
    load.kind = spoken->key;
    if (load.users) {
      reading.error(place_in(node, "users"), "`users` speak HTTP by `request`; `" + load.kind +
                                                 "` goes with `rate` or `stages`");
    }
    read_spoken(entry, own, load, reading);
  }
  reading.playbook.loads.push_back(std::move(load));
}

bool is_common(std::string_view key) {
  const auto fields = probe_fields();
  return std::ranges::find(fields, key, &Field::name) != fields.end();
}

const Entry* kind_of(const Entry& probe, const Reading& reading) {
  std::vector<std::string> known;
  for (const ProbeRow* row : reading.rows.probes) known.emplace_back(row->name);
  const Entry* kind = nullptr;
  for (const auto& entry : probe.value.entries) {
    if (reading.rows.probe(entry.key) == nullptr) continue;
    if (kind == nullptr) kind = &entry;
  }
  if (kind != nullptr) return kind;
  const auto& entries = probe.value.entries;
  const auto odd = std::ranges::find_if(entries, [](const Entry& e) { return !is_common(e.key); });
  if (odd != entries.end()) {
    reading.error(odd->place, "unknown kind of probe " + quoted(odd->key) + " in `probes." +
                                  probe.key + "`" + suggestion(odd->key, known));
  } else {
    reading.error(probe.place, "`probes." + probe.key + "` has no kind" + suggestion("", known));
  }
  return nullptr;
}

// The row's fields may stand in the kind's mapping or beside the kind; here they come together.
Node gathered(const Entry& probe, const Entry& kind, const ProbeRow& row, const Reading& reading) {
  Node all;
  all.kind = Node::Kind::mapping;
  all.place = kind.value.place;
  if (kind.value.is_mapping() || row.scalar.empty()) {
    all.entries = kind.value.entries;
  } else {
    all.entries.push_back({std::string(row.scalar), kind.value.place, kind.value});
  }
  auto known = names_of(row.fields);
  for (const auto& common : names_of(probe_fields())) known.push_back(common);
  for (const auto& entry : probe.value.entries) {
    if (&entry == &kind || is_common(entry.key)) continue;
    if (std::ranges::find(known, entry.key) == known.end()) {
      reading.error(entry.place, "unknown key " + quoted(entry.key) + " in `probes." + probe.key +
                                     "`" + suggestion(entry.key, known));
    } else if (all.find(entry.key) != nullptr) {
      reading.error(entry.place,
                    quoted(entry.key) + " is given twice in `probes." + probe.key + "`");
    } else {
      all.entries.push_back(entry);
    }
  }
  return all;
}

// What the criteria are stands in the rubric, which may be another one; how they are named does
// not.
void check_evidence(const Node& node, const ProbeSpec& probe, const Reading& reading) {
  for (const auto& criterion : probe.evidence_for) {
    const auto problem = criterion_problem(criterion);
    if (!problem.empty()) reading.error(place_in(node, "evidence_for"), problem);
  }
}

During during_of(std::string_view written) {
  for (const During during : {During::edge, During::fault}) {
    if (written == name_of(during)) return during;
  }
  return During::always;
}

// What the row itself finds wrong, at the place of the field that it names.
void check_probe(const ProbeRow& row, const ProbeSpec& probe, const Node& written,
                 const Reading& reading) {
  const auto wrong = row.check(probe.arguments, reading.playbook.system);
  if (!wrong) return;
  const std::string where =
      "probes." + probe.name + (wrong->field.empty() ? "" : "." + wrong->field);
  reading.error(place_of(written, wrong->field), "`" + where + "`: " + wrong->text);
}

void read_probe(const Entry& entry, const Reading& reading) {
  if (const auto problem = name_problem(entry.key); !problem.empty()) {
    reading.error(entry.place, problem);
  }
  if (!entry.value.is_mapping()) {
    reading.error(entry.value.place,
                  "`probes." + entry.key + "`: expected a mapping, not " + what_is(entry.value));
    return;
  }
  const Entry* kind = kind_of(entry, reading);
  if (kind == nullptr) return;
  const ProbeRow& row = *reading.rows.probe(kind->key);
  const std::string where = "probes." + entry.key;
  Node common = entry.value;
  std::erase_if(common.entries, [](const Entry& e) { return !is_common(e.key); });
  const Json times = decode(probe_fields(), common, where, reading.decoding);
  ProbeSpec probe;
  probe.name = entry.key;
  probe.kind = kind->key;
  probe.place = entry.place;
  probe.every = duration_in(times, "every").value_or(probe.every);
  probe.timeout = duration_in(times, "timeout").value_or(probe.timeout);
  probe.during = during_of(times.text("during"));
  probe.evidence_for = texts_in(times, "evidence_for");
  probe.evidence_level = times.text("evidence_level", probe.evidence_level);
  check_evidence(entry.value, probe, reading);
  probe.failures = times.integer("failures", probe.failures);
  probe.successes = times.integer("successes", probe.successes);
  const std::size_t errors_before = reading.decoding.problems.errors();
  const Node all = gathered(entry, *kind, row, reading);
  probe.arguments = decode(row.fields, all, where, reading.decoding);
  const bool decoded = reading.decoding.problems.errors() == errors_before;
  if (decoded && row.check != nullptr) check_probe(row, probe, all, reading);
  reading.playbook.probes.push_back(std::move(probe));
}

void each(const Node& section, std::string_view name, const Reading& reading,
          void (*read)(const Entry&, const Reading&)) {
  if (!section.is_mapping()) {
    reading.error(section.place,
                  "`" + std::string(name) + "`: expected a mapping, not " + what_is(section));
    return;
  }
  for (const auto& entry : section.entries) read(entry, reading);
}

}  // namespace

void read_loads(const Node& loads, const Reading& reading) {
  each(loads, "load", reading, read_load);
}

void read_probes(const Node& probes, const Reading& reading) {
  each(probes, "probes", reading, read_probe);
}

}  // namespace gameday
