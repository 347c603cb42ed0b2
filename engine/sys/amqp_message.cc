// A message's properties as they stand on the wire, and tables.
#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/sys/amqp.h"
#include "engine/sys/amqp_table.h"

namespace gameday {
namespace {

amqp_bytes_t kept(std::string_view text, const AmqpPool& pool) {
  amqp_bytes_t bytes{};
  amqp_pool_alloc_bytes(pool.get(), text.size(), &bytes);
  if (!text.empty()) std::memcpy(bytes.bytes, text.data(), text.size());
  return bytes;
}

template <class Item>
Item* items_in(const AmqpPool& pool, std::size_t count) {
  return static_cast<Item*>(
      amqp_pool_alloc(pool.get(), std::max<std::size_t>(count, 1) * sizeof(Item)));
}

amqp_field_value_t value_of(const Json& value, const AmqpPool& pool) {
  amqp_field_value_t field{};
  field.kind = AMQP_FIELD_KIND_VOID;
  if (value.is_boolean()) {
    field.kind = AMQP_FIELD_KIND_BOOLEAN;
    field.value.boolean = value.boolean() ? 1 : 0;
  } else if (value.is_integer()) {
    field.kind = AMQP_FIELD_KIND_I64;
    field.value.i64 = value.integer();
  } else if (value.is_number()) {
    field.kind = AMQP_FIELD_KIND_F64;
    field.value.f64 = value.number();
  } else if (value.is_text()) {
    field.kind = AMQP_FIELD_KIND_UTF8;
    field.value.bytes = kept(value.text(), pool);
  } else if (value.is_object()) {
    field.kind = AMQP_FIELD_KIND_TABLE;
    fill_amqp_table(value, pool, field.value.table);
  } else if (value.is_array()) {
    field.kind = AMQP_FIELD_KIND_ARRAY;
    field.value.array.num_entries = static_cast<int>(value.items().size());
    field.value.array.entries = items_in<amqp_field_value_t>(pool, value.items().size());
    auto* next = field.value.array.entries;
    for (const Json& item : value.items()) *next++ = value_of(item, pool);
  }
  return field;
}

std::span<const amqp_table_entry_t> headers_in(const amqp_basic_properties_t& properties) {
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return {};
  return {properties.headers.entries, static_cast<std::size_t>(properties.headers.num_entries)};
}

Result<std::string> encoded(amqp_basic_properties_t& properties) {
  constexpr std::size_t kLargest = 128 << 10;  // of one frame
  std::string written(kLargest, '\0');
  const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &properties,
                                          amqp_bytes_t{written.size(), written.data()});
  if (size < 0) return fail(ErrorCode::invalid, "a message's properties are too large");
  written.resize(static_cast<std::size_t>(size));
  return written;
}

// A copy: what the pool holds goes with it.
std::optional<std::pair<bool, std::string>> header_in(const std::string& properties,
                                                      const std::string& name) {
  const AmqpPool pool;
  const auto all = decoded_properties(properties, pool);
  if (!all) return std::nullopt;
  for (const auto& entry : headers_in(**all)) {
    if (text_of(entry.key) != name) continue;
    const bool text = entry.value.kind == AMQP_FIELD_KIND_UTF8;
    return std::pair{text, text ? std::string(text_of(entry.value.value.bytes)) : ""};
  }
  return std::nullopt;
}

}  // namespace

AmqpPool::AmqpPool()
    : pool_(new amqp_pool_t, [](amqp_pool_t* pool) {
        empty_amqp_pool(pool);
        delete pool;
      }) {
  constexpr std::size_t kPage = 4096;
  init_amqp_pool(pool_.get(), kPage);
}

amqp_bytes_t amqp_bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string_view text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

Result<const amqp_basic_properties_t*> decoded_properties(const std::string& properties,
                                                          const AmqpPool& pool) {
  static constexpr amqp_basic_properties_t kNone{};
  if (properties.empty()) return &kNone;
  void* read = nullptr;
  const auto bytes = amqp_bytes_of(properties);
  if (amqp_decode_properties(AMQP_BASIC_CLASS, pool.get(), bytes, &read) < 0) {
    return fail(ErrorCode::corrupt, "these are no properties of a message");
  }
  return static_cast<const amqp_basic_properties_t*>(read);
}

void fill_amqp_table(const Json& object, const AmqpPool& pool, amqp_table_t_& table) {
  GD_ASSERT(object.is_object());
  table.num_entries = static_cast<int>(object.members().size());
  table.entries = items_in<amqp_table_entry_t>(pool, object.members().size());
  auto* next = table.entries;
  for (const auto& [name, value] : object.members()) {
    *next++ = {kept(name, pool), value_of(value, pool)};
  }
}

Result<std::string> edited_properties(const std::string& properties, const AmqpEdit& edit) {
  const AmqpPool pool;
  TRY(read, decoded_properties(properties, pool));
  amqp_basic_properties_t all = *read;
  if (edit.persistent) {
    constexpr std::uint8_t kPersistent = 2;
    all.delivery_mode = kPersistent;
    all._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  }
  if (edit.without_user) all._flags &= ~static_cast<amqp_flags_t>(AMQP_BASIC_USER_ID_FLAG);
  const auto is_set = [&](std::string_view name) {
    return std::ranges::any_of(edit.headers, [&](const auto& set) { return set.first == name; });
  };
  std::vector<amqp_table_entry_t> headers;
  for (const auto& entry : headers_in(all)) {
    const auto name = text_of(entry.key);
    if (is_set(name) || std::ranges::find(edit.without, name) != edit.without.end()) continue;
    headers.push_back(entry);
  }
  for (const auto& [name, text] : edit.headers) {
    amqp_table_entry_t entry{};
    entry.key = amqp_bytes_of(name);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_bytes_of(text);
    headers.push_back(entry);
  }
  all.headers = {static_cast<int>(headers.size()), headers.data()};
  if (!headers.empty()) all._flags |= AMQP_BASIC_HEADERS_FLAG;
  return encoded(all);
}

std::optional<std::string> text_header(const std::string& properties, const std::string& name) {
  auto found = header_in(properties, name);
  if (!found || !found->first) return std::nullopt;
  return std::move(found->second);
}

bool has_header(const std::string& properties, const std::string& name) {
  return header_in(properties, name).has_value();
}

std::string user_in(const std::string& properties) {
  const AmqpPool pool;
  const auto all = decoded_properties(properties, pool);
  if (!all || ((*all)->_flags & AMQP_BASIC_USER_ID_FLAG) == 0) return "";
  return std::string(text_of((*all)->user_id));
}

}  // namespace gameday
