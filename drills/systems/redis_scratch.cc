#include "drills/systems/redis_scratch.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <mutex>
#include <thread>

#include "drills/systems/redis.h"
#include "drills/systems/redis_truth.h"

namespace gameday {
namespace {

constexpr Duration kAgain = std::chrono::milliseconds(10);
constexpr const char* kSocket = "s";
// As many as anybody has: a dump with a number beyond the server's is not loaded.
constexpr const char* kMostDatabases = "16384";

std::string program_in(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::vector<std::string> server_words(const RedisFiles& files, const RedisPrograms& programs) {
  const auto path = std::filesystem::path(files.path);
  std::vector<std::string> words{program_in(programs.folder, "redis-server"),
                                 "--port",
                                 "0",
                                 "--unixsocket",
                                 kSocket,
                                 "--unixsocketperm",
                                 "700",
                                 "--save",
                                 "",
                                 "--databases",
                                 kMostDatabases,
                                 "--daemonize",
                                 "no",
                                 "--logfile",
                                 "",
                                 "--loglevel",
                                 "notice",
                                 "--enable-debug-command",
                                 "yes",
                                 "--sanitize-dump-payload",
                                 "yes",
                                 "--rdbchecksum",
                                 "yes",
                                 "--aof-load-truncated",
                                 "no",
                                 "--appendfsync",
                                 "no",
                                 "--auto-aof-rewrite-percentage",
                                 "0"};
  if (files.kind == RedisFiles::Kind::rdb) {
    words.insert(words.end(), {"--appendonly", "no", "--dbfilename", path.filename()});
    return words;
  }
  const bool one = files.kind == RedisFiles::Kind::appended;
  constexpr std::string_view kManifest = ".manifest";
  std::string name = path.filename();
  if (!one) name.resize(name.size() - kManifest.size());
  words.insert(words.end(), {"--appendonly", "yes", "--appendfilename", name, "--appenddirname",
                             one ? "appended" : path.parent_path().filename().string()});
  return words;
}

// A child from its making on; ends with this object, and with us.
class LoadedServer {
 public:
  LoadedServer(std::vector<std::string> words, const std::string& folder,
               const DeedContext& context)
      : folder_(folder), context_(context) {
    thread_ = std::jthread([this, words = std::move(words)] {
      auto ended = context_.doors.processes.run({words, folder_, {"LC_ALL=C"}},
                                                {stop_.stop(), context_.until.deadline});
      const std::lock_guard lock(mutex_);
      ended_ = std::move(ended);
    });
  }
  ~LoadedServer() { stop_.request(); }
  LoadedServer(const LoadedServer&) = delete;
  LoadedServer& operator=(const LoadedServer&) = delete;

  // Once it has loaded all of it.
  Result<Redis> opened() {
    // The folder's own path may be longer than the address of a socket can be.
    const Descriptor folder(open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    RedisPlace place{.address = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + kSocket};
    // It is a scratch server's: nobody is told of what is changed in it.
    const Doors doors{context_.doors.clock,
                      context_.doors.files,
                      context_.doors.processes,
                      context_.doors.http,
                      {}};
    const DeedContext here{doors,         context_.system,         context_.secrets, context_.drill,
                           context_.mark, context_.private_folder, context_.until};
    while (true) {
      if (const auto ended = end()) return std::unexpected(why(*ended));
      auto session = open_redis(place, here);
      const auto up = session ? session->say({"PING"}) : Result<RedisReply>(RedisReply{});
      if (session && up && up->text == "PONG") return session;
      if (auto paused = context_.doors.clock.pause(kAgain, context_.until); !paused) {
        return std::unexpected(paused.error().in("the backup is not loaded"));
      }
    }
  }

 private:
  [[nodiscard]] std::optional<Result<Ended>> end() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  [[nodiscard]] static Error why(const Result<Ended>& ended) {
    if (!ended) return ended.error().in("the scratch server");
    const Reading reading = read_ending(redis_7_0, "load", *ended);
    return {reading.code, reading.text, ""};
  }

  const std::string folder_;
  const DeedContext& context_;
  StopSource stop_;
  std::mutex mutex_;
  std::optional<Result<Ended>> ended_;
  std::jthread thread_;
};

Result<RedisContent> loaded(const RedisFiles& files, const RedisPrograms& programs,
                            const ScratchCluster& scratch, const DeedContext& context,
                            const WithLoaded& work) {
  TRY_OK(erase_scratch(scratch, context));
  TRY_OK(make_scratch(scratch, context));
  TRY(copy, copy_redis_files(files, scratch.data(), context));
  LoadedServer server(server_words(copy, programs), scratch.data(), context);
  TRY(session, server.opened());
  TRY(content, read_redis_content(session, context));
  if (work) TRY_OK(work(session, content));
  return content;
}

}  // namespace

Result<RedisPrograms> redis_programs(const std::string& folder, const std::string& version,
                                     const DeedContext& context) {
  const std::string server = program_in(folder, "redis-server");
  const std::string hint = "install redis-server, or name the folder of its programs by `programs`";
  const auto told = context.doors.processes.run({{server, "--version"}, "/", {}}, context.until);
  if (!told) {
    return fail(told.error().code,
                "a backup of Redis is loaded to be looked at: " + told.error().text, hint);
  }
  const auto at = told->output.find(" v=");
  const std::string have =
      at == std::string::npos
          ? ""
          : told->output.substr(at + 3, told->output.find(' ', at + 3) - at - 3);
  if (!told->succeeded() || have.empty()) {
    return fail(ErrorCode::not_found, server + " does not tell its version", hint);
  }
  TRY(table, table_for(kRedisTables, have));
  static_cast<void>(table);
  const std::string wanted = version.substr(0, version.rfind('.'));
  if (!at_least(have, wanted)) {
    return fail(ErrorCode::unsupported,
                server + " is of version " + have + ", and the server of " + version +
                    ": what that one saves it may not load",
                hint);
  }
  return RedisPrograms{folder, have};
}

namespace {

// Of "[offset 53] AUX FIELD ctime = '1795833678'".
std::optional<Utc> saved_in(std::string_view output) {
  constexpr std::string_view kSaved = "AUX FIELD ctime = '";
  const auto at = output.find(kSaved);
  if (at == std::string_view::npos) return {};
  const auto text = output.substr(at + kSaved.size(), output.find('\'', at + kSaved.size()));
  std::int64_t whole = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), whole).ec != std::errc()) return {};
  return Utc(std::chrono::seconds(whole));
}

}  // namespace

Result<RedisChecked> check_redis_files(const RedisFiles& files, const RedisPrograms& programs,
                                       const DeedContext& context) {
  const bool rdb = files.kind == RedisFiles::Kind::rdb;
  const std::string program =
      program_in(programs.folder, rdb ? "redis-check-rdb" : "redis-check-aof");
  TRY(ended,
      context.doors.processes.run({{program, files.path}, "/", {"LC_ALL=C"}}, context.until));
  const Reading reading = read_ending(redis_7_0, rdb ? "rdb" : "aof", ended);
  if (reading.truth != Truth::pass) return fail(reading.code, reading.text);
  return RedisChecked{!ended.output.contains("checksum disabled"), saved_in(ended.output)};
}

Result<ScratchCluster> redis_scratch(const std::string& mark, const DeedContext& context) {
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  std::error_code error;
  // What works there is known by its path without links.
  const auto in = std::filesystem::canonical(context.private_folder, error);
  if (error) return std::unexpected(system_error(error.value(), context.private_folder));
  return ScratchCluster{(in / ("gameday-" + mark)).string(), mark, "", ""};
}

Result<RedisContent> load_aside(const RedisFiles& files, const RedisPrograms& programs,
                                const ScratchCluster& scratch, const DeedContext& context,
                                const WithLoaded& work) {
  // It is to go, also when we were stopped; but not at the price of a late stop.
  constexpr Duration kAfterAStop = std::chrono::milliseconds(120);
  auto content = loaded(files, programs, scratch, context, work);
  DeedContext last = context;
  const Clock& clock = context.doors.clock;
  const bool over = context.until.stop.requested() || clock.now().boot >= context.until.deadline;
  if (over) last.until = {Stop(), clock.in(kAfterAStop)};
  const Status erased = erase_scratch(scratch, last);
  if (content && !erased) return std::unexpected(erased.error());
  return content;
}

}  // namespace gameday
