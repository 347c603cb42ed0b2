// One row a command: what it is called, what it takes, an example that works, and what it does. The
// parser, `--help`, did-you-mean, the man pages and the completions come from these rows.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/rows.h"
#include "engine/sys/files.h"

namespace gameday {

enum class OptionKind { flag, text, texts, number };

struct Option {
  std::string_view name;  // "store", for --store
  OptionKind kind = OptionKind::flag;
  std::string_view value;  // what stands for the value in help: "FILE"
  std::string_view help;
  bool required = false;
  std::string_view letter = "";  // "r", for -r; empty: it has none
};

// What follows the command's name without a dash.
struct Positional {
  std::string_view name;  // "PLAYBOOK"; empty: none is taken
  std::string_view help;
  bool required = false;
  bool many = false;
};

// What a main hands to every command. The crash campaign's has rows of its own, and dies at a
// chosen change to the world.
struct CommandWorld {
  Rows rows;
  WriteObserver observer;
};

class Arguments {
 public:
  CommandWorld world;
  std::vector<std::string> positionals;
  std::map<std::string, std::vector<std::string>, std::less<>> options;

  [[nodiscard]] bool has(std::string_view name) const { return options.contains(name); }
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  // A whole number from 0; nothing where it was not given. Parsing has checked it.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
};

// When a person needs a command; the help has them in this order.
enum class Group { before, drill, afterwards, tools, parts };

// An exit code of a command and what it means.
struct ExitCode {
  int code = 0;
  std::string_view meaning;
};

struct CommandRow {
  std::string_view name;
  std::string_view summary;  // one sentence
  std::string_view example;  // a whole command line that runs on the sample shop
  Positional positional;
  std::span<const Option> options;
  int (*run)(const Arguments& arguments);
  Group group = Group::drill;
  std::span<const ExitCode> exit_codes = {};  // where they are not the usual ones
  // What is left of a command line that could not be understood, for who reads documents: `json`
  // where one is to be printed, `out` the folder that it names. Null: nothing.
  void (*misused)(const Error& error, bool json, const std::string& out) = nullptr;
};

[[nodiscard]] std::span<const CommandRow* const> all_commands();

// Is `word` the whole of that option, "--rate" or "-r"?
[[nodiscard]] bool is_option(const Option& option, std::string_view word);

[[nodiscard]] Error unknown_command(const std::string& word);

// Parses and runs; the process's exit code. Usage errors are 2.
[[nodiscard]] int run_command_line(int argc, char** argv, CommandWorld world);

}  // namespace gameday
