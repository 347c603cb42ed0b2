#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

std::string footer_of(const CommandRow& row) { return "Example:\n  " + std::string(row.example); }

void add_option(CLI::App& app, const Option& option, Arguments& into) {
  const std::string name(option.name);
  const std::string flag = "--" + name;
  const std::string help(option.help);
  if (option.kind == OptionKind::flag) {
    app.add_flag_callback(flag, [&into, name] { into.options[name] = {}; }, help);
    return;
  }
  auto* added = app.add_option_function<std::vector<std::string>>(
      flag,
      [&into, name](const std::vector<std::string>& values) {
        auto& all = into.options[name];
        all.insert(all.end(), values.begin(), values.end());
      },
      help);
  added->type_name(std::string(option.value));
  added->required(option.required);
  if (option.kind == OptionKind::texts) {
    added->expected(1)->take_all()->trigger_on_parse();
  } else {
    added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
  if (option.kind == OptionKind::number) added->check(CLI::NonNegativeNumber);
}

void add_command(CLI::App& app, const CommandRow& row, Arguments& into) {
  auto* command = app.add_subcommand(std::string(row.name), std::string(row.summary));
  command->footer(footer_of(row));
  for (const auto& option : row.options) add_option(*command, option, into);
  // In the environment, so that the guardian and the proxies that we start keep to it too.
  command->add_flag_callback(
      "--no-color", [] { setenv("NO_COLOR", "1", 1); }, "No colours; as NO_COLOR=1.");
  if (row.positional.name.empty()) return;
  auto* positional = command->add_option(std::string(row.positional.name), into.positionals,
                                         std::string(row.positional.help));
  positional->required(row.positional.required);
  positional->type_name("");
  if (!row.positional.many) positional->expected(0, 1);
}

// The nearest command or option to a word that none has.
std::string did_you_mean(int argc, char** argv) {
  std::vector<std::string> known;
  for (const auto* row : all_commands()) known.emplace_back(row->name);
  const std::string first = argc > 1 ? argv[1] : "";
  if (!first.empty() && first[0] != '-' && std::ranges::find(known, first) == known.end()) {
    const auto near = nearest(first, known);
    return near ? "did you mean `" + *near + "`?" : "";
  }
  known = {"--help", "--no-color"};
  for (const auto* row : all_commands()) {
    if (row->name != first) continue;
    for (const auto& option : row->options) known.push_back("--" + std::string(option.name));
  }
  for (int i = 2; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (!word.starts_with("--") || std::ranges::find(known, word) != known.end()) continue;
    if (const auto near = nearest(word, known)) return "did you mean `" + *near + "`?";
  }
  return "";
}

}  // namespace

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  const auto found = options.find(name);
  const bool given = found != options.end() && !found->second.empty();
  return given ? found->second.back() : std::string(otherwise);
}

std::vector<std::string> Arguments::texts(std::string_view name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::uint64_t> Arguments::number(std::string_view name) const {
  const std::string written = text(name);
  if (written.empty()) return {};
  return std::strtoull(written.c_str(), nullptr, 10);
}

int run_command_line(int argc, char** argv, CommandWorld world) {
  CLI::App app(
      "gameday runs chaos and disaster-recovery drills: it breaks a system on purpose, "
      "measures what\nits clients see, restores it, and undoes every fault it injected.",
      "gameday");
  app.set_version_flag("--version", std::string(GAMEDAY_VERSION));
  app.require_subcommand(1);
  Arguments arguments;
  arguments.world = std::move(world);
  for (const auto* row : all_commands()) add_command(app, *row, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& call) {
    return app.exit(call);
  } catch (const CLI::CallForVersion& call) {
    return app.exit(call);
  } catch (const CLI::ParseError& error) {
    say_error({ErrorCode::invalid, error.what(), did_you_mean(argc, argv)});
    return 2;
  }
  for (const auto* row : all_commands()) {
    if (app.got_subcommand(std::string(row->name))) return row->run(arguments);
  }
  return 2;
}

}  // namespace gameday
