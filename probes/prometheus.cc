#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "drills/systems/web.h"
#include "engine/base/comparison.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"
#include "engine/playbook/expect.h"
#include "engine/rows.h"

namespace gameday {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSeries[] = {"all", "any"};
constexpr double kLongestOver = 24 * 60 * 60;

constexpr Field kFields[] = {
    {.name = "url",
     .type = FieldType::url,
     .help = "The server, up to where /api/v1 begins. ${env:NAME} and ${file:PATH} in it are "
             "secrets.",
     .required = true},
    {.name = "query", .help = "What is asked, in PromQL.", .required = true},
    {.name = "expect",
     .type = FieldType::comparison,
     .help = "What the value must be. No data is no value, and NaN is none either.",
     .required = true},
    {.name = "over",
     .type = FieldType::duration,
     .help = "Asks for the last that long, where a sample at every step must hold and none may be "
             "missing; without it, for this moment.",
     .least = 1,
     .most = kLongestOver},
    {.name = "max_age",
     .type = FieldType::duration,
     .help = "How old a sample may be at most: an older one is no data. The query must then be a "
             "metric alone, with or without labels.",
     .least = 0.001,
     .most = kLongestOver},
    {.name = "series",
     .type = FieldType::choice,
     .help = "Whether every series that comes back must hold, or one is enough.",
     .otherwise = "all",
     .choices = kSeries},
    {.name = "headers",
     .type = FieldType::json,
     .help = "A mapping of header to text that is sent; secrets are given as in the URL."},
};

constexpr std::int64_t kLargestAnswer = 16 << 20;

// The moments that are asked about: as many steps as a graph has, and not below a second.
struct Window {
  milliseconds step{0};
  std::int64_t steps = 0;
};

Window window_of(Duration over) {
  constexpr int kSteps = 60;
  const auto whole = std::chrono::duration_cast<milliseconds>(over);
  const auto step = std::max<milliseconds>(whole / kSteps, std::chrono::seconds(1));
  return {step, whole / step};
}

std::string in_seconds(milliseconds time) {
  constexpr int kThousand = 1000;
  const std::string rest = std::to_string(time.count() % kThousand);
  return std::to_string(time.count() / kThousand) + "." + std::string(3 - rest.size(), '0') + rest;
}

std::string path_of(const std::string& query, const std::optional<Window>& window, Utc now) {
  const std::string asked = "?query=" + percent_encoded(query);
  if (!window) return "/api/v1/query" + asked;
  const auto end = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  return "/api/v1/query_range" + asked +
         "&start=" + in_seconds(end - window->step * window->steps) + "&end=" + in_seconds(end) +
         "&step=" + in_seconds(window->step);
}

// Whether it is a metric with or without labels: only of such a one has a sample a time of its own.
// All else, as what is asked for now, bears the time of the question.
bool is_selector(std::string_view query) {
  const auto in_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
  };
  const auto labels = std::ranges::find_if_not(query, in_name);
  const bool begins = !query.empty() && std::isdigit(static_cast<unsigned char>(query[0])) == 0;
  if (!begins || labels == query.end()) return begins;
  if (*labels != '{') return false;
  char quote = 0;
  for (auto at = labels; at != query.end(); ++at) {
    if (quote != 0) {
      if (*at == '\\' && quote != '`' && at + 1 != query.end()) {
        ++at;
      } else if (*at == quote) {
        quote = 0;
      }
    } else if (*at == '"' || *at == '\'' || *at == '`') {
      quote = *at;
    } else if (*at == '}') {
      return at + 1 == query.end();
    }
  }
  return false;
}

// A server takes samples of the last minutes for those of now. The metric itself is asked for too,
// for one that the server knows to have ended is no data at once.
std::string query_of(const Json& arguments) {
  const std::string query = arguments.text("query");
  const auto age = duration_in(arguments, "max_age");
  if (!age) return query;
  const auto whole = std::chrono::duration_cast<milliseconds>(*age);
  return query + " and count_over_time(" + query + "[" + std::to_string(whole.count()) + "ms])";
}

// The data of an answer, or what Prometheus says is wrong.
Result<Json> data_of(const HttpAnswer& answer) {
  const std::string status = "status " + std::to_string(answer.status);
  const auto body = Json::parse(answer.body);
  const std::string said = body ? body->text("status") : "";
  if (said == "error") {
    return fail(ErrorCode::failed, "Prometheus says " + body->text("errorType", "error") + ": " +
                                       body->text("error", "(no reason)"));
  }
  constexpr int kGood = 200;
  if (said != "success" || answer.status != kGood) {
    return fail(ErrorCode::invalid, status + ", but no answer of Prometheus's API");
  }
  return body->get("data");
}

std::string shown_series(const Json& metric) {
  std::vector<std::string> labels;
  if (metric.is_object()) {
    for (const auto& [name, value] : metric.members()) {
      if (name != "__name__" && value.is_text()) labels.push_back(name + "=" + value.dump());
    }
  }
  const std::string name = metric.text("__name__");
  if (labels.empty()) return name.empty() ? "the value" : name;
  return name + "{" + join(labels, ",") + "}";
}

// A series of samples, each a time and a number as text.
struct Series {
  std::string shown;
  Json::Array samples;
};

Result<std::vector<Series>> series_in(const Json& data) {
  const std::string type = data.text("resultType");
  if (type == "scalar") return std::vector<Series>{{"the scalar", {data.get("result")}}};
  if (type != "vector" && type != "matrix") {
    return fail(ErrorCode::invalid, "the answer is a " + (type.empty() ? "riddle" : type) +
                                        ", which has no numbers to compare");
  }
  std::vector<Series> all;
  for (const Json& one : data.items("result")) {
    Series series{shown_series(one.get("metric")), one.items("values")};
    if (const Json* value = one.find("value")) series.samples.push_back(*value);
    all.push_back(std::move(series));
  }
  return all;
}

// The number of a sample, "1.5", "NaN" or "+Inf"; nothing where it is none, as with a histogram.
std::optional<double> number_of(const Json& sample) {
  if (!sample.is_array() || sample.items().size() != 2 || !sample.items()[1].is_text()) return {};
  std::string_view text = sample.items()[1].text();
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || std::isnan(value)) return {};
  return value;
}

struct Terms {
  const Comparison& wanted;
  std::string written;
  std::size_t samples = 1;  // how many each series must have, at least
};

// Why a series does not hold; empty: it does.
std::string fault_of(const Series& series, const Terms& terms) {
  for (const Json& sample : series.samples) {
    const auto value = number_of(sample);
    if (value && terms.wanted.holds(*value)) continue;
    const bool pair = sample.is_array() && sample.items().size() == 2;
    const std::string seen = pair && sample.items()[1].is_text() ? sample.items()[1].text() : "";
    return series.shown + " is " + (seen.empty() ? "no number" : seen) + ", expected " +
           terms.written;
  }
  if (series.samples.size() >= terms.samples) return "";
  return series.shown + " has no data for a part of the time (" +
         std::to_string(series.samples.size()) + " of " + std::to_string(terms.samples) +
         " samples)";
}

Answer judged(const std::vector<Series>& all, const Terms& terms, bool any) {
  std::size_t held = 0;
  std::string fault;
  for (const Series& series : all) {
    const std::string found = fault_of(series, terms);
    held += found.empty() ? 1 : 0;
    if (fault.empty()) fault = found;
  }
  if (all.empty()) return {false, "no data, expected " + terms.written};
  const std::string counted = std::to_string(held) + " of " + std::to_string(all.size()) +
                              (all.size() == 1 ? " series is " : " series are ") + terms.written;
  if (any ? held > 0 : held == all.size()) return {true, counted};
  return {false, all.size() == 1 ? fault : counted + ": " + fault};
}

Result<Json> fetched(const Json& arguments, const std::optional<Window>& window,
                     const DeedContext& context) {
  TRY(url, context.secrets.reveal(arguments.text("url")));
  while (url.ends_with('/')) url.pop_back();
  HttpRequest request;
  request.url = url + path_of(query_of(arguments), window, context.doors.clock.now().utc);
  TRY_OK(add_headers(arguments.get("headers"), context.secrets, request));
  request.largest_answer = kLargestAnswer;
  const auto answer = context.doors.http.send(request, context.until);
  if (answer) return data_of(*answer);
  return fail(answer.error().code, "no answer (" + cause_of(answer.error()) + ")");
}

Answer ask(const Json& arguments, const DeedContext& context) {
  const std::string written = arguments.text("expect");
  const auto wanted = parse_comparison(written);
  if (!wanted) return {false, wanted.error().text};
  std::optional<Window> window;
  if (const auto over = duration_in(arguments, "over")) window = window_of(*over);
  const auto data = fetched(arguments, window, context);
  if (!data) return {false, data.error().text};
  const auto series = series_in(*data);
  if (!series) return {false, series.error().text};
  const std::size_t samples = window ? static_cast<std::size_t>(window->steps) + 1 : 1;
  return judged(*series, {*wanted, written, samples}, arguments.text("series") == "any");
}

std::optional<WrongField> check(const Json& arguments, const System&) {
  const auto wanted = parse_comparison(arguments.text("expect"));
  if (wanted && !wanted->number) {
    return WrongField{"expect", "'" + wanted->text + "' is no number, as every sample is"};
  }
  if (arguments.find("max_age") != nullptr && !is_selector(arguments.text("query"))) {
    return WrongField{"max_age", "what is computed has no age; expected a metric alone as `query`"};
  }
  // With a query of its own, what is asked would stand behind it and be ignored.
  if (arguments.text("url").find_first_of("?#") != std::string::npos) {
    return WrongField{"url", "expected where Prometheus answers, without a query"};
  }
  return wrong_headers(arguments.get("headers"), "headers");
}

}  // namespace

extern const ProbeRow prometheus_probe;
const ProbeRow prometheus_probe{
    .name = "prometheus",
    .summary = "Asks a Prometheus server and compares the numbers that it has.",
    .scalar = "",
    .fields = kFields,
    .example =
        "availability: { prometheus: { url: \"{front}\", query: \"avg(up)\", "
        "expect: \"> 0.99\" }, every: 5s }",
    .ask = &ask,
    .check = &check,
};

}  // namespace gameday
