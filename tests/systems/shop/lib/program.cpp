#include "program.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace shop {

using namespace std::chrono_literals;

Options::Options(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (!name.starts_with("--") || i + 1 >= argc) {
      throw std::runtime_error("expected pairs of --name value, got '" + name + "'");
    }
    values_[name.substr(2)] = argv[i + 1];
  }
}

std::string Options::text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::runtime_error("--" + name + " is missing");
  return found->second;
}

std::string Options::text(const std::string& name, const std::string& fallback) const {
  return given(name) ? text(name) : fallback;
}

int Options::number(const std::string& name) const {
  const std::string value = text(name);
  std::size_t used = 0;
  try {
    const int number = std::stoi(value, &used);
    if (used == value.size()) return number;
  } catch (const std::logic_error&) {
    used = 0;
  }
  throw std::runtime_error("--" + name + " is not a number: '" + value + "'");
}

int Options::number(const std::string& name, int fallback) const {
  return given(name) ? number(name) : fallback;
}

bool Options::on(const std::string& name) const { return text(name, "on") != "off"; }

std::string rfc3339(std::chrono::system_clock::time_point at) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06dZ", static_cast<int>(micros % 1'000'000));
  return std::string(date.data()) + fraction.data();
}

double epoch_seconds(std::chrono::system_clock::time_point at) {
  return std::chrono::duration<double>(at.time_since_epoch()).count();
}

double parse_time(const std::string& text) {
  std::tm utc{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) {
    std::size_t used = 0;
    const double seconds = std::stod(text, &used);
    if (used != text.size()) throw std::invalid_argument("not a time: " + text);
    return seconds;
  }
  double at = static_cast<double>(::timegm(&utc));
  if (*rest == '.') {
    char* end = nullptr;
    at += std::strtod(rest, &end);
    rest = end;
  }
  if (std::strcmp(rest, "Z") == 0) return at;
  int hours = 0;
  int minutes = 0;
  char sign = 0;
  if (std::sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 ||
      (sign != '+' && sign != '-')) {
    throw std::invalid_argument("not a time: " + text);
  }
  const int offset = hours * 3600 + minutes * 60;
  return sign == '+' ? at - offset : at + offset;
}

std::string random_uuid() {
  std::random_device random;
  std::array<unsigned, 4> words{random(), random(), random(), random()};
  words[1] = (words[1] & 0xffff0fffU) | 0x4000U;
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%08x-%04x-%04x-%04x-%04x%08x", words[0], words[1] >> 16U,
                words[1] & 0xffffU, words[2] >> 16U, words[2] & 0xffffU, words[3]);
  return out.data();
}

void Backoff::wait() {
  std::uniform_int_distribution<long> part(next_.count() / 2, next_.count());
  std::this_thread::sleep_for(std::chrono::milliseconds(part(random_)));
  next_ = std::min(next_ * 2, most_);
}

void hold_lock(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  // A killed predecessor may hold the lock for the instant it takes to be torn down.
  const auto deadline = std::chrono::steady_clock::now() + 500ms;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      throw std::runtime_error(path + " is held by another instance");
    }
    std::this_thread::sleep_for(20ms);
  }
}

void replace_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + "." + std::to_string(::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  }
}

Service::Service(const Options& options)
    : name_(options.text("name")),
      run_(options.text("run")),
      server_(options.text("bind", "127.0.0.1"), options.number("port")) {
  const std::string path = run_ + "/" + name_ + ".access.jsonl";
  log_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_ < 0) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  replace_file(run_ + "/" + name_ + ".pid", std::to_string(::getpid()) + "\n");
}

void Service::run(int threads, const Handler& handler) {
  server_.run(threads, [&](const Request& request) { return observed(request, handler); });
}

Response Service::observed(const Request& request, const Handler& handler) {
  const auto started = std::chrono::system_clock::now();
  const auto from = std::chrono::steady_clock::now();
  Response response;
  try {
    if (request.path == "/metrics") {
      response = {.body = metrics_.text(), .type = "text/plain; version=0.0.4"};
    } else {
      response = handler(request);
    }
  } catch (const std::exception& error) {
    response = error_response(503, error.what());
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  metrics_.add("shop_requests_total", "{method=\"" + request.method + "\",status=\"" +
                                          std::to_string(response.status) + "\"}");
  metrics_.observe(seconds);
  // Before the answer leaves, so that no client knows more than the log.
  log(request, response, started, seconds);
  return response;
}

void Service::log(const Request& request, const Response& response,
                  std::chrono::system_clock::time_point started, double seconds) const {
  const auto ended =
      started + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                    std::chrono::duration<double>(seconds));
  nlohmann::ordered_json line = {{"at", rfc3339(started)},       {"end", rfc3339(ended)},
                                 {"method", request.method},     {"path", request.target},
                                 {"status", response.status},    {"duration_s", seconds}};
  constexpr std::string_view kOrders = "/orders/";
  if (request.path.starts_with(kOrders)) line["key"] = request.path.substr(kOrders.size());
  for (const auto& [name, value] : response.notes.items()) line[name] = value;
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (::write(log_, text.data(), text.size()) < 0) std::perror("access log");
}

int run_program(int argc, char** argv, const std::function<void(const Options&)>& body) {
  // What the starter had open (pipes, locks) must not live on in a daemon.
  ::close_range(3, ~0U, 0);
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  try {
    body(Options(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace shop
