#include "engine/load/told.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::size_t kMostNames = 50;
constexpr Duration kApart = std::chrono::seconds(1);
constexpr const char* kOtherNames = "(others)";

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::optional<SampleOutcome> outcome_in(std::string_view letter) {
  if (letter == "o") return SampleOutcome::ok;
  if (letter == "r") return SampleOutcome::refused;
  if (letter == "u") return SampleOutcome::unknown;
  if (letter == "n") return SampleOutcome::not_sent;
  return {};
}

Result<Telling> request_in(std::string_view line) {
  const auto parts = split(line, '\t');
  const auto words = split(parts[0], ' ');
  if (parts.size() != 3 || words.size() != 5) return fail(ErrorCode::invalid, "not a request");
  const auto start = number_in<std::int64_t>(words[1]);
  const auto took = number_in<std::int64_t>(words[2]);
  const auto outcome = outcome_in(words[3]);
  const auto status = number_in<int>(words[4]);
  if (!start || !took || *took < 0 || !outcome || !status) {
    return fail(ErrorCode::invalid, "not a request");
  }
  return ToldRequest{Instant(Duration(*start)), Duration(*took),     *outcome, *status,
                     valid_utf8(parts[1]),      valid_utf8(parts[2])};
}

}  // namespace

Result<Telling> parse_telling(std::string_view line) {
  if (line.starts_with("r ")) return request_in(line);
  const auto words = split(line, ' ');
  const auto number = number_in<std::uint64_t>(words.size() > 1 ? words[1] : std::string());
  if (words[0] == "hello" && words.size() == 4) {
    return ToldHello{words[1] != "master", valid_utf8(words[3])};
  }
  if (words[0] == "users" && words.size() == 3 && number) {
    const auto cpu = number_in<std::int64_t>(words[2]);
    if (cpu) return ToldUsers{number.value_or(0), Duration(*cpu)};
  }
  if (words[0] == "dropped" && words.size() == 2 && number) {
    return ToldDropped{number.value_or(0)};
  }
  if (line == "begins") return ToldBegins{};
  if (line == "busy") return ToldBusy{};
  if (line == "bye") return ToldBye{};
  return fail(ErrorCode::invalid, "not a telling");
}

void Told::hear(int teller, std::string_view line, Instant now) {
  const auto telling = parse_telling(line);
  const bool known = tellers_.contains(teller);
  if (!telling || (!known && !std::holds_alternative<ToldHello>(*telling))) {
    ++odd_;
    return;
  }
  Teller& from = tellers_[teller];
  if (const auto* hello = std::get_if<ToldHello>(&*telling)) heard(from, *hello);
  if (const auto* request = std::get_if<ToldRequest>(&*telling)) {
    // Of what is to come nobody can tell.
    if (request->start > now + kApart) {
      ++odd_;
    } else {
      heard(*request);
    }
  }
  if (const auto* users = std::get_if<ToldUsers>(&*telling)) heard(from, *users, now);
  if (const auto* dropped = std::get_if<ToldDropped>(&*telling)) from.dropped = dropped->requests;
  if (std::holds_alternative<ToldBegins>(*telling)) from.began = true;
  if (std::holds_alternative<ToldBusy>(*telling)) busy_ = true;
  if (std::holds_alternative<ToldBye>(*telling)) from.bye = true;
}

void Told::heard(Teller& teller, const ToldHello& hello) {
  teller.sends = hello.sends;
  version_ = hello.version;
}

void Told::heard(const ToldRequest& request) {
  Sample sample;
  sample.due = sample.sent = request.start;
  sample.end = request.start + request.took;
  sample.outcome = request.outcome;
  sample.status = static_cast<std::int16_t>(request.status);
  // Unanswered after the load's timeout is bad, as for any other load, whatever came later.
  if (request.took >= terms_.timeout) {
    sample.end = request.start + terms_.timeout;
    sample.outcome = SampleOutcome::unknown;
    sample.status = 0;
  }
  count(request, sample.good());
  fresh_.push_back(sample);
}

void Told::heard(Teller& teller, const ToldUsers& users, Instant now) {
  teller.users = teller.bye ? 0 : users.users;
  teller.cpu = users.cpu;
  std::uint64_t all = 0;
  for (const auto& [number, one] : tellers_) all += one.users;
  if (!full_ && all >= terms_.users) full_ = now;
  if (full_ && !ending_) fewest_ = std::min(fewest_.value_or(all), all);
}

void Told::count(const ToldRequest& request, bool good) {
  const bool room = by_name_.size() < kMostNames || by_name_.contains(request.name);
  RequestsTold& named = by_name_[room ? request.name : kOtherNames];
  named.ok += good;
  named.errors += !good;
  if (good || !named.example.empty()) return;
  named.example = request.error.empty() ? "no answer within the load's timeout" : request.error;
}

void Told::left(int teller, bool asked) {
  const auto found = tellers_.find(teller);
  if (found == tellers_.end()) return;
  found->second.here = false;
  found->second.users = 0;
  if (found->second.sends && !(asked && found->second.bye)) ++lost_;
}

std::vector<Sample> Told::take() { return std::exchange(fresh_, {}); }

bool Told::all_are_here() const {
  std::size_t senders = 0, others = 0;
  for (const auto& [number, teller] : tellers_) {
    senders += teller.here && teller.sends && teller.began;
    others += teller.here && !teller.sends;
  }
  return senders >= terms_.senders && others >= terms_.others;
}

std::string Told::who_is_here() const {
  const auto here = std::ranges::count_if(tellers_, [](const auto& one) {
    return one.second.here && one.second.sends && one.second.began;
  });
  return std::to_string(here) + " of " + std::to_string(terms_.senders) + " sending processes";
}

std::string Told::why_not_valid() const {
  const TellersSummary all = summary();
  if (all.dropped > 0) {
    return std::to_string(all.dropped) + " requests could not be told of, and count nowhere";
  }
  if (lost_ > 0) {
    return std::to_string(lost_) + " of " + std::to_string(terms_.senders) +
           " sending processes ended without having told all";
  }
  if (odd_ > 0) return std::to_string(odd_) + " lines that were told could not be read";
  if (busy_) return "its processor was full, so that its own slowness is in what it measured";
  return "";
}

Duration Told::cpu() const {
  return std::accumulate(tellers_.begin(), tellers_.end(), Duration{},
                         [](Duration sum, const auto& one) { return sum + one.second.cpu; });
}

TellersSummary Told::summary() const {
  TellersSummary summary;
  summary.users = terms_.users;
  summary.processes = terms_.senders;
  summary.lost = lost_;
  for (const auto& [number, teller] : tellers_) summary.dropped += teller.dropped;
  for (const auto& [name, requests] : by_name_) {
    summary.requests.push_back(requests);
    summary.requests.back().name = name;
  }
  return summary;
}

ClosedTerms Told::closed() const {
  return {static_cast<double>(fewest_.value_or(terms_.users)), full_, terms_.timeout};
}

}  // namespace gameday
