#include "engine/playbook/check.h"

#include "cli/common.h"
#include "cli/say.h"
#include "engine/playbook/problem.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {kVarOption, kJsonOption};

Json problem_json(const std::string& file, const Problem& problem) {
  return Json::object({{"file", file},
                       {"line", problem.place.line},
                       {"column", problem.place.column},
                       {"severity", problem.severity == Severity::error ? "error" : "warning"},
                       {"text", problem.text}});
}

int run(const Arguments& arguments) {
  Vars vars;
  for (const auto& written : arguments.texts("var")) {
    auto var = parse_var(written);
    if (!var) return say_error(var.error()), 2;
    vars.push_back(std::move(*var));
  }
  const Rows& rows = arguments.world.rows;
  bool valid = true;
  Json problems = Json::array();
  for (const auto& path : arguments.positionals) {
    const auto loaded = load_checked(path, vars, rows);
    valid = valid && loaded.playbook.has_value();
    for (const auto& problem : loaded.problems.sorted()) {
      problems.push(problem_json(loaded.path, problem));
    }
    const std::string text = rendered(loaded.path, loaded.source, loaded.problems);
    if (!text.empty()) say(text.substr(0, text.find_last_not_of('\n') + 1));
    if (loaded.playbook && !arguments.has("json")) print(path + ": valid");
  }
  if (arguments.has("json")) {
    print_json(Json::object({{"valid", valid}, {"problems", std::move(problems)}}));
  }
  return valid ? 0 : 2;
}

}  // namespace

extern const CommandRow check_command;
const CommandRow check_command{"check",
                               "Validates playbooks and says what is unwise; touches nothing.",
                               "gameday check playbooks/shop/survives-a-killed-worker.yaml",
                               {"PLAYBOOK", "The playbooks.", true, true},
                               kOptions,
                               run,
                               Group::before};

}  // namespace gameday
