#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "cli/complete.h"
#include "cli/manual.h"
#include "cli/say.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

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

std::vector<std::string> command_names() {
  std::vector<std::string> known;
  for (const auto* row : all_commands()) known.emplace_back(row->name);
  return known;
}

// The nearest command or option to a word that none has.
std::string did_you_mean(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) return "`gameday help` names the commands";
  std::vector<std::string> known = {"--help", "--no-color", "--version"};
  for (const auto* row : all_commands()) {
    if (row->name != first) continue;
    for (const auto& option : row->options) known.push_back("--" + std::string(option.name));
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (!word.starts_with("--") || std::ranges::find(known, word) != known.end()) continue;
    if (const auto near = nearest(word, known)) return "did you mean `" + *near + "`?";
  }
  if (first[0] == '-') return "`gameday help` names the commands";
  return "`gameday help " + first + "` says what it takes";
}

// Whose help is asked for; null: that of the whole.
const CommandRow* command_in(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const auto found = std::ranges::find(all_commands(), first, &CommandRow::name);
  return found == all_commands().end() ? nullptr : *found;
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

Error unknown_command(const std::string& word) {
  const auto near = nearest(word, command_names());
  return {ErrorCode::invalid, "there is no command " + word,
          near ? "did you mean `" + *near + "`?" : "`gameday help` names the commands"};
}

int run_command_line(int argc, char** argv, CommandWorld world) {
  if (argc > 1 && std::string_view(argv[1]) == kCompleteCommand) {
    return complete({argv + 2, argv + argc}, world.rows);
  }
  CLI::App app("", "gameday");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  Arguments arguments;
  arguments.world = std::move(world);
  for (const auto* row : all_commands()) add_command(app, *row, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CommandRow* row = command_in(argc, argv);
    return print(row != nullptr ? help_of(*row) : help_of_all()), 0;
  } catch (const CLI::CallForVersion& call) {
    return app.exit(call);
  } catch (const CLI::ParseError& error) {
    const bool unknown = argc > 1 && argv[1][0] != '-' && command_in(argc, argv) == nullptr;
    const std::string text = argc > 1 ? error.what() : "a command is required";
    say_error(unknown ? unknown_command(argv[1])
                      : Error{ErrorCode::invalid, text, did_you_mean(argc, argv)});
    return 2;
  }
  for (const auto* row : all_commands()) {
    if (app.got_subcommand(std::string(row->name))) return row->run(arguments);
  }
  return 2;
}

}  // namespace gameday
