#include "cache.h"

#include <cstdlib>

namespace shop {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Cache::Cache(const Options& options, Metrics& metrics)
    : host_(options.text("cache", "off")),
      port_(options.number("cache-port", 6379)),
      seconds_(options.text("cache-seconds", "2")),
      metrics_(metrics) {
  const char* password = std::getenv("REDIS_PASSWORD");
  if (password != nullptr) password_ = password;
}

std::optional<std::string> Cache::get(const std::string& key) {
  const auto reply = ask({"GET", "order:" + key});
  const bool hit = reply && reply->type == REDIS_REPLY_STRING;
  metrics_.add("shop_cache_total", hit ? "{result=\"hit\"}" : "{result=\"miss\"}");
  if (!hit) return std::nullopt;
  return std::string(reply->str, reply->len);
}

void Cache::put(const std::string& key, const std::string& body) {
  ask({"SET", "order:" + key, body, "EX", seconds_});
}

Cache::Context Cache::connect() const {
  const timeval patience{0, 50'000};
  Context context(redisConnectWithTimeout(host_.c_str(), port_, patience));
  if (!context || context->err != 0) return nullptr;
  redisSetTimeout(context.get(), patience);
  if (password_.empty()) return context;
  const auto reply = command(*context, {"AUTH", password_});
  return reply && reply->type != REDIS_REPLY_ERROR ? std::move(context) : nullptr;
}

Cache::Reply Cache::command(redisContext& context, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  return Reply(static_cast<redisReply*>(
      redisCommandArgv(&context, static_cast<int>(words.size()), texts.data(), sizes.data())));
}

// After a failure nobody asks for a while, so that a dead cache does not slow every request.
Cache::Reply Cache::ask(const std::vector<std::string>& words) {
  if (host_ == "off" || Clock::now().time_since_epoch().count() < avoid_until_) return nullptr;
  Context context;
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      context = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!context) context = connect();
  Reply reply = context ? command(*context, words) : nullptr;
  const std::scoped_lock lock(mutex_);
  if (reply) {
    idle_.push_back(std::move(context));
  } else {
    idle_.clear();
    avoid_until_ = (Clock::now() + 1s).time_since_epoch().count();
  }
  return reply;
}

}  // namespace shop
