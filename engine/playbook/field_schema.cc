#include "engine/playbook/field_schema.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/playbook/bounds.h"
#include "engine/playbook/scalar.h"

namespace gameday {
namespace {

// A value may come from --var or a secret, whatever its type.
constexpr std::string_view kVariable = "\\$\\{[^}]+\\}";

// As all numbers: without a zero in front.
constexpr std::string_view kNumber = "(0|[1-9][0-9]*)(\\.[0-9]+)?";

Json text_schema() {
  // An unquoted 7 or true is a text too, where a text is read.
  return Json::object({{"type", Json(Json::Array{"string", "number", "boolean"})}});
}

Json pattern(std::string_view form) {
  const auto all = "^(" + std::string(form) + ")$|" + std::string(kVariable);
  return Json::object({{"type", "string"}, {"pattern", all}});
}

constexpr std::string_view kDurationUnits = "(ns|us|ms|s|m|h|d)";

std::string quantity_in(std::string_view units) {
  return std::string(kNumber) + std::string(units);
}
Json quantity(std::string_view units) { return pattern(quantity_in(units)); }

Json any_of(Json first, Json second) {
  return Json::object({{"anyOf", Json(Json::Array{std::move(first), std::move(second)})}});
}

Json variable_or(Json schema) {
  auto variable = Json::object({{"type", "string"}, {"pattern", std::string(kVariable)}});
  return any_of(std::move(schema), std::move(variable));
}

Json integer_schema(const Field& field) {
  Json schema = Json::object({{"type", "integer"}});
  schema.set("minimum", static_cast<std::int64_t>(field.least));
  if (field.most > 0) schema.set("maximum", static_cast<std::int64_t>(field.most));
  return variable_or(std::move(schema));
}

Json choice_schema(const Field& field) {
  Json choices = Json::array();
  for (const auto choice : field.choices) {
    choices.push(choice);
    if (const auto number = whole_number(choice)) choices.push(*number);
  }
  return variable_or(Json::object({{"enum", std::move(choices)}}));
}

Json list_schema(const Field& field, Json item) {
  Json schema = Json::object({{"type", "array"}, {"items", std::move(item)}});
  if (field.required) schema.set("minItems", 1);
  return schema;
}

Json typed_schema(const Field& field) {
  switch (field.type) {
    case FieldType::boolean: return variable_or(Json::object({{"type", "boolean"}}));
    case FieldType::integer: return integer_schema(field);
    case FieldType::duration: return quantity(kDurationUnits);
    case FieldType::durations: {
      const std::string one = quantity_in(kDurationUnits);
      return pattern(one + "(\\.\\." + one + ")?");
    }
    case FieldType::rate: return quantity("/(s|m|h)");
    case FieldType::size: return quantity("(B|kB|MB|GB|KiB|MiB|GiB)");
    case FieldType::percent: return quantity("%");
    case FieldType::url: return pattern("(https?://|\\{).+");
    case FieldType::path: return pattern("[\\s\\S]+");
    case FieldType::address: return pattern("\\S+:[1-9][0-9]*");
    case FieldType::choice: return choice_schema(field);
    case FieldType::texts:
    case FieldType::probes:
    case FieldType::loads: return list_schema(field, text_schema());
    case FieldType::json: return Json::object();
    case FieldType::group: return short_schema_of(field.fields, field.scalar);
    case FieldType::groups: return list_schema(field, short_schema_of(field.fields, field.scalar));
    default: return text_schema();
  }
}

std::string described(const Field& field) {
  std::string text(field.help);
  const auto bounds = bounds_in_words(field);
  if (!bounds.empty()) text += " Bounds: " + bounds + ".";
  return text;
}

}  // namespace

Json schema_of(const Field& field) {
  Json schema = typed_schema(field);
  if (const auto text = described(field); !text.empty()) schema.set("description", text);
  const bool shown_default = !field.otherwise.empty() && field.type != FieldType::group;
  if (shown_default) {
    const auto number = whole_number(field.otherwise);
    schema.set("default", number ? Json(*number) : Json(field.otherwise));
  }
  return schema;
}

void add_fields(Json& schema, std::span<const Field> more) {
  Json properties = schema.get("properties");
  Json required = schema.get("required");
  for (const auto& field : more) {
    properties.set(field.name, schema_of(field));
    if (field.required) required.push(field.name);
  }
  schema.set("properties", std::move(properties));
  if (required.is_array()) schema.set("required", std::move(required));
}

Json schema_of(std::span<const Field> fields) {
  Json schema = Json::object(
      {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}});
  add_fields(schema, fields);
  return schema;
}

Json short_schema_of(std::span<const Field> fields, std::string_view scalar) {
  Json mapping = schema_of(fields);
  if (scalar.empty()) return mapping;
  const auto field = std::ranges::find(fields, scalar, &Field::name);
  GD_ASSERT(field != fields.end());
  return any_of(schema_of(*field), std::move(mapping));
}

Json names_schema(Json value) {
  constexpr std::string_view kName = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
  return Json::object({{"type", "object"},
                       {"propertyNames", Json::object({{"pattern", std::string(kName)}})},
                       {"additionalProperties", std::move(value)}});
}

}  // namespace gameday
