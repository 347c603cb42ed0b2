// The tests' Docker engine as one that is reached over TCP and TLS, with certificates of a test's
// own on both sides.
#pragma once

#include <fstream>

#include "tests/drills/docker_fixture.h"
#include "tests/drills/test_certificates.h"

namespace gameday {

// What the environment says, for as long as this lives.
class Said {
 public:
  Said(std::string name, const std::string& value) : name_(std::move(name)) {
    const char* const before = std::getenv(name_.c_str());
    had_ = before != nullptr;
    if (had_) before_ = before;
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Said() { had_ ? setenv(name_.c_str(), before_.c_str(), 1) : unsetenv(name_.c_str()); }
  Said(const Said&) = delete;
  Said& operator=(const Said&) = delete;

 private:
  std::string name_, before_;
  bool had_ = false;
};

// As the environment names an engine behind TLS.
class TlsSaid {
 public:
  TlsSaid(const std::string& host, const std::string& folder)
      : host_("DOCKER_HOST", host),
        verify_("DOCKER_TLS_VERIFY", "1"),
        path_("DOCKER_CERT_PATH", folder) {}

 private:
  Said host_, verify_, path_;
};

class TlsDoor {
 public:
  // With an `authority`, it lets in whom that one knows.
  TlsDoor(DeedWorld& world, const TestCertificates& made, const std::string& certificate,
          const std::string& authority = "ca")
      : world_(world) {
    static int number = 0;
    log_ = world.file("door-" + std::to_string(++number));
    const std::string socket = TestEngine::host().substr(std::string_view("unix://").size());
    std::vector<std::string> command{"python3", GAMEDAY_SOURCE_DIR "/tests/support/tls_door.py",
                                     socket, made.file(certificate + ".pem"),
                                     made.file(certificate + ".key")};
    if (!authority.empty()) command.push_back(made.file(authority + ".pem"));
    const auto id = world.doors().processes.start_detached({command, "/", {}}, log_);
    EXPECT_TRUE(id) << (id ? "" : id.error().text);
    if (!id) return;
    id_ = *id;
    const Until end{{}, world.clock().in(std::chrono::seconds(20))};
    while (said().empty() && world.clock().pause(std::chrono::milliseconds(10), end)) continue;
    EXPECT_FALSE(said().empty()) << "no door";
  }
  ~TlsDoor() {
    (void)world_.doors().processes.signal(id_, SIGKILL);
    (void)world_.doors().processes.wait_gone(id_, world_.context().until);
  }
  TlsDoor(const TlsDoor&) = delete;
  TlsDoor& operator=(const TlsDoor&) = delete;

  [[nodiscard]] std::string host() const {
    const auto lines = said();
    return "tcp://127.0.0.1:" + (lines.empty() ? "1" : lines.front());
  }
  // How many connections got to the engine.
  [[nodiscard]] std::size_t passed() const { return std::max<std::size_t>(said().size(), 1) - 1; }

 private:
  [[nodiscard]] std::vector<std::string> said() const {
    std::vector<std::string> lines;
    std::ifstream file(log_);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  DeedWorld& world_;
  std::string log_;
  ProcessId id_;
};

// A folder of ca.pem, cert.pem and key.pem, as Docker has it; an empty name: without that.
inline std::string docker_certificates(const DeedWorld& world, const TestCertificates& made,
                                       const std::string& authority,
                                       const std::string& certificate) {
  static int number = 0;
  const std::string folder = world.file("certificates-" + std::to_string(++number));
  std::filesystem::create_directory(folder);
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(made.file(from), folder + "/" + to);
  };
  if (!authority.empty()) copy(authority + ".pem", "ca.pem");
  if (!certificate.empty()) {
    copy(certificate + ".pem", "cert.pem");
    copy(certificate + ".key", "key.pem");
  }
  return folder;
}

}  // namespace gameday
