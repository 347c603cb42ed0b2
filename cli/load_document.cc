#include "cli/load_document.h"

#include <algorithm>

#include "cli/say.h"
#include "engine/base/units.h"
#include "reports/markup.h"

namespace gameday {
namespace {

// From here on a closed load says more of us than of the server.
constexpr double kBusy = 0.9;

std::string counted(std::uint64_t count) { return shown_count(static_cast<std::int64_t>(count)); }

double per_second(std::uint64_t count, const LoadRun& run) {
  return run.length > Duration::zero() ? static_cast<double>(count) / seconds(run.length) : 0;
}

double cpu_share(const LoadRun& run) {
  return run.length > Duration::zero() ? seconds(run.carried.cpu) / seconds(run.length) : 0;
}

std::string rate_in_words(double rate) {
  return fixed(rate, rate == static_cast<double>(static_cast<std::int64_t>(rate)) ? 0 : 1) + "/s";
}

Json quantiles(const Histogram& histogram) {
  if (histogram.count() == 0) return {};
  const auto at = [&](double q) { return seconds(histogram.quantile(q)); };
  return Json::object({{"p50", at(0.5)},
                       {"p90", at(0.9)},
                       {"p99", at(0.99)},
                       {"p99.9", at(0.999)},
                       {"p99.99", at(0.9999)},
                       {"max", seconds(histogram.max())}});
}

Json plan_of(const LoadOrder& order) {
  const BareTerms& terms = order.terms;
  const auto count = [](std::uint64_t n) { return n > 0 ? Json(n) : Json(); };
  const bool closed = terms.rate <= 0, timed = terms.length > Duration::zero();
  return Json::object({{"method", terms.request.method},
                       {"url", terms.request.url},
                       {"loop", closed ? "closed" : "open"},
                       {"rate", closed ? Json() : Json(terms.rate)},
                       {"arrivals", closed                                ? Json()
                                    : terms.arrivals == Arrivals::poisson ? "poisson"
                                                                          : "constant"},
                       {"seed", terms.seed},
                       {"length_s", timed ? Json(seconds(terms.length)) : Json()},
                       {"requests", count(terms.most)},
                       {"connections", count(terms.connections)},
                       {"timeout_s", seconds(terms.timeout)}});
}

Json errors_of(const ErrorKinds& errors) {
  Json by_status = Json::object();
  for (const auto& [status, count] : errors.by_status) by_status.set(std::to_string(status), count);
  return Json::object({{"status", by_status},
                       {"connect", errors.connect},
                       {"timeout", errors.timed_out},
                       {"cut", errors.cut},
                       {"not_sent", errors.not_sent},
                       {"given_up", errors.given_up}});
}

Json seconds_of(const LoadRun& run) {
  Json all = Json::array();
  for (const RunSecond& second : run.seconds) {
    const bool any = second.due > 0;
    const auto measured = [&](double value) { return any ? Json(value) : Json(); };
    all.push(Json::object({{"from_s", second.from_s},
                           {"due", second.due},
                           {"sent", second.sent},
                           {"ok", second.ok},
                           {"errors", second.errors},
                           {"p50_s", measured(second.p50_s)},
                           {"p99_s", measured(second.p99_s)},
                           {"max_s", measured(second.max_s)},
                           {"send_lag_p99_s", measured(second.send_lag_p99_s)},
                           {"marked", second.marked}}));
  }
  return all;
}

std::string errors_in_words(const ErrorKinds& errors) {
  std::string out;
  const auto add = [&](const std::string& what, std::uint64_t count) {
    if (count > 0) out += (out.empty() ? "" : ", ") + counted(count) + " " + what;
  };
  for (const auto& [status, count] : errors.by_status) {
    add("with status " + std::to_string(status), count);
  }
  add("without a connection", errors.connect);
  add("timed out", errors.timed_out);
  add("cut off or unreadable", errors.cut);
  add("not sent, by us", errors.not_sent);
  add("not answered yet when it was stopped", errors.given_up);
  return out.empty() ? "none" : out;
}

std::string padded(std::string text, std::size_t columns) {
  return std::string(columns > text.size() ? columns - text.size() : 1, ' ') + std::move(text);
}

std::string quantile_row(const std::string& name, const Histogram& histogram) {
  std::string line = "  " + name + std::string(10 - name.size(), ' ');
  if (histogram.count() == 0) return line + "  not measured\n";
  for (const double q : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    line += padded(shown_seconds(seconds(histogram.quantile(q))), 11);
  }
  return line + padded(shown_seconds(seconds(histogram.max())), 11) + "\n";
}

std::string latencies_in_words(const LoadRun& run) {
  std::string out = "  latency   ";
  for (const char* name : {"p50", "p90", "p99", "p99.9", "p99.99", "max"}) out += padded(name, 11);
  out += "\n";
  if (!run.closed) out += quantile_row("response", run.response);
  out += quantile_row("service", run.service);
  if (!run.closed) out += quantile_row("send lag", run.send_lag);
  if (run.closed) {
    out +=
        "  These latencies are of a closed loop: while the server stalls it is asked less, and "
        "what\n"
        "  users would have waited is not in them. --rate measures that.\n";
    if (cpu_share(run) >= kBusy) {
      out +=
          "  The thread that sends was busy: this is what gameday could ask for, and the server "
          "may "
          "do more.\n";
    }
  } else {
    out += "  Response counts from when a request was due, service from when it was sent.\n";
  }
  return out;
}

}  // namespace

std::string plan_in_words(const BareTerms& terms) {
  const std::string length =
      terms.length > Duration::zero() ? " for " + shown(terms.length) : std::string();
  if (terms.rate > 0) {
    return "open loop, " + rate_in_words(terms.rate) +
           (terms.arrivals == Arrivals::poisson ? " on average (Poisson)" : "") + length;
  }
  const auto several = [](std::uint64_t n, const char* what) {
    return counted(n) + " " + what + (n == 1 ? "" : "s");
  };
  const std::string most = terms.most > 0 ? several(terms.most, "request") : std::string();
  return "closed loop, " + several(terms.connections, "connection") + ", " +
         (most.empty() ? "as fast as they go" : (length.empty() ? "" : "at most ") + most) + length;
}

LoadVerdict verdict_of(const LoadOrder& order, const LoadRun& run) {
  const LoadSummary summary = run.summary("load");
  const PhaseSummary& phase = summary.phases.front();
  LoadVerdict verdict{0, "measured", {}};
  const auto say = [&](int code, const char* word, std::string reason) {
    if (verdict.exit_code == 0) {
      verdict.exit_code = code;
      verdict.word = word;
    }
    verdict.reasons.push_back(std::move(reason));
  };
  if (run.stopped) {
    say(4, "stopped",
        "it was told to stop after " + shown_seconds(seconds(run.length)) +
            (order.terms.length > Duration::zero() ? " of " + shown(order.terms.length) : ""));
  }
  const bool asked = phase.due > run.errors.not_sent + run.errors.given_up;
  if (asked && run.ok == 0) say(1, "failed", "no answer was as expected");
  if (!asked) say(6, "inconclusive", "nothing was asked to an end");
  if (!run.problem.empty()) say(6, "inconclusive", "it ended by itself: " + run.problem);
  if (!order.unwritten.empty()) say(6, "inconclusive", order.unwritten);
  if (phase.late * 20 > phase.due) {
    say(6, "inconclusive",
        "the load missed its plan: " + counted(phase.late) + " of " + counted(phase.due) +
            " requests were not on their way within 100 ms of when they were due");
  }
  // A drill's objectives bear less (`valid` says); here the figures are of the seconds that are
  // left.
  if (phase.marked * 2 > phase.windows) {
    say(6, "inconclusive",
        "we were late ourselves in " + counted(phase.marked) + " of " + counted(phase.windows) +
            " seconds");
  }
  return verdict;
}

Json load_document(const LoadOrder& order, const LoadRun& run) {
  const LoadVerdict verdict = verdict_of(order, run);
  Json reasons = Json::array();
  for (const auto& reason : verdict.reasons) reasons.push(reason);
  const LoadSummary summary = run.summary("load");
  Json loads = Json::array();
  loads.push(to_json(summary));
  return Json::object(
      {{"gameday", "1"},
       {"version", GAMEDAY_VERSION},
       {"command", "load"},
       {"verdict", verdict.word},
       {"exit_code", verdict.exit_code},
       {"reasons", reasons},
       {"started", rfc3339(run.started.utc)},
       {"length_s", seconds(run.length)},
       {"plan", plan_of(order)},
       {"load", loads},
       {"measured", Json::object({{"planned", run.planned ? Json(*run.planned) : Json()},
                                  {"sent", run.sent},
                                  {"ok", run.ok},
                                  {"errors", errors_of(run.errors)},
                                  {"sent_rate", per_second(run.sent, run)},
                                  {"ok_rate", per_second(run.ok, run)},
                                  {"response_s", run.closed ? Json() : quantiles(run.response)},
                                  {"service_s", quantiles(run.service)},
                                  {"send_lag_s", run.closed ? Json() : quantiles(run.send_lag)},
                                  {"cpu_share", cpu_share(run)},
                                  {"clock_jumps", run.clock_jumps},
                                  {"marked", run.marked}})},
       {"seconds", seconds_of(run)}});
}

std::string load_text(const LoadOrder& order, const LoadRun& run) {
  const BareTerms& terms = order.terms;
  std::string out = harmless(terms.request.method + " " + terms.request.url) + "\n";
  out += "  plan      " + plan_in_words(terms) + "\n";
  out += "  carried   by " + run.carried.by.name + " (" + run.carried.by.why +
         "); its thread took " + fixed(100 * cpu_share(run), 1) + " % of a processor\n";
  out += "  requests  " + (run.planned ? counted(*run.planned) + " planned, " : std::string()) +
         counted(run.sent) + " sent, " + counted(run.ok) + " ok\n";
  out += "  errors    " + errors_in_words(run.errors) + "\n";
  out += "  rate      " +
         (terms.rate > 0 ? rate_in_words(terms.rate) + " planned, " : std::string()) +
         rate_in_words(per_second(run.sent, run)) + " sent, " +
         rate_in_words(per_second(run.ok, run)) + " ok, over " +
         shown_seconds(seconds(run.length)) + "\n";
  out += latencies_in_words(run);
  if (run.marked > 0) {
    out += "  marked    " + counted(run.marked) + " of " + counted(run.seconds.size()) +
           " seconds: we were late ourselves, or the clock jumped; response and service\n"
           "            leave them out\n";
  }
  const LoadVerdict verdict = verdict_of(order, run);
  for (const auto& reason : verdict.reasons) out += verdict.word + ": " + reason + "\n";
  out.pop_back();
  return out;
}

}  // namespace gameday
