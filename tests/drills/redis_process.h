// A real Redis server for a test, ended with it: a Unix socket and a port of loopback of its own,
// and a user `gameday` with no more rights than the README asks for. Suites that need one have
// `OnRedis` in their name, and run in `make test-systems`.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/sys/processes.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

class RedisProcess {
 public:
  static constexpr const char* kPassword = "s3/cr@t:x";
  static constexpr const char* kRights =
      "+info +ping +client|pause +client|unpause +pfcount +config|get +config|set +select +scan "
      "+dbsize +exists +get +set +del +unlink +move +swapdb +multi +exec +watch "
      "+dump +pexpiretime +restore +replconf +psync";

  explicit RedisProcess(std::string folder, std::vector<std::string> settings = {})
      : folder_(std::move(folder)), settings_(std::move(settings)) {
    std::filesystem::create_directories(folder_);
    start();
    make_user();
  }
  ~RedisProcess() { stop(); }
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  // The user, as it is made at the start too.
  void make_user() {
    cli("ACL SETUSER gameday on '>" + std::string(kPassword) + "' '~*'");
    cli("ACL SETUSER gameday '" + join(split(kRights, ' '), "' '") + "'");
  }
  void start() {
    // A cluster's own port is 10000 above.
    constexpr int kLargest = 55535;
    do {
      port_ = PostgresCluster::free_port();
    } while (port_ > kLargest);
    std::vector<std::string> command{"redis-server",
                                     "--port",
                                     std::to_string(port_),
                                     "--bind",
                                     "127.0.0.1",
                                     "--unixsocket",
                                     socket(),
                                     "--dir",
                                     folder_,
                                     "--save",
                                     "",
                                     "--daemonize",
                                     "no",
                                     "--loglevel",
                                     "warning",
                                     "--repl-diskless-sync-delay",
                                     "0"};
    command.insert(command.end(), settings_.begin(), settings_.end());
    const auto id = processes_->start_detached({command, folder_, {}}, folder_ + "/log");
    ASSERT_TRUE(id) << id.error().text;
    server_ = *id;
    const Until end{{}, clock_.in(std::chrono::seconds(20))};
    while (cli("PING") != "PONG" && clock_.now().boot < end.deadline) {
      (void)clock_.pause(std::chrono::milliseconds(5), end);
    }
    ASSERT_EQ(cli("PING"), "PONG");
  }
  // As a machine that fails ends it: nothing of what was in its memory stays.
  void stop() {
    if (!server_) return;
    (void)processes_->signal(*server_, SIGKILL);
    (void)processes_->wait_gone(*server_, soon());
    server_.reset();
  }
  void signal(int number) { EXPECT_TRUE(processes_->signal(*server_, number)); }

  // What redis-cli prints of one command, words as a shell has them.
  std::string cli(const std::string& words, int database = 0) const {
    return shell("timeout 20 redis-cli -s " + socket() + " -n " + std::to_string(database) + " " +
                 words);
  }
  // A client's write that changes nothing waits, as it does in a pause: it is seen to wait.
  [[nodiscard]] bool holds_writes() const {
    const std::string cli = "redis-cli -s " + socket();
    return shell(cli + " PFCOUNT nobody >" + folder_ + "/counted & while [ ! -s " + folder_ +
                 "/counted ]; do " + cli +
                 " INFO clients | grep -q blocked_clients:1 && echo waits && kill $! && break; "
                 "done; rm " +
                 folder_ + "/counted") == "waits";
  }
  // All that stands in some databases, and the settings that faults change.
  [[nodiscard]] std::string content() const {
    const bool held = holds_writes();
    std::string asked = "CONFIG GET min-replicas-*\nINFO keyspace\n";
    if (!held) asked += "DEL nobody\n";
    for (const std::string database : {"0", "1", "14", "15"}) {
      asked += "SELECT " + database + "\nDBSIZE\n";
      for (const std::string key : {"a", "list", "session:1", "session:2", "gameday:kept"}) {
        asked.append("DUMP ").append(key).append("\nEXPIRETIME ").append(key).append("\n");
      }
    }
    // The average is another one with every moment.
    return (held ? "writes wait " : "") +
           shell("printf '" + asked + "' | redis-cli -s " + socket() +
                 " --no-raw | sed 's/,avg_ttl=[0-9]*//g'");
  }
  // Keys of three kinds, two of them with a time to live.
  void fill() const {
    cli("SET a 1");
    cli("RPUSH list x y z");
    cli("SET session:1 alice EX 3000");
    cli("HSET session:2 name bob");
    cli("EXPIRE session:2 3000");
    cli("SET other elsewhere", 1);
  }

  [[nodiscard]] std::string socket() const { return folder_ + "/s"; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const ProcessId& server() const { return *server_; }
  [[nodiscard]] std::string run_id() const {
    return shell("redis-cli -s " + socket() +
                 " INFO server | sed -n 's/^run_id:\\([0-9a-f]*\\).*/\\1/p'");
  }
  // Its password is a secret of the environment.
  [[nodiscard]] Json facet(const std::string& address = "") const {
    setenv("REDIS_PASSWORD", kPassword, 1);
    return Json::object({{"address", address.empty() ? socket() : address},
                         {"user", "gameday"},
                         {"password", "${env:REDIS_PASSWORD}"}});
  }
  std::string shell(const std::string& script) const {
    const auto ended = processes_->run({{"sh", "-c", script}, "/", {}}, soon());
    if (!ended) return ended.error().text;
    std::string output = ended->output;
    while (output.ends_with('\n')) output.pop_back();
    return output;
  }

 private:
  Until soon() const { return {{}, clock_.in(std::chrono::seconds(30))}; }

  SystemClock clock_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::string folder_;
  std::vector<std::string> settings_;
  int port_ = 0;
  std::optional<ProcessId> server_;
};

}  // namespace gameday
