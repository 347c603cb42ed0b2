#include "engine/playbook/load_playbook.h"

#include <algorithm>
#include <filesystem>

#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/document.h"
#include "engine/playbook/parts.h"
#include "engine/playbook/vars.h"
#include "engine/sys/files.h"

namespace gameday {
namespace {

std::string folder_of(const std::string& path) {
  std::error_code ignored;  // without a working directory the path stays as it is
  const auto absolute = std::filesystem::absolute(path, ignored);
  return absolute.parent_path().lexically_normal().string();
}

void read_window(const Json& head, const Node& root, const Reading& reading) {
  const Json& given = head.get("window");
  if (!given.is_object()) return;
  const Node& written = root.find("window")->value;
  const auto time = [&](std::string_view name) -> std::optional<Utc> {
    const auto read = parse_rfc3339(given.text(name));
    if (read) return *read;
    reading.error(place_in(written, name), "`window." + std::string(name) +
                                               "`: " + read.error().text +
                                               ", expected a time like 2026-11-26T20:00:00Z");
    return std::nullopt;
  };
  const auto from = time("from"), to = time("to");
  if (!from || !to) return;
  if (*to <= *from) {
    return reading.error(place_in(written, "to"), "`window` ends before it begins");
  }
  reading.playbook.window = Window{*from, *to};
}

void read_head(const Json& head, const Node& root, const Reading& reading) {
  Playbook& playbook = reading.playbook;
  playbook.name = head.text("name");
  playbook.summary = head.text("summary");
  playbook.owner = head.text("owner");
  playbook.environment = head.text("environment", "staging");
  playbook.cadence = head.text("cadence");
  playbook.controls = texts_in(head, "controls");
  for (const auto& item : head.items("not_applicable")) {
    playbook.not_applicable.push_back(
        {item.text("criterion"), item.text("reason"), item.text("approved_by")});
    const auto problem = criterion_problem(item.text("criterion"));
    if (!problem.empty()) reading.error(place_in(root, "not_applicable"), problem);
  }
  if (playbook.name.empty()) return;
  if (const auto problem = name_problem(playbook.name); !problem.empty()) {
    reading.error(place_in(root, "name"), problem);
  }
}

void read_playbook(const Node& root, const Reading& reading) {
  const Json head = decode(playbook_fields(), root, "", reading.decoding);
  if (!root.is_mapping()) return;
  read_head(head, root, reading);
  read_window(head, root, reading);
  reading.playbook.objectives.place = place_in(root, "objectives");
  reading.playbook.limits.place = place_in(root, "limits");
  read_objectives(head.get("objectives"), reading);
  read_limits(head.get("limits"), reading);
  const auto part = [&](std::string_view key, void (*read)(const Node&, const Reading&)) {
    if (const Entry* entry = root.find(key)) read(entry->value, reading);
  };
  part("system", read_system);
  part("load", read_loads);
  part("probes", read_probes);
  part("timeline", read_timeline);
}

LoadedPlaybook unreadable(const std::string& path, const std::string& why) {
  LoadedPlaybook loaded;
  loaded.path = path;
  loaded.problems.error({1, 1}, why);
  return loaded;
}

}  // namespace

LoadedPlaybook decode_playbook(const std::string& path, std::string source, const Vars& vars,
                               const Rows& rows) {
  LoadedPlaybook loaded;
  loaded.path = path;
  loaded.source = std::move(source);
  auto root = parse_yaml(loaded.source, loaded.problems);
  if (!root) return loaded;
  Playbook playbook;
  playbook.path = path;
  playbook.folder = folder_of(path);
  playbook.vars = fill_vars(*root, vars, playbook.folder, loaded.problems);
  playbook.source = loaded.source;
  playbook.sha256 = sha256(loaded.source);
  const Vocabulary names = vocabulary_of(*root);
  const Decoding decoding{names, playbook.folder, loaded.problems};
  read_playbook(*root, {rows, decoding, playbook});
  if (!loaded.problems.has_errors()) loaded.playbook = std::move(playbook);
  return loaded;
}

LoadedPlaybook load_playbook(const std::string& path, const Vars& vars, const Rows& rows) {
  if (path.find('\0') != std::string::npos) return unreadable(path, "a path with a NUL character");
  auto source = Files().read(path, kLargestPlaybook);
  if (!source) return unreadable(path, source.error().text);
  return decode_playbook(path, std::move(*source), vars, rows);
}

Result<std::pair<std::string, std::string>> parse_var(std::string_view written) {
  const auto equals = written.find('=');
  const auto name = written.substr(0, equals);
  if (equals == std::string_view::npos || !is_var_name(name)) {
    return fail(
        ErrorCode::invalid,
        "expected NAME=VALUE with a name of letters, digits and `_`, not " + quoted(written));
  }
  return std::pair(std::string(name), std::string(written.substr(equals + 1)));
}

}  // namespace gameday
