#include <sys/resource.h>

#include <limits>

#include "engine/sys/processes.h"

namespace gameday {
namespace {

Json list(const std::vector<std::string>& texts) {
  Json items = Json::array();
  for (const auto& text : texts) items.push(text);
  return items;
}

std::vector<std::string> texts(const Json& value, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& item : value.items(name)) {
    if (item.is_text()) found.push_back(item.text());
  }
  return found;
}

// A limit that is none does not fit a JSON integer: it stands as -1.
Json limit_json(std::uint64_t limit) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return limit > kLargest ? Json(-1) : Json(static_cast<std::int64_t>(limit));
}

std::uint64_t limit_from(const Json& value) {
  return value.is_integer() && value.integer() >= 0 ? static_cast<std::uint64_t>(value.integer())
                                                    : std::uint64_t{RLIM_INFINITY};
}

}  // namespace

Json to_json(const ProcessId& id) {
  return Json::object({{"boot", id.boot}, {"pid", id.pid}, {"start", id.start}});
}

Result<ProcessId> process_id_from(const Json& value) {
  const auto pid = value.integer("pid", 0);
  const auto start = value.integer("start", -1);
  ProcessId id{value.text("boot"), static_cast<pid_t>(pid), static_cast<std::uint64_t>(start)};
  if (id.boot.empty() || pid <= 0 || pid > std::numeric_limits<pid_t>::max() || start < 0) {
    return fail(ErrorCode::corrupt, "a process without boot, pid or start time");
  }
  return id;
}

Json to_json(const ProcessFacts& facts) {
  Json groups = Json::array();
  for (const gid_t group : facts.groups) groups.push(group);
  Json limits = Json::array();
  for (const auto& limit : facts.limits) {
    limits.push(Json::object({{"resource", limit.resource},
                              {"soft", limit_json(limit.soft)},
                              {"hard", limit_json(limit.hard)}}));
  }
  return Json::object({{"id", to_json(facts.id)},
                       {"parent", facts.parent},
                       {"exe", facts.exe},
                       {"argv", list(facts.argv)},
                       {"cwd", facts.cwd},
                       {"uid", facts.uid},
                       {"gid", facts.gid},
                       {"groups", groups},
                       {"umask", facts.umask},
                       {"ambient", facts.ambient},
                       {"limits", limits},
                       {"cgroup", facts.cgroup},
                       {"standard_streams", list(facts.standard_streams)},
                       {"namespaces", list(facts.namespaces)}});
}

Result<ProcessFacts> process_facts_from(const Json& value) {
  TRY(id, process_id_from(value.get("id")));
  ProcessFacts facts;
  facts.id = id;
  facts.parent = static_cast<pid_t>(value.integer("parent", 0));
  facts.exe = value.text("exe");
  facts.argv = texts(value, "argv");
  facts.cwd = value.text("cwd");
  // Without its ids a process would come back as whoever puts it back: root, most likely.
  const auto uid = value.integer("uid", -1), gid = value.integer("gid", -1);
  if (facts.exe.empty() || facts.argv.empty() || facts.cwd.empty() || uid < 0 || gid < 0) {
    return fail(ErrorCode::corrupt, "a process's record lacks exe, argv, cwd, uid or gid");
  }
  facts.uid = static_cast<uid_t>(uid);
  facts.gid = static_cast<gid_t>(gid);
  for (const auto& group : value.items("groups")) {
    if (group.is_integer()) facts.groups.push_back(static_cast<gid_t>(group.integer()));
  }
  facts.umask = static_cast<unsigned>(value.integer("umask", 022)) & 0777U;
  facts.ambient = static_cast<std::uint64_t>(value.integer("ambient", 0));
  for (const auto& limit : value.items("limits")) {
    facts.limits.push_back({static_cast<int>(limit.integer("resource", -1)),
                            limit_from(limit.get("soft")), limit_from(limit.get("hard"))});
  }
  facts.cgroup = value.text("cgroup");
  facts.standard_streams = texts(value, "standard_streams");
  facts.namespaces = texts(value, "namespaces");
  return facts;
}

}  // namespace gameday
