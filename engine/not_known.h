// Whether something will work that cannot be known before it is done: an error like others to
// whoever asks, and no reason not to begin.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

inline constexpr std::string_view kFoundOut = "it is found out when it is done";

[[nodiscard]] inline Error not_known(std::string text) {
  return {ErrorCode::unsupported, std::move(text), std::string(kFoundOut)};
}
[[nodiscard]] inline bool is_not_known(const Error& error) {
  return error.code == ErrorCode::unsupported && error.hint == kFoundOut;
}

}  // namespace gameday
