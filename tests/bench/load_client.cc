// One client of `make bench-load`, in a process of its own as its peers are: as fast as it goes
// over so many connections, with all that a load of gameday has: its strict reader, a check of the
// status, three histograms a second. Or the floor under it, which sends the same bytes, takes
// whatever comes for an answer, and counts.
//   load_client uring|epoll|floor SERVER CONNECTIONS SECONDS
// SERVER is ADDRESS:PORT or a URL; https://localhost:PORT is spoken to over TLS, and must be
// trusted (SSL_CERT_FILE).
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "engine/load/closed_loop.h"
#include "engine/load/http_request.h"
#include "engine/load/ring.h"
#include "engine/load/wire_request.h"
#include "engine/sys/descriptor.h"

namespace {

using namespace gameday;

struct Wanted {
  std::string way;
  std::string at;
  std::size_t connections = 0;
  Duration length{};
};

[[noreturn]] void fail_with(const std::string& text) {
  std::fprintf(stderr, "load_client: %s\n", text.c_str());
  std::exit(1);
}

struct Counted {
  std::uint64_t answers = 0, wrong = 0;
  Histogram latency;
};

Counted by_gameday(const Wanted& wanted, const RequestPattern& pattern) {
  const SystemClock clock;
  const PlainHttp& to = pattern.wire()->to();
  auto transport = wanted.way == "uring" ? make_uring_transport(clock, wanted.connections, to)
                                         : make_epoll_transport(clock, wanted.connections, to);
  if (!transport) fail_with(transport.error().text);
  Counted counted;
  RecorderTerms terms;
  terms.started = clock.now().boot;
  terms.rate = 1e6;
  terms.keeps_samples = false;
  terms.each_window = [&](const WindowCount& window) {
    counted.answers += window.ok;
    counted.wrong += window.errors;
    counted.latency += window.response;
  };
  Recorder recorder(std::move(terms));
  ClosedLoop loop(std::chrono::seconds(5), pattern, **transport, recorder, clock);
  std::jthread ending([&] {
    (void)clock.sleep({Stop(), clock.in(wanted.length)});
    loop.end();
  });
  loop.run();
  if (!loop.problem().empty()) fail_with(loop.problem());
  for (const auto& [why, requests] : (*transport)->unanswered()) {
    std::fprintf(stderr, "load_client: %llu: %s\n", static_cast<unsigned long long>(requests),
                 why.c_str());
  }
  return counted;
}

Descriptor connected(const PlainHttp& to) {
  Descriptor made(socket(to.address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  const int on = 1;
  setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(made.get(), to.address.get(), to.address.size) != 0) fail_with("cannot connect");
  return made;
}

Counted floor_under_it(const Wanted& wanted, const RequestPattern& pattern) {
  const SystemClock clock;
  std::string request;
  if (!pattern.wire()->write(0, request)) fail_with("no request");
  const PlainHttp& to = pattern.wire()->to();
  if (to.tls || to.address.size == 0) fail_with("the floor wants an address, without TLS");
  auto ring = Ring::open(kPieces);
  if (!ring) fail_with(ring.error().text);
  std::vector<Descriptor> connections;
  for (std::size_t i = 0; i < wanted.connections; ++i) {
    connections.push_back(connected(to));
    (*ring)->receive(connections.back().get(), i);
    (*ring)->send(connections.back().get(), request, i);
  }
  Counted counted;
  const auto half = static_cast<unsigned>(std::clamp<std::size_t>(wanted.connections / 2, 1, 32));
  const Ring::Handler handler = [&](const Ring::Event& event) {
    if (event.did != Ring::Did::receive || event.over) fail_with("a connection has ended");
    ++counted.answers;
    (*ring)->send(connections[event.tag].get(), request, event.tag);
  };
  for (const Instant end = clock.in(wanted.length); clock.now().boot < end;) {
    (*ring)->wait(half, std::chrono::milliseconds(half > 1 ? 1 : 100));
    (*ring)->each(handler);
  }
  return counted;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail_with("usage: load_client uring|epoll|floor SERVER CONNECTIONS SECONDS");
  const Wanted wanted{argv[1], argv[2], static_cast<std::size_t>(std::atoi(argv[3])),
                      from_seconds(std::atof(argv[4]))};
  LoadRequest request;
  request.url = wanted.at.contains("://") ? wanted.at : "http://" + wanted.at + "/";
  request.headers = {{"User-Agent", "gameday"}};
  const Secrets secrets;
  const RequestPattern pattern(request, "BENCH", "bench", 1, secrets);
  if (pattern.wire() == nullptr) fail_with("no server of ours: " + wanted.at);
  const Counted counted =
      wanted.way == "floor" ? floor_under_it(wanted, pattern) : by_gameday(wanted, pattern);
  std::printf("answers %llu wrong %llu p99_us %.0f\n",
              static_cast<unsigned long long>(counted.answers),
              static_cast<unsigned long long>(counted.wrong),
              seconds(counted.latency.quantile(0.99)) * 1e6);
  return 0;
}
