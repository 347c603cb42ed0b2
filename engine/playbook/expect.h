// What a good answer over HTTP is, in the words that a playbook has for it: the `expect` of a probe
// and of a load's requests.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/playbook/field.h"
#include "engine/rows.h"

namespace gameday {

// The rows of `expect`; without a `status`, that one is meant.
constexpr std::array<Field, 6> expect_fields(std::string_view usual_status,
                                             std::string_view status_help) {
  return {Field{.name = "status",
                .type = FieldType::json,
                .help = status_help,
                .otherwise = usual_status},
          Field{.name = "headers",
                .type = FieldType::json,
                .help = "A mapping of header to text that must stand in it."},
          Field{.name = "body_contains",
                .type = FieldType::text,
                .help = "Text that must stand in the answer's body."},
          Field{.name = "body_lacks",
                .type = FieldType::text,
                .help = "Text that must not stand in the answer's body."},
          Field{.name = "body_equals",
                .type = FieldType::text,
                .help = "What the answer's body must be, letter by letter."},
          Field{.name = "json",
                .type = FieldType::json,
                .help = "A mapping of JSON pointer to what stands there: a value, or a comparison "
                        "like \"> 5\"."}};
}

struct StatusRange {
  int first = 0, last = 0;
  [[nodiscard]] bool holds(int status) const { return first <= status && status <= last; }
};
// "200" or "2xx"; nothing for what is neither.
[[nodiscard]] std::optional<StatusRange> statuses_of(const std::string& form);
// The forms that `expect.status` has, one or a list of them; `usual` where it says nothing.
[[nodiscard]] std::vector<std::string> wanted_statuses(const Json& expect, std::string_view usual);

[[nodiscard]] bool looks_at_body(const Json& expect);

// What is wrong with a decoded `expect` of answers to that method; nothing is fine too. Its field
// begins with "expect.".
[[nodiscard]] std::optional<WrongField> wrong_expect(const Json& expect, std::string_view method);

// The same of a mapping of header to text, given under `field`.
[[nodiscard]] std::optional<WrongField> wrong_headers(const Json& headers,
                                                      const std::string& field);

}  // namespace gameday
