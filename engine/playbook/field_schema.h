// The JSON Schema of fields, by their rows. What a whole playbook is made of stands in schema.cc.
#pragma once

#include <span>
#include <string_view>

#include "engine/base/json.h"
#include "engine/playbook/field.h"

namespace gameday {

// A mapping of these fields and no other.
[[nodiscard]] Json schema_of(std::span<const Field> fields);

// The same, or a value that stands for the field named `scalar`.
[[nodiscard]] Json short_schema_of(std::span<const Field> fields, std::string_view scalar);

[[nodiscard]] Json schema_of(const Field& field);

// Adds the fields of `more` to the mapping `schema`.
void add_fields(Json& schema, std::span<const Field> more);

// A mapping from names to `value`.
[[nodiscard]] Json names_schema(Json value);

}  // namespace gameday
