// A shop of its own for each test, on free ports and in a directory of its own, and a load on it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "lib/http.h"

namespace shop {

class TestShop {
 public:
  using Environment = std::map<std::string, std::string>;

  explicit TestShop(Environment environment = {});
  TestShop(const TestShop&) = delete;
  TestShop& operator=(const TestShop&) = delete;
  ~TestShop();  // takes the shop down and its directory away

  int launcher(const std::string& command, std::string* output = nullptr) const;
  void up();

  Answer call(int offset, const std::string& method, const std::string& target,
              const nlohmann::json& body = nullptr,
              std::chrono::milliseconds timeout = std::chrono::seconds(3)) const;
  Answer front(const std::string& method, const std::string& target,
               const nlohmann::json& body = nullptr) const {
    return call(80, method, target, body);
  }
  Answer queue(const std::string& method, const std::string& target,
               const nlohmann::json& body = nullptr) const {
    return call(90, method, target, body);
  }
  int put(const std::string& key) const;
  // How often each key of the drill is in the store; empty while the store does not answer.
  std::map<std::string, int> stored(const std::string& drill) const;

  pid_t pid(const std::string& name) const;
  void kill(const std::string& name) const;  // SIGKILL, and waits until it is gone
  void signal(const std::string& name, int number) const;
  void sql(const std::string& statements) const;

  int base() const { return base_; }
  std::string run_dir() const { return run_; }

 private:
  Environment environment_;
  std::string run_;
  int lock_ = -1;
  int base_;
};

// Waits until `condition` holds; false after `most`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds most = std::chrono::seconds(8));

nlohmann::json book();

// PUTs orders at a fixed rate, each due at its own time, and keeps what was answered.
class Load {
 public:
  struct Sample {
    std::string key;
    int status;
    double seconds;  // from when the request was due
  };

  Load(int port, std::string drill, int rate);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { stop(); }

  void stop();
  std::vector<std::string> acknowledged() const;
  std::size_t errors() const;
  double percentile(double part) const;
  std::size_t size() const { return samples_.size(); }

 private:
  void send(const std::stop_token& stop);

  HttpClient client_;
  std::string drill_;
  std::chrono::microseconds interval_;
  std::chrono::steady_clock::time_point start_;
  std::atomic<int> next_ = 0;
  std::mutex mutex_;
  std::vector<Sample> samples_;
  std::vector<std::jthread> threads_;
};

// A link that can be made to pass nothing while it still accepts connections.
class TestLink {
 public:
  TestLink(int listen_port, int to_port);
  TestLink(const TestLink&) = delete;
  TestLink& operator=(const TestLink&) = delete;
  ~TestLink();

  void hang(bool hanging) { hanging_ = hanging; }

 private:
  void pump(const std::stop_token& stop);

  int listener_;
  int to_port_;
  std::atomic<bool> hanging_ = false;
  std::jthread thread_;
};

}  // namespace shop
