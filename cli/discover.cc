#include "cli/discover.h"

#include <algorithm>
#include <map>

#include "cli/say.h"
#include "drills/systems/link.h"
#include "drills/systems/process.h"
#include "engine/runtime/locks.h"

namespace gameday {
namespace {

constexpr std::string_view kMarkName = "GAMEDAY_MARK=";
constexpr Duration kLooksWithin = std::chrono::seconds(5);

// A mark is a drill's id, a dash and the number of the deed.
std::string drill_of(const std::string& mark) { return mark.substr(0, mark.rfind('-')); }

std::string mark_of(const ProcessFacts& facts) {
  for (const auto& variable : facts.environment) {
    if (variable.starts_with(kMarkName)) return variable.substr(kMarkName.size());
  }
  return "";
}

class Discovery {
 public:
  Discovery(const Playbook& playbook, const Rows& rows)
      : playbook_(playbook),
        rows_(rows),
        http_(make_curl_http(clock_)),
        processes_(make_processes(clock_)) {}

  Json found() {
    look_at_processes();
    for (const auto& link : playbook_.system.links) look_at_link(link);
    for (const auto& step : playbook_.timeline) look_for_marks(step);
    for (const auto& name : lock_names(playbook_, rows_)) look_at_lock(name);
    return Json::object({{"processes", std::move(found_processes_)},
                         {"toxics", std::move(toxics_)},
                         {"marks", std::move(marks_)},
                         {"locks", std::move(locks_)},
                         {"not_looked_at", std::move(missed_)}});
  }

 private:
  // A process is a target's if it runs the program that the target's pidfile leads to.
  void look_at_processes() {
    const Doors doors{clock_, files_, *processes_, *http_, {}};
    std::map<std::string, std::string> target_of;  // by program
    for (const auto& target : playbook_.system.targets) {
      if (target.facets.find("process") == nullptr) continue;
      const auto pidfile = pidfile_of(target);
      const auto there = pidfile ? process_at(*pidfile, doors) : std::unexpected(pidfile.error());
      if (there) {
        note_process(target.name, *there);
        target_of.emplace(there->exe, target.name);
      } else {
        missed_.push("processes of " + target.name + ": " + there.error().text);
      }
    }
    for (const pid_t pid : processes_->all()) {
      const auto facts = processes_->look(pid);
      const auto target = facts ? target_of.find(facts->exe) : target_of.end();
      if (target != target_of.end()) note_process(target->second, *facts);
    }
  }

  void note_process(const std::string& target, const ProcessFacts& facts) {
    const std::string mark = mark_of(facts);
    const bool known = std::ranges::find(noted_, facts.id.pid) != noted_.end();
    if (mark.empty() || known) return;
    noted_.push_back(facts.id.pid);
    found_processes_.push(Json::object({{"target", target},
                                        {"pid", facts.id.pid},
                                        {"shown", shown(facts)},
                                        {"drill", drill_of(mark)},
                                        {"mark", mark}}));
  }

  void look_at_link(const Link& link) {
    const auto status = find_proxy(proxy_link(link), clock_, {Stop(), clock_.in(kLooksWithin)});
    if (!status) {
      missed_.push("toxics of link " + link.name + ": " + status.error().text);
      return;
    }
    for (const auto& toxic : status->items("toxics")) {
      const std::string mark = toxic.text("mark");
      toxics_.push(Json::object({{"link", link.name},
                                 {"kind", toxic.text("kind")},
                                 {"drill", drill_of(mark)},
                                 {"mark", mark},
                                 {"lease_left_s", toxic.number("lease_left_s", 0)}}));
    }
  }

  void look_for_marks(const Step& step) {
    const FaultRow* row = step.kind == StepKind::fault ? rows_.fault(step.fault) : nullptr;
    if (row == nullptr || row->discover == nullptr) return;
    const Doors doors{clock_, files_, *processes_, *http_, {}};
    const Secrets secrets;
    const DeedContext context{
        doors, playbook_.system, secrets, "", "", "", {{}, clock_.in(kLooksWithin)}};
    const auto found =
        row->discover({step.id, step.fault, hit_by(*row, step), step.arguments}, context);
    if (!found) {
      missed_.push("marks of " + step.fault + ": " + found.error().text);
      return;
    }
    for (const auto& one : found->items()) {
      const std::string mark = one.text("mark");
      marks_.push(Json::object({{"where", one.text("where")},
                                {"kind", row->name},
                                {"drill", drill_of(mark)},
                                {"mark", mark}}));
    }
  }

  void look_at_lock(const std::string& name) {
    const auto trace = lock_trace(files_, name);
    if (!trace) return;
    locks_.push(Json::object({{"on", name},
                              {"drill", trace->holder.drill},
                              {"store", trace->holder.store},
                              {"held", trace->held}}));
  }

  const Playbook& playbook_;
  const Rows& rows_;
  const SystemClock clock_;
  const Files files_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<Processes> processes_;
  std::vector<pid_t> noted_;
  Json found_processes_ = Json::array(), toxics_ = Json::array(), marks_ = Json::array(),
       locks_ = Json::array(), missed_ = Json::array();
};

}  // namespace

Json discover(const Playbook& playbook, const Rows& rows) {
  return Discovery(playbook, rows).found();
}

std::string shown_discovery(const Json& found) {
  std::string text;
  const auto line = [&text](const std::string& one) {
    text += (text.empty() ? "" : "\n") + harmless(one);
  };
  for (const auto& process : found.items("processes")) {
    line(process.text("shown") + " of " + process.text("target") + ": put back by deed " +
         process.text("mark"));
  }
  for (const auto& toxic : found.items("toxics")) {
    line("link " + toxic.text("link") + ": " + toxic.text("kind") + " of deed " +
         toxic.text("mark"));
  }
  for (const auto& mark : found.items("marks")) {
    line(mark.text("where") + ": " + mark.text("kind") + " of deed " + mark.text("mark"));
  }
  for (const auto& lock : found.items("locks")) {
    const std::string drill = "drill " + lock.text("drill") + " of store " + lock.text("store");
    line("lock on " + lock.text("on") + ": " +
         (lock.boolean("held", false) ? "held by " : "left by ") + drill);
  }
  if (text.empty()) line("no mark was found");
  for (const auto& missed : found.items("not_looked_at")) line("not looked at: " + missed.text());
  return text;
}

}  // namespace gameday
