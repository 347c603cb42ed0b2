#include "drills/systems/container_limits.h"

#include <algorithm>

#include "drills/systems/waiting.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr double kNano = 1e9;
constexpr std::int64_t kPeriodUs = 100000;  // the kernel's, where nobody has said another one
// What the kernel takes for no limit: all that its counters of pages can hold.
constexpr std::int64_t kNoLimit = 9223372036854771712;

std::string path_of(const HeldContainer& held, const std::string& what) {
  return "/containers/" + held.id + "/" + what;
}

Status update(const HeldContainer& held, const Json& body, const DockerEngine& engine,
              const DeedContext& context) {
  const auto set = engine.post(path_of(held, "update"), body, context);
  return set ? Status() : std::unexpected(set.error().in("the limits of " + shown(held)));
}

// In version 2, swap is counted by itself, and the engine takes the one from the other: as much for
// each is more than any machine has.
Result<std::int64_t> most_memory(const DockerEngine& engine, const DeedContext& context) {
  TRY(info, engine.get("/info", context));
  return info.text("CgroupVersion") == "2" ? kNoLimit / 2 : kNoLimit;
}

}  // namespace

ContainerLimits limits_of(const Container& container) {
  const Json& host = container.all.get("HostConfig");
  return {.nano_cpus = host.integer("NanoCpus", 0),
          .quota_us = host.integer("CpuQuota", 0),
          .period_us = host.integer("CpuPeriod", 0),
          .memory = host.integer("Memory", 0),
          .swap = host.integer("MemorySwap", 0),
          .reserved = host.integer("MemoryReservation", 0)};
}

Json to_json(const ContainerLimits& limits) {
  return Json::object({{"nano_cpus", limits.nano_cpus},
                       {"quota_us", limits.quota_us},
                       {"period_us", limits.period_us},
                       {"memory", limits.memory},
                       {"swap", limits.swap},
                       {"reserved", limits.reserved}});
}

ContainerLimits container_limits_from(const Json& value) {
  return {.nano_cpus = value.integer("nano_cpus", 0),
          .quota_us = value.integer("quota_us", 0),
          .period_us = value.integer("period_us", 0),
          .memory = value.integer("memory", 0),
          .swap = value.integer("swap", 0),
          .reserved = value.integer("reserved", 0)};
}

ContainerLimits with_cores(ContainerLimits limits, double cores) {
  if (limits.nano_cpus > 0) {
    limits.nano_cpus = static_cast<std::int64_t>(cores * kNano);
    return limits;
  }
  const auto period = limits.period_us > 0 ? limits.period_us : kPeriodUs;
  limits.quota_us = static_cast<std::int64_t>(cores * static_cast<double>(period));
  return limits;
}

double cores_of(const ContainerLimits& limits) {
  if (limits.nano_cpus > 0) return static_cast<double>(limits.nano_cpus) / kNano;
  if (limits.quota_us <= 0) return 0;
  const auto period = limits.period_us > 0 ? limits.period_us : kPeriodUs;
  return static_cast<double>(limits.quota_us) / static_cast<double>(period);
}

ContainerLimits with_memory(ContainerLimits limits, std::int64_t bytes) {
  limits.memory = bytes;
  limits.swap = bytes;
  return limits;
}

// 0 is what an engine leaves as it is; a quota of -1 is none.
Status set_cores(const HeldContainer& held, const ContainerLimits& limits,
                 const DockerEngine& engine, const DeedContext& context) {
  Json body = Json::object();
  if (limits.nano_cpus > 0) {
    body.set("NanoCpus", limits.nano_cpus);
  } else {
    body.set("CpuQuota", limits.quota_us > 0 ? limits.quota_us : -1);
  }
  return update(held, body, engine, context);
}

// No limit of both together can be set in the same go as one of memory, which is then higher than
// what both still have.
Status set_memory(const HeldContainer& held, const ContainerLimits& limits,
                  const DockerEngine& engine, const DeedContext& context) {
  TRY(most, most_memory(engine, context));
  const auto memory = limits.memory > 0 ? limits.memory : most;
  const auto both = limits.swap > 0 ? limits.swap : kNoLimit;
  TRY_OK(update(held, Json::object({{"Memory", memory}, {"MemorySwap", both}}), engine, context));
  if (limits.memory <= 0 || limits.swap >= 0) return {};
  return update(held, Json::object({{"Memory", memory}, {"MemorySwap", -1}}), engine, context);
}

// Version 1 counts the caches of those below under "total_", version 2 under the plain names.
Result<ContainerUse> use_of(const HeldContainer& held, const DockerEngine& engine,
                            const DeedContext& context) {
  TRY(told, engine.get(path_of(held, "stats?stream=false&one-shot=true"), context));
  const Json& processor = told.get("cpu_stats");
  const Json& throttling = processor.get("throttling_data");
  const Json& memory = told.get("memory_stats");
  const Json& parts = memory.get("stats");
  const auto part = [&](const std::string& name) {
    return parts.integer("total_" + name, parts.integer(name, 0));
  };
  const auto used = memory.integer("usage", 0);
  return ContainerUse{
      .cores_s = static_cast<double>(processor.get("cpu_usage").integer("total_usage", 0)) / kNano,
      .periods = throttling.integer("periods", 0),
      .throttled = throttling.integer("throttled_periods", 0),
      .memory = std::max<std::int64_t>(0, used - part("inactive_file") - part("active_file")),
      .limit = memory.integer("limit", 0)};
}

Result<std::string> time_of(const DockerEngine& engine, const DeedContext& context) {
  constexpr std::size_t kDigits = 9;
  TRY(info, engine.get("/info", context));
  const auto now = parse_rfc3339(info.text("SystemTime"));
  if (!now) return fail(ErrorCode::unsupported, engine.shown() + " does not tell the time");
  const auto whole = std::chrono::floor<std::chrono::seconds>(*now);
  const auto rest = std::to_string((*now - whole).count());
  return std::to_string(whole.time_since_epoch().count()) + "." +
         std::string(kDigits - std::min(kDigits, rest.size()), '0') + rest;
}

Result<std::int64_t> kills_since(const HeldContainer& held, const std::string& since,
                                 const DockerEngine& engine, const DeedContext& context) {
  TRY(now, time_of(engine, context));
  const Json filters = Json::object({{"container", Json(Json::Array{held.id})},
                                     {"event", Json(Json::Array{"oom"})},
                                     {"type", Json(Json::Array{"container"})}});
  TRY(events, engine.lines("/events?since=" + since + "&until=" + now +
                               "&filters=" + percent_encoded(filters.dump()),
                           context));
  return static_cast<std::int64_t>(events.size());
}

Status start_after_kill(const HeldContainer& held, const DockerEngine& engine,
                        const DeedContext& context) {
  auto now = look_at_container(engine, held.id, context);
  if (!now && now.error().code == ErrorCode::not_found) return {};
  if (!now) return std::unexpected(now.error());
  const bool killed = now->all.get("State").boolean("OOMKilled", false);
  if (now->runs || (!killed && now->state != "restarting")) return {};
  // One that its engine would start after a while is started now.
  const auto started = engine.post(path_of(held, "restart?t=0"), {}, context);
  if (!started) return std::unexpected(started.error().in(shown(held) + " does not start again"));
  return wait_until_it(
      [&]() -> Result<bool> {
        TRY(again, look_at_container(engine, held.id, context));
        return again.runs;
      },
      context);
}

}  // namespace gameday
