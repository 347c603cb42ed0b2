// How late and how dear the load engine sends: send lag and our own CPU for each request at a rate
// (2,000/s unless given) for 10 s, against a server in a process of its own.
//   load_bench [RATE] [URL]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/load/load.h"
#include "tests/engine/load/order_server.h"

namespace {

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto in_seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return in_seconds(used.ru_utime) + in_seconds(used.ru_stime);
}

// Starts a server in a child and tells its URL; the child ends with its end of `alive`.
std::string served_by_child(int alive[2]) {
  int told[2];
  if (pipe2(told, O_CLOEXEC) != 0 || pipe2(alive, O_CLOEXEC) != 0) std::abort();
  if (fork() == 0) {
    close(alive[1]);
    const gameday::OrderServer server;
    const std::string url = server.url();
    char byte = 0;
    const bool ended = write(told[1], url.data(), url.size()) < 0 || read(alive[0], &byte, 1) <= 0;
    _exit(ended ? 0 : 1);
  }
  char url[64] = {};
  if (read(told[0], url, sizeof url - 1) <= 0) std::abort();
  return url;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gameday;
  int alive[2] = {-1, -1};
  LoadTerms terms;
  terms.spec.name = "bench";
  terms.spec.rate = argc > 1 ? std::atof(argv[1]) : 2000;
  terms.spec.request.url = argc > 2 ? argv[2] : served_by_child(alive) + "/orders/{key}";
  terms.spec.request.method = argc > 2 ? "GET" : "PUT";
  terms.drill = "BENCH";
  terms.ledger_path = "load_bench." + std::to_string(getpid()) + ".jsonl";
  const SystemClock clock;
  const Files files;
  const auto processes = make_processes(clock);
  const auto http = make_curl_http(clock);
  const Doors doors{clock, files, *processes, *http, {}};
  const Secrets secrets;
  const double before = cpu_seconds();
  auto load = start_load(terms, doors, secrets, {});
  if (!load) return std::fprintf(stderr, "%s\n", load.error().text.c_str()), 1;
  (void)clock.sleep({Stop(), clock.in(std::chrono::seconds(10))});
  (*load)->end();
  const double cpu = cpu_seconds() - before;
  Histogram lag, response;
  std::size_t ok = 0;
  for (const Sample& s : (*load)->samples()) {
    lag.add(s.send_lag());
    response.add(s.latency());
    ok += s.good();
  }
  const auto ms = [](Duration d) { return seconds(d) * 1e3; };
  std::printf("requests %zu, ok %zu, %.1f us CPU each\n", (*load)->samples().size(), ok,
              cpu * 1e6 / static_cast<double>((*load)->samples().size()));
  std::printf("send lag ms: p50 %.3f p99 %.3f p99.9 %.3f max %.3f\n", ms(lag.quantile(0.5)),
              ms(lag.quantile(0.99)), ms(lag.quantile(0.999)), ms(lag.max()));
  std::printf("response ms: p50 %.3f p99 %.3f max %.3f\n", ms(response.quantile(0.5)),
              ms(response.quantile(0.99)), ms(response.max()));
  (void)files.remove(terms.ledger_path);
  if (alive[1] >= 0) close(alive[1]);
  while (wait(nullptr) > 0) {
  }
  return 0;
}
