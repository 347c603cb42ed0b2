// A real S3 server for a test, versitygw, ended with it: on a port of loopback, its data in a
// folder of the test's. Suites that need one have `OnS3` in their name, and run in
// `make test-systems`. tests/systems/s3-server builds it where it is not there yet.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/sys/processes.h"
#include "tests/drills/postgres_cluster.h"

namespace gameday {

// How clients reach a server: plainly by its address, unless this says otherwise.
struct S3Door {
  std::string host = "127.0.0.1";
  bool tls = false;
  std::vector<std::string> options = {};  // of the server's own: "--cert", ...
};

class S3Process {
 public:
  static constexpr const char* kAccessKey = "drill";
  static constexpr const char* kSecretKey = "s3/cr+t=x";
  static constexpr const char* kWriterSecret = "another";
  // Keys that want to be encoded in one place or another.
  static constexpr const char* kStrange = "kept/a b+c&d=\xc3\xa9%2F/e";

  // Buckets: `plain` keeps no versions, `kept` does, `locked` has object lock too.
  explicit S3Process(std::string folder, S3Door door = {})
      : folder_(std::move(folder)), door_(std::move(door)) {
    for (const char* part : {"/data", "/versions", "/accounts"}) {
      std::filesystem::create_directories(folder_ + part);
    }
    start();
    curl("PUT", "/plain");
    curl("PUT", "/kept");
    curl("PUT", "/kept?versioning=", "",
         "--data-binary '<VersioningConfiguration><Status>Enabled</Status>"
         "</VersioningConfiguration>'");
    curl("PUT", "/locked", "x-amz-bucket-object-lock-enabled: true");
  }
  ~S3Process() { stop(); }
  S3Process(const S3Process&) = delete;
  S3Process& operator=(const S3Process&) = delete;

  void start() {
    const std::string program = shell(GAMEDAY_SOURCE_DIR "/tests/systems/s3-server");
    ASSERT_TRUE(program.starts_with('/')) << program;
    if (port_ == 0) port_ = PostgresCluster::free_port();
    std::vector<std::string> command{"env",
                                     std::string("ROOT_ACCESS_KEY=") + kAccessKey,
                                     std::string("ROOT_SECRET_KEY=") + kSecretKey,
                                     program,
                                     "--port",
                                     "127.0.0.1:" + std::to_string(port_),
                                     "--region",
                                     "eu-north",
                                     "--health",
                                     "/health",
                                     "--iam-dir",
                                     folder_ + "/accounts",
                                     "--keep-alive",
                                     "--quiet"};
    command.insert(command.end(), door_.options.begin(), door_.options.end());
    for (const auto& word : {std::string("posix"), std::string("--versioning-dir"),
                             folder_ + "/versions", folder_ + "/data"}) {
      command.push_back(word);
    }
    const auto id = processes_->start_detached({command, folder_, {}}, folder_ + "/log");
    ASSERT_TRUE(id) << id.error().text;
    server_ = *id;
    const std::string health = "curl -kfsS -m 5 -o /dev/null " + endpoint() + "/health && echo up";
    const Until end{{}, clock_.in(std::chrono::seconds(30))};
    while (shell(health) != "up" && clock_.now().boot < end.deadline) {
      (void)clock_.pause(std::chrono::milliseconds(20), end);
    }
    ASSERT_EQ(shell(health), "up") << shell("tail -n 5 " + folder_ + "/log");
  }
  void stop() {
    if (!server_) return;
    (void)processes_->signal(*server_, SIGKILL);
    (void)processes_->wait_gone(*server_, soon());
    server_.reset();
  }
  void signal(int number) { EXPECT_TRUE(processes_->signal(*server_, number)); }

  // One request as curl signs it, which is nobody's code of ours: its status behind what came.
  std::string curl(const std::string& method, const std::string& path,
                   const std::string& header = "", const std::string& more = "") const {
    return curl_as(kAccessKey, kSecretKey, method, path, header, more);
  }
  std::string curl_as(const std::string& key, const std::string& secret, const std::string& method,
                      const std::string& path, const std::string& header = "",
                      const std::string& more = "") const {
    return shell(curl_command(key, secret, method, path, header, more));
  }
  // Another account of the server's, which may do nothing until a policy says so.
  void add_account(const std::string& name, const std::string& secret,
                   const std::string& role = "user") const {
    const std::string made = shell(
        "\"$(" GAMEDAY_SOURCE_DIR "/tests/systems/s3-server)\" admin --allow-insecure --access " +
        std::string(kAccessKey) + " --secret '" + kSecretKey +
        "' --region eu-north --endpoint-url " + endpoint() + " create-user --access " + name +
        " --secret " + secret + " --role " + role + " 2>&1");
    EXPECT_FALSE(made.contains("rror")) << made;
  }
  // What a client does that knows nothing of versions.
  void put(const std::string& path, const std::string& body) const {
    const std::string done = curl("PUT", path, "", "--data-binary '" + body + "'");
    EXPECT_TRUE(done.ends_with(" 200")) << done;
  }
  std::string get(const std::string& path) const { return curl("GET", path); }
  // Every version and marker there is in the bucket, each on a line. When it was written is left
  // out: this server tells another time of a version that is current again.
  [[nodiscard]] std::string versions(const std::string& bucket) const {
    return shell(curl_command(kAccessKey, kSecretKey, "GET", "/" + bucket + "?versions=") +
                 " | sed 's/<LastModified>[^<]*<.LastModified>//g; s/<Version>/\\n&/g; "
                 "s/<DeleteMarker>/\\n&/g; s/<\\/\\(Version\\|DeleteMarker\\)>/&\\n/g' | "
                 "LC_ALL=C sort");
  }
  [[nodiscard]] std::string content(const std::string& bucket) const {
    return shell("cd " + folder_ + "/data/" + bucket +
                 " && find . -type f | LC_ALL=C sort | xargs -r -d '\\n' sha256sum");
  }
  // Two objects with two versions each under `kept/`, one beside.
  void fill(const std::string& bucket = "kept") const {
    for (const char* body : {"first", "second"}) {
      put("/" + bucket + "/kept/one", body);
      put("/" + bucket + "/kept/two", std::string(body) + " of two");
    }
    put("/" + bucket + "/other", "not theirs");
  }

  // Another account, `writer`, and a policy that lets it into the bucket. Its key is a secret of
  // the environment too.
  void let_in_writer() const {
    setenv("WRITER_SECRET", kWriterSecret, 1);
    add_account("writer", kWriterSecret);
    set_policy(
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"theirs\",\"Effect\":\"Allow\","
        "\"Principal\":{\"AWS\":[\"writer\"]},\"Action\":[\"s3:*\"],\"Resource\":["
        "\"arn:aws:s3:::kept\",\"arn:aws:s3:::kept/*\"]}]}");
  }
  void set_policy(const std::string& policy) const {
    const std::string done = curl("PUT", "/kept?policy=", "", "--data-binary '" + policy + "'");
    EXPECT_TRUE(done.ends_with(" 204") || done.ends_with(" 200")) << done;
  }
  [[nodiscard]] std::string policy() const { return curl("GET", "/kept?policy="); }

  // From now on all that is new in `locked` is.
  void lock_whatever_is_new() const {
    const std::string rule =
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
        "<DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
        "</ObjectLockConfiguration>";
    const std::string set =
        curl("PUT", "/locked?object-lock=", "",
             "-H \"Content-MD5: $(printf %s '" + rule +
                 "' | openssl md5 -binary | base64)\" --data-binary '" + rule + "'");
    EXPECT_TRUE(set.ends_with("200")) << set;
  }

  [[nodiscard]] std::string endpoint() const {
    return (door_.tls ? "https://" : "http://") + door_.host + ":" + std::to_string(port_);
  }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const ProcessId& server() const { return *server_; }
  [[nodiscard]] std::string folder() const { return folder_; }
  // Its keys are secrets of the environment.
  [[nodiscard]] Json facet(const std::string& bucket = "kept") const {
    setenv("DRILL_S3_KEY", kAccessKey, 1);
    setenv("DRILL_S3_SECRET", kSecretKey, 1);
    return Json::object({{"endpoint", endpoint()},
                         {"bucket", bucket},
                         {"prefix", "kept/"},
                         {"region", "eu-north"},
                         {"access_key", "${env:DRILL_S3_KEY}"},
                         {"secret_key", "${env:DRILL_S3_SECRET}"}});
  }
  std::string shell(const std::string& script) const {
    const auto ended = processes_->run({{"sh", "-c", script}, "/", {}}, soon());
    if (!ended) return ended.error().text;
    std::string output = ended->output;
    while (output.ends_with('\n')) output.pop_back();
    return output;
  }

 private:
  [[nodiscard]] std::string curl_command(const std::string& key, const std::string& secret,
                                         const std::string& method, const std::string& path,
                                         const std::string& header = "",
                                         const std::string& more = "") const {
    // Whether a certificate is right is asked of gameday.
    return "curl -ksS -m 20 -X " + method +
           " -w ' %{http_code}' --aws-sigv4 aws:amz:eu-north:s3 --user '" + key + ":" + secret +
           "' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' " +
           (header.empty() ? "" : "-H '" + header + "' ") + more + " '" + endpoint() + path + "'";
  }
  // The first one may have to build the server.
  Until soon() const { return {{}, clock_.in(std::chrono::minutes(10))}; }

  SystemClock clock_;
  std::unique_ptr<Processes> processes_ = make_processes(clock_);
  std::string folder_;
  S3Door door_;
  int port_ = 0;
  std::optional<ProcessId> server_;
};

}  // namespace gameday
