#include "shop_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

namespace shop {

using namespace std::chrono_literals;

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd, 64) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

// Below the range that the kernel takes for outgoing connections. The lock keeps tests that run at
// the same time from choosing the same ports.
int free_base(int& lock) {
  std::random_device random;
  while (true) {
    const int base = 10000 + static_cast<int>(random() % 70U) * 300;
    const auto name = "shop-test-ports-" + std::to_string(base);
    const auto path = std::filesystem::temp_directory_path() / name;
    lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool all_free = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    for (const int offset : {80, 90, 101, 102, 103, 104, 200, 201, 202, 203}) {
      const int fd = listen_on(base + offset);
      all_free = all_free && fd >= 0;
      if (fd >= 0) ::close(fd);
    }
    if (all_free) return base;
    ::close(lock);
  }
}

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "shop-test-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return path + "/run";
}

}  // namespace

TestShop::TestShop(Environment environment)
    : environment_(std::move(environment)), run_(make_directory()), base_(free_base(lock_)) {
  environment_.emplace("SHOP_WEST_LINK", "off");
  environment_["SHOP_BASE"] = std::to_string(base_);
  environment_["SHOP_RUN"] = run_;
  environment_["SHOP_BIN"] = SHOP_TEST_BIN;
}

TestShop::~TestShop() {
  launcher("reset");
  std::filesystem::remove_all(std::filesystem::path(run_).parent_path());
  ::close(lock_);
}

int TestShop::launcher(const std::string& command, std::string* output) const {
  std::string line = "env";
  for (const auto& [name, value] : environment_) line += " " + name + "='" + value + "'";
  line += std::string(" '") + SHOP_TEST_LAUNCHER + "' " + command + " 2>&1";
  FILE* pipe = ::popen(line.c_str(), "re");
  if (pipe == nullptr) return -1;
  std::string text;
  char chunk[512];
  while (const auto got = std::fread(chunk, 1, sizeof chunk, pipe)) text.append(chunk, got);
  const int status = ::pclose(pipe);
  if (output != nullptr) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void TestShop::up() {
  std::string output;
  if (launcher("up", &output) != 0) throw std::runtime_error("shop up: " + output);
}

Answer TestShop::call(int offset, const std::string& method, const std::string& target,
                      const nlohmann::json& body, std::chrono::milliseconds timeout) const {
  HttpClient client(base_ + offset);
  return client.call(method, target, body.is_null() ? "" : body.dump(), timeout);
}

int TestShop::put(const std::string& key) const {
  return front("PUT", "/orders/" + key, book()).status;
}

std::map<std::string, int> TestShop::stored(const std::string& drill) const {
  std::map<std::string, int> counts;
  const auto answer = front("GET", "/orders?drill=" + drill).json();
  if (!answer.is_object() || !answer.contains("orders")) return counts;
  for (const auto& order : answer["orders"]) ++counts[order["key"].get<std::string>()];
  return counts;
}

pid_t TestShop::pid(const std::string& name) const {
  std::ifstream file(run_ + "/" + name + ".pid");
  pid_t pid = 0;
  file >> pid;
  if (pid <= 1) throw std::runtime_error("no pid of " + name);
  return pid;
}

void TestShop::signal(const std::string& name, int number) const { ::kill(pid(name), number); }

void TestShop::kill(const std::string& name) const {
  const pid_t victim = pid(name);
  ::kill(victim, SIGKILL);
  const auto exe = "/proc/" + std::to_string(victim) + "/exe";
  std::error_code error;
  // A zombie that nobody reaps has no executable any more.
  eventually([&] { return std::filesystem::read_symlink(exe, error).empty(); }, 2s);
}

void TestShop::sql(const std::string& statements) const {
  sqlite3* db = nullptr;
  sqlite3_open_v2((run_ + "/store.db").c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_busy_timeout(db, 3000);
  char* message = nullptr;
  const int result = sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &message);
  const std::string error = message == nullptr ? "" : message;
  sqlite3_free(message);
  sqlite3_close(db);
  if (result != SQLITE_OK) throw std::runtime_error(statements + ": " + error);
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

nlohmann::json book() { return {{"item", "book"}, {"sum", "c0ffee"}}; }

Load::Load(int port, std::string drill, int rate)
    : client_(port),
      drill_(std::move(drill)),
      interval_(1'000'000 / rate),
      start_(std::chrono::steady_clock::now()) {
  for (int i = 0; i < 32; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { send(stop); });
  }
}

void Load::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Load::send(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int number = next_++;
    const auto due = start_ + number * interval_;
    std::this_thread::sleep_until(due);
    std::string digits = std::to_string(number);
    digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
    const std::string key = drill_ + "-load-" + digits;
    const auto answer = client_.call("PUT", "/orders/" + key, book().dump(), 1s);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - due;
    const std::scoped_lock lock(mutex_);
    samples_.push_back({key, answer.status, took.count()});
  }
}

std::vector<std::string> Load::acknowledged() const {
  std::vector<std::string> keys;
  for (const auto& sample : samples_) {
    if (sample.status == 200 || sample.status == 201) keys.push_back(sample.key);
  }
  return keys;
}

std::size_t Load::errors() const { return samples_.size() - acknowledged().size(); }

double Load::percentile(double part) const {
  std::vector<double> times;
  for (const auto& sample : samples_) times.push_back(sample.seconds);
  std::ranges::sort(times);
  const auto rank = std::ceil(part * static_cast<double>(times.size()));
  return times.at(static_cast<std::size_t>(std::max(rank, 1.0)) - 1);
}

TestLink::TestLink(int listen_port, int to_port)
    : listener_(listen_on(listen_port)),
      to_port_(to_port),
      thread_([this](const std::stop_token& stop) { pump(stop); }) {}

TestLink::~TestLink() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

void TestLink::pump(const std::stop_token& stop) {
  std::map<int, int> peers;
  while (!stop.stop_requested()) {
    std::vector<pollfd> fds{{.fd = listener_, .events = POLLIN, .revents = 0}};
    if (!hanging_) {
      for (const auto& [from, to] : peers) {
        fds.push_back({.fd = from, .events = POLLIN, .revents = 0});
      }
    }
    ::poll(fds.data(), fds.size(), 10);
    for (std::size_t i = 1; i < fds.size(); ++i) {
      const int from = fds[i].fd;
      if (fds[i].revents == 0 || !peers.contains(from)) continue;
      char chunk[16 * 1024];
      const auto got = ::recv(from, chunk, sizeof chunk, 0);
      const int to = peers[from];
      const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      if (got > 0 && ::send(to, chunk, size, MSG_NOSIGNAL) == got) continue;
      peers.erase(from);
      peers.erase(to);
      ::close(from);
      ::close(to);
    }
    if (fds[0].revents == 0) continue;
    const int near = ::accept(listener_, nullptr, nullptr);
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(to_port_);
    ::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    peers[near] = far;
    peers[far] = near;
  }
  for (const auto& [from, to] : peers) ::close(from);
}

}  // namespace shop
