#include "cli/common.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/say.h"
#include "engine/playbook/check.h"
#include "engine/playbook/problem.h"

namespace gameday {

CheckedPlaybook check_aloud(const std::string& path, const Arguments& arguments, const Rows& rows) {
  Vars vars;
  for (const auto& written : arguments.texts("var")) {
    auto var = parse_var(written);
    if (!var) {
      say_error(var.error());
      return {nullptr, {var.error().text}};
    }
    vars.push_back(std::move(*var));
  }
  auto loaded = load_checked(path, vars, rows);
  const std::string problems = rendered(loaded.path, loaded.source, loaded.problems);
  if (!problems.empty()) say(problems.substr(0, problems.find_last_not_of('\n') + 1));
  if (loaded.playbook) return {std::make_shared<const Playbook>(std::move(*loaded.playbook)), {}};
  CheckedPlaybook refused;
  for (const auto& problem : loaded.problems.sorted()) {
    if (problem.severity != Severity::error) continue;
    refused.errors.push_back(loaded.path + ":" + std::to_string(problem.place.line) + ":" +
                             std::to_string(problem.place.column) + ": " + problem.text);
  }
  return refused;
}

std::shared_ptr<const Playbook> checked_playbook(const Arguments& arguments, const Rows& rows) {
  return check_aloud(arguments.positionals.front(), arguments, rows).playbook;
}

Result<std::string> store_path(const Arguments& arguments) {
  std::string path = arguments.text("store");
  if (path.empty()) {
    TRY(usual, default_store_path());
    path = usual;
  }
  return std::filesystem::absolute(path).lexically_normal().string();
}

Result<std::unique_ptr<Store>> existing_store(const Arguments& arguments, const Clock& clock) {
  auto place = store_path(arguments);
  // No place at all is not the same as a place where nothing is yet.
  if (!place) return fail(ErrorCode::refused, place.error().text, place.error().hint);
  const std::string path = std::move(*place);
  if (!Files().exists(path)) {
    return fail(ErrorCode::not_found, "there is no store " + path,
                "`gameday run` makes it; --store FILE names another one");
  }
  return Store::open(path, clock, arguments.world.observer, ReserveRule::wanted);
}

std::string own_executable() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "gameday" : path.string();
}

std::string operator_name() {
  // Under sudo the person is the one who called it.
  const char* caller = std::getenv("SUDO_USER");
  if (caller != nullptr && *caller != '\0') return caller;
  const passwd* entry = getpwuid(geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(geteuid());
}

}  // namespace gameday
