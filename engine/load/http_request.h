// A request as HTTP/1.1 puts it on the wire, for a server that is named by its address and spoken
// to without TLS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/load/transport.h"
#include "engine/playbook/playbook.h"
#include "engine/sys/host_names.h"

namespace gameday {

struct PlainHttp {
  SocketAddress address;
  std::string authority;  // "127.0.0.1:8080"
};
// Where all requests of that pattern go. Nothing: its server has a name or wants TLS, or the
// pattern asks for what libcurl does better (a user in the URL, `..` in the path, headers that
// frame).
[[nodiscard]] std::optional<PlainHttp> plain_http(const LoadRequest& pattern);

// What both ways of sending add where a request says nothing of it: "" where there is no body.
[[nodiscard]] std::string_view content_type_of(const TransportRequest& request);
// Whether it has a body, which may be empty.
[[nodiscard]] bool has_body(const TransportRequest& request);
// Whatever an answer with that status means.
[[nodiscard]] SampleOutcome outcome_of(int status);

// Nothing: with what was filled in, it is no request any more.
[[nodiscard]] std::optional<std::string> written_out(const TransportRequest& request,
                                                     const PlainHttp& to);

}  // namespace gameday
