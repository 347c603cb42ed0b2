#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "cli/complete.h"
#include "cli/manual.h"
#include "cli/say.h"
#include "engine/base/text.h"
#include "engine/playbook/problem.h"
#include "engine/playbook/scalar.h"

namespace gameday {
namespace {

void add_option(CLI::App& app, const Option& option, Arguments& into) {
  const std::string name(option.name);
  const std::string letter = option.letter.empty() ? "" : "-" + std::string(option.letter) + ",";
  const std::string flag = letter + "--" + name;
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
  // Else it would take the positional that follows as a second value.
  added->allow_extra_args(false);
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

std::vector<std::string> options_known(const CommandRow* row) {
  std::vector<std::string> known = {"--help", "--no-color", "--version"};
  if (row == nullptr) return known;
  for (const auto& option : row->options) known.push_back("--" + std::string(option.name));
  return known;
}

// "--seed" of "--seed=1"; empty: no option.
std::string option_in(std::string_view word) {
  return word.starts_with("--") && word.size() > 2 ? std::string(word.substr(0, word.find('=')))
                                                   : "";
}

// The first word that looks like an option and is none of the command's; empty: there is none.
std::string unknown_option(int argc, char** argv, const CommandRow* row) {
  const auto known = options_known(row);
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    std::string word = option_in(argv[i]);
    if (!word.empty() && std::ranges::find(known, word) == known.end()) return word;
  }
  return "";
}

// The nearest command or option to a word that none has.
std::string did_you_mean(int argc, char** argv, const CommandRow* row) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty()) return "`gameday help` names the commands";
  if (const std::string word = unknown_option(argc, argv, row); !word.empty()) {
    if (const auto near = meant(word, options_known(row))) return "did you mean `" + *near + "`?";
  }
  if (first[0] == '-') return "`gameday help` names the commands";
  return "`gameday help " + first + "` says what it takes";
}

// Whether some command's option of that name takes a value.
bool takes_value(std::string_view word) {
  return std::ranges::any_of(all_commands(), [&](const CommandRow* row) {
    return std::ranges::any_of(row->options, [&](const Option& option) {
      return is_option(option, word) && option.kind != OptionKind::flag;
    });
  });
}

// A value that begins with a dash and has blanks in it is no option: "--ab", "-n 5 URL" becomes
// "--ab=-n 5 URL".
std::vector<std::string> values_joined(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool valued = i > 0 && !words.empty() && takes_value(words.back());
    if (!valued || !word.starts_with('-') || !word.contains(' ')) {
      words.emplace_back(word);
      continue;
    }
    words.back() += (words.back().starts_with("--") ? "=" : "") + std::string(word);
  }
  return words;
}

// With the command in front: options may stand before it too.
std::vector<char*> command_first(std::vector<std::string>& all) {
  std::vector<char*> words;
  for (auto& word : all) words.push_back(word.data());
  std::size_t at = 1;
  while (at < words.size() && !option_in(words[at]).empty()) at += takes_value(words[at]) ? 2 : 1;
  if (at >= words.size()) return words;
  const auto names = command_names();
  if (std::ranges::find(names, std::string_view(words[at])) == names.end()) return words;
  const auto from = words.begin() + 1;
  std::rotate(from, from + static_cast<std::ptrdiff_t>(at - 1),
              from + static_cast<std::ptrdiff_t>(at));
  return words;
}

// Whose help is asked for; null: that of the whole.
const CommandRow* command_in(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const auto found = std::ranges::find(all_commands(), first, &CommandRow::name);
  return found == all_commands().end() ? nullptr : *found;
}

// The folder that an --out names; none where that is not beyond doubt.
std::string out_in(int argc, char** argv) {
  std::vector<std::string> found;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--out") found.emplace_back(i + 1 < argc ? argv[i + 1] : "");
    if (word.starts_with("--out=")) found.push_back(word.substr(word.find('=') + 1));
  }
  return found.size() == 1 && !found.front().starts_with('-') ? found.front() : "";
}

// A reader of documents gets one here too, where the command has any.
int refuse_usage(int argc, char** argv, const std::string& text) {
  const CommandRow* row = command_in(argc, argv);
  const bool unknown = argc > 1 && argv[1][0] != '-' && row == nullptr;
  const Error error = unknown ? unknown_command(argv[1])
                              : Error{ErrorCode::invalid, text, did_you_mean(argc, argv, row)};
  say_error(error);
  const bool json = std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
  if (row != nullptr && row->misused != nullptr) row->misused(error, json, out_in(argc, argv));
  return 2;
}

// What stands for the option's value at `at`: "1" of "--seed 1", "--seed=1" and "-c1"; nothing
// where it is another word, or has none behind it.
std::optional<std::string> value_at(int argc, char** argv, int at, const Option& option) {
  const std::string word = argv[at];
  if (is_option(option, word)) {
    return at + 1 < argc ? std::optional<std::string>(argv[at + 1]) : std::nullopt;
  }
  const std::string name = "--" + std::string(option.name);
  if (option_in(word) == name) return word.substr(name.size() + 1);
  const std::string letter = "-" + std::string(option.letter);
  if (letter.size() == 2 && word.starts_with(letter)) return word.substr(letter.size());
  return {};
}

// What the parser would not find, or tell only behind what follows from it.
std::string misspelt_in(int argc, char** argv) {
  const CommandRow* row = command_in(argc, argv);
  if (row == nullptr) return "";
  if (const std::string word = unknown_option(argc, argv, row); !word.empty()) {
    return "`gameday " + std::string(row->name) + "` has no option " + word;
  }
  for (const auto& option : row->options) {
    if (option.kind != OptionKind::number) continue;
    for (int i = 1; i < argc; ++i) {
      const auto value = value_at(argc, argv, i, option);
      if (!value) continue;
      const auto number = whole_number(*value);
      if (number && *number >= 0) continue;
      return "--" + std::string(option.name) + " wants a whole number from 0, not `" + *value + "`";
    }
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

bool is_option(const Option& option, std::string_view word) {
  if (word == "--" + std::string(option.name)) return true;
  return !option.letter.empty() && word == "-" + std::string(option.letter);
}

Error unknown_command(const std::string& word) {
  const auto near = meant(word, command_names());
  return {ErrorCode::invalid, "there is no command " + word,
          near ? "did you mean `" + *near + "`?" : "`gameday help` names the commands"};
}

int run_command_line(int argc, char** argv, CommandWorld world) {
  if (argc > 1 && std::string_view(argv[1]) == kCompleteCommand) {
    return complete({argv + 2, argv + argc}, world.rows);
  }
  auto joined = values_joined(argc, argv);
  auto words = command_first(joined);
  argc = static_cast<int>(words.size());
  argv = words.data();
  if (const std::string wrong = misspelt_in(argc, argv); !wrong.empty()) {
    return refuse_usage(argc, argv, wrong);
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
    return refuse_usage(argc, argv, argc > 1 ? error.what() : "a command is required");
  }
  for (const auto* row : all_commands()) {
    if (app.got_subcommand(std::string(row->name))) return row->run(arguments);
  }
  return 2;
}

}  // namespace gameday
