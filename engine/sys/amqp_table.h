// What the door to AMQP shares between its files: memory of the library's, tables and properties.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"

struct amqp_basic_properties_t_;
struct amqp_bytes_t_;
struct amqp_pool_t_;
struct amqp_table_t_;

namespace gameday {

// What the library makes lives in a pool, and goes with it.
class AmqpPool {
 public:
  AmqpPool();
  [[nodiscard]] amqp_pool_t_* get() const { return pool_.get(); }

 private:
  std::unique_ptr<amqp_pool_t_, void (*)(amqp_pool_t_*)> pool_;
};

// The library's view of a text that outlives it, and ours of the library's. It writes to none.
[[nodiscard]] amqp_bytes_t_ amqp_bytes_of(std::string_view text);
[[nodiscard]] std::string_view text_of(const amqp_bytes_t_& bytes);

// An object's members as a table whose memory is the pool's. The server compares numbers by value,
// whatever their width.
void fill_amqp_table(const Json& object, const AmqpPool& pool, amqp_table_t_& table);

// Points into `properties` and the pool.
[[nodiscard]] Result<const amqp_basic_properties_t_*> decoded_properties(
    const std::string& properties, const AmqpPool& pool);

}  // namespace gameday
