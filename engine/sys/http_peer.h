// The door to HTTP at one peer that is reached in a way of its own: over a Unix socket, or by
// certificates that are not the machine's.
#pragma once

#include <memory>
#include <string>

#include "engine/sys/http.h"

namespace gameday {

struct HttpPeer {
  std::string socket = {};  // a Unix socket's path, connected to in place of any URL's host
  // PEM files, for https.
  std::string authorities = {};  // whose word on the server counts; empty: the machine's own
  std::string certificate = {};  // what we show, with its key; empty: nothing
  std::string key = {};
  bool verify = true;  // false: whoever answers is taken for the server
};

// Beside what `send` says: not_found and refused for a socket that is not there, or not ours to
// open.
[[nodiscard]] std::unique_ptr<Http> make_curl_http(const Clock& clock, WriteObserver observer,
                                                   HttpPeer peer);

}  // namespace gameday
