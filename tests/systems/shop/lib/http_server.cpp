#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>

#include "http.h"

namespace shop {
namespace {

using namespace std::chrono_literals;

const char* reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

bool make_request(const Message& message, Request& request) {
  const auto first = message.start.find(' ');
  const auto last = message.start.rfind(' ');
  if (first == std::string::npos || last == first) return false;
  request.method = message.start.substr(0, first);
  request.target = message.start.substr(first + 1, last - first - 1);
  request.headers = message.headers;
  request.body = message.body;
  const auto mark = request.target.find('?');
  request.path = percent_decode(std::string_view(request.target).substr(0, mark));
  if (mark == std::string::npos) return true;
  std::string_view rest = std::string_view(request.target).substr(mark + 1);
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto equals = pair.find('=');
    request.query[percent_decode(pair.substr(0, equals))] =
        equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1));
  }
  return true;
}

std::string render(const Response& response, bool close) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " + reason(response.status);
  out += "\r\nContent-Type: " + response.type;
  out += "\r\nContent-Length: " + std::to_string(response.body.size());
  out += close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
  return out + response.body;
}

bool try_bind(int fd, const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
         ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         ::listen(fd, 1024) == 0;
}

}  // namespace

struct HttpServer::Connection {
  explicit Connection(int socket) : fd(socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd); }

  int fd;
  std::string buffer;
  bool continued = false;
  // The next owner may be woken before the last one is back from arming the connection, and epoll
  // orders nothing in the terms of the memory model; so the next one waits for this.
  std::atomic<bool> handed_over = false;
};

HttpServer::HttpServer(const std::string& address, int port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // A killed predecessor may hold the port for the instant it takes to be torn down.
  const auto deadline = std::chrono::steady_clock::now() + 500ms;
  while (!try_bind(listener_, address, port)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      throw std::runtime_error("cannot listen on " + address + ":" + std::to_string(port) + ": " +
                               std::strerror(errno));
    }
    std::this_thread::sleep_for(20ms);
  }
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) != 0) {
    throw std::runtime_error("cannot watch the listening socket");
  }
}

HttpServer::~HttpServer() {
  ::close(listener_);
  ::close(epoll_);
}

void HttpServer::run(int threads, const Handler& handler) {
  std::vector<std::jthread> pool;
  for (int i = 1; i < threads; ++i) pool.emplace_back([&] { serve_events(handler); });
  while (true) serve_events(handler);
}

void HttpServer::serve_events(const Handler& handler) {
  while (true) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_, &event, 1, -1);
    if (count < 1) continue;
    if (event.data.ptr == nullptr) {
      accept_all();
    } else {
      serve_connection(static_cast<Connection*>(event.data.ptr), handler);
    }
  }
}

void HttpServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      // Out of descriptors: the listener stays readable, so wait rather than spin.
      if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(10ms);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    auto connection = std::make_unique<Connection>(fd);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
    event.data.ptr = connection.get();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) {
      connection.release()->handed_over = true;
    }
  }
}

void HttpServer::serve_connection(Connection* connection, const Handler& handler) {
  std::unique_ptr<Connection> owned(connection);
  while (!connection->handed_over.exchange(false)) std::this_thread::yield();
  char chunk[64 * 1024];
  while (true) {
    Message message;
    std::size_t consumed = 0;
    const Parse parsed = parse_message(owned->buffer, message, consumed);
    if (parsed == Parse::kComplete) {
      owned->buffer.erase(0, consumed);
      owned->continued = false;
      if (!answer(*owned, message, handler)) return;
      continue;
    }
    const auto soon = std::chrono::steady_clock::now() + 1s;
    if (parsed == Parse::kMalformed) {
      send_all(owned->fd, render(error_response(400, "malformed request"), true), soon);
      return;
    }
    if (!owned->continued && message.has("expect", "100-continue")) {
      owned->continued = send_all(owned->fd, "HTTP/1.1 100 Continue\r\n\r\n", soon);
    }
    const auto got = ::recv(owned->fd, chunk, sizeof chunk, 0);
    if (got > 0) {
      owned->buffer.append(chunk, static_cast<std::size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      epoll_event event{};
      event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
      event.data.ptr = connection;
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd, &event);
      owned.release()->handed_over = true;
      return;
    } else if (got == 0 || errno != EINTR) {
      return;
    }
  }
}

bool HttpServer::answer(Connection& connection, const Message& message, const Handler& handler) {
  Request request;
  Response response;
  bool close = message.has("connection", "close") || message.start.ends_with("HTTP/1.0");
  if (make_request(message, request)) {
    response = handler(request);
  } else {
    response = error_response(400, "malformed request line");
    close = true;
  }
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  return send_all(connection.fd, render(response, close), deadline) && !close;
}

}  // namespace shop
