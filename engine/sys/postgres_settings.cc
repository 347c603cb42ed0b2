// What a playbook and libpq say about a connection, before there is one.
#include <libpq-fe.h>

#include <charconv>

#include "engine/base/text.h"
#include "engine/sys/postgres.h"

namespace gameday {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

// References may hold what a URI gives a meaning to ("${file:/run/secret}"), so that libpq is shown
// letters in their place.
struct Hidden {
  std::string text;
  std::vector<std::string> references;
};

constexpr std::string_view kStandIn = "gamedayreference";

std::string stand_in(std::size_t number) {
  return std::string(kStandIn) + std::to_string(number) + "x";
}

Hidden without_references(std::string_view written) {
  Hidden hidden;
  while (!written.empty()) {
    const auto begin = written.find("${");
    const auto end = begin == std::string_view::npos ? begin : written.find('}', begin);
    hidden.text += written.substr(0, end == std::string_view::npos ? end : begin);
    if (end == std::string_view::npos) break;
    hidden.text += stand_in(hidden.references.size());
    hidden.references.emplace_back(written.substr(begin, end + 1 - begin));
    written.remove_prefix(end + 1);
  }
  return hidden;
}

std::string with_references(std::string text, const std::vector<std::string>& references) {
  for (std::size_t number = 0; number < references.size(); ++number) {
    const std::string name = stand_in(number);
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
      text.replace(at, name.size(), references[number]);
      at += references[number].size();
    }
  }
  return text;
}

std::string doubled(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) quoted += c == quote ? std::string(2, c) : std::string(1, c);
  return quoted + quote;
}

}  // namespace

Result<PostgresSettings> postgres_settings_of(std::string_view written) {
  const Hidden hidden = without_references(written);
  char* told = nullptr;
  const Options options(PQconninfoParse(hidden.text.c_str(), &told));
  const std::unique_ptr<char, decltype(&PQfreemem)> error(told, &PQfreemem);
  if (!options) {
    return fail(ErrorCode::invalid,
                "no connection to PostgreSQL can be read from it: " +
                    with_references(
                        told != nullptr ? std::string(trimmed(told)) : std::string("out of memory"),
                        hidden.references));
  }
  PostgresSettings settings;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    settings.emplace_back(option->keyword, with_references(option->val, hidden.references));
  }
  return settings;
}

std::string setting_of(const PostgresSettings& settings, std::string_view keyword) {
  for (const auto& [name, value] : settings) {
    if (name == keyword) return value;
  }
  return "";
}

void set_setting(PostgresSettings& settings, std::string_view keyword, std::string value) {
  std::erase_if(settings, [&](const auto& setting) { return setting.first == keyword; });
  if (!value.empty()) settings.emplace_back(keyword, std::move(value));
}

bool is_secret_setting(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

std::string conninfo_of(const PostgresSettings& settings) {
  std::string text;
  for (const auto& [keyword, value] : settings) {
    if (is_secret_setting(keyword)) continue;
    text += (text.empty() ? "" : " ") + keyword + "='";
    for (const char c : value)
      text += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
    text += "'";
  }
  return text;
}

std::string PostgresRows::text(std::size_t row, std::size_t column) const {
  if (row >= rows.size() || column >= rows[row].size()) return "";
  return rows[row][column].value_or("");
}

std::int64_t PostgresRows::integer(std::size_t row, std::size_t column) const {
  const std::string value = text(row, column);
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

bool PostgresRows::boolean(std::size_t row, std::size_t column) const {
  return text(row, column) == "t";
}

std::string sqlstate_in(std::string_view text) {
  constexpr std::string_view kBefore = "(SQLSTATE ";
  constexpr std::size_t kLetters = 5;
  const auto at = text.rfind(kBefore);
  return at == std::string_view::npos ? ""
                                      : std::string(text.substr(at + kBefore.size(), kLetters));
}

std::string postgres_name(std::string_view name) { return doubled(name, '"'); }

// With a backslash in it, the other form: what it means there is no setting's to say.
std::string postgres_literal(std::string_view text) {
  if (!text.contains('\\')) return doubled(text, '\'');
  std::string escaped;
  for (const char c : text) escaped += c == '\\' ? std::string(2, c) : std::string(1, c);
  return " E" + doubled(escaped, '\'');
}

}  // namespace gameday
