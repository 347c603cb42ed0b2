// How late and how dear the load engine sends, against a server in a process of its own: by our own
// sockets, and by libcurl, which a header that frames is left to; turn by turn in one run.
//   load_bench [RATE] [ROUNDS]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/load/load.h"
#include "tests/engine/load/order_server.h"

namespace {

using namespace gameday;

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto in_seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return in_seconds(used.ru_utime) + in_seconds(used.ru_stime);
}

// Starts a server in a child and tells its port; the child ends with its end of `alive`.
std::string served_by_child(int alive[2]) {
  int told[2];
  if (pipe2(told, O_CLOEXEC) != 0 || pipe2(alive, O_CLOEXEC) != 0) std::abort();
  if (fork() == 0) {
    close(alive[1]);
    const OrderServer server;
    const std::string url = server.url();
    char byte = 0;
    const bool ended = write(told[1], url.data(), url.size()) < 0 || read(alive[0], &byte, 1) <= 0;
    _exit(ended ? 0 : 1);
  }
  char url[64] = {};
  if (read(told[0], url, sizeof url - 1) <= 0) std::abort();
  return std::string(url).substr(std::string(url).rfind(':'));
}

struct Round {
  std::size_t requests = 0, ok = 0;
  double cpu_us = 0;  // of ours, for each request
  Histogram lag, response;
};

Round round_at(const std::string& url, double rate, const Doors& doors, bool by_libcurl) {
  LoadTerms terms;
  terms.spec.name = "bench";
  terms.spec.rate = rate;
  terms.spec.request.url = url + "/orders/{key}";
  terms.spec.request.method = "PUT";
  if (by_libcurl) terms.spec.request.headers = {{"Connection", "keep-alive"}};
  terms.drill = "BENCH";
  const Secrets secrets;
  const double before = cpu_seconds();
  auto load = start_load(terms, doors, secrets, {});
  if (!load) {
    std::fprintf(stderr, "%s\n", load.error().text.c_str());
    std::exit(1);
  }
  (void)doors.clock.sleep({Stop(), doors.clock.in(std::chrono::seconds(5))});
  (*load)->end();
  Round seen;
  seen.requests = (*load)->samples().size();
  seen.cpu_us = (cpu_seconds() - before) * 1e6 / static_cast<double>(seen.requests);
  for (const Sample& sample : (*load)->samples()) {
    seen.lag.add(sample.send_lag());
    seen.response.add(sample.latency());
    seen.ok += sample.good();
  }
  return seen;
}

void tell(const char* name, const Round& seen) {
  const auto ms = [](Duration d) { return seconds(d) * 1e3; };
  std::printf(
      "%-8s %zu requests, %zu ok, %5.1f us of processor time each; send lag ms: p50 %.3f "
      "p99 %.3f max %.3f; response ms: p50 %.3f p99 %.3f\n",
      name, seen.requests, seen.ok, seen.cpu_us, ms(seen.lag.quantile(0.5)),
      ms(seen.lag.quantile(0.99)), ms(seen.lag.max()), ms(seen.response.quantile(0.5)),
      ms(seen.response.quantile(0.99)));
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double rate = argc > 1 ? std::atof(argv[1]) : 2000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  int alive[2] = {-1, -1};
  const std::string port = served_by_child(alive);
  const SystemClock clock;
  const Files files;
  const auto processes = make_processes(clock);
  const auto http = make_curl_http(clock);
  const Doors doors{clock, files, *processes, *http, {}};
  std::vector<double> own, curl;
  for (int i = 0; i < rounds; ++i) {
    const Round by_sockets = round_at("http://127.0.0.1" + port, rate, doors, false);
    const Round by_libcurl = round_at("http://127.0.0.1" + port, rate, doors, true);
    tell("sockets", by_sockets);
    tell("libcurl", by_libcurl);
    own.push_back(by_sockets.cpu_us);
    curl.push_back(by_libcurl.cpu_us);
  }
  std::printf("at %.0f/s, medians of %d: %.1f us each by sockets, %.1f by libcurl: %.2fx\n", rate,
              rounds, median(own), median(curl), median(curl) / median(own));
  close(alive[1]);
  while (wait(nullptr) > 0) {
  }
  return 0;
}
