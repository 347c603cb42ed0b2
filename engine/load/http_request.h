// What the ways of sending a request over HTTP have to agree on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/load/request_pattern.h"
#include "engine/load/sample.h"
#include "engine/playbook/playbook.h"
#include "engine/sys/host_names.h"

namespace gameday {

// A server, spoken to over HTTP/1.1 with nothing to it that our own sockets do not do.
struct PlainHttp {
  SocketAddress address;  // of size 0: `host` is a name
  std::string authority;  // "127.0.0.1:8080", as it stands in the URL
  std::string host;       // "127.0.0.1", "::1", "shop.example"
  int port = 0;
  bool tls = false;  // https
};
// Where all requests of that pattern go. Nothing: it asks for what libcurl does better (a user in
// the URL, a name that is not plain ASCII, `..` in the path, headers that frame).
[[nodiscard]] std::optional<PlainHttp> plain_http(const LoadRequest& pattern);

// "http://" or "https://", as it stands there; "": neither.
[[nodiscard]] std::string_view scheme_of(std::string_view url);

// What all add where a request says nothing of it: "" where there is no body.
[[nodiscard]] std::string_view content_type_of(const Headers& headers, std::string_view body);
// Whether it has a body, which may be empty.
[[nodiscard]] bool has_body(std::string_view method, std::string_view body);
[[nodiscard]] bool has_header(const Headers& headers, std::string_view lower_name);

}  // namespace gameday
