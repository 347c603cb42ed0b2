#include "cli/common.h"
#include "cli/load_document.h"
#include "cli/load_files.h"
#include "cli/load_live.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "reports/load_compare.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    {"rate", OptionKind::text, "RATE", "So many requests a second: 500, 500/s or 30/m. Open loop.",
     false, "r"},
    {"duration", OptionKind::text, "TIME", "How long; default 10s.", false, "d"},
    {"connections", OptionKind::number, "N",
     "At most so many; default as many as the rate wants, or 64 with --max.", false, "c"},
    {"max", OptionKind::flag, "",
     "As many requests as the connections can, in place of --rate. Closed loop: its latencies "
     "flatter the server."},
    {"poisson", OptionKind::flag, "", "Arrivals as chance has them, --rate on average."},
    {"method", OptionKind::text, "METHOD", "Default GET; with a body POST.", false, "m"},
    {"header", OptionKind::texts, "'K: V'", "A header; ${env:NAME} in it is a secret's value.",
     false, "H"},
    {"body", OptionKind::text, "TEXT|@FILE", "The body, or the file that holds it.", false, "b"},
    {"timeout", OptionKind::text, "TIME", "When a request is given up; default 1s."},
    {"ab", OptionKind::text, "'ab ...'",
     "A command line of ApacheBench, in place of the URL and these options: -n -c -t -s -k -l -r "
     "-H -p -T -m -g -e."},
    {"hdr", OptionKind::text, "FILE",
     "Latencies second by second, as HdrHistogram's log, which its tools read."},
    {"html", OptionKind::text, "FILE", "A page with charts, in one file."},
    {"compare", OptionKind::flag, "",
     "Whether two runs differ, from their --json documents in place of the URL; sends nothing."},
    kSeedOption,
    kJsonOption,
    {"quiet", OptionKind::flag, "", "No progress on standard error."}};

constexpr ExitCode kExitCodes[] = {
    {0, "the load went as planned, and its figures were measured; no difference was shown"},
    {1, "no answer was as expected; the two runs differ"},
    {2, "wrong usage, or not comparable; nothing was sent"},
    {3, "not started: a secret cannot be had, or this machine lacks something"},
    {4, "stopped by a person; the figures are of the time until then"},
    {6,
     "inconclusive: we missed over 5 % of the plan, or were late in most seconds, or a file is not "
     "written"},
    {70, "a defect in gameday itself"}};

// What refers to secrets is looked up when it is sent, and out of the environment by then.
Secrets secrets_for(const LoadRequest& request) {
  Secrets secrets;
  secrets.take_from_environment(request.url);
  secrets.take_from_environment(request.body);
  for (const auto& [name, value] : request.headers) secrets.take_from_environment(value);
  return secrets;
}

// What was measured, into the files that were asked for and onto standard output; the exit code.
int finish(const Arguments& arguments, LoadOrder order, const LoadRun& run,
           const LoadFiles& files) {
  if (const auto kept = files.write(run, load_document(order, run)); !kept) {
    say_error(kept.error());
    order.unwritten = kept.error().text;
  }
  if (arguments.has("json")) {
    print_json(load_document(order, run));
  } else {
    print(load_text(order, run));
  }
  return verdict_of(order, run).exit_code;
}

int run_load(const Arguments& arguments) {
  const auto order = load_order(arguments);
  if (!order) return say_error(order.error()), 2;
  LoadFiles files(arguments, *order);
  if (const auto room = files.look(); !room) return say_error(room.error()), 2;
  const Secrets secrets = secrets_for(order->terms.request);
  StopSignals signals;
  const SystemClock clock;
  LoadLive live(order->terms, clock, arguments.has("quiet"));
  BareWatch watch;
  watch.stop_wanted = [&signals] { return signals.count() > 0; };
  watch.each_settled = [&files](const RunSecond& second, const Histogram& response) {
    files.see(second, response);
  };
  watch.each_window = [&live](const WindowCount& second) { live.see(second); };
  const auto ran = run_bare_load(order->terms, clock, secrets, watch);
  live.end();
  if (!ran) {
    say_error(ran.error());
    return ran.error().code == ErrorCode::invalid ? 2 : 3;
  }
  return finish(arguments, *order, *ran, files);
}

Result<Json> document_in(const std::string& path) {
  TRY(bytes, Files().read(path));
  auto read = Json::parse(bytes);
  if (!read) return std::unexpected(read.error().in(path));
  return read;
}

Result<LoadComparison> comparison_of(const Arguments& arguments) {
  for (const auto& [name, values] : arguments.options) {
    if (name == "compare" || name == "json" || name == "seed" || name == "quiet") continue;
    return fail(ErrorCode::invalid, "--compare sends nothing: it goes without --" + name);
  }
  if (arguments.positionals.size() != 2) {
    return fail(ErrorCode::invalid, "--compare wants two documents of `gameday load --json`");
  }
  TRY(a, document_in(arguments.positionals[0]));
  TRY(b, document_in(arguments.positionals[1]));
  return compared_loads(a, b, arguments.number("seed").value_or(1));
}

int compare(const Arguments& arguments) {
  const auto comparison = comparison_of(arguments);
  if (!comparison) return say_error(comparison.error()), 2;
  if (arguments.has("json")) {
    print_json(to_json(*comparison));
  } else {
    print(text_of(*comparison));
  }
  return comparison->differs() ? 1 : 0;
}

int run(const Arguments& arguments) {
  return arguments.has("compare") ? compare(arguments) : run_load(arguments);
}

}  // namespace

extern const CommandRow load_command;
const CommandRow load_command{
    "load",
    "The load engine alone: requests at a rate, or as fast as they go, and what they saw.",
    "gameday load http://127.0.0.1:8080/healthz --rate 500 --duration 10s",
    {"URL|FILE",
     "Where all requests go; {seq} in it is a request's number. Of --compare, two files.", false,
     true},
    kOptions,
    run,
    Group::before,
    kExitCodes};

}  // namespace gameday
