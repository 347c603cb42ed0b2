#include "drills/systems/pgbackrest.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "drills/systems/scratch_cluster.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::size_t kSegment = 24;  // digits of its name
constexpr const TruthTable* kTables[] = {&pgbackrest_2_45};

std::vector<std::string> command(const PgBackRest& repository, std::vector<std::string> argv) {
  std::vector<std::string> all{repository.program, "--config=" + repository.config,
                               "--stanza=" + repository.stanza};
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

Result<Ended> run_as_server(const PgBackRest& repository, std::vector<std::string> argv,
                            const DeedContext& context) {
  const std::string user = geteuid() == 0 ? repository.server_user : "";
  auto ended = context.doors.processes.run(
      {as_its_user({.user = user}, std::move(argv)), "/", {"LC_ALL=C", "TZ=UTC"}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(repository.program));
  return ended;
}

Result<const TruthTable*> table_of(const PgBackRest& repository, const DeedContext& context) {
  TRY(ended, run_as_server(repository, {repository.program, "version"}, context));
  const auto words = split(trimmed(ended.output), ' ');
  if (words.size() == 2 && words[0] == "pgBackRest") return table_for(kTables, words[1]);
  return fail(ErrorCode::unsupported, "it says no version of pgBackRest: " + ended.output);
}

Utc time_of(const Json& seconds_since_1970) {
  return Utc(
      std::chrono::seconds(seconds_since_1970.is_integer() ? seconds_since_1970.integer() : 0));
}

std::uint64_t number_in(const std::string& segment) {
  std::uint64_t high = 0, low = 0;
  const char* const at = segment.data();
  std::from_chars(at + 8, at + 16, high, 16);
  std::from_chars(at + 16, at + kSegment, low, 16);
  return (high << 32U) | low;
}

}  // namespace

PgBackRest pgbackrest_of(const Target& target) {
  const Json& fields = target.facets.get("pgbackrest");
  PgBackRest repository{.target = target.name,
                        .stanza = fields.text("stanza"),
                        .config = fields.text("config", "/etc/pgbackrest.conf"),
                        .program = fields.text("program", "pgbackrest"),
                        .take = fields.text("take", "none"),
                        .of = fields.text("of"),
                        .database = fields.text("dbname"),
                        .user = fields.text("user", "postgres"),
                        .server_user = fields.text("server_user", "postgres"),
                        .programs = fields.text("programs"),
                        .scratch = fields.text("scratch", "/var/tmp"),
                        .verify = fields.boolean("verify", true)};
  if (repository.take == "none") repository.take.clear();
  repository.max_age = duration_in(fields, "max_age");
  repository.archived_within =
      duration_in(fields, "archived_within").value_or(std::chrono::seconds(30));
  return repository;
}

Result<PgBackRestSaid> run_pgbackrest(const PgBackRest& repository, std::vector<std::string> argv,
                                      const DeedContext& context) {
  TRY(table, table_of(repository, context));
  const std::string name = argv.front();
  argv.insert(argv.end(), {"--log-level-console=warn", "--log-level-file=off"});
  TRY(ended, run_as_server(repository, command(repository, std::move(argv)), context));
  const Reading reading = read_ending(*table, name, ended);
  return PgBackRestSaid{std::move(ended), reading};
}

std::string archive_get(const PgBackRest& repository, const std::string& data) {
  return repository.program + " --config=" + repository.config + " --stanza=" + repository.stanza +
         " --pg1-path=" + data + " --log-level-file=off archive-get %f \"%p\"";
}

Json to_json(const BackupSet& set) {
  return Json::object({{"label", set.label}, {"type", set.type}, {"stop", lsn_text(set.stop)}});
}

Result<PgBackRestInfo> stanza_in(std::string_view answer) {
  TRY(stanzas, Json::parse(trimmed(answer)));
  if (!stanzas.is_array() || stanzas.items().empty()) {
    return fail(ErrorCode::unsupported, "pgBackRest's info names no stanza");
  }
  const Json& stanza = stanzas.items().front();
  PgBackRestInfo info;
  for (const Json& one : stanza.items("db")) {
    info.version = one.text("version");
    info.cluster = std::to_string(one.integer("system-id", 0));
  }
  for (const Json& one : stanza.items("archive")) info.newest_segment = one.text("max");
  for (const Json& one : stanza.items("backup")) {
    if (one.boolean("error", false)) continue;
    BackupSet set{.label = one.text("label"),
                  .type = one.text("type"),
                  .first_segment = one.get("archive").text("start"),
                  .begun = time_of(one.get("timestamp").get("start")),
                  .ended = time_of(one.get("timestamp").get("stop")),
                  .stop = parse_lsn(one.get("lsn").text("stop")).value_or(0)};
    set.archive = info.version + "-" + std::to_string(one.get("database").integer("id", 1));
    info.sets.push_back(set);
  }
  return info;
}

Result<PgBackRestInfo> look_at_stanza(const PgBackRest& repository, const DeedContext& context) {
  TRY(said, run_pgbackrest(repository, {"info", "--output=json"}, context));
  if (said.reading.truth != Truth::pass) return fail(said.reading.code, said.reading.text);
  return stanza_in(said.ended.output);
}

Result<BackupSet> set_for(const PgBackRestInfo& info, const RecoveryPoint& point) {
  const auto before = [&point](const BackupSet& set) {
    if (point.kind == RecoveryPoint::Kind::time) return set.ended <= point.time;
    return point.kind != RecoveryPoint::Kind::lsn || set.stop <= point.lsn;
  };
  const auto found = std::ranges::find_if(info.sets.rbegin(), info.sets.rend(), before);
  if (found != info.sets.rend()) return *found;
  if (info.sets.empty()) return fail(ErrorCode::corrupt, "every backup of the stanza has errors");
  const BackupSet& oldest = info.sets.front();
  return fail(ErrorCode::corrupt, "no backup had ended by then: the oldest, " + oldest.label +
                                      ", ended at " + rfc3339(oldest.ended) + ", " +
                                      lsn_text(oldest.stop));
}

std::string missing_segment(const std::vector<std::string>& there, const std::string& from,
                            const std::string& to, std::uint64_t segment_size) {
  const bool one_timeline =
      from.size() == kSegment && to.size() == kSegment && from.substr(0, 8) == to.substr(0, 8);
  if (!one_timeline || segment_size == 0) return "";
  const std::uint64_t each = (1ULL << 32U) / segment_size;
  for (std::uint64_t number = number_in(from); number <= number_in(to);) {
    char name[kSegment + 1];
    std::snprintf(name, sizeof name, "%.8s%08X%08X", from.c_str(),
                  static_cast<unsigned>(number >> 32U), static_cast<unsigned>(number));
    if (std::ranges::find(there, name) == there.end()) return name;
    const bool last = (number & 0xffffffffU) + 1 == each;
    number = last ? ((number >> 32U) + 1) << 32U : number + 1;
  }
  return "";
}

Result<std::vector<std::string>> archived_segments(const PgBackRest& repository,
                                                   const BackupSet& set, const std::string& to,
                                                   const DeedContext& context) {
  std::vector<std::string> names;
  constexpr std::size_t kFolder = 16;
  const std::uint64_t last = number_in(to) >> 32U;
  for (std::uint64_t part = number_in(set.first_segment) >> 32U; part <= last; ++part) {
    char folder[kFolder + 1];
    std::snprintf(folder, sizeof folder, "%.8s%08X", set.first_segment.c_str(),
                  static_cast<unsigned>(part));
    TRY(said, run_pgbackrest(
                  repository,
                  {"repo-ls", "archive/" + repository.stanza + "/" + set.archive + "/" + folder},
                  context));
    if (said.reading.truth != Truth::pass) return fail(said.reading.code, said.reading.text);
    for (const auto& line : split(said.ended.output, '\n')) {
      if (line.size() >= kSegment) names.push_back(line.substr(0, kSegment));
    }
  }
  return names;
}

}  // namespace gameday
