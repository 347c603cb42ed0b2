#include "engine/playbook/request_part.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/playbook/data_table.h"
#include "engine/playbook/expect.h"
#include "engine/playbook/request_slots.h"
#include "engine/secrets.h"

namespace gameday {
namespace {

void read_headers(const Node& headers, LoadRequest& request, const Reading& reading) {
  if (!headers.is_mapping()) {
    reading.error(headers.place, "`headers`: expected a mapping, not " + what_is(headers));
    return;
  }
  for (const auto& [name, place, value] : headers.entries) {
    if (!is_header_name(name)) {
      reading.error(place, quoted(name) + " is no header name");
    } else if (!value.is_scalar() || has_control(value.text)) {
      reading.error(value.place, "header " + quoted(name) + ": expected a text on one line");
    } else {
      request.headers.emplace_back(name, value.text);
    }
  }
}

const Node& below(const Node& node, std::string_view key) {
  static const Node kNothing;
  const Entry* entry = node.find(key);
  return entry == nullptr ? kNothing : entry->value;
}

constexpr std::string_view kNotInCookies = " \",;\\";

// What may be filled in where.
struct Filling {
  const Reading& reading;
  bool in_load = true;              // false: in what is sent once for all of them
  bool has_data = false;            // the load says where its values come from
  const DataTable* data = nullptr;  // those, if they could be read

  // What is filled in has no character of `none_of`, which would end its place.
  void check(const std::string& text, Place place, const std::string& where,
             std::string_view none_of = "") const {
    const auto error = [&](const std::string& problem) {
      reading.error(place, "`" + where + "`: " + problem);
    };
    if (const auto wrong = wrong_slot_in(text); !wrong.empty()) return error(wrong);
    for (const SlotPart& part : slot_parts(text)) {
      if (const auto wrong = wrong_here(part, none_of); !wrong.empty()) return error(wrong);
    }
  }

 private:
  [[nodiscard]] std::string wrong_here(const SlotPart& part, std::string_view none_of) const {
    using Slot = RequestSlot::Kind;
    if (!part.slot) return "";
    const Slot kind = part.slot->kind;
    const bool of_each = kind == Slot::uuid || kind == Slot::random || kind == Slot::data;
    const std::string shown = "`{" + part.text + "}`";
    if (!in_load && of_each) return shown + " is filled in for the requests of a load, not here";
    if (kind != Slot::data) return "";
    if (!has_data) return shown + ": the load has no `data`";
    if (data == nullptr) return "";
    if (const auto column = data->column(part.slot->column)) {
      const bool bad = std::ranges::any_of(data->rows, [&](const auto& row) {
        return row[*column].find_first_of(none_of) != std::string::npos;
      });
      return bad ? shown + ": a value of " + quoted(data->path) + " would end the cookie" : "";
    }
    return shown + ": " + quoted(data->path) + " has no such column" +
           suggestion(part.slot->column, data->columns);
  }
};

// Where a header of the request comes from.
std::pair<Place, std::string> written_header(const Node& node, const std::string& name) {
  const Node& headers = below(node, "headers");
  if (headers.find(name) != nullptr) return {place_in(headers, name), "headers." + name};
  if (name == "cookie") return {place_in(node, "cookies"), "cookies"};
  return {place_in(node, "auth"), "auth"};
}

void check_filling(const LoadRequest& request, const Node& node, const std::string& where,
                   const Filling& filling) {
  const bool is_short = !node.is_mapping();  // its URL alone
  filling.check(request.url, is_short ? node.place : place_in(node, "url"), where + ".url");
  const std::string body = request.is_json ? "json" : "body";
  filling.check(request.body, place_in(node, body), where + "." + body);
  for (const auto& [name, value] : request.headers) {
    const auto [place, field] = written_header(node, name);
    filling.check(value, place, where + "." + field, field == "cookies" ? kNotInCookies : "");
  }
  if (request.basic) {
    const Place place = place_of(node, "auth.basic");
    filling.check(request.basic->user, place, where + ".auth.basic.user");
    filling.check(request.basic->password, place, where + ".auth.basic.password");
  }
}

// "PUT /orders/{key}"
std::string usual_name(const LoadRequest& request) {
  const auto scheme = request.url.find("://");
  const auto path = scheme == std::string::npos ? 0 : request.url.find_first_of("/?", scheme + 3);
  return request.method + " " + (path == std::string::npos ? "/" : request.url.substr(path));
}

void read_mix(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading) {
  const Node& list = below(node, "requests");
  const auto& items = decoded.items("requests");
  const std::string where = "load." + load.name + ".requests";
  constexpr std::size_t kMost = 100;
  if (list.is_sequence() && (list.items.empty() || list.items.size() > kMost)) {
    reading.error(list.place, "`" + where + "`: expected 1 to 100 requests");
  }
  if (items.size() != list.items.size()) return;  // what is wrong with one has been told
  for (std::size_t i = 0; i < items.size(); ++i) {
    WeightedRequest one;
    one.request = request_of(items[i], list.items[i], where, reading);
    one.weight = items[i].integer("weight", 1);
    one.name = items[i].text("name", usual_name(one.request));
    const bool known =
        std::ranges::find(load.mix, one.name, &WeightedRequest::name) != load.mix.end();
    if (known || one.name.empty() || has_control(one.name)) {
      reading.error(place_in(list.items[i], "name"),
                    "`" + where + "`: " +
                        (known ? "two are called " + quoted(one.name) + "; give each a `name`"
                               : "expected a name on one line"));
    }
    load.mix.push_back(std::move(one));
  }
}

// Of a load with a ledger: what is to be found again was written by one of them.
void choose_writer(LoadSpec& load, Place place, const Reading& reading) {
  std::vector<std::string> writing;
  for (const WeightedRequest& one : load.mix) {
    if (only_reads(one.request.method)) continue;
    if (writing.empty()) load.request = one.request;
    writing.push_back(quoted(one.name));
  }
  if (writing.size() == 1) return;
  const std::string where = "`load." + load.name + ".requests`: ";
  reading.error(place, writing.empty()
                           ? where + "the load has a ledger, and all of them only read"
                           : where +
                                 "the load has a ledger, which keeps what one of them writes, "
                                 "and " +
                                 join(writing, " and ") + " write; give each a load of its own");
}

void read_table(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading) {
  const Json* file = decoded.find("data");
  if (file == nullptr) return;
  const Node& written = below(node, "data");
  auto read = read_data(file->text(), written.text);
  if (!read) {
    return reading.error(written.place, "`load." + load.name + ".data`: " + read.error().text);
  }
  load.data = std::make_shared<const DataTable>(std::move(*read));
}

void check_expect(const LoadRequest& request, const Node& node, const std::string& where,
                  const Reading& reading) {
  const auto wrong = wrong_expect(request.expect, request.method);
  if (!wrong) return;
  reading.error(place_of(node, wrong->field),
                "`" + where + "." + wrong->field + "`: " + wrong->text);
}

// What is the playbook's own would stand in the journal with it.
bool is_kept_elsewhere(const std::string& text) {
  const auto parts = slot_parts(text);
  return !references_in(text).empty() || std::ranges::any_of(parts, [](const SlotPart& part) {
    return part.slot && part.slot->kind == RequestSlot::Kind::data;
  });
}

// One header of all of them.
void read_cookies(const Node& cookies, LoadRequest& request, const Reading& reading) {
  if (!cookies.is_mapping()) {
    reading.error(cookies.place, "`cookies`: expected a mapping, not " + what_is(cookies));
    return;
  }
  std::vector<std::string> all;
  for (const auto& [name, place, value] : cookies.entries) {
    if (!is_header_name(name)) {
      reading.error(place, quoted(name) + " is no name of a cookie");
    } else if (!value.is_scalar() || has_control(value.text) ||
               value.text.find_first_of(kNotInCookies) != std::string::npos) {
      reading.error(value.place, "cookie " + quoted(name) +
                                     ": expected a text without blanks, quotes, commas, "
                                     "semicolons and backslashes");
    }
    all.push_back(name + "=" + value.text);
  }
  if (!all.empty()) request.headers.emplace_back("cookie", join(all, "; "));
}

// Of one that is not there, that is told already.
void check_secret(const Json& of, std::string_view key, Place place, const std::string& where,
                  const Reading& reading) {
  const std::string what = where + "." + std::string(key);
  const Json* secret = of.find(key);
  if (secret == nullptr || is_kept_elsewhere(secret->text())) return;
  reading.error(place, "`" + what +
                           "`: expected a secret, ${env:NAME} or ${file:PATH}; what the "
                           "playbook says itself stands in the journal");
}

void read_auth(const Json& auth, const Node& node, const std::string& where, LoadRequest& request,
               const Reading& reading) {
  if (node.entries.size() != 1) {
    reading.error(node.place, "`" + where + "`: expected one of basic, bearer, sigv4");
  }
  const auto place = [&](std::string_view path) { return place_of(node, path); };
  if (const Json* basic = auth.find("basic")) {
    request.basic = BasicAuth{basic->text("user"), basic->text("password")};
    check_secret(*basic, "password", place("basic.password"), where + ".basic", reading);
    if (request.basic->user.contains(':')) {
      reading.error(place("basic.user"), "`" + where + ".basic.user`: a user has no colon");
    }
  }
  if (const Json* bearer = auth.find("bearer")) {
    check_secret(auth, "bearer", place("bearer"), where, reading);
    request.headers.emplace_back("authorization", "Bearer " + bearer->text());
  }
  if (const Json* aws = auth.find("sigv4")) {
    request.aws = AwsAuth{aws->text("access_key"), aws->text("secret_key"),
                          aws->text("session_token"), aws->text("region"), aws->text("service")};
    for (const std::string key : {"secret_key", "session_token"}) {
      check_secret(*aws, key, place("sigv4." + key), where + ".sigv4", reading);
    }
  }
}

// `cookies` and `auth` are headers too, and each stands once.
void check_twice(const Node& node, const Reading& reading) {
  for (const auto& [key, name] :
       {std::pair("cookies", "cookie"), std::pair("auth", "authorization")}) {
    const Node& headers = below(node, "headers");
    if (node.find(key) == nullptr) continue;
    for (const auto& entry : headers.entries) {
      if (lower(entry.key) != name) continue;
      reading.error(entry.place,
                    "both `" + std::string(key) + "` and a header " + quoted(entry.key));
    }
  }
}

}  // namespace

LoadRequest request_of(const Json& decoded, const Node& node, const std::string& where,
                       const Reading& reading) {
  LoadRequest request;
  request.method = decoded.text("method", "GET");
  request.url = decoded.text("url");
  request.body = decoded.text("body");
  const Entry* json = node.find("json");
  if (json != nullptr) {
    request.body = decoded.get("json").dump();
    request.is_json = true;
    request.headers.emplace_back("content-type", "application/json");
    if (node.find("body") != nullptr) {
      reading.error(json->place, "both `json` and `body`; a request has one body");
    }
  }
  if (const Entry* headers = node.find("headers")) {
    read_headers(headers->value, request, reading);
  }
  if (const Entry* cookies = node.find("cookies")) read_cookies(cookies->value, request, reading);
  if (const Entry* auth = node.find("auth")) {
    read_auth(decoded.get("auth"), auth->value, where + ".auth", request, reading);
  }
  check_twice(node, reading);
  if (const Json* expect = decoded.find("expect")) {
    request.expect = *expect;
    check_expect(request, node, where, reading);
  }
  return request;
}

void read_requests(const Json& decoded, const Node& node, LoadSpec& load, const Reading& reading) {
  const std::string where = "load." + load.name;
  read_table(decoded, node, load, reading);
  const Filling filling{reading, true, node.find("data") != nullptr, load.data.get()};
  if (node.find("requests") != nullptr) {
    read_mix(decoded, node, load, reading);
    const Node& list = below(node, "requests");
    for (std::size_t i = 0; i < load.mix.size(); ++i) {
      check_filling(load.mix[i].request, list.items[i], where + ".requests", filling);
    }
    if (!load.mix.empty()) load.request = load.mix.front().request;
    if (!load.mix.empty() && decoded.find("ledger") != nullptr) {
      choose_writer(load, list.place, reading);
    }
  } else {
    const Node& request = below(node, "request");
    load.request = request_of(decoded.get("request"), request, where + ".request", reading);
    check_filling(load.request, request, where + ".request", filling);
  }
  const Filling once{reading, false};
  if (const Json* cleanup = decoded.find("cleanup")) {
    const Node& written = below(node, "cleanup");
    load.cleanup = request_of(*cleanup, written, where + ".cleanup", reading);
    check_filling(*load.cleanup, written, where + ".cleanup", once);
  }
  for (const std::string_view url : {"read_back", "list"}) {
    const Node& ledger = below(node, "ledger");
    once.check(decoded.get("ledger").text(url), place_in(ledger, url),
               where + ".ledger." + std::string(url));
  }
}

const Node& written_by(const LoadSpec& load, const Node& node) {
  const Node& list = below(node, "requests");
  for (std::size_t i = 0; i < load.mix.size() && i < list.items.size(); ++i) {
    if (!only_reads(load.mix[i].request.method)) return list.items[i];
  }
  return below(node, "request");
}

}  // namespace gameday
