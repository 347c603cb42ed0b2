// The values that stand in one YAML scalar, read by their field's type.
#pragma once

#include <optional>

#include "engine/playbook/decode.h"

namespace gameday {

// Nothing, with a problem, if the text is none of that type. For types of one scalar only.
[[nodiscard]] std::optional<Json> decode_scalar(const Field& field, const Node& node,
                                                std::string_view where, const Decoding& decoding);

// A decimal integer without sign plus or leading zeros that fits 64 bits.
[[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace gameday
