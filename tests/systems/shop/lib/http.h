// The little HTTP/1.1 that the shop's programs speak: messages, a server and a client.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct Message {
  std::string start;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool has(const std::string& name, std::string_view value) const;
};

enum class Parse { kIncomplete, kComplete, kMalformed };

// Parses one message from the front of `buffer`; `consumed` is set when it is complete. An
// incomplete message whose head has arrived leaves the headers in `message`.
Parse parse_message(std::string_view buffer, Message& message, std::size_t& consumed);

struct Request {
  std::string method;
  std::string target;  // path and query as sent
  std::string path;
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string param(const std::string& name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  nlohmann::json notes = nlohmann::json::object();  // extra fields of the access log's line
};

Response json_response(int status, const nlohmann::json& body);
Response error_response(int status, const std::string& message);
std::string percent_decode(std::string_view text);

using Handler = std::function<Response(const Request&)>;

// All threads wait on one epoll set and each connection is armed for one event at a time, so an
// idle connection costs no thread and a handler may block.
class HttpServer {
 public:
  // Throws when another program holds the port.
  HttpServer(const std::string& address, int port);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  [[noreturn]] void run(int threads, const Handler& handler);

 private:
  struct Connection;

  void serve_events(const Handler& handler);
  void accept_all();
  void serve_connection(Connection* connection, const Handler& handler);
  bool answer(Connection& connection, const Message& message, const Handler& handler);

  int listener_ = -1;
  int epoll_ = -1;
};

struct Answer {
  int status = 0;  // 0: nobody answered
  std::string body;
  bool timed_out = false;

  bool ok() const { return status >= 200 && status < 300; }
  nlohmann::json json() const;  // null when the body is not JSON
};

// Blocking calls to one port of this machine over a pool of kept connections; for many threads.
class HttpClient {
 public:
  explicit HttpClient(int port) : port_(port) {}
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  Answer call(const std::string& method, const std::string& target, const std::string& body,
              std::chrono::milliseconds timeout);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Outcome { kAnswered, kTimedOut, kBroken };

  int take_idle();
  void keep(int fd);
  void close_idle();
  int connect_new(Clock::time_point deadline, Outcome& outcome) const;
  Outcome exchange(int fd, const std::string& request, Clock::time_point deadline, Answer& answer,
                   bool& keep_alive) const;

  int port_;
  std::mutex mutex_;
  std::vector<int> idle_;
};

// Writes all of `data` to a non-blocking socket, waiting at most until `deadline`.
bool send_all(int fd, std::string_view data, std::chrono::steady_clock::time_point deadline);

// Waits for `events` on `fd`; false when the deadline passes first.
bool wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace shop
