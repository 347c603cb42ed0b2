// The names in braces that a playbook's URLs may hold: {front} is a target's http address and is
// filled in when the playbook is read; {key} and its kind stay until a request is made.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/playbook/decode.h"

namespace gameday {

// The names that the load engine fills in, request by request; no target may bear one.
[[nodiscard]] std::span<const std::string_view> request_names();

// `written` with the targets' addresses in it; an error for an unknown name, with the nearest one,
// and for what is no http or https URL. "{{" stays for whoever fills in the rest.
[[nodiscard]] Result<std::string> filled_url(std::string_view written, const Vocabulary& names);

}  // namespace gameday
