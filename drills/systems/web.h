// How a web server is asked, as far as several probes share it: headers that a playbook gives, and
// why no answer came.
#pragma once

#include <string>

#include "engine/rows.h"

namespace gameday {

// Adds the headers to `request`, their secrets revealed.
[[nodiscard]] Status add_headers(const Json& headers, const Secrets& secrets, HttpRequest& request);

// Why no answer came, without the URL, which may hold a secret by now.
[[nodiscard]] std::string cause_of(const Error& error);

}  // namespace gameday
