// shop-queue: one durable queue, `orders`. A publish that was answered survives any death.

#include <condition_variable>
#include <thread>

#include "lib/program.h"
#include "queue_state.h"

namespace shop {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Leases = std::vector<std::pair<std::int64_t, std::int64_t>>;

Order order_in(const json& entry) {
  const auto order = message_from_json(entry);
  if (!order) throw std::invalid_argument("not an order: " + entry.dump());
  return *order;
}

std::vector<Order> orders_in(const json& body, bool raw_too) {
  std::vector<Order> orders;
  for (const auto& entry : body.at("messages")) {
    orders.push_back(order_in(entry));
    if (!raw_too && is_raw(orders.back().key)) {
      throw std::invalid_argument("not an order: " + entry.dump());
    }
  }
  return orders;
}

std::vector<QueueState::Retained> retained_in(const json& body) {
  std::vector<QueueState::Retained> retained;
  for (const auto& entry : body.value("retained", json::array())) {
    const double at = parse_time(entry.at("confirmed_at").get<std::string>());
    retained.push_back({at, order_in(entry)});
  }
  return retained;
}

Leases leases_in(const json& body) { return body.at("leases").get<Leases>(); }

json published(const QueueState::Published& result) {
  return {{"accepted", result.accepted}, {"skipped", result.skipped}, {"gone", result.gone}};
}

class Queue {
 public:
  Queue(const Options& options, Metrics& metrics)
      : tombstones_(options.text("db") + ".tombstones"),
        state_(tombstones_, options.on("dedupe"), options.number("retain")),
        visibility_(options.number("visibility-ms", 3000)),
        attempts_(options.number("attempts", 3)),
        metrics_(metrics),
        committer_(options.text("db"), QueueState::schema()) {}

  Response handle(const Request& request) {
    try {
      return route(request);
    } catch (const json::exception& error) {
      return error_response(400, error.what());
    } catch (const std::invalid_argument& error) {
      return error_response(400, error.what());
    }
  }

  void sweep() {
    committer_.run([&](Db& db) {
      state_.expire(db);
      const auto counts = state_.counts(db);
      metrics_.set("shop_queue_messages", static_cast<double>(counts.messages));
      metrics_.set("shop_queue_retained", static_cast<double>(counts.retained));
      metrics_.set("shop_queue_exists", state_.incarnation(db) ? 1 : 0);
    });
  }

 private:
  Response route(const Request& request) {
    const std::string what = request.method + " " + request.path;
    if (what == "GET /healthz") return health();
    if (what == "PUT /orders") return create();
    if (what == "DELETE /orders/messages" && !request.param("mark").empty()) {
      return remove_marked(request.param("mark"));
    }
    if (what == "DELETE /orders/messages") return remove_drill(request.param("drill"));
    if (what == "GET /orders/dropped") return dropped();
    if (request.path == "/orders/purged") return purged(request);
    if (request.path == "/orders/disturb") return disturb(request);
    if (what == "POST /orders/lease") return lease(json::parse(request.body));
    const json body = request.body.empty() ? json::object() : json::parse(request.body);
    if (what == "GET /orders") {
      return on_queue([&](Db& db) {
        const auto counts = state_.counts(db);
        return json{
            {"name", "orders"}, {"messages", counts.messages}, {"retained", counts.retained}};
      });
    }
    if (what == "GET /orders/messages") {
      return on_queue([&](Db& db) { return json{{"messages", state_.messages(db)}}; });
    }
    if (what == "DELETE /orders") {
      return on_queue([&](Db& db) { return state_.drop(db, request.param("save") == "1"); });
    }
    if (what == "POST /orders/purge") {
      return on_queue([&](Db& db) { return state_.purge(db, request.param("mark")); });
    }
    if (what == "POST /orders/messages" || what == "POST /orders/publish") {
      return add(what == "POST /orders/publish", body);
    }
    if (what == "POST /orders/replay") return replay(body.at("since"));
    if (what == "POST /orders/ack") {
      return on_queue([&](Db& db) { return json{{"acked", state_.confirm(db, leases_in(body))}}; });
    }
    if (what == "POST /orders/nack") {
      return on_queue([&](Db&) { return json{{"nacked", state_.release(leases_in(body))}}; });
    }
    if (what == "POST /orders/reject") {
      return on_queue([&](Db& db) { return state_.reject(db, leases_in(body), attempts_); });
    }
    if (what == "GET /orders/dead") return on_queue([&](Db& db) { return state_.dead(db); });
    if (what == "POST /orders/raw") return add_raw(body);
    if (what == "POST /orders/settled") {
      const auto keys = body.at("keys").get<std::vector<std::string>>();
      return on_queue([&](Db& db) { return state_.settled(db, keys); });
    }
    return error_response(404, "no such path");
  }

  // Runs `work` in a transaction and answers with its result and the queue's incarnation; 404 when
  // there is no queue.
  template <class Work>
  Response on_queue(const Work& work) {
    std::optional<json> result;
    committer_.run([&](Db& db) {
      const auto incarnation = state_.incarnation(db);
      if (!incarnation) return;
      result = work(db);
      (*result)["incarnation"] = *incarnation;
    });
    return result ? json_response(200, *result) : error_response(404, "the queue does not exist");
  }

  Response health() {
    return on_queue([](Db&) { return json{{"ok", true}}; }).status == 200
               ? json_response(200, {{"ok", true}})
               : error_response(503, "the queue does not exist");
  }

  Response create() {
    committer_.run([&](Db& db) { state_.create(db); });
    return on_queue([](Db&) { return json{{"name", "orders"}}; });
  }

  Response dropped() {
    std::optional<std::string> body;
    committer_.run([&](Db& db) { body = state_.last_drop(db); });
    return body ? Response{.body = *body + "\n"} : error_response(404, "nothing was dropped");
  }

  // Also while there is no queue: what was purged from a former one.
  Response purged(const Request& request) {
    const std::string mark = request.param("mark");
    if (mark.empty()) return error_response(400, "?mark=MARK is missing");
    auto kept = json::array();
    committer_.run([&](Db& db) {
      kept = state_.purged(db, mark);
      if (request.method == "DELETE") state_.forget_purged(db, mark);
    });
    if (request.method == "DELETE") return json_response(200, {{"forgotten", kept.size()}});
    if (request.method != "GET") return error_response(405, "GET or DELETE");
    if (kept.empty()) return error_response(404, "nothing was purged under this mark");
    return json_response(200, {{"messages", std::move(kept)}});
  }

  // Looking and ending also while there is no queue.
  Response disturb(const Request& request) {
    if (request.method == "POST") return begin_disturbance(json::parse(request.body));
    const std::string mark = request.param("mark");
    if (mark.empty()) return error_response(400, "?mark=MARK is missing");
    std::optional<json> told;
    committer_.run([&](Db& db) {
      if (request.method == "DELETE") state_.end_disturbance(db, mark);
      told = Disturbances::told(db, mark);
    });
    arrived();
    if (request.method != "GET" && request.method != "DELETE")
      return error_response(405, "GET, POST or DELETE");
    return told ? json_response(200, *told) : error_response(404, "nothing is under this mark");
  }

  Response begin_disturbance(const json& body) {
    const auto asked = Disturbances::asked_in(body);
    bool begun = false;
    auto response = on_queue([&](Db& db) {
      begun = state_.disturb(db, asked);
      return begun ? *Disturbances::told(db, asked.mark) : json::object();
    });
    arrived();
    return response.status == 200 && !begun ? error_response(410, "this mark was ended before")
                                            : response;
  }

  Response remove_drill(const std::string& drill) {
    if (!is_drill(drill)) return error_response(400, "?drill=ID is missing");
    int removed = 0;
    committer_.run([&](Db& db) { removed = state_.remove_drill(db, drill); });
    return json_response(200, {{"drill", drill}, {"deleted", removed}});
  }

  Response add(bool publish, const json& body) {
    const auto orders = orders_in(body, !publish);
    const auto retained = retained_in(body);
    auto response = on_queue([&](Db& db) {
      return published(publish ? state_.publish(db, orders)
                               : state_.put_back(db, orders, retained));
    });
    arrived();
    return response;
  }

  Response add_raw(const json& body) {
    const auto bodies = body.at("bodies").get<std::vector<std::string>>();
    const auto mark = body.at("mark").get<std::string>();
    if (mark.empty()) return error_response(400, "a mark is needed to remove them by");
    bool late = false;
    auto response = on_queue([&](Db& db) {
      const auto added = state_.add_raw(db, bodies, mark);
      late = !added;
      return added.value_or(json::object());
    });
    arrived();
    return late ? error_response(410, "what carried this mark was removed") : response;
  }

  // Also while there is no queue: what was put aside.
  Response remove_marked(const std::string& mark) {
    int removed = 0;
    committer_.run([&](Db& db) { removed = state_.remove_marked(db, mark); });
    return json_response(200, {{"mark", mark}, {"deleted", removed}});
  }

  Response replay(const json& since) {
    const double from =
        since.is_number() ? since.get<double>() : parse_time(since.get<std::string>());
    auto response = on_queue([&](Db& db) { return json{{"replayed", state_.replay(db, from)}}; });
    arrived();
    return response;
  }

  void arrived() {
    const std::scoped_lock lock(mutex_);
    ++arrivals_;
    arrived_.notify_all();
  }

  // Waits for messages up to wait_ms, looking again now and then for leases that ran out.
  Response lease(const json& body) {
    const auto most = body.value("max", std::size_t{200});
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(body.value("wait_ms", 0));
    while (true) {
      std::unique_lock lock(mutex_);
      const auto seen = arrivals_;
      lock.unlock();
      std::vector<QueueState::Delivery> deliveries;
      auto look_again = 500ms;
      committer_.run([&](Db& db) {
        deliveries = state_.lease(db, most, visibility_);
        // Nobody tells when the time of what is held back has come.
        if (Disturbances::any(db)) look_again = 10ms;
      });
      if (!deliveries.empty() || std::chrono::steady_clock::now() >= deadline) {
        return delivered(deliveries);
      }
      lock.lock();
      arrived_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + look_again),
                          [&] { return arrivals_ != seen; });
    }
  }

  Response delivered(const std::vector<QueueState::Delivery>& deliveries) {
    auto messages = json::array();
    for (const auto& delivery : deliveries) {
      messages.push_back(to_json(delivery.order));
      messages.back()["lease"] = {delivery.seq, delivery.lease};
    }
    metrics_.add("shop_queue_delivered_total", "", static_cast<double>(deliveries.size()));
    return json_response(200, {{"messages", std::move(messages)}});
  }

  Tombstones tombstones_;
  QueueState state_;
  std::chrono::milliseconds visibility_;
  int attempts_;
  Metrics& metrics_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::uint64_t arrivals_ = 0;
  Committer committer_;
};

void serve(const Options& options) {
  hold_lock(options.text("db") + ".lock");
  Service service(options);
  Queue queue(options, service.metrics());
  const std::jthread sweeper([&] {
    while (true) {
      queue.sweep();
      std::this_thread::sleep_for(500ms);
    }
  });
  service.run(32, [&](const Request& request) { return queue.handle(request); });
}

}  // namespace
}  // namespace shop

int main(int argc, char** argv) { return shop::run_program(argc, argv, shop::serve); }
