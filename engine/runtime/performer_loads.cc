// The performer's loads: started, ended, read back and summed up.
#include <algorithm>

#include "engine/base/assert.h"
#include "engine/load/request_mix.h"
#include "engine/load/told_load.h"
#include "engine/runtime/performer.h"

namespace gameday {

std::string Performer::ledger_file(const std::string& load) const {
  // The first ledger has the plain name that readers look for.
  for (const auto& spec : terms_.playbook->loads) {
    if (spec.ledger) return spec.name == load ? "ledger.jsonl" : "ledger-" + load + ".jsonl";
  }
  return "ledger-" + load + ".jsonl";
}

Performer::RunningLoad* Performer::running(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = loads_.find(name);
  return found == loads_.end() ? nullptr : &found->second;
}

// A load of a row's kind, which goes by its undo.
void Performer::let_speak(LoadTerms& terms, const Undo& undo, const std::string& mark) const {
  const LoadRow* row = terms_.rows.load(terms.spec.kind);
  if (row == nullptr) return;
  const LoadSpec& spec = terms.spec;
  terms.connections = static_cast<std::size_t>(spec.arguments.integer(
      "connections", static_cast<std::int64_t>(clients_for(spec.rate, spec.timeout))));
  terms.connect = [this, row, undo, mark](const Until& until) {
    return row->connect(undo, context(mark, until));
  };
  terms.reader = [this, row, undo, mark](const Until& until) {
    return row->reader(undo, context(mark, until));
  };
}

Status Performer::start_load_of(const std::string& name, const Undo& undo, const std::string& mark,
                                const Until& until) {
  const LoadSpec* spec = terms_.playbook->load(name);
  GD_ASSERT(spec != nullptr);
  LoadTerms terms;
  terms.spec = *spec;
  terms.drill = terms_.drill;
  terms.seed = terms_.seed;
  // A jump of more than a tenth of what is to be judged would bend it.
  terms.clock_apart = smallest(terms_.playbook->objectives).value_or(terms.clock_apart * 10) / 10;
  if (spec->ledger) {
    terms.ledger_path = terms_.private_folder + "/" + ledger_file(name);
    terms.most_writes = static_cast<std::uint64_t>(terms_.playbook->limits.writes);
  }
  const auto each_window = [this, name](const WindowCount& w) {
    if (terms_.each_window) terms_.each_window(name, w);
  };
  const LoadRow* row = terms_.rows.load(spec->kind);
  if (row != nullptr && row->carry != nullptr) {
    TRY(carrier, row->carry(undo, context(mark, until)));
    TRY(load, start_told_load(terms, carrier, mark, terms_.doors, until, each_window));
    const std::lock_guard lock(mutex_);
    loads_[name] = {std::move(terms), std::move(load), false};
    return {};
  }
  let_speak(terms, undo, mark);
  auto started = start_load(terms, terms_.doors, terms_.secrets, each_window);
  if (!started) return std::unexpected(started.error());
  const std::lock_guard lock(mutex_);
  loads_[name] = {std::move(terms), std::move(*started), false};
  return {};
}

Done Performer::end_loads(const Task& task) {
  for (const auto& name : task.names) {
    RunningLoad* load = running(name);
    if (load == nullptr || load->ended) continue;
    load->load->end();
    load->ended = true;
  }
  return {task.id, {}, {}};
}

void Performer::end_all_loads() {
  Task all;
  for (const auto& spec : terms_.playbook->loads) all.names.push_back(spec.name);
  (void)end_loads(all);
}

Done Performer::read_back_ledger(const Task& task, const Until& until) {
  const std::string& name = task.names.front();
  RunningLoad* load = running(name);
  Done done{task.id, {}, {}};
  if (load == nullptr || !load->ended) {
    done.status = fail(ErrorCode::failed, "load " + name + " has not ended");
    return done;
  }
  const auto& writes = load->load->writes();
  auto read = read_back(load->terms, writes, terms_.doors, terms_.secrets, until);
  LedgerTerms terms;
  terms.load = name;
  terms.drill = terms_.drill;
  terms.seed = terms_.seed;
  terms.rate =
      load->terms.spec.curve().scaled(RequestMix(load->terms.spec, terms_.seed).writing_share());
  terms.load_started = load->load->started();
  terms.disaster = task.disaster;
  terms.restored = task.restored;
  LedgerFile* file = load->load->ledger();
  // Without an answer it is still known what was acknowledged.
  auto summary = classify(
      writes, read.value_or(ReadBack{}), terms, [&](std::string_view key, std::string_view found) {
        if (file == nullptr) return;
        (void)file->note(Json::object({{"type", "read"}, {"key", key}, {"class", found}}));
      });
  if (!read) {
    summary.read_back = false;
    summary.problem = read.error().text;
  }
  if (file != nullptr) {
    if (auto synced = file->sync(); !synced) done.status = std::unexpected(synced.error());
  }
  done.value = std::move(summary);
  return done;
}

Done Performer::summarise_load(const Task& task) {
  const std::string& name = task.names.front();
  RunningLoad* load = running(name);
  Done done{task.id, {}, {}};
  if (load == nullptr || !load->ended) {
    done.status = fail(ErrorCode::failed, "load " + name + " has not ended");
    return done;
  }
  const auto& samples = load->load->samples();
  Instant end = load->load->started();
  for (const auto& sample : samples) end = std::max(end, sample.due);
  LoadWindow window;
  window.first_step = task.first_step;
  window.end = end + Duration(1);
  window.started = load->load->started();
  if (!load->terms.spec.carried) window.rate = load->terms.spec.curve();
  window.clock_jumps = load->load->clock_jumps();
  window.checks = load->load->checks();
  count_by_request(load->terms.spec, terms_.seed, window);
  window.users = load->load->users();
  const Told* told = load->load->told();
  if (told != nullptr) window.closed = told->closed();
  auto summary = summarise(name, samples, task.hold, task.faults, window);
  if (told != nullptr) {
    summary.tellers = told->summary();
    mark_invalid(summary, samples.empty() ? "it sent nothing" : told->why_not_valid());
  }
  const Carried& carried = load->load->carried();
  summary.carried = {carried.by.name, carried.by.why, seconds(carried.cpu), carried.unanswered};
  done.value = std::move(summary);
  return done;
}

std::vector<Performer::LedgerState> Performer::ledgers() {
  std::vector<LedgerState> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, running_load] : loads_) {
    LedgerFile* file = running_load.load->ledger();
    if (file != nullptr) found.push_back({name, ledger_file(name), file->mark()});
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> Performer::load_problems() {
  std::vector<std::pair<std::string, std::string>> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, running_load] : loads_) {
    if (!running_load.load->problem().empty()) {
      found.emplace_back(name, running_load.load->problem());
    }
  }
  return found;
}

}  // namespace gameday
