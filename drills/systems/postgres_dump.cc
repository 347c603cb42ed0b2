#include "drills/systems/postgres_dump.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "drills/systems/postgres_truth.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

Result<Command> command_for(std::vector<std::string> argv, const PostgresSettings& settings,
                            const DeedContext& context) {
  TRY(child, connection_for_child(settings, context));
  Command command{std::move(argv), "/", child.environment};
  command.argv.insert(command.argv.end(), {"--no-password", "--dbname", child.conninfo});
  // Its words are read by us.
  command.extra_environment.emplace_back("LC_ALL=C");
  return command;
}

Result<Ended> run(const std::string& name, const Command& command, const DeedContext& context) {
  auto ended = context.doors.processes.run(command, context.until);
  if (ended) return ended;
  Error error = ended.error().in(name);
  if (error.code == ErrorCode::not_found) {
    error.hint = "install PostgreSQL's client programs, of the server's version or a later one";
  }
  return std::unexpected(error);
}

std::string words_of(const Ended& ended) {
  std::string words(trimmed(ended.output));
  constexpr std::size_t kMost = 400;
  if (words.size() > kMost) words = words.substr(0, kMost) + "...";
  for (char& c : words) c = c == '\n' ? ' ' : c;
  return words;
}

// pg_dump makes its file by the umask, and a dump is private.
Status make_private_file(const std::string& path) {
  const Descriptor made(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!made) return std::unexpected(system_error(errno, "cannot create " + path));
  return {};
}

// pg_dump has written the file itself to the disk.
Status put_in_place(const std::string& from, const std::string& to) {
  const std::string folder_path = std::filesystem::path(to).parent_path().string();
  const Descriptor folder(open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (rename(from.c_str(), to.c_str()) != 0 || !folder || fsync(folder.get()) != 0) {
    return std::unexpected(system_error(errno, "cannot put " + to + " in place"));
  }
  return {};
}

Result<PostgresContent> dump_snapshot(const PostgresSettings& settings, const std::string& path,
                                      const DeedContext& context) {
  TRY(session, open_postgres(settings, context));
  TRY_OK(session.begin(PostgresAccess::snapshot));
  TRY(snapshot, session.ask("SELECT pg_export_snapshot()"));
  TRY(command, command_for({"pg_dump", "--format=custom", "--file", path, "--snapshot",
                            snapshot.text(0, 0), "--exclude-schema", "gameday_*"},
                           settings, context));
  TRY(ended, run("pg_dump", command, context));
  if (!ended.succeeded()) {
    return fail(ErrorCode::failed, "pg_dump of " + session.shown() + ": " + words_of(ended));
  }
  return read_content(session);
}

}  // namespace

Result<PostgresContent> dump_database(const PostgresSettings& settings, const std::string& path,
                                      const DeedContext& context) {
  const std::string part = path + ".part";
  TRY_OK(make_private_file(part));
  auto content = dump_snapshot(settings, part, context);
  if (content) {
    if (auto placed = put_in_place(part, path); !placed) content = std::unexpected(placed.error());
  }
  if (!content) static_cast<void>(context.doors.files.remove(part));
  return content;
}

Status load_dump(const PostgresSettings& settings, const std::string& database,
                 const std::string& path, Ownership ownership, const DeedContext& context) {
  PostgresSettings there = settings;
  set_setting(there, "dbname", database);
  std::vector<std::string> argv{"pg_restore", "--single-transaction", "--exit-on-error"};
  if (ownership == Ownership::ours) {
    argv.insert(argv.end(), {"--no-owner", "--no-privileges"});
  }
  TRY(command, command_for(std::move(argv), there, context));
  command.argv.push_back(path);
  TRY(ended, run("pg_restore", command, context));
  const auto told = told_by(postgres_15, "pg_restore", ended);
  return told ? Status() : std::unexpected(told.error().in("pg_restore of " + path));
}

}  // namespace gameday
