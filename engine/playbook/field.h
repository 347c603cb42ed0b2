// One row a field: what a fault, probe, restore, target or step accepts. The decoder and its
// errors, the JSON Schema, `gameday explain` and the plan come from these rows.
#pragma once

#include <span>
#include <string_view>

namespace gameday {

enum class FieldType {
  text,
  boolean,  // true or false, nothing else
  integer,
  duration,    // "15s"
  durations,   // "5s..9s", or one
  rate,        // "200/s"
  size,        // "64MiB"
  percent,     // "99.5%"
  url,         // http:// or https://, with {target} names filled in from the system's http targets
  path,        // relative to the playbook
  address,     // "127.0.0.1:8201"
  target,      // a name under system
  probe,       // a name under probes
  load,        // a name under load
  region,      // a region that some target or link has
  link,        // a name under system.links
  choice,      // one of `choices`
  comparison,  // "> 0.99", "idle": what a value is expected to be
  texts,       // a list of text
  probes,      // a list of names under probes
  loads,       // a list of names under load
  json,        // any YAML value, as JSON
  group,       // a mapping with `fields` of its own
  groups       // a list of such mappings
};

struct Field {
  std::string_view name = {};
  FieldType type = FieldType::text;
  std::string_view help = {};  // a whole sentence, with the default's reason where it is not plain
  std::string_view otherwise = {};  // the default as a playbook would write it ("15s", "[a]",
                                    // "{}"); empty: none, the argument is then absent
  bool required = false;
  double least = 0;  // bounds in base units (seconds, bytes, per second, ratio, count)
  double most = 0;   // 0: no upper bound
  std::span<const std::string_view> choices = {};
  std::span<const Field> fields = {};
  std::string_view scalar = {};  // the group's field that a value which is no mapping stands for
};

}  // namespace gameday
