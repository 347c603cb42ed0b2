// A JSON value: what deeds, undos, events and results are made of. Objects keep the order in which
// members were put in, so that the same facts always give the same bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(long value) : value_(static_cast<std::int64_t>(value)) {}
  Json(long long value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : value_(std::int64_t{value}) {}
  Json(unsigned long value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(Array items) : value_(std::move(items)) {}

  [[nodiscard]] static Json array() { return Json(Array{}); }
  [[nodiscard]] static Json object(std::initializer_list<Member> members = {});

  [[nodiscard]] bool is_null() const { return value_.index() == 0; }
  [[nodiscard]] bool is_boolean() const { return value_.index() == 1; }
  [[nodiscard]] bool is_integer() const { return value_.index() == 2; }
  [[nodiscard]] bool is_number() const { return value_.index() == 2 || value_.index() == 3; }
  [[nodiscard]] bool is_text() const { return value_.index() == 4; }
  [[nodiscard]] bool is_array() const { return value_.index() == 5; }
  [[nodiscard]] bool is_object() const { return value_.index() == 6; }

  // The value as that type; a Defect if it is another one.
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] double number() const;  // of an integer too
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const Array& items() const;
  [[nodiscard]] const Object& members() const;

  // Reading what somebody else wrote: the member of that name and type, or the given default;
  // never a Defect, on a value that is no object either.
  [[nodiscard]] const Json* find(std::string_view name) const;
  [[nodiscard]] const Json& get(std::string_view name) const;  // a null where there is none
  [[nodiscard]] bool boolean(std::string_view name, bool otherwise) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] double number(std::string_view name, double otherwise) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
  [[nodiscard]] const Array& items(std::string_view name) const;  // empty where there is none
  [[nodiscard]] const Json* at_pointer(std::string_view pointer) const;  // RFC 6901; null: none

  Json& set(std::string_view name, Json value);  // adds or replaces; makes a null an object
  Json& push(Json value);                        // makes a null an array
  void erase(std::string_view name);
  [[nodiscard]] Json take(
      std::string_view name);  // moved out, as get() would say it; leaves a null

  // One line, UTF-8, members in their order; doubles in the shortest form that reads back equal.
  [[nodiscard]] std::string dump() const;
  [[nodiscard]] std::string pretty() const;  // indented by two, for files that people read
  // Duplicate member names, nesting over 64 levels and anything after the value are errors.
  [[nodiscard]] static Result<Json> parse(std::string_view text);

  bool operator==(const Json&) const = default;

 private:
  friend class JsonBuilder;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace gameday
