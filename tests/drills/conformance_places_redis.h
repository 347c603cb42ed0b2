// A Redis server for the conformance suite; its cases are named OnRedis.
#pragma once

#include <string>

#include "tests/drills/conformance_place.h"
#include "tests/drills/redis_process.h"

namespace gameday {

class RedisServerPlace : public TargetPlace {
 public:
  explicit RedisServerPlace(DeedWorld& world) : redis_(world.file("redis")) { redis_.fill(); }
  ~RedisServerPlace() override { redis_.signal(SIGCONT); }
  std::string redis() const override { return redis_.facet().dump(); }
  std::string seen() override { return redis_.run_id() + redis_.content(); }
  std::string content() override { return redis_.content(); }
  // Who stands still accepts through its backlog, and never answers.
  void fall_silent() override { redis_.signal(SIGSTOP); }

 private:
  RedisProcess redis_;
};

}  // namespace gameday
