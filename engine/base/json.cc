#include "engine/base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/assert.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

void append_number(double value, std::string& out) {
  GD_ASSERT(std::isfinite(value));
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
  out += digits;
  // A reader must see that it is a measurement and no count.
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_quoted(std::string_view raw, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto plain = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
  };
  out += '"';
  while (!raw.empty()) {
    // Whole runs at once: a journal's lines are written and compared by the million.
    const auto run = std::ranges::find_if_not(raw, plain) - raw.begin();
    out += raw.substr(0, static_cast<std::size_t>(run));
    raw.remove_prefix(static_cast<std::size_t>(run));
    if (raw.empty()) break;
    const char c = raw.front();
    raw.remove_prefix(1);
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out += '"';
}

void append_text(std::string_view raw, std::string& out) {
  if (is_utf8(raw)) return append_quoted(raw, out);
  append_quoted(valid_utf8(raw), out);
}

struct Style {
  bool pretty = false;
  int depth = 0;
};

void new_line(const Style& style, std::string& out) {
  if (!style.pretty) return;
  out += '\n';
  out.append(static_cast<std::size_t>(style.depth) * 2, ' ');
}

void append(const Json& value, Style style, std::string& out);

void append_items(const Json::Array& items, Style style, std::string& out) {
  out += '[';
  const Style inner{style.pretty, style.depth + 1};
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    new_line(inner, out);
    append(items[i], inner, out);
  }
  if (!items.empty()) new_line(style, out);
  out += ']';
}

void append_members(const Json::Object& members, Style style, std::string& out) {
  out += '{';
  const Style inner{style.pretty, style.depth + 1};
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    new_line(inner, out);
    append_quoted(members[i].first, out);
    out += style.pretty ? ": " : ":";
    append(members[i].second, inner, out);
  }
  if (!members.empty()) new_line(style, out);
  out += '}';
}

void append(const Json& value, Style style, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_boolean()) {
    out += value.boolean() ? "true" : "false";
  } else if (value.is_integer()) {
    out += std::to_string(value.integer());
  } else if (value.is_number()) {
    append_number(value.number(), out);
  } else if (value.is_text()) {
    append_text(value.text(), out);
  } else if (value.is_array()) {
    append_items(value.items(), style, out);
  } else {
    append_members(value.members(), style, out);
  }
}

// One token of a pointer, with ~1 and ~0 undone.
std::string pointer_token(std::string_view raw) {
  std::string token;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '~' && i + 1 < raw.size()) {
      token += raw[++i] == '1' ? '/' : '~';
    } else {
      token += raw[i];
    }
  }
  return token;
}

const Json* step_into(const Json& value, const std::string& token) {
  if (!value.is_array()) return value.find(token);
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto read = std::from_chars(token.data(), end, index);
  if (read.ec != std::errc() || read.ptr != end || index >= value.items().size()) return nullptr;
  return &value.items()[index];
}

const Json kNull;
const Json::Array kNoItems;

}  // namespace

Json Json::object(std::initializer_list<Member> members) {
  Json made;
  made.value_ = Object(members);
  return made;
}

bool Json::boolean() const {
  GD_ASSERT(is_boolean());
  return std::get<bool>(value_);
}

std::int64_t Json::integer() const {
  GD_ASSERT(is_integer());
  return std::get<std::int64_t>(value_);
}

double Json::number() const {
  GD_ASSERT(is_number());
  return is_integer() ? static_cast<double>(integer()) : std::get<double>(value_);
}

const std::string& Json::text() const {
  GD_ASSERT(is_text());
  return std::get<std::string>(value_);
}

const Json::Array& Json::items() const {
  GD_ASSERT(is_array());
  return std::get<Array>(value_);
}

const Json::Object& Json::members() const {
  GD_ASSERT(is_object());
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view name) const {
  if (!is_object()) return nullptr;
  for (const auto& [key, value] : std::get<Object>(value_)) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Json& Json::get(std::string_view name) const {
  const Json* found = find(name);
  return found != nullptr ? *found : kNull;
}

bool Json::boolean(std::string_view name, bool otherwise) const {
  const Json& value = get(name);
  return value.is_boolean() ? value.boolean() : otherwise;
}

std::int64_t Json::integer(std::string_view name, std::int64_t otherwise) const {
  const Json& value = get(name);
  return value.is_integer() ? value.integer() : otherwise;
}

double Json::number(std::string_view name, double otherwise) const {
  const Json& value = get(name);
  return value.is_number() ? value.number() : otherwise;
}

std::string Json::text(std::string_view name, std::string_view otherwise) const {
  const Json& value = get(name);
  return value.is_text() ? value.text() : std::string(otherwise);
}

const Json::Array& Json::items(std::string_view name) const {
  const Json& value = get(name);
  return value.is_array() ? value.items() : kNoItems;
}

const Json* Json::at_pointer(std::string_view pointer) const {
  const Json* here = this;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    here = step_into(*here, pointer_token(pointer.substr(0, end)));
    if (here == nullptr) return nullptr;
    pointer.remove_prefix(end);
  }
  return here;
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) value_ = Object{};
  GD_ASSERT(is_object());
  for (auto& [key, old] : std::get<Object>(value_)) {
    if (key == name) {
      old = std::move(value);
      return *this;
    }
  }
  std::get<Object>(value_).emplace_back(std::string(name), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  GD_ASSERT(is_array());
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

void Json::erase(std::string_view name) {
  if (!is_object()) return;
  std::erase_if(std::get<Object>(value_), [&](const Member& m) { return m.first == name; });
}

Json Json::take(std::string_view name) {
  if (!is_object()) return {};
  auto& members = std::get<Object>(value_);
  const auto found = std::ranges::find(members, name, &Member::first);
  return found == members.end() ? Json() : std::exchange(found->second, Json());
}

std::string Json::dump() const {
  std::string out;
  append(*this, {}, out);
  return out;
}

std::string Json::pretty() const {
  std::string out;
  append(*this, {.pretty = true, .depth = 0}, out);
  out += '\n';
  return out;
}

std::string json_text(std::string_view text) {
  std::string out;
  append_text(text, out);
  return out;
}

}  // namespace gameday
