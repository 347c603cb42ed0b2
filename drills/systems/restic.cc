#include "drills/systems/restic.h"

#include <algorithm>
#include <cstdio>

#include "drills/systems/restic_truth.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

constexpr std::size_t kLargestAnswer = 64 << 10;  // of a child's output, that is kept

Result<Json> parsed(const std::string& output, std::string_view of) {
  auto value = Json::parse(trimmed(output));
  if (value) return value;
  const bool cut = output.size() >= kLargestAnswer;
  return fail(ErrorCode::unsupported, "restic's " + std::string(of) +
                                          (cut ? " are too many to be read" : " cannot be read: ") +
                                          (cut ? "" : value.error().text));
}

// "restic 0.14.0 compiled with go1.19.8 on linux/amd64"
Result<std::string> version_in(const std::string& output) {
  const auto words = split(trimmed(output), ' ');
  if (words.size() > 1 && words[0] == "restic") return words[1];
  return fail(ErrorCode::unsupported, "it says no version of restic: " + output.substr(0, 200));
}

Error named(Error error, const Restic& restic) {
  if (error.code == ErrorCode::not_found) error.hint = "install restic, or name it by `program`";
  return error.in(restic.program);
}

}  // namespace

Result<Restic> restic_of(const Target& target) {
  const Json& fields = target.facets.get("restic");
  Restic restic{.target = target.name,
                .repository = fields.text("repository"),
                .password = fields.text("password"),
                .environment = {},
                .program = fields.text("program", "restic"),
                .scratch = fields.text("scratch", "/var/tmp"),
                .paths = texts_in(fields, "paths"),
                .host = fields.text("host"),
                .tag = fields.text("tag"),
                .manifest = fields.text("manifest"),
                .parts = fields.integer("parts", 10)};
  restic.max_age = duration_in(fields, "max_age");
  for (const auto& path : restic.paths) {
    const bool plain = path.starts_with('/') && path == resolved_path("/", path);
    if (plain && (path == "/" || !path.ends_with('/'))) continue;
    return fail(ErrorCode::invalid,
                "target " + target.name + ": `paths` has " + path +
                    ", which is no absolute path, without dots in it or a slash at its end");
  }
  if (!restic.paths.empty() && !restic.manifest.empty()) {
    return fail(ErrorCode::invalid, "target " + target.name +
                                        " has `paths` and a `manifest`: what its step backs up, "
                                        "gameday reads itself");
  }
  const Json& environment = fields.get("environment");
  if (!environment.is_object()) return restic;
  for (const auto& [name, value] : environment.members()) {
    if (value.is_text()) restic.environment.emplace_back(name, value.text());
  }
  return restic;
}

Result<ResticRun> ResticRun::open(const Restic& restic, const DeedContext& context) {
  ResticRun run(restic, context);
  auto ended = context.doors.processes.run({{restic.program, "version"}, "/", {}}, context.until);
  if (!ended) return std::unexpected(named(ended.error(), restic));
  TRY(version, version_in(ended->output));
  run.version_ = version;
  TRY(table, table_for(kResticTables, version));
  run.table_ = table;
  return run;
}

Result<ResticSaid> ResticRun::run(std::vector<std::string> argv, const std::string& folder) const {
  TRY(repository, context_->secrets.reveal(restic_->repository));
  TRY(password, context_->secrets.reveal(restic_->password));
  const std::string command = argv.front();
  argv.insert(argv.begin(), restic_->program);
  argv.emplace_back("--no-cache");
  if (command != "backup") argv.emplace_back("--no-lock");
  // Nothing that is said to restic otherwise has a word in it.
  Command child{std::move(argv),
                folder,
                {"RESTIC_REPOSITORY=" + repository, "RESTIC_PASSWORD=" + password,
                 "RESTIC_REPOSITORY_FILE=", "RESTIC_PASSWORD_FILE=", "RESTIC_PASSWORD_COMMAND=",
                 "RESTIC_KEY_HINT=", "RESTIC_PROGRESS_FPS=0.01", "LC_ALL=C", "TZ=UTC"}};
  for (const auto& [name, value] : restic_->environment) {
    TRY(revealed, context_->secrets.reveal(value));
    child.extra_environment.push_back(name + "=" + revealed);
  }
  auto ended = context_->doors.processes.run(child, context_->until);
  if (!ended) return std::unexpected(named(ended.error(), *restic_));
  // Read as it was said: a secret may be a word of restic's own.
  Reading reading = read_ending(*table_, command, *ended);
  std::string secrets = restic_->repository + restic_->password;
  for (const auto& [name, value] : restic_->environment) secrets += value;
  ended->output = context_->secrets.hidden(ended->output, references_in(secrets));
  reading.text = context_->secrets.hidden(reading.text, references_in(secrets));
  return ResticSaid{std::move(*ended), reading};
}

Result<std::string> ResticRun::ask(std::vector<std::string> argv) const {
  TRY(said, run(std::move(argv)));
  if (said.reading.truth == Truth::pass) return said.ended.output;
  return fail(said.reading.code, said.reading.text);
}

Result<ResticSnapshot> newest_snapshot(const ResticRun& run, const std::string& host,
                                       const std::string& tag) {
  std::vector<std::string> argv{"snapshots", "--json", "--latest", "1"};
  if (!host.empty()) argv.insert(argv.end(), {"--host", host});
  if (!tag.empty()) argv.insert(argv.end(), {"--tag", tag});
  TRY(output, run.ask(argv));
  TRY(list, parsed(output, "snapshots"));
  std::optional<ResticSnapshot> newest;
  if (!list.is_array()) return fail(ErrorCode::unsupported, "restic's snapshots are no list");
  for (const Json& one : list.items()) {
    ResticSnapshot snapshot{.id = one.text("id"), .host = one.text("hostname")};
    TRY(taken, parse_rfc3339(one.text("time")));
    snapshot.taken = taken;
    snapshot.paths = texts_in(one, "paths");
    if (!newest || newest->taken < snapshot.taken) newest = std::move(snapshot);
  }
  if (newest) return *newest;
  return fail(ErrorCode::not_found,
              "there is no snapshot" + (host.empty() ? "" : " of host " + host) +
                  (tag.empty() ? "" : " with the tag " + tag) + " in the repository");
}

Result<std::string> restic_identity(const ResticRun& run) {
  TRY(output, run.ask({"cat", "config"}));
  TRY(config, parsed(output, "own facts"));
  if (config.text("id").empty()) {
    return fail(ErrorCode::unsupported, "restic's repository does not say its id");
  }
  return "restic:" + config.text("id");
}

Status refuse_locked(const ResticRun& run) {
  TRY(output, run.ask({"list", "locks"}));
  for (const auto& line : split(output, '\n')) {
    const std::string id(trimmed(line));
    constexpr std::size_t kDigits = 64;
    if (id.size() != kDigits) continue;
    TRY(said, run.run({"cat", "lock", id}));
    // It may have gone meanwhile.
    const auto lock = Json::parse(trimmed(said.ended.output));
    if (said.reading.truth != Truth::pass || !lock || !lock->boolean("exclusive", false)) continue;
    return fail(ErrorCode::conflict,
                "the repository is locked by " + lock->text("username") + "@" +
                    lock->text("hostname") + ", process " +
                    std::to_string(lock->integer("pid", 0)) + ", since " + lock->text("time") +
                    ", who wants to be alone in it",
                "wait for its end; if it has died, `restic unlock` takes its lock away");
  }
  return {};
}

std::optional<PartRead> part_in(std::string_view output) {
  constexpr std::string_view kLine = "read group #";
  const auto at = output.find(kLine);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string line(output.substr(at, output.find('\n', at) - at));
  long long part = 0, packs = 0, all = 0, parts = 0;
  if (std::sscanf(line.c_str(),
                  "read group #%lld of %lld data packs (out of total %lld packs in %lld groups)",
                  &part, &packs, &all, &parts) != 4) {
    return std::nullopt;
  }
  return PartRead{part, parts, packs, all};
}

}  // namespace gameday
