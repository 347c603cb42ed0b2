// What a PostgreSQL server that speaks TLS shows, for the name `localhost` alone: by an authority
// of a test's own, and another one that knows nothing of it.
#pragma once

#include <cstdlib>

#include "tests/drills/postgres_cluster.h"

namespace gameday {

class PostgresCertificates {
 public:
  explicit PostgresCertificates(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    for (const char* name : {"ca", "other"}) {
      openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" +
              std::string(name) + " -days 9 -keyout " + name + ".key -out " + name + ".pem");
    }
    std::ofstream(file("extensions")) << "subjectAltName=DNS:localhost\n";
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout "
        "server.key -out request");
    openssl(
        "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 5 -extfile "
        "extensions -out server.pem");
  }
  // Before it is started.
  void give_to(PostgresCluster& cluster) const {
    cluster.give_to_server(file("server.key"));
    cluster.set("ssl=on");
    cluster.set("ssl_cert_file=" + file("server.pem"));
    cluster.set("ssl_key_file=" + file("server.key"));
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  void openssl(const std::string& arguments) const {
    const std::string whole = "cd " + folder_ + " && openssl " + arguments + " >>log 2>&1";
    EXPECT_EQ(std::system(whole.c_str()), 0) << whole;
  }
  std::string folder_;
};

}  // namespace gameday
