// Whether a text holds what looks like a secret: a private key, a token of a known form, a password
// in a URL. It knows forms, not values: what it does not know it does not find.
#pragma once

#include <string_view>

namespace gameday {

[[nodiscard]] bool looks_secret(std::string_view text);

}  // namespace gameday
