#include "drills/systems/redis.h"

#include <set>

#include "drills/systems/key_form.h"
#include "engine/load/load_client.h"
#include "engine/load/request_pattern.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "connection",
     .type = FieldType::target,
     .help = "A target with a `redis` facet.",
     .required = true},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many connections at most write at once, opened as they are needed; without it as "
             "many as a stall of `timeout` needs, 32 at most. What waits for one is late by our "
             "fault, and its second is marked.",
     .least = 1,
     .most = 500},
    {.name = "key",
     .help = "The key that is set for each write, to its digest; {key} in it begins with the "
             "drill's id, by which all are found again and removed.",
     .otherwise = "gameday:{key}"},
};

constexpr std::size_t kAtOnce = 500;

// Every key of that drill and load, as SCAN has it.
std::string pattern_of(const Undo& undo) {
  const auto plain = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (std::string_view("*?[]^-\\").contains(c)) out += '\\';
      out += c;
    }
    return out;
  };
  const KeyForm form = key_form(undo);
  return plain(form.begin(undo)) + "*" + plain(form.after);
}

bool keeps_ledger(const Json&) { return true; }

std::string shown(const Json& arguments) {
  return arguments.text("connection") + ": SET " + arguments.text("key");
}

std::optional<WrongField> check(const LoadSpec& spec, const System& system) {
  const std::string name = spec.arguments.text("connection");
  const Target* target = system.target(name);
  if (target == nullptr || target->facets.find("redis") == nullptr) {
    return WrongField{"connection", "no target with a `redis` facet is called " + name};
  }
  if (const auto wrong = wrong_key_form(spec.arguments.text("key")); !wrong.empty()) {
    return WrongField{"key", wrong};
  }
  if (const auto place = redis_place_of(*target); !place) {
    return WrongField{"connection", place.error().text};
  }
  return {};
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  const Target* target = context.system.target(spec.arguments.text("connection"));
  if (target == nullptr) return fail(ErrorCode::not_found, "its target is not there");
  TRY(place, redis_place_of(*target));
  return Undo{"load-redis", Json::object({{"load", spec.name},
                                          {"drill", context.drill},
                                          {"server", to_json(place)},
                                          {"key", spec.arguments.text("key")}})};
}

Result<Redis> open(const Undo& undo, const DeedContext& context) {
  TRY(place, redis_place_from(undo.arguments.get("server")));
  return open_redis(place, context);
}

Status may(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  TRY(server, look_at_redis(session));
  if (server.is_cluster) {
    return fail(ErrorCode::unsupported,
                shown(session.address()) + " is part of a cluster, whose keys lie on many servers");
  }
  const std::string key = key_form(undo).made(context.drill + "-nobody");
  const RedisCommand commands[] = {
      {"GET", key}, {"SET", key, "", "NX", "XX"}, {"SCAN", "0", "MATCH", "*", "COUNT", "1"}};
  TRY_OK(session.may(commands));
  TRY(there, session.say({"GET", key}));
  if (!there.is_nothing()) {
    return fail(ErrorCode::conflict, shown(session.address()) + " has a key " + key +
                                         ", by which gameday asks what it may do");
  }
  const RedisCommand removes[] = {{"DEL", key}};
  return session.may(removes);
}

class RedisClient : public LoadClient {
 public:
  RedisClient(Redis session, KeyForm form) : session_(std::move(session)), form_(std::move(form)) {}

  Written write(const WriteNames& names) override {
    const RedisCommand set{"SET", form_.made(names.key), names.digest};
    const auto replies = session_.change_all({&set, 1});
    if (!replies) return {SampleOutcome::unknown, false};
    // What the server has an error for it has not done.
    if (!replies->front().is_error()) return {SampleOutcome::ok};
    return {SampleOutcome::refused};
  }

 private:
  Redis session_;
  const KeyForm form_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  return std::make_unique<RedisClient>(std::move(session), key_form(undo));
}

// The keys of this drill and load that are there. SCAN may tell one more than once.
Result<std::set<std::string>> keys_of(const Undo& undo, Redis& session) {
  const std::string pattern = pattern_of(undo);
  const KeyForm form = key_form(undo);
  std::set<std::string> keys;
  std::string cursor = "0";
  do {
    TRY(told, session.ask({"SCAN", cursor, "MATCH", pattern, "COUNT", std::to_string(kAtOnce)}));
    if (told.items.size() != 2) return fail(ErrorCode::failed, "SCAN answers what it should not");
    cursor = told.items[0].text;
    for (const auto& key : told.items[1].items) {
      if (form.key_in(key.text, undo)) keys.insert(key.text);
    }
  } while (cursor != "0");
  return keys;
}

class RedisRows : public LedgerReader {
 public:
  RedisRows(Redis session, const Undo& undo)
      : session_(std::move(session)), undo_(undo), form_(key_form(undo)) {}

  bool lists() const override { return true; }
  bool reads() const override { return true; }

  Result<std::vector<ReadRow>> list() override {
    TRY(keys, keys_of(undo_, session_));
    std::vector<ReadRow> rows;
    for (const auto& key : keys) rows.push_back({form_.key_in(key, undo_).value_or(""), ""});
    for (std::size_t at = 0; at < rows.size(); at += kAtOnce) {
      std::vector<RedisCommand> commands;
      const std::size_t end = std::min(rows.size(), at + kAtOnce);
      for (std::size_t i = at; i < end; ++i) commands.push_back({"GET", form_.made(rows[i].key)});
      TRY(values, session_.say_all(commands));
      for (std::size_t i = at; i < end; ++i) rows[i].digest = values[i - at].text;
    }
    return rows;
  }

  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    TRY(value, session_.ask({"GET", form_.made(names.key)}));
    if (value.is_nothing()) return std::vector<std::string>{};
    return std::vector{value.text};
  }

 private:
  Redis session_;
  const Undo undo_;
  const KeyForm form_;
};

Result<std::unique_ptr<LedgerReader>> reader(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  return std::make_unique<RedisRows>(std::move(session), undo);
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  TRY(keys, keys_of(undo, session));
  while (!keys.empty()) {
    RedisCommand remove{"DEL"};
    while (remove.size() <= kAtOnce && !keys.empty()) {
      remove.push_back(std::move(keys.extract(keys.begin()).value()));
    }
    TRY(removed, session.change(remove));
  }
  return {};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(session, open(undo, context));
  TRY(keys, keys_of(undo, session));
  return Proof{keys.empty(), std::to_string(keys.size()) + " keys of this drill are there", {}};
}

}  // namespace

extern const LoadRow redis_load;
const LoadRow redis_load{
    .name = "redis",
    .summary =
        "Sets keys of its own in a Redis server; what is acknowledged is in its memory, and is "
        "read back from there.",
    .fields = kFields,
    .rights = "INFO and SCAN; SET, GET and DEL, on keys that begin so",
    .example = "sessions: { rate: 100/s, redis: { connection: cache, key: \"session:{key}\" } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
