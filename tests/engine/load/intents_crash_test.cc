// What a SIGKILL leaves: no write on the server that the ledger had not announced.
#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/engine/load/load_fixture.h"

namespace gameday {
namespace {

// The load of the child, which lives until it is killed.
[[noreturn]] void run_load(int port_pipe, const std::string& ledger_path) {
  char url[64] = {};
  if (read(port_pipe, url, sizeof url - 1) <= 0) _exit(1);
  const SystemClock clock;
  const Files files;
  const auto processes = make_processes(clock);
  const auto http = make_curl_http(clock);
  const Doors doors{clock, files, *processes, *http, {}};
  const Secrets secrets;
  LoadTerms terms;
  terms.spec.name = "checkout";
  terms.spec.rate = 1000;
  terms.spec.request.method = "PUT";
  terms.spec.request.url = std::string(url) + "/orders/{key}";
  terms.drill = "01DRILL";
  terms.ledger_path = ledger_path;
  const auto load = start_load(terms, doors, secrets, {});
  (void)clock.sleep({Stop(), clock.in(std::chrono::seconds(30))});
  _exit(1);
}

class IntentsCrashTest : public LoadTest {};

TEST_F(IntentsCrashTest, NoWriteArrivesThatWasNotAnnounced) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor reading(ends[0]), writing(ends[1]);
  const pid_t child = fork();  // before this process has a second thread
  if (child == 0) run_load(reading.get(), folder_ + "/ledger.jsonl");
  OrderServer server;
  const std::string url = server.url();
  ASSERT_EQ(write(writing.get(), url.data(), url.size()), static_cast<ssize_t>(url.size()));
  const bool far = soon([&] { return server.count() > 1500; });
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(far);
  ASSERT_TRUE(soon([&] { return !server.connected(); }));
  std::uint64_t announced = 0;
  const std::string bytes = *files_.read(folder_ + "/ledger.jsonl");
  for (const auto& line : split(trimmed(bytes), '\n')) {
    const auto read = Json::parse(line);
    ASSERT_TRUE(read) << line;
    if (read->text("type") == "intent") {
      EXPECT_EQ(read->integer("from", -1), static_cast<std::int64_t>(announced));
      announced = static_cast<std::uint64_t>(read->integer("to", -1)) + 1;
    }
  }
  for (const auto& seen : server.seen()) {
    EXPECT_LT(seen.target, "/orders/" + ledger_key("01DRILL", "checkout", announced));
  }
}

}  // namespace
}  // namespace gameday
