#include "drills/systems/postgres_home.h"

#include <unistd.h>

#include "drills/systems/base_backup.h"
#include "drills/systems/waiting.h"
#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// Longer than a server that writes its last checkpoint takes.
constexpr std::chrono::seconds kEnds{60};

std::string setting_line(const std::string& name, const std::string& value) {
  std::string quoted;
  for (const char c : value) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return name + " = '" + quoted + "'\n";
}

// Whether a path in a container outlives it: what is in the container alone no other one sees.
bool is_mounted(const Container& container, const std::string& path) {
  for (const Json& mount : container.all.items("Mounts")) {
    const std::string at = mount.text("Destination");
    if (!at.empty() && (path + "/").starts_with(at.ends_with('/') ? at : at + "/")) return true;
  }
  return false;
}

// The target's container, whether it runs or was killed.
Result<Container> find_container(const Target& target, const DockerEngine& engine,
                                 const DeedContext& context) {
  const Json& facet = target.facets.get("container");
  TRY(found, containers_of(facet, engine, context));
  if (found.size() == 1) return std::move(found.front());
  if (found.empty()) {
    return fail(ErrorCode::not_found, "no container has " + shown_container_facet(facet));
  }
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.name + " (" + one.state + ")");
  return fail(ErrorCode::conflict,
              "several containers have " + shown_container_facet(facet) + ": " + join(names, ", "),
              "say which one, by its name");
}

std::string without_end(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// Said once, by the step or by its target; or twice the same.
Result<std::string> data_of(const Target& target, const Json& arguments) {
  const std::string step = without_end(arguments.text("data"));
  const std::string facet = without_end(target.facets.get("postgres-data").text("folder"));
  if (!step.empty() && !facet.empty() && step != facet) {
    return fail(ErrorCode::invalid, "`data` is " + step + ", and the `postgres-data` of " +
                                        target.name + " is " + facet);
  }
  std::string data = step.empty() ? facet : step;
  if (data.empty()) {
    return fail(ErrorCode::invalid, "neither `data` nor a `postgres-data` of " + target.name +
                                        " says where its data directory is");
  }
  if (!data.starts_with('/') || data == "/") {
    return fail(ErrorCode::invalid, "`data` is no absolute path of a data directory");
  }
  return data;
}

}  // namespace

Result<PostgresHome> PostgresHome::open(const std::string& target, const Json& arguments,
                                        int version, const DeedContext& context) {
  const Target* found = context.system.target(target);
  if (found == nullptr) return fail(ErrorCode::not_found, "no target is called " + target);
  PostgresHome home(context);
  home.target_ = target;
  TRY(data, data_of(*found, arguments));
  home.data_ = data;
  home.user_ = arguments.text("server_user", "postgres");
  home.config_ = arguments.text("config");
  home.programs_ = arguments.text("programs");
  if (home.programs_.empty()) {
    home.programs_ = "/usr/lib/postgresql/" + std::to_string(version) + "/bin";
  }
  home.start_ = texts_in(arguments, "start");
  if (home.start_.empty()) home.start_ = texts_in(found->facets.get("postgres-data"), "start");
  home.stop_ = texts_in(arguments, "stop");
  if (found->facets.find("container") != nullptr) TRY_OK(home.join_container(*found));
  return home;
}

Status PostgresHome::join_container(const Target& target) {
  TRY(engine, DockerEngine::open(*context_));
  engine_ = std::make_unique<DockerEngine>(std::move(engine));
  TRY(container, find_container(target, *engine_, *context_));
  if (!is_mounted(container, data_)) {
    return fail(ErrorCode::refused,
                data_ + " of " + gameday::shown(container) +
                    " is in no volume, so nothing reaches it while the container does not run",
                "keep the data directory in a volume");
  }
  container_ = std::move(container);
  TRY(aide, ContainerAide::make(*container_, *engine_, *context_));
  aide_.emplace(std::move(aide));
  return {};
}

std::string PostgresHome::shown() const {
  return target_ + " (" + data_ + (container_ ? " in " + gameday::shown(*container_) : "") + ")";
}

Result<Ended> PostgresHome::run_there(std::vector<std::string> argv) const {
  if (!argv.front().contains('/') && argv.front() != "sh") {
    argv.front() = programs_ + "/" + argv.front();
  }
  if (aide_) return aide_->run(argv, user_, *context_);
  if (geteuid() == 0) {
    std::vector<std::string> all{"setpriv", "--reuid", user_, "--regid", user_, "--init-groups"};
    all.insert(all.end(), argv.begin(), argv.end());
    argv = std::move(all);
  }
  return context_->doors.processes.run({std::move(argv), "/", {"LC_ALL=C"}}, context_->until);
}

Result<std::string> PostgresHome::run(std::vector<std::string> argv) const {
  const std::string name = argv.front();
  auto ended = run_there(std::move(argv));
  if (!ended) return std::unexpected(ended.error().in(name + " for " + shown()));
  if (ended->succeeded()) return std::move(ended->output);
  return fail(ErrorCode::failed, name + " for " + shown() + " ended with " +
                                     std::to_string(ended->code) + ": " +
                                     last_words(ended->output));
}

// Constant text alone, with its values beside it: nothing of them is read as a command.
Status PostgresHome::script(const std::string& text, std::vector<std::string> values) const {
  std::vector<std::string> argv{"sh", "-euc", text, "sh"};
  argv.insert(argv.end(), values.begin(), values.end());
  const auto done = run(std::move(argv));
  return done ? Status() : std::unexpected(done.error());
}

Result<std::string> PostgresHome::control(std::string_view name) const {
  TRY(told, run({"pg_controldata", "-D", data_}));
  for (const auto& line : split(told, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, colon) != name) continue;
    return std::string(trimmed(line.substr(colon + 1)));
  }
  return fail(ErrorCode::corrupt,
              "the control file of " + shown() + " tells no " + std::string(name));
}

Result<bool> PostgresHome::runs() const {
  if (container_) {
    TRY(now, look_at_container(*engine_, container_->id, *context_));
    return now.runs;
  }
  constexpr int kRunsNot = 3;
  TRY(ended, run_there({"pg_ctl", "-D", data_, "status"}));
  if (ended.succeeded()) return true;
  if (ended.how == Ended::How::exited && ended.code == kRunsNot) return false;
  return fail(ErrorCode::failed, "pg_ctl for " + shown() + ": " + last_words(ended.output));
}

Status PostgresHome::stop() {
  TRY(there, runs());
  if (!there) return {};
  if (container_) {
    const std::string path = "/containers/" + container_->id + "/stop?t=";
    const auto ended = engine_->post(path + std::to_string(kEnds.count()), {}, *context_);
    return ended ? Status() : std::unexpected(ended.error().in(shown()));
  }
  if (!stop_.empty()) {
    TRY(ended, context_->doors.processes.run({stop_, "/", {}}, context_->until));
    if (!ended.succeeded()) {
      return fail(ErrorCode::failed, stop_.front() + ": " + last_words(ended.output));
    }
  } else {
    TRY(ended, run({"pg_ctl", "-D", data_, "-m", "fast", "-w", "-t", std::to_string(kEnds.count()),
                    "stop"}));
  }
  TRY_OK(wait_until_it(
      [&]() -> Result<bool> {
        TRY(still, runs());
        return !still;
      },
      *context_));
  TRY(still, runs());
  return still ? fail(ErrorCode::failed, shown() + " was told to end and runs on") : Status();
}

// `restart` takes the options of the last start, which `start` does not.
Status PostgresHome::start() {
  if (container_) {
    const auto started = engine_->post("/containers/" + container_->id + "/start", {}, *context_);
    return started ? Status() : std::unexpected(started.error().in(shown()));
  }
  if (!start_.empty()) {
    TRY(ended, context_->doors.processes.run({start_, "/", {}}, context_->until));
    if (ended.succeeded()) return {};
    return fail(ErrorCode::failed, start_.front() + ": " + last_words(ended.output));
  }
  TRY(ended, run({"pg_ctl", "-D", data_, "-W", "-l", data_ + ".start.log", "restart"}));
  return {};
}

// What a killed run set aside is the older, and right.
Status PostgresHome::set_aside() const {
  return script(
      "cd \"$1\"\n"
      "[ ! -d \"$2\" ] || exit 0\n"
      "rm -rf \"$2.new\"; mkdir -m 0700 \"$2.new\"\n"
      "for file in postgresql.conf pg_hba.conf pg_ident.conf postmaster.opts; do\n"
      "  [ ! -f \"$file\" ] || cp -p \"$file\" \"$2.new/\"\n"
      "done\n"
      "mv \"$2.new\" \"$2\"\n",
      {data_, data_ + ".gameday"});
}

Status PostgresHome::put_back() const {
  return script(
      "[ -d \"$2\" ] || exit 0\n"
      "for file in \"$2\"/*; do [ ! -f \"$file\" ] || cp -p \"$file\" \"$1/\"; done\n"
      "rm -rf \"$2\"\n",
      {data_, data_ + ".gameday"});
}

Status PostgresHome::make_standby(const Settings& settings) const {
  std::string text;
  for (const auto& [name, value] : settings) text += setting_line(name, value);
  return script(
      "cd \"$1\"\n"
      "sed -i -e '/^primary_conninfo *=/d' -e '/^primary_slot_name *=/d' postgresql.auto.conf\n"
      "printf %s \"$2\" >>postgresql.auto.conf\n"
      "rm -f recovery.signal\n"
      ": >standby.signal\n",
      {data_, text});
}

}  // namespace gameday
