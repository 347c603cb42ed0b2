// What every program of the shop has around its work: options, its files in the run directory,
// metrics, the access log, and the loop that serves.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "http.h"

namespace shop {

// `--name value` pairs; nothing is read from the environment, so that a copy of the arguments
// starts the same program again.
class Options {
 public:
  Options(int argc, char** argv);

  std::string text(const std::string& name) const;  // throws when missing
  std::string text(const std::string& name, const std::string& fallback) const;
  int number(const std::string& name) const;
  int number(const std::string& name, int fallback) const;
  bool on(const std::string& name) const;  // on unless it says "off"
  bool given(const std::string& name) const { return values_.contains(name); }

 private:
  std::map<std::string, std::string> values_;
};

// UTC, RFC 3339 with microseconds.
std::string rfc3339(std::chrono::system_clock::time_point at);
double epoch_seconds(std::chrono::system_clock::time_point at);
// RFC 3339 or seconds since the epoch; throws std::invalid_argument.
double parse_time(const std::string& text);

std::string random_uuid();

class Metrics {
 public:
  // `labels` is empty or like {method="PUT"}.
  void add(const std::string& family, const std::string& labels = "", double by = 1);
  void set(const std::string& family, double value);
  void observe(double seconds);
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, double>> families_;
  std::vector<double> buckets_ = std::vector<double>(kBounds.size() + 1);
  double seconds_ = 0;
  static const std::vector<double> kBounds;
};

// Doubles from `first` to `most`, with a jitter of half, so that many who fail together do not
// come back together.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : first_(first), most_(most), next_(first) {}

  void wait();
  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds most_;
  std::chrono::milliseconds next_;
  std::mt19937 random_{std::random_device{}()};
};

// An exclusive lock on a file beside the data, held until the process ends.
void hold_lock(const std::string& path);

// Writes `text` so that a reader sees the old or the new file, never a part.
void replace_file(const std::string& path, const std::string& text);

class Service {
 public:
  // Binds the port, on 127.0.0.1 or on `--bind`, and writes the pidfile; throws when it is taken.
  explicit Service(const Options& options);

  Metrics& metrics() { return metrics_; }

  // Answers /metrics itself and hands everything else to `handler`.
  [[noreturn]] void run(int threads, const Handler& handler);

 private:
  Response observed(const Request& request, const Handler& handler);
  void log(const Request& request, const Response& response,
           std::chrono::system_clock::time_point started, double seconds) const;

  std::string name_;
  std::string run_;
  HttpServer server_;
  Metrics metrics_;
  int log_ = -1;
};

// Calls `body`, and says on standard error why the program could not start.
int run_program(int argc, char** argv, const std::function<void(const Options&)>& body);

}  // namespace shop
