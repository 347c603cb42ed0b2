#include "drills/systems/rabbitmq.h"

#include "drills/systems/web.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

Result<AmqpAddress> address_of(const RabbitQueue& queue, const Secrets& secrets) {
  TRY(address, amqp_address_of(queue.url));
  for (std::string* part : {&address.host, &address.vhost, &address.user, &address.password}) {
    TRY(revealed, secrets.reveal(*part));
    *part = revealed;
  }
  address.ca = queue.ca;
  return address;
}

// As a request's line has them: the vhost's name may hold anything.
std::string with_vhost(std::string path, const std::string& vhost) {
  if (const auto at = path.find(kVhost); at != std::string::npos) {
    path.replace(at, kVhost.size(), percent_encoded(vhost));
  }
  return path;
}

// The same as the user that the management API is asked as.
Result<AmqpAddress> address_of_manager(const RabbitQueue& queue, const Secrets& secrets) {
  TRY(address, address_of(queue, secrets));
  TRY(own, user_of_url(queue.management));
  if (!own.given) return address;
  TRY(user, secrets.reveal(own.user));
  TRY(password, secrets.reveal(own.password));
  address.user = user;
  address.password = password;
  return address;
}

Result<HttpRequest> request_for(const RabbitQueue& queue, const std::string& path,
                                const Secrets& secrets) {
  TRY(address, address_of_manager(queue, secrets));
  TRY(own, user_of_url(queue.management));
  TRY(url, secrets.reveal(own.url));
  while (url.ends_with('/')) url.pop_back();
  HttpRequest request;
  request.url = url + "/api" + with_vhost(path, address.vhost);
  request.headers.emplace_back("Authorization",
                               "Basic " + base64(address.user + ":" + address.password));
  return request;
}

std::string path_of(const std::string& queue) {
  return "/queues/" + std::string(kVhost) + "/" + percent_encoded(queue);
}

// Every time that they differ, the queue has told statistics anew: it has worked to do so.
Result<std::string> statistics_of(const RabbitQueue& queue, const std::string& name,
                                  const DeedContext& context) {
  TRY(found, ask_management(queue, "GET", path_of(name), context));
  return found.get("reductions").dump();
}

// What the server takes from the statistics has been told twice since the call: the first may have
// been on its way.
Status wait_for_statistics(const RabbitQueue& queue, const std::string& name,
                           const DeedContext& context) {
  constexpr Duration kEvery = std::chrono::milliseconds(200);
  TRY(last, statistics_of(queue, name, context));
  for (int news = 0; news < 2;) {
    if (const auto paused = context.doors.clock.pause(kEvery, context.until); !paused) {
      return std::unexpected(
          paused.error().in(shown(queue) + " has told nothing new that says that it is empty"));
    }
    TRY(now, statistics_of(queue, name, context));
    if (now == last) continue;
    last = now;
    ++news;
  }
  return {};
}

struct Counted {
  std::string type;
  RabbitDepth depth;
};

Result<Counted> counted(const RabbitQueue& queue, const std::string& name,
                        const DeedContext& context) {
  // The list alone asks the queues themselves; PCRE takes what is between \Q and \E as it is.
  const std::string only = "^\\Q" + name + "\\E$";
  TRY(listed, ask_management(queue, "GET",
                             "/queues/" + std::string(kVhost) +
                                 "?disable_stats=true&enable_queue_totals=true&page=1&page_size="
                                 "10&use_regex=true&name=" +
                                 percent_encoded(only),
                             context));
  for (const Json& found : listed.items("items")) {
    if (found.text("name") != name) continue;
    const Json* ready = found.find("messages_ready");
    const Json* out = found.find("messages_unacknowledged");
    if (ready == nullptr || out == nullptr || !ready->is_integer() || !out->is_integer()) {
      return fail(ErrorCode::failed, "the management API does not say how many messages queue " +
                                         name + " holds; its state is " +
                                         found.text("state", "not told"));
    }
    return Counted{found.text("type"), {ready->integer(), out->integer()}};
  }
  return fail(ErrorCode::not_found, "there is no queue " + name);
}

}  // namespace

Result<RabbitQueue> rabbit_queue_of(const Target& target) {
  const Json* facet = target.facets.find("rabbitmq");
  if (facet == nullptr) return fail(ErrorCode::not_found, target.name + " has no rabbitmq");
  auto queue = rabbit_queue_from(*facet);
  if (!queue) return std::unexpected(queue.error().in("target " + target.name));
  return queue;
}

Json to_json(const RabbitQueue& queue) {
  return Json::object({{"url", queue.url},
                       {"queue", queue.queue},
                       {"management", queue.management},
                       {"dead_letters", queue.dead_letters},
                       {"ca", queue.ca}});
}

Result<RabbitQueue> rabbit_queue_from(const Json& written) {
  RabbitQueue queue{written.text("url"), written.text("queue"), written.text("management"),
                    written.text("dead_letters"), written.text("ca")};
  TRY(address, amqp_address_of(queue.url));
  if (queue.queue.empty() || queue.management.empty()) {
    return fail(ErrorCode::invalid, "a queue of RabbitMQ lacks queue or management");
  }
  return queue;
}

std::string shown(const RabbitQueue& queue) {
  const auto address = amqp_address_of(queue.url);
  if (!address) return queue.queue;
  return "queue " + queue.queue + " of vhost " + address->vhost + " at " + address->host + ":" +
         std::to_string(address->port);
}

Result<Amqp> open_rabbit(const RabbitQueue& queue, const DeedContext& context,
                         const std::string& name) {
  TRY(address, address_of(queue, context.secrets));
  return Amqp::connect(address, context.doors.clock, context.until, {name, context.doors.observer});
}

Result<Amqp> open_rabbit_as_manager(const RabbitQueue& queue, const DeedContext& context) {
  TRY(address, address_of_manager(queue, context.secrets));
  return Amqp::connect(address, context.doors.clock, context.until,
                       {.observer = context.doors.observer});
}

Result<std::string> rabbit_user(const RabbitQueue& queue, const Secrets& secrets) {
  TRY(address, address_of(queue, secrets));
  return address.user;
}

Result<Json> ask_management(const RabbitQueue& queue, const std::string& method,
                            const std::string& path, const DeedContext& context, const Json& body) {
  TRY(request, request_for(queue, path, context.secrets));
  request.method = method;
  if (!body.is_null()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body.dump();
  }
  const std::string doing = "the management API of " + shown(queue);
  const auto answer = context.doors.http.send(request, context.until);
  if (!answer) return fail(answer.error().code, doing + ": no answer, " + cause_of(answer.error()));
  constexpr int kUnauthorized = 401, kForbidden = 403, kNotFound = 404, kCreated = 201,
                kNoContent = 204;
  const auto told = Json::parse(answer->body);
  const std::string said = doing + ": status " + std::to_string(answer->status) +
                           (told ? " " + told->text("reason", told->text("error")) : "");
  if (answer->status == kUnauthorized || answer->status == kForbidden) {
    const bool of_all = said.contains("administrator") || said.contains("access object");
    return fail(ErrorCode::refused, said,
                said.contains("ACCESS_REFUSED") ? "its user needs that right in the vhost"
                : of_all                        ? "its user needs the tag `administrator`"
                                                : "its user needs the tag `management`");
  }
  if (answer->status == kNotFound) return fail(ErrorCode::not_found, said);
  // A change has nothing to tell.
  if (answer->status == kNoContent || answer->status == kCreated) return Json::object();
  if (answer->status < 200 || answer->status > 299 || !told) return fail(ErrorCode::failed, said);
  return *told;
}

Result<RabbitTerms> look_at_rabbit(const RabbitQueue& queue, const DeedContext& context) {
  const auto found = ask_management(queue, "GET", path_of(queue.queue), context);
  if (!found && found.error().code == ErrorCode::not_found) return RabbitTerms{};
  if (!found) return std::unexpected(found.error());
  RabbitTerms terms;
  terms.exists = true;
  terms.arguments = found->get("arguments");
  if (!terms.arguments.is_object()) terms.arguments = Json::object();
  terms.type = found->text("type", terms.arguments.text("x-queue-type", "classic"));
  terms.durable = found->boolean("durable", true);
  terms.auto_delete = found->boolean("auto_delete", false);
  terms.exclusive = found->boolean("exclusive", false);
  const Json* head = found->find("head_message_timestamp");
  if (head != nullptr && head->is_integer()) terms.head_time = head->integer();
  return terms;
}

Result<RabbitDepth> told_by_rabbit(const RabbitQueue& queue, const std::string& name,
                                   const DeedContext& context) {
  TRY(told, counted(queue, name, context));
  return told.depth;
}

Result<std::int64_t> consumers_of_rabbit(const RabbitQueue& queue, const DeedContext& context) {
  TRY(connection, open_rabbit(queue, context));
  TRY(channel, connection.channel());
  TRY(seen, channel.look(queue.queue));
  return seen.consumers;
}

Result<RabbitDepth> depth_of_rabbit(const RabbitQueue& queue, const std::string& name,
                                    const DeedContext& context) {
  TRY(first, counted(queue, name, context));
  if (first.type == "classic" || first.depth.all() > 0) return first.depth;
  TRY_OK(wait_for_statistics(queue, name, context));
  TRY(again, counted(queue, name, context));
  return again.depth;
}

Result<Json> bindings_of_rabbit(const RabbitQueue& queue, const DeedContext& context) {
  TRY(all, ask_management(queue, "GET", path_of(queue.queue) + "/bindings", context));
  Json bindings = Json::array();
  if (!all.is_array()) return fail(ErrorCode::failed, "the management API tells no bindings");
  for (const Json& binding : all.items()) {
    if (binding.text("source").empty()) continue;
    Json arguments = binding.get("arguments");
    bindings.push(Json::object({{"exchange", binding.text("source")},
                                {"routing_key", binding.text("routing_key")},
                                {"arguments", std::move(arguments)}}));
  }
  return bindings;
}

Result<Json> way_of_dead_letters(const RabbitQueue& queue, const DeedContext& context) {
  TRY(found, ask_management(queue, "GET", path_of(queue.queue), context));
  const Json& own = found.get("arguments");
  const Json& by_policy = found.get("effective_policy_definition");
  Json way = Json::object();
  for (const char* name : {"dead-letter-exchange", "dead-letter-routing-key"}) {
    const std::string argument = "x-" + std::string(name);
    const Json& given = own.find(argument) != nullptr ? own.get(argument) : by_policy.get(name);
    if (given.is_text()) way.set(argument, given);
  }
  return way.find("x-dead-letter-exchange") != nullptr ? way : Json();
}

}  // namespace gameday
