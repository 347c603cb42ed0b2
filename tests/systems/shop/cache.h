// Orders that were read a moment ago, in Redis. A cache that does not answer is an empty one.
#pragma once

#include <hiredis/hiredis.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/program.h"

namespace shop {

class Cache {
 public:
  // `--cache HOST`, or `off`; the password is REDIS_PASSWORD of the environment.
  Cache(const Options& options, Metrics& metrics);

  std::optional<std::string> get(const std::string& key);
  void put(const std::string& key, const std::string& body);

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  struct FreeReply {
    void operator()(void* reply) const { freeReplyObject(reply); }
  };
  using Context = std::unique_ptr<redisContext, Free>;
  using Reply = std::unique_ptr<redisReply, FreeReply>;

  Context connect() const;
  Reply ask(const std::vector<std::string>& words);
  static Reply command(redisContext& context, const std::vector<std::string>& words);

  std::string host_;
  int port_;
  std::string seconds_;
  std::string password_;
  Metrics& metrics_;
  std::atomic<std::chrono::steady_clock::rep> avoid_until_ = 0;
  std::mutex mutex_;
  std::vector<Context> idle_;
};

}  // namespace shop
