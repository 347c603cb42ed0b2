// The only place that includes the JSON library: it costs seconds in each unit that does.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/json.h"

namespace gameday {

// Builds a Json from the library's events, so that our limits hold while it reads, and members keep
// their order.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(std::int64_t value) override { return put(Json(static_cast<long>(value))); }
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return put(Json(static_cast<double>(value)));
    }
    return put(Json(static_cast<long>(value)));
  }
  bool number_float(double value, const std::string&) override { return put(Json(value)); }
  bool string(std::string& value) override { return put(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(std::string& name) override {
    const auto& members = std::get<Json::Object>(open_.back().value.value_);
    if (members.size() < kFew) {
      for (const auto& [known, value] : members) {
        if (known == name) return refuse_twice(name);
      }
    }
    open_.back().name = std::move(name);
    return true;
  }
  bool end_object() override {
    const auto& members = std::get<Json::Object>(open_.back().value.value_);
    if (members.size() <= kFew) return close();
    // Of many, all at once: to look through those before it for each would never end.
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& [name, value] : members) names.emplace_back(name);
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    return twice == names.end() ? close() : refuse_twice(*twice);
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    return refuse("not JSON at byte " + std::to_string(position));
  }

  std::string error;
  Json done;

 private:
  static constexpr std::size_t kDeepest = 64;
  static constexpr std::size_t kFew = 16;  // members that are quicker looked through
  struct Open {
    Json value;
    std::string name;
  };

  bool refuse(std::string why) {
    error = std::move(why);
    return false;
  }
  bool refuse_twice(std::string_view name) {
    return refuse("member " + json_text(name) + " stands twice");
  }
  bool open(Json value) {
    if (open_.size() >= kDeepest) return refuse("nested deeper than 64 levels");
    open_.push_back({std::move(value), ""});
    return true;
  }
  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(value));
  }
  bool put(Json value) {
    if (open_.empty()) {
      done = std::move(value);
      return true;
    }
    auto& [container, name] = open_.back();
    if (container.is_array()) {
      std::get<Json::Array>(container.value_).push_back(std::move(value));
    } else {
      constexpr std::size_t kUsual = 8;  // members; growing one by one copies each of them
      auto& members = std::get<Json::Object>(container.value_);
      if (members.size() == 1) members.reserve(kUsual);
      members.emplace_back(std::move(name), std::move(value));
    }
    return true;
  }

  std::vector<Open> open_;
};

Result<Json> Json::parse(std::string_view text) {
  JsonBuilder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return fail(ErrorCode::invalid, builder.error);
  }
  return std::move(builder.done);
}

}  // namespace gameday
