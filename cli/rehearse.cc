#include "all_rows.h"
#include "cli/common.h"
#include "cli/rubric_option.h"
#include "cli/say.h"
#include "engine/sim/rehearse_command.h"

namespace gameday {
namespace {

constexpr Option kOptions[] = {
    kSeedOption,
    {"count", OptionKind::number, "N", "This many rehearsals, from as many seeds in a row."},
    {"failures", OptionKind::flag, "", "Let gameday's own parts fail too, as the seed draws."},
    {"out", OptionKind::text, "DIR", "Where one rehearsal's journal and result go."},
    kVarOption,
    kRubricOption,
    kJsonOption};

int write_files(const Rehearsed& rehearsed, const std::string& out) {
  const Files files;
  auto made = files.make_folder(out);
  for (const auto& [name, bytes] : rehearsed.files) {
    if (made) made = files.write(out + "/" + name, bytes);
  }
  if (!made) return say_error(made.error()), 1;
  return 0;
}

int run(const Arguments& arguments) {
  const Rows rows = all_rows();
  const auto playbook = checked_playbook(arguments, rows);
  if (!playbook) return 2;
  const auto rubric = chosen_rubric(arguments);
  if (!rubric) return 2;
  const auto rehearsed = rehearse_seeds(
      {playbook, arguments.number("seed").value_or(1), arguments.number("count").value_or(1),
       GAMEDAY_VERSION, arguments.has("failures"), to_json(*rubric)},
      rows);
  if (!rehearsed) return say_error(rehearsed.error()), 2;
  if (arguments.has("json")) {
    print_json(rehearsed->document);
  } else {
    print(rehearsed->text);
  }
  if (arguments.has("out") && write_files(*rehearsed, arguments.text("out")) != 0) return 1;
  return rehearsed->exit_code;
}

}  // namespace

extern const CommandRow rehearse_command;
const CommandRow rehearse_command{
    "rehearse",
    "The drill in virtual time against a simulated system, the same every time from its seed.",
    "gameday rehearse playbooks/shop/store-lost-and-restored.yaml --seed 7",
    {"PLAYBOOK", "The playbook.", true, false},
    kOptions,
    run,
    Group::before,
    kVerdictCodes};

}  // namespace gameday
