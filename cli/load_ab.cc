#include "cli/load_ab.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "engine/base/text.h"
#include "engine/load/request_pattern.h"
#include "engine/playbook/scalar.h"
#include "engine/secrets.h"

namespace gameday {
namespace {

constexpr std::int64_t kMostOfATime = 50'000;  // requests, where -t says how long
constexpr std::int64_t kMostConnections = 20'000;
constexpr std::int64_t kUsualTimeout = 30;

std::unexpected<Error> wrong(const std::string& text, const std::string& hint = "") {
  return fail(ErrorCode::invalid, "--ab: " + text, hint);
}

// The words of a shell's command line.
Result<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      if (inside) words.push_back(std::exchange(word, ""));
      inside = false;
      continue;
    }
    inside = true;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
    } else {
      word += c;
    }
  }
  if (quote != 0) return wrong("a quote is not closed");
  if (inside) words.push_back(word);
  return words;
}

struct AbLine {
  std::int64_t requests = 1, connections = 1, seconds = 0, timeout = kUsualTimeout;
  bool keeps_alive = false;
  std::string method, type, url, body_file, times_file, percentages_file;
  Headers headers;
};

Result<std::int64_t> number_of(char flag, const std::string& text, std::int64_t most) {
  const auto number = whole_number(text);
  if (!number || *number < 1 || *number > most) {
    return wrong(std::string("-") + flag + " wants a whole number from 1 to " +
                 std::to_string(most) + ", not `" + text + "`");
  }
  return *number;
}

Status take_number(std::int64_t& into, char flag, const std::string& text, std::int64_t most) {
  TRY(number, number_of(flag, text, most));
  into = number;
  return {};
}

constexpr std::string_view kPlainFlags = "klr";
constexpr std::string_view kValuedFlags = "nctsHpTmge";
constexpr const char* kKnown = "known are -n -c -t -s -k -l -r -H -p -T -m -g -e";

// -l and -r are how gameday does it anyway: lengths are not compared, and an error ends nothing.
Status take_flag(AbLine& ab, char flag, const std::string& value) {
  constexpr std::int64_t kMost = 1'000'000'000;
  switch (flag) {
    case 'k': ab.keeps_alive = true; return {};
    case 'n': return take_number(ab.requests, flag, value, kMost);
    case 'c': return take_number(ab.connections, flag, value, kMostConnections);
    case 's': return take_number(ab.timeout, flag, value, kMost / 1000);
    case 't':
      ab.requests = kMostOfATime;  // a later -n says otherwise
      return take_number(ab.seconds, flag, value, kMost / 1000);
    case 'H': {
      TRY(header, header_of(value, "--ab: -H"));
      ab.headers.push_back(std::move(header));
      return {};
    }
    case 'm':
      if (!is_header_name(value)) return wrong("-m: `" + value + "` is no method of HTTP");
      ab.method = value;
      return {};
    case 'p': ab.body_file = value; return {};
    case 'T': ab.type = value; return {};
    case 'g': ab.times_file = value; return {};
    case 'e': ab.percentages_file = value; return {};
    default: return {};
  }
}

// Flags may stand together, and a value right behind its flag: -kc10.
Status take_word(AbLine& ab, const std::vector<std::string>& words, std::size_t& at) {
  const std::string& word = words[at];
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char flag = word[i];
    if (kPlainFlags.contains(flag)) {
      TRY_OK(take_flag(ab, flag, ""));
      continue;
    }
    if (!kValuedFlags.contains(flag)) {
      return wrong(std::string("gameday has nothing for ab's -") + flag, kKnown);
    }
    if (i + 1 < word.size()) return take_flag(ab, flag, word.substr(i + 1));
    if (at + 1 == words.size()) return wrong(std::string("-") + flag + " wants a value");
    return take_flag(ab, flag, words[++at]);
  }
  return {};
}

Result<AbLine> read_line(std::string_view line) {
  TRY(words, words_of(line));
  AbLine ab;
  std::size_t at = 0;
  if (!words.empty() && (words[0] == "ab" || words[0].ends_with("/ab"))) at = 1;
  for (; at < words.size(); ++at) {
    if (words[at].size() > 1 && words[at].front() == '-') {
      TRY_OK(take_word(ab, words, at));
    } else if (ab.url.empty()) {
      ab.url = words[at];
    } else {
      return wrong("one URL, not `" + ab.url + "` and `" + words[at] + "`");
    }
  }
  if (ab.url.empty()) return wrong("it names no URL");
  if (ab.connections > ab.requests) {
    return wrong("-c may not be over -n: " + std::to_string(ab.connections) + " connections for " +
                 std::to_string(ab.requests) + " requests");
  }
  return ab;
}

// gameday would fill in what stands in braces; ab takes a text as it is.
std::string literal(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '{' ? "{{" : std::string(1, c);
  return out;
}

Result<LoadRequest> request_of(const AbLine& ab) {
  TRY_OK(checked_url(ab.url));
  LoadRequest request;
  request.url = literal(ab.url);
  request.method = !ab.method.empty() ? ab.method : ab.body_file.empty() ? "GET" : "POST";
  std::string all = ab.url;
  for (const auto& [name, value] : ab.headers) {
    request.headers.emplace_back(name, literal(value));
    all += value;
  }
  if (!ab.body_file.empty()) {
    auto body = Files().read(ab.body_file);
    if (!body) return wrong("-p: " + body.error().text);
    all += *body;
    request.body = literal(*body);
    request.headers.emplace_back("Content-Type", ab.type.empty() ? "text/plain" : ab.type);
  }
  if (!ab.keeps_alive) request.headers.emplace_back("Connection", "close");
  if (!references_in(all).empty()) return wrong("a ${...} in it would be taken for a secret");
  return request;
}

std::string milliseconds_of(Duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds(duration) * 1000);
  return text;
}

}  // namespace

Result<LoadOrder> order_of_ab(std::string_view line) {
  TRY(ab, read_line(line));
  TRY(request, request_of(ab));
  LoadOrder order;
  order.told = line;
  order.terms.request = std::move(request);
  order.terms.connections = static_cast<std::size_t>(ab.connections);
  order.terms.most = static_cast<std::uint64_t>(ab.requests);
  order.terms.length = std::chrono::seconds(ab.seconds);
  order.terms.timeout = std::chrono::seconds(ab.timeout);
  order.terms.keeps_samples = !ab.times_file.empty();
  order.times_file = ab.times_file;
  order.percentages_file = ab.percentages_file;
  return order;
}

std::string ab_percentages(const LoadRun& run) {
  std::string out = "Percentage served,Time in ms\n";
  for (int percent = 0; percent < 100; ++percent) {
    out += std::to_string(percent) + "," + milliseconds_of(run.service.quantile(percent / 100.0)) +
           "\n";
  }
  return out;
}

std::string ab_requests(const LoadRun& run) {
  std::vector<Sample> answered;
  for (const Sample& sample : run.samples) {
    if (sample.good() || sample.outcome == SampleOutcome::refused) answered.push_back(sample);
  }
  std::ranges::sort(answered, {}, [](const Sample& s) { return s.end - s.sent; });
  std::string out = "starttime\tseconds\tctime\tdtime\tttime\twait\n";
  for (const Sample& sample : answered) {
    const Utc at = run.started.utc + (sample.sent - run.started.boot);
    const std::time_t whole =
        std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    std::tm parts{};
    localtime_r(&whole, &parts);
    char time[40];
    std::strftime(time, sizeof time, "%a %b %d %H:%M:%S %Y", &parts);
    const auto took = std::chrono::round<std::chrono::milliseconds>(sample.end - sample.sent);
    out += std::string(time) + "\t" + std::to_string(whole) + "\tNaN\tNaN\t" +
           std::to_string(took.count()) + "\tNaN\n";
  }
  return out;
}

}  // namespace gameday
