#include "engine/sys/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/sys/http_peer.h"
#include "engine/sys/versions.h"

namespace gameday {
namespace {

constexpr std::size_t kLargestHeaders = 64 << 10;
constexpr std::size_t kLongestUrl = 64 << 10;

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListCloser>;

// A transfer's two handles stay together, because the connections that can be used again belong to
// the multi handle. The easy handle is declared last, so that it is closed first.
struct Line {
  std::unique_ptr<CURLM, MultiCloser> multi{curl_multi_init()};
  std::unique_ptr<CURL, EasyCloser> easy{curl_easy_init()};
};

// What an answer has brought so far, and why it was cut off, if it was.
struct Incoming {
  HttpAnswer answer;
  std::size_t header_bytes = 0;
  std::int64_t largest_body = 0;
  std::string refusal;
  char said[CURL_ERROR_SIZE] = {};  // curl's own words, longer than those of its code
};

// One that is no number, or a larger one than can be counted to, leaves open where the answer ends.
bool is_length(std::string_view text) {
  std::int64_t length = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, length);
  return read.ec == std::errc() && read.ptr == end && length >= 0;
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& incoming = *static_cast<Incoming*>(into);
  const std::string_view line(bytes, size * count);
  incoming.header_bytes += line.size();
  if (incoming.header_bytes > kLargestHeaders) {
    incoming.refusal = "the answer's headers are longer than 64 KiB";
    return 0;
  }
  // Interim answers (1xx) bring headers of their own: only those after the last status line count.
  if (line.starts_with("HTTP/")) incoming.answer.headers.clear();
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    incoming.answer.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                         trimmed(line.substr(colon + 1)));
    const auto& [name, value] = incoming.answer.headers.back();
    if (name == "content-length" && !is_length(value)) {
      incoming.refusal = "the answer is no HTTP, its length is " + valid_utf8(value);
      return 0;
    }
  }
  return line.size();
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& incoming = *static_cast<Incoming*>(into);
  const std::size_t length = size * count;
  const auto limit = static_cast<std::size_t>(incoming.largest_body);
  if (length > limit - incoming.answer.body.size()) {
    incoming.refusal = "the answer is longer than " + std::to_string(limit) + " bytes";
    return 0;
  }
  incoming.answer.body.append(bytes, length);
  return length;
}

// For error texts: a URL may carry a password before its host, or a token in its query.
std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const auto rest = url.substr(scheme + 3);
  const auto user = rest.substr(0, rest.find('/')).rfind('@');
  return std::string(url.substr(0, scheme + 3)) +
         std::string(user == std::string_view::npos ? rest : rest.substr(user + 1));
}

bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Status check(const HttpRequest& request) {
  const bool letters = std::ranges::all_of(
      request.method, [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; });
  if (request.method.empty() || !letters) {
    return fail(ErrorCode::invalid, "'" + valid_utf8(request.method) + "' is no HTTP method");
  }
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return fail(ErrorCode::invalid, shown_url(request.url) + " is no http:// or https:// URL");
  }
  if (request.url.size() > kLongestUrl || !is_plain(request.url)) {
    return fail(ErrorCode::invalid, "a URL that is too long or has a line feed in it");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !is_plain(name) || !is_plain(value) || name.contains(':')) {
      return fail(ErrorCode::invalid, "a header that cannot be sent: " + valid_utf8(name));
    }
  }
  return {};
}

Status check(const HttpPeer& peer) {
  constexpr std::size_t kLongest = 107;  // sockaddr_un's
  if (peer.socket.size() <= kLongest && is_plain(peer.socket)) return {};
  return fail(ErrorCode::invalid, "no Unix socket can have the path " + valid_utf8(peer.socket));
}

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  const auto add = [&list](const std::string& line) {
    curl_slist* grown = curl_slist_append(list.get(), line.c_str());
    GD_ASSERT(grown != nullptr);
    static_cast<void>(list.release());
    list.reset(grown);
  };
  // curl would wait for leave to send a long body, and call every body a form.
  add("Expect:");
  bool typed = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || lower(name) == "content-type";
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!typed) add("Content-Type:");
  return list;
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  GD_ASSERT(code == CURLE_OK);
}

bool only_reads(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

void set_method(CURL* easy, const HttpRequest& request) {
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    set(easy, CURLOPT_POSTFIELDS, request.body.data());
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  // On a connection used before, curl sends a request again that got no answer; done twice is worse
  // than not done where a request changes something.
  if (!only_reads(request)) set(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void set_peer(CURL* easy, const HttpPeer& peer) {
  if (!peer.socket.empty()) set(easy, CURLOPT_UNIX_SOCKET_PATH, peer.socket.c_str());
  set(easy, CURLOPT_SSL_VERIFYPEER, peer.verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, peer.verify ? 2L : 0L);
  const std::string authorities = peer.authorities.empty() ? authorities_named() : peer.authorities;
  if (!authorities.empty()) set(easy, CURLOPT_CAINFO, authorities.c_str());
  // Whom this machine trusts would count beside them.
  if (!peer.authorities.empty()) set<const char*>(easy, CURLOPT_CAPATH, nullptr);
  if (peer.certificate.empty()) return;
  set(easy, CURLOPT_SSLCERT, peer.certificate.c_str());
  set(easy, CURLOPT_SSLKEY, peer.key.c_str());
}

void set_up(CURL* easy, const HttpRequest& request, const curl_slist* headers, Incoming& incoming) {
  curl_easy_reset(easy);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROXY, "");  // the empty text also shuts out http_proxy and its like
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a name that does not resolve must not hold up a stop
  set(easy, CURLOPT_USERAGENT, "gameday");
  set(easy, CURLOPT_URL, request.url.c_str());
  set(easy, CURLOPT_HTTPHEADER, headers);
  set(easy, CURLOPT_HEADERFUNCTION, &take_header);
  set(easy, CURLOPT_HEADERDATA, &incoming);
  set(easy, CURLOPT_WRITEFUNCTION, &take_body);
  set(easy, CURLOPT_WRITEDATA, &incoming);
  set(easy, CURLOPT_ERRORBUFFER, incoming.said);
  set_method(easy, request);
}

// A socket's path is looked up before anything is sent: what the kernel said of it says most.
std::optional<Error> socket_error(CURLcode code, CURL* easy, const std::string& path) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (code != CURLE_COULDNT_CONNECT || path.empty() || number == 0) return std::nullopt;
  return system_error(static_cast<int>(number), path);
}

// Why TLS came to nothing; curl's code alone says no more than that a certificate was wrong. Empty:
// it was something else.
std::string said_of_tls(CURLcode code, std::string_view said) {
  constexpr std::string_view kReason = "SSL routines::", kAlert = " alert ";
  if (const auto at = said.find(kReason); at != said.npos) {
    const std::string_view reason = said.substr(at + kReason.size());
    const std::string text = valid_utf8(reason.substr(0, reason.find(", errno")));
    const auto alert = text.find(kAlert);
    return alert == text.npos
               ? "TLS failed (" + text + ")"
               : "the server ended TLS with the alert '" + text.substr(alert + kAlert.size()) + "'";
  }
  const bool of_tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
                      code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
  return of_tls ? valid_utf8(said) : "";
}

Error error_of(CURLcode code, const Incoming& incoming) {
  if (!incoming.refusal.empty()) return {ErrorCode::invalid, incoming.refusal, ""};
  if (const auto tls = said_of_tls(code, incoming.said); !tls.empty()) {
    return {ErrorCode::failed, tls, ""};
  }
  const std::string text = lower(curl_easy_strerror(code));
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return {ErrorCode::invalid, text, ""};
    case CURLE_OPERATION_TIMEDOUT: return {ErrorCode::timed_out, text, ""};
    case CURLE_PARTIAL_FILE: return {ErrorCode::failed, "the answer was cut off", ""};
    default: return {ErrorCode::failed, text, ""};
  }
}

// A handle must have left its multi handle before either is used again, whatever happens between.
class Running {
 public:
  explicit Running(Line& line) : line_(line) {
    const CURLMcode added = curl_multi_add_handle(line.multi.get(), line.easy.get());
    GD_ASSERT(added == CURLM_OK);
  }
  ~Running() { curl_multi_remove_handle(line_.multi.get(), line_.easy.get()); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Line& line_;
};

class CurlHttp : public Http {
 public:
  CurlHttp(const Clock& clock, WriteObserver observer, HttpPeer peer)
      : clock_(clock), observer_(std::move(observer)), peer_(std::move(peer)) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    GD_ASSERT(started == CURLE_OK);
  }

  Result<HttpAnswer> send(const HttpRequest& request, const Until& until) override {
    TRY_OK(check(request));
    TRY_OK(check(peer_));
    const bool writes = !only_reads(request);
    if (writes) told(Side::before);
    auto line = take_line();
    auto answer = exchange(*line, request, until);
    give_back(std::move(line));
    if (writes) told(Side::after);
    if (!answer) {
      return std::unexpected(answer.error().in(request.method + " " + shown_url(request.url)));
    }
    return answer;
  }

 private:
  static constexpr std::size_t kSpareLines = 16;

  Result<HttpAnswer> exchange(Line& line, const HttpRequest& request, const Until& until) const {
    Incoming incoming;
    incoming.largest_body = std::max<std::int64_t>(request.largest_answer, 0);
    const HeaderList headers = header_list(request);
    set_up(line.easy.get(), request, headers.get(), incoming);
    set_peer(line.easy.get(), peer_);
    const Running running(line);
    TRY(code, transfer(line, until));
    if (code != CURLE_OK) {
      const auto unreached = socket_error(code, line.easy.get(), peer_.socket);
      return std::unexpected(unreached.value_or(error_of(code, incoming)));
    }
    long status = 0;
    curl_easy_getinfo(line.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 100) return fail(ErrorCode::invalid, "the answer is no HTTP");
    incoming.answer.status = static_cast<int>(status);
    return std::move(incoming.answer);
  }

  Result<CURLcode> transfer(Line& line, const Until& until) const {
    while (true) {
      if (until.stop.requested()) return fail(ErrorCode::stopped, "stopped");
      int running = 0;
      const CURLMcode went = curl_multi_perform(line.multi.get(), &running);
      if (went != CURLM_OK) return fail(ErrorCode::failed, curl_multi_strerror(went));
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(line.multi.get(), &left)) {
        if (message->msg == CURLMSG_DONE) return message->data.result;
      }
      const Instant now = clock_.now().boot;
      if (now >= until.deadline) return fail(ErrorCode::timed_out, "no answer in time");
      curl_waitfd stop{until.stop.descriptor(), CURL_WAIT_POLLIN, 0};
      const unsigned extra = stop.fd >= 0 ? 1 : 0;
      curl_multi_poll(line.multi.get(), &stop, extra, poll_milliseconds(now, until.deadline),
                      nullptr);
    }
  }

  std::unique_ptr<Line> take_line() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) {
      auto line = std::make_unique<Line>();
      GD_ASSERT(line->easy != nullptr && line->multi != nullptr);
      return line;
    }
    auto line = std::move(spare_.back());
    spare_.pop_back();
    return line;
  }

  void give_back(std::unique_ptr<Line> line) {
    curl_easy_reset(line->easy.get());
    const std::lock_guard lock(mutex_);
    if (spare_.size() < kSpareLines) spare_.push_back(std::move(line));
  }

  void told(Side side) const {
    if (observer_) observer_("http", side);
  }

  const Clock& clock_;
  WriteObserver observer_;
  const HttpPeer peer_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> spare_;
};

}  // namespace

std::unique_ptr<Http> make_curl_http(const Clock& clock, WriteObserver observer) {
  return std::make_unique<CurlHttp>(clock, std::move(observer), HttpPeer());
}

std::unique_ptr<Http> make_curl_http(const Clock& clock, WriteObserver observer, HttpPeer peer) {
  return std::make_unique<CurlHttp>(clock, std::move(observer), std::move(peer));
}

std::string authorities_named() {
  const char* file = std::getenv("SSL_CERT_FILE");
  return file == nullptr ? "" : file;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kUnreserved = "-._~";
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || kUnreserved.contains(c))) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

std::string http_versions() { return curl_version(); }

}  // namespace gameday
