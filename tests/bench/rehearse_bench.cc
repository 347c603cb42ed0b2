// How many rehearsals of the test playbook run in a minute, on one core and on two.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "engine/sim/invariants.h"
#include "tests/engine/sim/sim_playbook.h"

namespace gameday {
namespace {

double per_minute(unsigned threads, std::uint64_t count, bool checked) {
  const auto playbook = sim_playbook();
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> running;
    for (unsigned t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        RehearsalOptions options;
        options.draw_failures = true;
        for (std::uint64_t seed = t; seed < count; seed += threads) {
          const auto done = rehearse(playbook, sim_rows::kRows, seed, options);
          if (done && checked) (void)broken_invariants(*done, *playbook);
        }
      });
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(count) * 60.0 / took.count();
}

}  // namespace
}  // namespace gameday

int main(int count, char** arguments) {
  const std::uint64_t rehearsals = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1000;
  for (const unsigned threads : {1U, 2U}) {
    std::printf("rehearsals a minute, %u threads: %.0f; with every invariant asked: %.0f\n",
                threads, gameday::per_minute(threads, rehearsals, false),
                gameday::per_minute(threads, rehearsals, true));
  }
  return 0;
}
