#include "engine/runtime/prober.h"

#include <exception>

namespace gameday {

Prober::~Prober() { stop_.request(); }

void Prober::start(const std::vector<ProbeSpec>& probes) {
  for (const auto& probe : probes) {
    threads_.emplace_back([this, probe] { ask_for_ever(probe); });
  }
}

Sampled Prober::ask_once(const ProbeSpec& probe) {
  Sampled sample;
  sample.probe = probe.name;
  sample.start = clock_.now().boot;
  const ProbeRow* row = rows_.probe(probe.kind);
  try {
    const auto answer = row->ask(
        probe.arguments, performer_.context("", {stop_.stop(), sample.start + probe.timeout}));
    sample.ok = answer.ok;
    sample.text = answer.text;
  } catch (const std::exception& error) {
    sample.text = std::string("defect: ") + error.what();
  }
  sample.end = clock_.now().boot;
  return sample;
}

void Prober::ask_for_ever(const ProbeSpec& probe) {
  Instant due = clock_.now().boot;
  while (!stop_.stop().requested()) {
    Sampled sample = ask_once(probe);
    if (stop_.stop().requested()) return;
    each_(std::move(sample));
    due += probe.every;
    // An attempt that outlasted its interval delays the next one; attempts never pile up.
    due = std::max(due, clock_.now().boot);
    if (!clock_.sleep({stop_.stop(), due})) return;
  }
}

}  // namespace gameday
