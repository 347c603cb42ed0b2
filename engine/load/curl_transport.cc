#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/load/answer_checks.h"
#include "engine/load/http_request.h"
#include "engine/load/request_pattern.h"
#include "engine/load/transport.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One request on its way, with the handle that is used again for a later one.
struct Exchange {
  std::unique_ptr<CURL, FreeEasy> easy;
  std::unique_ptr<curl_slist, FreeList> headers;
  RequestText text;
  std::size_t ticket = 0;
  int attempts = 0;  // how often libcurl was about to write the request to a connection
  const AnswerChecks* checks = nullptr;
  HeardAnswer heard;
};

std::size_t throw_away(char*, std::size_t size, std::size_t count, void*) { return size * count; }

std::size_t keep(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  static_cast<Exchange*>(exchange)->heard.add({bytes, size * count});
  return size * count;
}

// Called with each line of a head, those of interim answers too.
std::size_t keep_header(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  auto& of = *static_cast<Exchange*>(exchange);
  const std::string_view line(bytes, size * count);
  const auto colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    of.heard.headers.clear();
  } else if (colon != std::string_view::npos && of.checks->look_at(line.substr(0, colon))) {
    of.heard.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return line.size();
}

// libcurl sends a request again by itself when a kept connection breaks before the answer's first
// byte. The server may have acted on the first one, so a second one must never leave.
int before_sending(void* exchange, char*, char*, int, int) {
  const bool first = ++static_cast<Exchange*>(exchange)->attempts == 1;
  return first ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::unique_ptr<curl_slist, FreeList> header_list(const RequestText& request) {
  std::unique_ptr<curl_slist, FreeList> list;
  const auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    GD_ASSERT(longer != nullptr);
    (void)list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) {
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  add("Expect:");  // waiting for "100 Continue" would put a second between due and sent
  if (const auto type = content_type_of(request.headers, request.body); !type.empty()) {
    add("Content-Type: " + std::string(type));
  }
  return list;
}

template <class Value>
void set(Exchange& exchange, CURLoption option, Value value) {
  GD_ASSERT(curl_easy_setopt(exchange.easy.get(), option, value) == CURLE_OK);
}

class CurlTransport : public Transport {
 public:
  CurlTransport(const Clock& clock, std::size_t most) : clock_(clock), most_(most) {}

  ~CurlTransport() override {
    for (const auto& exchange : exchanges_) {
      curl_multi_remove_handle(multi_.get(), exchange->easy.get());
    }
  }

  Status open() {
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    timer_ = Descriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    wake_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll_ || !timer_ || !wake_) return std::unexpected(system_error(errno, "load"));
    watch(EPOLL_CTL_ADD, timer_.get(), EPOLLIN);
    watch(EPOLL_CTL_ADD, wake_.get(), EPOLLIN);
    multi_.reset(curl_multi_init());
    if (!multi_) return fail(ErrorCode::failed, "libcurl cannot start");
    // libcurl's own wake-up pipe is not close-on-exec; everything of ours is meant to be.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    option(CURLMOPT_SOCKETFUNCTION, &CurlTransport::on_socket);
    option(CURLMOPT_SOCKETDATA, this);
    option(CURLMOPT_TIMERFUNCTION, &CurlTransport::on_timer);
    option(CURLMOPT_TIMERDATA, this);
    option(CURLMOPT_MAXCONNECTS, static_cast<long>(most_));
    option(CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    return {};
  }

  bool full() const override { return in_flight_ >= most_; }
  std::size_t in_flight() const override { return in_flight_; }

  Status send(const TransportRequest& request) override {
    GD_ASSERT(!full());
    TRY(text, request.pattern->text(request.seq));
    Exchange& exchange = free_exchange();
    exchange.text = std::move(text);
    exchange.ticket = request.ticket;
    exchange.attempts = 0;
    exchange.checks = request.pattern->checks(request.seq);
    exchange.heard.clear();
    prepare(exchange, request.give_up);
    ++in_flight_;
    GD_ASSERT(curl_multi_add_handle(multi_.get(), exchange.easy.get()) == CURLM_OK);
    int running = 0;
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    return {};
  }

  void work(Instant until, const std::function<void(const TransportAnswer&)>& each) override {
    arm(std::min(until, curl_due_));
    std::array<epoll_event, 256> events;
    const int seen = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    int running = 0;
    for (int i = 0; i < seen; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == timer_.get() || event.data.fd == wake_.get()) {
        std::uint64_t count = 0;
        (void)!read(event.data.fd, &count, sizeof count);
      } else {
        curl_multi_socket_action(multi_.get(), event.data.fd, flags_of(event.events), &running);
      }
    }
    if (curl_due_ <= clock_.now().boot) {
      curl_due_ = Instant::max();
      curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    }
    gather(each);
  }

  void wake() override { eventfd_write(wake_.get(), 1); }

 private:
  template <class Value>
  void option(CURLMoption name, Value value) {
    GD_ASSERT(curl_multi_setopt(multi_.get(), name, value) == CURLM_OK);
  }

  static int flags_of(std::uint32_t events) {
    int flags = 0;
    if ((events & (EPOLLIN | EPOLLHUP)) != 0) flags |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0) flags |= CURL_CSELECT_OUT;
    if ((events & EPOLLERR) != 0) flags |= CURL_CSELECT_ERR;
    return flags;
  }

  void watch(int operation, int descriptor, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    epoll_ctl(epoll_.get(), operation, descriptor, &event);
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    auto& transport = *static_cast<CurlTransport*>(self);
    if (what == CURL_POLL_REMOVE) {
      transport.watch(EPOLL_CTL_DEL, socket, 0);
      return 0;
    }
    std::uint32_t events = 0;
    if ((what & CURL_POLL_IN) != 0) events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
    transport.watch(known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, events);
    curl_multi_assign(transport.multi_.get(), socket, self);
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* self) {
    auto& transport = *static_cast<CurlTransport*>(self);
    transport.curl_due_ = milliseconds < 0
                              ? Instant::max()
                              : transport.clock_.in(std::chrono::milliseconds(milliseconds));
    return 0;
  }

  void arm(Instant at) {
    const auto since_boot = std::max<Duration>(at.time_since_epoch(), Duration(1));
    constexpr std::int64_t kBillion = 1'000'000'000;
    itimerspec when{};
    when.it_value.tv_sec = since_boot.count() / kBillion;
    when.it_value.tv_nsec = since_boot.count() % kBillion;
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  Exchange& free_exchange() {
    if (free_.empty()) {
      exchanges_.push_back(std::make_unique<Exchange>());
      Exchange& made = *exchanges_.back();
      made.easy.reset(curl_easy_init());
      GD_ASSERT(made.easy != nullptr);
      return made;
    }
    Exchange& used = *free_.back();
    free_.pop_back();
    curl_easy_reset(used.easy.get());
    return used;
  }

  void prepare(Exchange& exchange, Instant give_up) const {
    const RequestText& request = exchange.text;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max<Duration>(give_up - clock_.now().boot, std::chrono::milliseconds(1)));
    exchange.headers = header_list(request);
    set(exchange, CURLOPT_PRIVATE, &exchange);
    set(exchange, CURLOPT_URL, request.url.c_str());
    set(exchange, CURLOPT_HTTPHEADER, exchange.headers.get());
    set(exchange, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    set(exchange, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(left.count()));
    set(exchange, CURLOPT_NOSIGNAL, 1L);
    // Else a request that is given up waits, on our thread, for whoever looks its name up.
    set(exchange, CURLOPT_QUICK_EXIT, 1L);
    set(exchange, CURLOPT_TCP_NODELAY, 1L);
    set(exchange, CURLOPT_PROXY, "");
    if (!authorities_.empty()) set(exchange, CURLOPT_CAINFO, authorities_.c_str());
    set(exchange, CURLOPT_FOLLOWLOCATION, 0L);
    set(exchange, CURLOPT_PROTOCOLS_STR, "http,https");
    set(exchange, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set_what_is_kept(exchange);
    set(exchange, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(exchange, CURLOPT_PREREQFUNCTION, &before_sending);
    set(exchange, CURLOPT_PREREQDATA, &exchange);
    set_method(exchange);
  }

  static void set_what_is_kept(Exchange& exchange) {
    const bool body = exchange.checks != nullptr && exchange.checks->look_at_body();
    set(exchange, CURLOPT_WRITEFUNCTION, body ? &keep : &throw_away);
    set(exchange, CURLOPT_WRITEDATA, &exchange);
    if (exchange.checks == nullptr || !exchange.checks->look_at_headers()) return;
    set(exchange, CURLOPT_HEADERFUNCTION, &keep_header);
    set(exchange, CURLOPT_HEADERDATA, &exchange);
  }

  static void set_method(Exchange& exchange) {
    const RequestText& request = exchange.text;
    if (has_body(request.method, request.body)) {
      set(exchange, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(exchange, CURLOPT_POSTFIELDS, request.body.c_str());
    } else if (request.method == "HEAD") {
      set(exchange, CURLOPT_NOBODY, 1L);
    }
    set(exchange, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  void gather(const std::function<void(const TransportAnswer&)>& each) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;  // gone once the handle is removed
      Exchange* exchange = nullptr;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
      const TransportAnswer answer = answer_of(*exchange, code);
      curl_multi_remove_handle(multi_.get(), easy);
      free_.push_back(exchange);
      --in_flight_;
      each(answer);
    }
  }

  TransportAnswer answer_of(Exchange& exchange, CURLcode code) const {
    TransportAnswer answer;
    answer.ticket = exchange.ticket;
    answer.end = clock_.now().boot;
    if (code != CURLE_OK) {
      answer.outcome = exchange.attempts > 0 ? SampleOutcome::unknown : SampleOutcome::not_sent;
      return answer;
    }
    long status = 0;
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    exchange.heard.status = answer.status;
    const Judged by_checks = judged(exchange.checks, exchange.heard);
    answer.outcome = by_checks.outcome;
    answer.failed = by_checks.failed;
    return answer;
  }

  const Clock& clock_;
  const std::size_t most_;
  const std::string authorities_ = authorities_named();
  Descriptor epoll_, timer_, wake_;
  Instant curl_due_ = Instant::max();
  std::size_t in_flight_ = 0;
  // Handles go before the multi handle, which calls back into what stands above.
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> free_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_curl_transport(const Clock& clock,
                                                       std::size_t most_connections) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) return fail(ErrorCode::failed, "libcurl cannot start");
  auto transport = std::make_unique<CurlTransport>(clock, most_connections);
  TRY_OK(transport->open());
  return std::unique_ptr<Transport>(std::move(transport));
}

namespace {
constexpr double kMostConnections = 4096;
}  // namespace

std::size_t connections_for(double rate) {
  constexpr double kStall = 2, kSpare = 64;
  return static_cast<std::size_t>(std::min(kMostConnections, std::ceil(rate * kStall) + kSpare));
}

std::size_t connections_for_users(std::uint64_t users) {
  return static_cast<std::size_t>(std::min(kMostConnections, static_cast<double>(users)));
}

}  // namespace gameday
