// What a long journal and a long register cost: a report of a million events beside a plain reader
// of the same file in Python, a list of 10,000 drills beside the sqlite3 shell on the same store.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/journal/store.h"
#include "engine/sys/clock.h"
#include "tests/reports/example_drill.h"

namespace gameday {
namespace {

struct Cost {
  double seconds = 0;
  double megabytes = 0;  // the most that was resident
};

Cost cost_of(std::vector<std::string> argv) {
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    (void)!freopen("/dev/null", "w", stdout);
    execvp(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  if (status != 0) {
    std::fprintf(stderr, "bench: %s ended with %d\n", argv[0].c_str(), status);
    std::exit(1);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {took.count(), static_cast<double>(used.ru_maxrss) * 1024 / 1e6};
}

void print_pair(const char* what, const Cost& ours, const char* peer, const Cost& theirs) {
  std::printf("%s: %.3f s, %.0f MB; %s: %.3f s, %.0f MB; ratio %.2f in time, %.2f in memory\n",
              what, ours.seconds, ours.megabytes, peer, theirs.seconds, theirs.megabytes,
              ours.seconds / theirs.seconds, ours.megabytes / theirs.megabytes);
}

// In a child: what this process holds is counted as its children's.
void write_journal(const std::string& file, std::size_t events) {
  const pid_t child = fork();
  if (child == 0) {
    std::ofstream journal(file);
    for (const auto& line : long_drill(events)) journal << line << '\n';
    journal.close();
    _exit(journal ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) std::exit(1);
}

void report_bench(const std::string& program, const std::string& folder) {
  write_journal(folder + "/journal.jsonl", 1'000'000);
  constexpr const char* kReader =
      "import hashlib, json, sys\n"
      "for line in open(sys.argv[1]):\n"
      "  event = json.loads(line)\n"
      "  at = line.rindex(',\"hash\":')\n"
      "  said = 'sha256:' + hashlib.sha256((line[:at] + '}').encode()).hexdigest()\n"
      "  assert said == event['hash']\n";
  const Cost ours = cost_of({program, "report", folder, "--out", folder + "/out"});
  const Cost theirs = cost_of({"python3", "-c", kReader, folder + "/journal.jsonl"});
  print_pair("report of 1,000,000 events", ours, "a reader of them in python3", theirs);
  std::printf("its report.html: %.2f MB\n",
              static_cast<double>(std::filesystem::file_size(folder + "/out/report.html")) / 1e6);
}

// One drill of the store's own making, then 9,999 more rows like it.
void fill(const std::string& file) {
  const SystemClock clock;
  const auto store = Store::open(file, clock);
  DrillRecord drill;
  drill.id = "01JD2Z8Q6V4N7Y3M5K9T100000";
  drill.name = "shop-survives-losing-its-store";
  drill.playbook = "/srv/playbooks/shop.yaml";
  drill.created = "2026-11-22T19:04:10.000000Z";
  if (!store || !(*store)->add(drill) || !(*store)->set_verdict(drill.id, "passed")) std::exit(1);
  const auto journal = (*store)->journal(drill.id);
  for (int i = 0; i < 20; ++i) {
    const Json data = Json::object({{"probe", "front"}, {"ok", true}, {"text", "status 200"}});
    if (!journal || !(*journal)->append(clock.now(), "sample", data, Durability::durable)) {
      std::exit(1);
    }
  }
}

void list_bench(const std::string& program, const std::string& folder) {
  const std::string store = folder + "/gameday.db";
  fill(store);
  (void)cost_of({"sqlite3", store,
                 "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 "
                 "FROM n WHERE i < 9999) SELECT i, printf('01JD2Z8Q6V4N7Y3M5K9T1%05d', i) AS id "
                 "FROM n;"
                 "INSERT INTO drills SELECT NULL, n.id, name, playbook, boot, pid, start, "
                 "added_epoch, epoch, verdict, created, previous FROM drills, n;"
                 "INSERT INTO events SELECT n.id, number, line FROM events, n;"});
  const Cost ours = cost_of({program, "list", "--store", store});
  const Cost theirs = cost_of({"sqlite3", store,
                               "SELECT id, created, verdict, (SELECT max(number) FROM events WHERE "
                               "drill = id), name FROM drills ORDER BY entered"});
  print_pair("list of 10,000 drills", ours, "the same rows by the sqlite3 shell", theirs);
}

}  // namespace
}  // namespace gameday

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: evidence_bench GAMEDAY\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a fork must not double what is not written yet
  std::string folder = std::filesystem::temp_directory_path() / "gameday-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  gameday::report_bench(arguments[1], folder);
  gameday::list_bench(arguments[1], folder);
  std::filesystem::remove_all(folder);
  return 0;
}
