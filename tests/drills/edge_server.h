// A real server that shows a certificate and asks for credentials, running for one test.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "drills/systems/link.h"
#include "drills/systems/process.h"
#include "engine/proxy/address.h"
#include "engine/sys/tls.h"
#include "tests/drills/deed_world.h"
#include "tests/engine/proxy/peers.h"

namespace gameday {

class EdgeServer {
 public:
  explicit EdgeServer(DeedWorld& world) : world_(world), folder_(world.file("run")) {
    std::filesystem::create_directory(folder_);
    setenv("EDGE_TOKEN", "canary-of-alice", 1);
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ca "
        "-days 9 -keyout ca.key -out ca.pem");
    issue("edge");
    std::ofstream(file("edge.tokens")) << "bob:token-of-bob\nalice:canary-of-alice\ncarol:c\n";
    chmod(file("edge.tokens").c_str(), 0640);
    start();
  }
  ~EdgeServer() { end(); }
  EdgeServer(const EdgeServer&) = delete;
  EdgeServer& operator=(const EdgeServer&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string pidfile() const { return file("edge.pid"); }
  [[nodiscard]] std::string tls() const { return "127.0.0.1:" + tls_port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + http_port_ + "/"; }
  [[nodiscard]] pid_t pid() const { return id_.pid; }

  // NAME.pem and NAME.key, for localhost, by the authority of this server.
  void issue(const std::string& name) {
    std::ofstream(file("extensions")) << "subjectAltName=DNS:localhost,DNS:edge.example\n";
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost "
        "-keyout " +
        name + ".key -out request");
    openssl(
        "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 5 "
        "-extfile extensions -out " +
        name + ".pem");
  }
  [[nodiscard]] Result<TlsSeen> seen(const std::string& name = "localhost") {
    TRY(line, connect_to(tls(), world_.context()));
    return look_at_tls(line, {name, file("ca.pem")}, world_.clock(), world_.context().until);
  }
  [[nodiscard]] int status(const std::string& token) {
    HttpRequest request;
    request.url = url();
    request.headers.emplace_back("Authorization", "Bearer " + token);
    const auto answer = world_.doors().http.send(request, world_.context().until);
    return answer ? answer->status : 0;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    return world_.doors().files.read(file(name)).value_or("missing");
  }
  void reload() const { kill(id_.pid, SIGHUP); }
  void start() {
    tls_port_ = tls_port_.empty() ? free_port() : tls_port_;
    http_port_ = http_port_.empty() ? free_port() : http_port_;
    std::filesystem::remove(pidfile());
    const auto id = world_.doors().processes.start_detached(
        {{"python3", GAMEDAY_SOURCE_DIR "/tests/support/edge_server.py", folder_, tls_port_,
          http_port_},
         folder_,
         {}},
        file("log"));
    ASSERT_TRUE(id) << id.error().text;
    id_ = *id;
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(pidfile()); }));
    // A launcher in between, as of a version manager, has become the server by now.
    id_ = process_at(pidfile(), world_.doors())->id;
  }
  void end() {
    (void)world_.doors().processes.signal(id_, SIGKILL);
    (void)world_.doors().processes.wait_gone(id_, world_.context().until);
  }

 private:
  void openssl(const std::string& arguments) const {
    const std::string whole = "cd " + folder_ + " && openssl " + arguments + " >>log 2>&1";
    ASSERT_EQ(std::system(whole.c_str()), 0) << arguments;
  }
  // Below the ports that the kernel gives out by itself: while the server is down, as faults have
  // it, nobody else comes to have it.
  static std::string free_port() {
    std::random_device random;
    for (int tries = 0; tries < 1000; ++tries) {
      const std::string port = std::to_string(20000 + random() % 12000);
      const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto here = resolve_address("127.0.0.1:" + port);
      if (bind(probe.get(), here->get(), here->size) == 0) return port;
    }
    ADD_FAILURE() << "no port is free";
    return "0";
  }

  DeedWorld& world_;
  std::string folder_;
  std::string tls_port_, http_port_;
  ProcessId id_;
};

}  // namespace gameday
