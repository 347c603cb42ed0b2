#include "drills/systems/rabbitmq_definitions.h"

#include <algorithm>

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr std::string_view kMarks = "gameday.";
constexpr const char* kKinds[] = {"queues",   "exchanges",  "bindings",
                                  "policies", "parameters", "permissions"};

std::string name_of(std::string_view kind, const Json& terms) {
  if (kind == "queues") return "queue " + terms.text("name");
  if (kind == "exchanges") return "exchange " + terms.text("name");
  if (kind == "policies") return "policy " + terms.text("name");
  if (kind == "parameters") return terms.text("component") + " parameter " + terms.text("name");
  if (kind == "permissions") return "permission of " + terms.text("user");
  const Json& arguments = terms.get("arguments");
  const bool plain = !arguments.is_object() || arguments.members().empty();
  return "binding of " + terms.text("destination_type") + " " + terms.text("destination") + " to " +
         terms.text("source") + " by " + terms.text("routing_key") +
         (plain ? "" : " with " + arguments.dump());
}

// What drills have left there for as long as they run is not the system's.
bool is_a_mark(const Json& terms) {
  for (const char* name : {"name", "source", "destination"}) {
    if (terms.text(name).starts_with(kMarks)) return true;
  }
  return false;
}

// The members in an order of their own, and without the vhost, which another one may stand for.
Json in_order(const Json& value) {
  if (value.is_array()) {
    Json items = Json::array();
    for (const Json& item : value.items()) items.push(in_order(item));
    return items;
  }
  if (!value.is_object()) return value;
  auto members = value.members();
  std::ranges::sort(members, {}, &Json::Member::first);
  Json object = Json::object();
  for (const auto& [name, member] : members) object.set(name, in_order(member));
  return object;
}

RabbitItem item_of(const std::string& kind, const Json& exported) {
  Json terms = exported;
  terms.erase("vhost");
  return {kind, name_of(kind, terms), in_order(terms)};
}

std::string path_in(const std::string& vhost, const std::string& path) {
  return path + "/" + percent_encoded(vhost);
}

Status import_permission(const RabbitQueue& queue, const std::string& vhost, const Json& terms,
                         const DeedContext& context) {
  TRY(done,
      ask_management(queue, "PUT",
                     path_in(vhost, "/permissions") + "/" + percent_encoded(terms.text("user")),
                     context, terms));
  return {};
}

// A binding's name on the server is made by the server.
Result<std::string> path_of_binding(const RabbitQueue& queue, const std::string& vhost,
                                    const RabbitItem& binding, const DeedContext& context) {
  TRY(all, ask_management(queue, "GET", path_in(vhost, "/bindings"), context));
  if (!all.is_array()) return fail(ErrorCode::failed, "the management API tells no bindings");
  for (const Json& one : all.items()) {
    if (name_of("bindings", one) != binding.name) continue;
    return path_in(vhost, "/bindings") + "/e/" + percent_encoded(one.text("source")) +
           (one.text("destination_type") == "queue" ? "/q/" : "/e/") +
           percent_encoded(one.text("destination")) + "/" +
           percent_encoded(one.text("properties_key"));
  }
  return fail(ErrorCode::not_found, "there is no " + binding.name);
}

Result<std::string> path_of(const RabbitQueue& queue, const std::string& vhost,
                            const RabbitItem& item, const DeedContext& context) {
  if (item.kind == "bindings") return path_of_binding(queue, vhost, item, context);
  if (item.kind == "permissions") {
    return path_in(vhost, "/permissions") + "/" + percent_encoded(item.terms.text("user"));
  }
  const std::string name = "/" + percent_encoded(item.terms.text("name"));
  if (item.kind == "queues") return path_in(vhost, "/queues") + name + "?if-empty=true";
  if (item.kind != "parameters") return path_in(vhost, "/" + item.kind) + name;
  return path_in(vhost, "/parameters/" + percent_encoded(item.terms.text("component"))) + name;
}

std::string listed(const char* what, const std::vector<RabbitItem>& items) {
  constexpr std::size_t kShown = 10;
  std::string all;
  for (std::size_t i = 0; i < items.size() && i < kShown; ++i) {
    all += (i == 0 ? std::string(what) + ": " : ", ") + items[i].name;
  }
  return all +
         (items.size() > kShown ? " and " + std::to_string(items.size() - kShown) + " more" : "");
}

}  // namespace

Result<std::vector<RabbitItem>> definitions_of(const RabbitQueue& queue, const std::string& vhost,
                                               const DeedContext& context) {
  TRY(exported, ask_management(queue, "GET", path_in(vhost, "/definitions"), context));
  TRY(permissions,
      ask_management(queue, "GET", "/vhosts/" + percent_encoded(vhost) + "/permissions", context));
  if (!exported.get("queues").is_array() || !permissions.is_array()) {
    return fail(ErrorCode::failed, "the management API exports no definitions of vhost " + vhost);
  }
  exported.set("permissions", std::move(permissions));
  std::vector<RabbitItem> items;
  for (const char* kind : kKinds) {
    std::vector<RabbitItem> of_kind;
    for (const Json& one : exported.items(kind)) {
      if (!is_a_mark(one)) of_kind.push_back(item_of(kind, one));
    }
    std::ranges::sort(of_kind, {}, &RabbitItem::name);
    std::ranges::move(of_kind, std::back_inserter(items));
  }
  return items;
}

Json to_json(const std::vector<RabbitItem>& items) {
  Json written = Json::object();
  for (const char* kind : kKinds) written.set(kind, Json::array());
  for (const auto& item : items) {
    Json of_kind = written.take(item.kind);
    written.set(item.kind, of_kind.push(item.terms));
  }
  return written;
}

Result<std::vector<RabbitItem>> definitions_from(const Json& written) {
  std::vector<RabbitItem> items;
  for (const char* kind : kKinds) {
    if (!written.get(kind).is_array()) {
      return fail(ErrorCode::corrupt, std::string("definitions without ") + kind);
    }
    for (const Json& one : written.items(kind)) items.push_back(item_of(kind, one));
  }
  return items;
}

std::string digest_of(const std::vector<RabbitItem>& items) {
  return sha256(to_json(items).dump());
}

std::int64_t count_of(const std::vector<RabbitItem>& items, std::string_view kind) {
  return std::ranges::count(items, kind, &RabbitItem::kind);
}

RabbitDifference difference(const std::vector<RabbitItem>& wanted,
                            const std::vector<RabbitItem>& found) {
  RabbitDifference seen;
  std::int64_t both = 0;
  for (const auto& item : wanted) {
    const auto same = std::ranges::find_if(found, [&](const RabbitItem& other) {
      return other.kind == item.kind && other.name == item.name;
    });
    if (same == found.end()) {
      seen.missing.push_back(item);
      continue;
    }
    ++both;
    if (same->terms != item.terms) seen.different.push_back(item);
  }
  seen.more = static_cast<std::int64_t>(found.size()) - both;
  return seen;
}

std::string RabbitDifference::shown() const {
  const std::string one = listed("missing", missing), two = listed("different", different);
  return one + (one.empty() || two.empty() ? "" : "; ") + two;
}

Status import_definitions(const RabbitQueue& queue, const std::string& vhost,
                          const std::vector<RabbitItem>& items, const DeedContext& context) {
  Json all = to_json(items);
  all.erase("permissions");
  TRY(done, ask_management(queue, "POST", path_in(vhost, "/definitions"), context, all));
  for (const auto& item : items) {
    if (item.kind == "permissions") {
      TRY_OK(import_permission(queue, vhost, item.terms, context));
    }
  }
  return {};
}

Status remove_definition(const RabbitQueue& queue, const std::string& vhost, const RabbitItem& item,
                         const DeedContext& context) {
  const auto path = path_of(queue, vhost, item, context);
  if (!path && path.error().code == ErrorCode::not_found) return {};
  if (!path) return std::unexpected(path.error());
  const auto removed = ask_management(queue, "DELETE", *path, context);
  if (removed || removed.error().code == ErrorCode::not_found) return {};
  return fail(item.kind == "queues" ? ErrorCode::conflict : removed.error().code,
              item.name + " stays: " + removed.error().text);
}

Result<std::string> rabbit_vhost(const RabbitQueue& queue, const Secrets& secrets) {
  TRY(address, amqp_address_of(queue.url));
  return secrets.reveal(address.vhost);
}

}  // namespace gameday
