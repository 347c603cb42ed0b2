#include "drills/systems/pgbackrest.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "drills/systems/scratch_cluster.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::size_t kSegment = 24;  // digits of its name
constexpr const TruthTable* kTables[] = {&pgbackrest_2_45};

// Where no configuration is named, pgBackRest looks for it in more than one place.
std::vector<std::string> command(const PgBackRest& repository, std::vector<std::string> argv) {
  std::vector<std::string> all{repository.program, "--stanza=" + repository.stanza};
  if (!repository.config.empty()) all.push_back("--config=" + repository.config);
  all.insert(all.end(), argv.begin(), argv.end());
  return all;
}

Result<Ended> run_as_server(const PgBackRest& repository, std::vector<std::string> argv,
                            const DeedContext& context, const std::string& folder) {
  const std::string user = geteuid() == 0 ? repository.server_user : "";
  auto ended = context.doors.processes.run(
      {as_its_user({.user = user}, std::move(argv)), folder, {"LC_ALL=C", "TZ=UTC"}},
      context.until);
  if (!ended) return std::unexpected(ended.error().in(repository.program));
  return ended;
}

// "pgBackRest 2.45"
Result<const TruthTable*> table_of(const PgBackRest& repository, const DeedContext& context) {
  TRY(ended, run_as_server(repository, {repository.program, "version"}, context, "/"));
  const auto words = split(trimmed(ended.output), ' ');
  if (words.size() == 2 && words[0] == "pgBackRest") return table_for(kTables, words[1]);
  return fail(ErrorCode::unsupported,
              repository.program + " says no version of pgBackRest: " + last_words(ended.output),
              "install pgbackrest, or name it by `program`");
}

Utc time_of(const Json& seconds_since_1970) {
  return Utc(
      std::chrono::seconds(seconds_since_1970.is_integer() ? seconds_since_1970.integer() : 0));
}

// "0000000100000000": of its segments' names, what they have in common.
bool is_folder_of_wal(std::string_view name) {
  constexpr std::size_t kDigits = 16;
  return name.size() == kDigits && name.find_first_not_of("0123456789ABCDEF") == name.npos;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> found;
  if (!list.is_array()) return found;
  for (const Json& one : list.items()) {
    if (one.is_text()) found.push_back(one.text());
  }
  return found;
}

}  // namespace

PgBackRest pgbackrest_of(const Target& target) {
  const Json& fields = target.facets.get("pgbackrest");
  PgBackRest repository{.target = target.name,
                        .stanza = fields.text("stanza"),
                        .config = fields.text("config"),
                        .program = fields.text("program", "pgbackrest"),
                        .take = fields.text("take", "none"),
                        .of = fields.text("of"),
                        .cluster = fields.text("system_identifier"),
                        .database = fields.text("dbname"),
                        .user = fields.text("user", "postgres"),
                        .server_user = fields.text("server_user", "postgres"),
                        .programs = fields.text("programs"),
                        .scratch = fields.text("scratch", "/var/tmp"),
                        .verify = fields.boolean("verify", true),
                        .amcheck = fields.boolean("amcheck", true)};
  if (repository.take == "none") repository.take.clear();
  repository.max_age = duration_in(fields, "max_age");
  repository.max_loss = duration_in(fields, "max_loss");
  repository.archived_within =
      duration_in(fields, "archived_within").value_or(std::chrono::seconds(30));
  return repository;
}

Result<PgBackRestSaid> run_pgbackrest(const PgBackRest& repository, std::vector<std::string> argv,
                                      const DeedContext& context, const std::string& folder) {
  TRY(table, table_of(repository, context));
  const std::string name = argv.front();
  argv.insert(argv.end(), {"--log-level-console=warn", "--log-level-file=off"});
  TRY(ended, run_as_server(repository, command(repository, std::move(argv)), context, folder));
  const Reading reading = read_ending(*table, name, ended);
  return PgBackRestSaid{std::move(ended), reading};
}

Result<std::string> ask_pgbackrest(const PgBackRest& repository, std::vector<std::string> argv,
                                   const DeedContext& context, const std::string& folder) {
  TRY(said, run_pgbackrest(repository, std::move(argv), context, folder));
  if (said.reading.truth == Truth::pass) return said.ended.output;
  return fail(said.reading.code, said.reading.text);
}

std::string archive_get(const PgBackRest& repository, const std::string& data) {
  std::string words;
  for (const auto& word :
       command(repository, {"--pg1-path=" + data, "--log-level-file=off", "archive-get"})) {
    words += command_word(word) + " ";
  }
  return words + "%f \"%p\"";
}

Json to_json(const BackupSet& set) {
  Json rests_on = Json::array();
  for (const auto& label : set.rests_on) rests_on.push(label);
  return Json::object({{"label", set.label},
                       {"type", set.type},
                       {"rests_on", rests_on},
                       {"cluster", set.cluster},
                       {"version", set.version},
                       {"stop", lsn_text(set.stop)}});
}

Result<PgBackRestInfo> stanza_in(std::string_view answer) {
  TRY(stanzas, Json::parse(trimmed(answer)));
  if (!stanzas.is_array() || stanzas.items().empty()) {
    return fail(ErrorCode::unsupported, "pgBackRest's info names no stanza");
  }
  const Json& stanza = stanzas.items().front();
  PgBackRestInfo info;
  // A stanza outlives an upgrade: then it is of several clusters, one after another.
  std::map<std::int64_t, BackupSet> clusters;
  for (const Json& one : stanza.items("db")) {
    info.cluster = std::to_string(one.integer("system-id", 0));
    const std::int64_t id = one.integer("id", 0);
    const std::string version = one.text("version");
    clusters[id] = {
        .cluster = info.cluster, .version = version, .archive = version + "-" + std::to_string(id)};
  }
  for (const Json& one : stanza.items("archive")) info.newest_segment = one.text("max");
  for (const Json& one : stanza.items("backup")) {
    BackupSet set = clusters[one.get("database").integer("id", 0)];
    set.label = one.text("label");
    set.type = one.text("type");
    set.errors = one.boolean("error", false);
    set.rests_on = texts_of(one.get("reference"));
    set.first_segment = one.get("archive").text("start");
    set.begun = time_of(one.get("timestamp").get("start"));
    set.ended = time_of(one.get("timestamp").get("stop"));
    set.stop = parse_lsn(one.get("lsn").text("stop")).value_or(0);
    set.size = one.get("info").integer("size", 0);
    info.sets.push_back(std::move(set));
  }
  return info;
}

namespace {

Result<PgBackRestInfo> info_in(const PgBackRestSaid& said) {
  const bool empty = said.reading.state == "no-backup";
  if (said.reading.truth == Truth::pass || empty) return stanza_in(said.ended.output);
  return fail(said.reading.code, said.reading.text);
}

}  // namespace

Result<PgBackRestInfo> look_at_stanza(const PgBackRest& repository, const DeedContext& context) {
  TRY(said, run_pgbackrest(repository, {"info", "--output=json"}, context));
  return info_in(said);
}

Result<PgBackRestInfo> may_read_stanza(const PgBackRest& repository, const DeedContext& context) {
  TRY(said, run_pgbackrest(repository, {"info", "--output=json"}, context));
  if (said.ended.output.contains("Permission denied")) {
    return fail(ErrorCode::refused, "the stanza " + repository.stanza +
                                        " may not be read: " + last_words(said.ended.output));
  }
  return info_in(said);
}

Result<BackupSet> set_called(const PgBackRestInfo& info, const std::string& label) {
  if (info.sets.empty()) {
    return fail(ErrorCode::not_found, "the stanza has no backup");
  }
  if (label.empty()) return info.sets.back();
  const auto found = std::ranges::find(info.sets, label, &BackupSet::label);
  if (found != info.sets.end()) return *found;
  return fail(ErrorCode::not_found, "the backup " + label + " is not in the repository any more");
}

Result<BackupSet> set_before(const PgBackRestInfo& info, const RecoveryPoint& point) {
  const bool by_time = point.kind == RecoveryPoint::Kind::time;
  const auto before = [&](const BackupSet& set) {
    return by_time ? set.ended <= point.time : set.stop <= point.lsn;
  };
  const auto found = std::ranges::find_if(info.sets.rbegin(), info.sets.rend(), before);
  if (found != info.sets.rend()) return *found;
  TRY(newest, set_called(info, ""));
  const BackupSet& oldest = info.sets.front();
  return fail(ErrorCode::corrupt, "no backup had ended by then: the oldest of them, " +
                                      oldest.label + ", ended at " + rfc3339(oldest.ended) + ", " +
                                      lsn_text(oldest.stop));
}

Result<std::vector<std::string>> archived_segments(const PgBackRest& repository,
                                                   const BackupSet& set,
                                                   const DeedContext& context) {
  constexpr std::size_t kLargestAnswer = 64 << 10;  // of a child's output, that is kept
  const std::string archive = "archive/" + repository.stanza + "/" + set.archive;
  const std::string first = set.first_segment.substr(0, 16);
  std::vector<std::string> names;
  TRY(folders, ask_pgbackrest(repository, {"repo-ls", archive}, context));
  for (const auto& folder : split(folders, '\n')) {
    const bool later = is_folder_of_wal(folder) && folder.substr(0, 8) >= first.substr(0, 8) &&
                       folder.substr(8) >= first.substr(8);
    if (!later) continue;
    TRY(files, ask_pgbackrest(repository, {"repo-ls", archive + "/" + folder}, context));
    if (files.size() >= kLargestAnswer) {
      return fail(ErrorCode::unsupported,
                  "the archive has too many segments in " + folder + " to be looked through");
    }
    // Behind the segment's name stands the digest of its content.
    for (const auto& file : split(files, '\n')) {
      if (file.size() > kSegment && file[kSegment] == '-')
        names.push_back(file.substr(0, kSegment));
    }
  }
  return names;
}

}  // namespace gameday
