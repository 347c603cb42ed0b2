// Rehearses the test playbooks with failures drawn from many seeds, and tells the first seed of
// each invariant that is broken. Exit code 1 if there is any.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/sim/invariants.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

struct Wanted {
  std::uint64_t from = 1, count = 100'000;
  unsigned threads = 2;
  bool first = false;    // nothing after the first seed that breaks one
  bool told = false;     // one line a seed
  bool journal = false;  // the journal of the first seed
};

struct Tally {
  std::map<std::string, std::pair<std::uint64_t, std::string>> broken;  // first seed and how
  std::map<int, std::uint64_t> exit_codes;
};

void rehearse_one(std::uint64_t seed, const SimPlaybooks& playbooks, const Wanted& wanted,
                  Tally& tally) {
  RehearsalOptions options;
  options.draw_failures = true;
  const auto& playbook = playbooks.of(seed);
  const auto done = rehearse(playbook, sim_rows::kRows, seed, options);
  if (!done) {
    tally.broken.try_emplace("planned", seed, done.error().text);
    return;
  }
  ++tally.exit_codes[done->exit_code];
  const auto broken = broken_invariants(*done, *playbook);
  if (wanted.told) {
    std::printf("%llu\t%d\t%s\t%s\t%s\n", static_cast<unsigned long long>(seed), done->exit_code,
                broken.empty() ? "-" : std::string(broken.front().invariant).c_str(),
                done->failures.told.c_str(), done->message.c_str());
  }
  if (wanted.journal) {
    for (const auto& line : done->journal) std::printf("%s\n", line.c_str());
  }
  for (const auto& [invariant, how] : broken) {
    tally.broken.try_emplace(std::string(invariant), seed, how + " [" + done->failures.told + "]");
  }
}

void at_most(std::atomic<std::uint64_t>& least, std::uint64_t value) {
  auto known = least.load();
  while (value < known && !least.compare_exchange_weak(known, value)) {
  }
}

int run(const Wanted& wanted) {
  const SimPlaybooks playbooks;
  std::vector<Tally> tallies(wanted.threads);
  std::atomic<std::uint64_t> last = wanted.count;
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < wanted.threads; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t i = t; i < last; i += wanted.threads) {
          rehearse_one(wanted.from + i, playbooks, wanted, tallies[t]);
          if (wanted.first && !tallies[t].broken.empty()) at_most(last, i);
        }
      });
    }
  }
  Tally all;
  std::uint64_t rehearsed = 0;
  for (const auto& tally : tallies) {
    for (const auto& [code, count] : tally.exit_codes) {
      all.exit_codes[code] += count;
      rehearsed += count;
    }
    for (const auto& [name, first] : tally.broken) {
      auto& known = all.broken.try_emplace(name, first).first->second;
      if (first.first < known.first) known = first;
    }
  }
  for (const auto& [code, count] : all.exit_codes) {
    std::printf("exit code %d: %llu\n", code, static_cast<unsigned long long>(count));
  }
  for (const auto& [name, first] : all.broken) {
    std::printf("BROKEN %s at seed %llu: %s\n", name.c_str(),
                static_cast<unsigned long long>(first.first), first.second.c_str());
  }
  std::printf("%llu rehearsals, %zu invariants broken\n",
              static_cast<unsigned long long>(rehearsed), all.broken.size());
  return all.broken.empty() ? 0 : 1;
}

}  // namespace
}  // namespace gameday

int main(int count, char** arguments) {
  // What was told is to be seen where one of them brings all of us down.
  (void)std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  gameday::Wanted wanted;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto value = [&] {
      return i + 1 < count ? std::strtoull(arguments[++i], nullptr, 10) : 0;
    };
    if (name == "--from") {
      wanted.from = value();
    } else if (name == "--count") {
      wanted.count = value();
    } else if (name == "--threads") {
      wanted.threads = static_cast<unsigned>(std::max(1ULL, value()));
    } else if (name == "--first") {
      wanted.first = true;
    } else if (name == "--told") {
      wanted.told = true;
    } else if (name == "--journal") {
      wanted.journal = true;
    } else {
      std::fprintf(
          stderr,
          "rehearsals [--from N] [--count N] [--threads N] [--first] [--told] [--journal]\n");
      return 2;
    }
  }
  return gameday::run(wanted);
}
