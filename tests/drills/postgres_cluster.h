// A real PostgreSQL cluster for a test, made and ended with it: a socket and a port of loopback of
// its own, as the user `postgres`, because no server starts as root. Suites that need one have
// `OnPostgres` in their name, and run in `make test-systems`.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "engine/sys/postgres.h"
#include "engine/sys/processes.h"

namespace gameday {

class PostgresCluster {
 public:
  // In `folder`, whose own folder the server's user must be able to pass through.
  explicit PostgresCluster(const std::string& folder, const std::vector<std::string>& options = {})
      : folder_(folder) {
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(std::filesystem::path(folder).parent_path(),
                                 std::filesystem::perms(0711));
    give_to_server(folder);
    std::vector<std::string> command{
        program("initdb"), "--pgdata",     data(),       "--username",  "postgres",
        "--no-sync",       "--auth-local", "trust",      "--auth-host", "scram-sha-256",
        "--locale",        "C.UTF-8",      "--encoding", "UTF8"};
    command.insert(command.end(), options.begin(), options.end());
    run(as_server(std::move(command)));
  }
  // One that follows `primary`, which has not been started yet: its copy.
  PostgresCluster(const std::string& folder, const PostgresCluster& primary) : folder_(folder) {
    std::filesystem::create_directories(folder);
    give_to_server(folder);
    run(as_server({"cp", "-a", primary.data(), data()}));
    run(as_server({"touch", data() + "/standby.signal"}));
    follows_ = &primary;
  }
  ~PostgresCluster() { stop(); }
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  void start() {
    for (int tries = 0; tries < 3 && !stands(); ++tries) {
      stop();
      port_ = free_port();
      server_ = launch();
      stands_within(std::chrono::seconds(20));
    }
    ASSERT_TRUE(stands()) << "no server: " << log();
  }
  void stop() {
    if (!server_) return;
    (void)processes_->signal(*server_, SIGQUIT);
    (void)processes_->wait_gone(*server_, soon());
    server_.reset();
  }

  // A command that starts the one that `start` has started before, and leaves it behind.
  [[nodiscard]] std::vector<std::string> start_words() const {
    std::string options = "-p " + port() + " -k " + folder_;
    for (const auto& setting : all_settings()) options += " -c '" + setting + "'";
    return as_server({program("pg_ctl"), "--pgdata", data(), "--log", folder_ + "/log-again",
                      "--silent", "--wait", "--options", options, "start"});
  }
  // Whoever started it.
  void stop_any() {
    (void)processes_->run({as_server({program("pg_ctl"), "--pgdata", data(), "--silent", "--mode",
                                      "immediate", "stop"}),
                           "/",
                           {}},
                          soon());
    server_.reset();
  }
  // As a machine that fails ends it, and starts again at the same place.
  void crash() {
    stop();
    server_ = launch();
    stands_within(std::chrono::seconds(20));
    ASSERT_TRUE(stands()) << "no server: " << log();
  }

  // That each of its pages has a checksum; before it is started.
  void with_checksums() const {
    run(as_server({program("pg_checksums"), "--pgdata", data(), "--enable", "--no-sync"}));
  }
  // From its next start on: "NAME=VALUE".
  void set(const std::string& setting) { settings_.push_back(setting); }
  // That it archives its WAL by that command, as its configuration file says.
  void archive_by(const std::string& command) {
    set("archive_mode=on");
    std::ofstream file(data() + "/postgresql.conf", std::ios::app);
    file << "archive_command = '" << command << "'\n";
  }
  void give_to_server(const std::string& folder) const {
    if (geteuid() == 0) run({"chown", "postgres:", folder});
  }

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string data() const { return folder_ + "/data"; }
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  [[nodiscard]] const ProcessId& server() const { return *server_; }
  // Over its socket, where everybody is trusted.
  [[nodiscard]] std::string conninfo(const std::string& user = "postgres",
                                     const std::string& database = "shop") const {
    return "host=" + folder_ + " port=" + port() + " user=" + user + " dbname=" + database;
  }
  // Over loopback, where a password is asked for.
  [[nodiscard]] std::string url(const std::string& user, const std::string& password,
                                const std::string& database = "shop") const {
    return "postgresql://" + user + (password.empty() ? "" : ":" + password) +
           "@127.0.0.1:" + port() + "/" + database;
  }

  // What psql prints of it, a row a line and values between bars; its error where there is one.
  std::string psql(const std::string& sql, const std::string& database = "shop",
                   const std::string& user = "postgres") const {
    const auto ended = processes_->run({{program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d",
                                         conninfo(user, database), "-c", sql},
                                        "/",
                                        {}},
                                       soon());
    if (!ended) return ended.error().text;
    std::string output = ended->output;
    while (output.ends_with('\n')) output.pop_back();
    return output;
  }
  // The same, and it must work.
  void change(const std::string& sql, const std::string& database = "shop") const {
    const std::string said = psql(sql, database);
    EXPECT_TRUE(said.find("ERROR") == std::string::npos && said.find("FATAL") == std::string::npos)
        << sql << ": " << said;
  }
  // The database `shop` with two tables of a role of that name, and what they refer to.
  void make_shop() const {
    change("CREATE ROLE shop LOGIN PASSWORD 'shop-secret'", "postgres");
    change("CREATE DATABASE shop OWNER shop", "postgres");
    change(
        "SET ROLE shop; CREATE SCHEMA sales; CREATE TABLE sales.orders (id bigint GENERATED ALWAYS "
        "AS IDENTITY PRIMARY KEY, key text UNIQUE NOT NULL, item text, price numeric(8,2), "
        "doubled numeric GENERATED ALWAYS AS (price * 2) STORED, at timestamptz DEFAULT now()); "
        "CREATE TABLE sales.lines (order_id bigint REFERENCES sales.orders, what text); "
        "INSERT INTO sales.orders (key, item, price) SELECT 'order-' || n, 'book', n FROM "
        "generate_series(1, 50) AS n; INSERT INTO sales.lines SELECT id, 'a line' FROM "
        "sales.orders WHERE id <= 10; CREATE INDEX by_item ON sales.orders (item); "
        "CREATE VIEW sales.dear AS SELECT key FROM sales.orders WHERE price > 40");
  }
  [[nodiscard]] std::string log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  static std::string program(const std::string& name) {
    const std::string folder = "/usr/lib/postgresql/15/bin/";
    return std::filesystem::exists(folder + name) ? folder + name : name;
  }
  static int free_port() {
    const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(probe.get(), any, size), 0);
    EXPECT_EQ(getsockname(probe.get(), any, &size), 0);
    return ntohs(address.sin_port);
  }

 private:
  Until soon() const { return {{}, clock_.in(std::chrono::seconds(30))}; }
  static std::vector<std::string> as_server(std::vector<std::string> command) {
    if (geteuid() != 0) return command;
    std::vector<std::string> all{"setpriv", "--reuid",  "postgres",
                                 "--regid", "postgres", "--init-groups"};
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  void run(const std::vector<std::string>& command) const {
    const auto ended = processes_->run({command, "/", {}}, soon());
    EXPECT_TRUE(ended && ended->succeeded())
        << command.front() << ": " << (ended ? ended->output : ended.error().text);
  }
  std::vector<std::string> all_settings() const {
    std::vector<std::string> all{"listen_addresses=127.0.0.1",
                                 "fsync=off",
                                 "full_page_writes=off",
                                 "shared_buffers=16MB",
                                 "wal_keep_size=64MB",
                                 "jit=off",
                                 "wal_receiver_status_interval=100ms",
                                 "max_parallel_workers=0"};
    // A standby must have as many as the cluster was made with.
    all.push_back("max_connections=" + std::string(follows_ != nullptr ? "100" : "20"));
    all.insert(all.end(), settings_.begin(), settings_.end());
    if (follows_ != nullptr) {
      all.push_back("primary_conninfo=host=" + follows_->folder_ + " port=" + follows_->port() +
                    " user=postgres");
    }
    return all;
  }
  std::optional<ProcessId> launch() const {
    std::vector<std::string> command{
        program("postgres"), "-D", data(), "-p", port(), "-k", folder_};
    for (const auto& setting : all_settings()) command.insert(command.end(), {"-c", setting});
    const auto id =
        processes_->start_detached({as_server(std::move(command)), "/", {}}, folder_ + "/log");
    EXPECT_TRUE(id) << (id ? "" : id.error().text);
    return id ? std::optional(*id) : std::nullopt;
  }
  bool stands() const {
    const auto settings = postgres_settings_of(conninfo("postgres", "postgres"));
    return server_ && processes_->alive(*server_) && Postgres::open(*settings, clock_, soon());
  }
  void stands_within(Duration d) const {
    const Instant end = clock_.in(d);
    while (!stands() && server_ && processes_->alive(*server_) && clock_.now().boot < end) {
      (void)clock_.sleep({{}, clock_.in(std::chrono::milliseconds(20))});
    }
  }

  std::string folder_;
  std::vector<std::string> settings_;
  SystemClock clock_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  const PostgresCluster* follows_ = nullptr;
  int port_ = 0;
  std::optional<ProcessId> server_;
};

}  // namespace gameday
