#include "cli/complete.h"

#include <algorithm>

#include "cli/common.h"
#include "cli/evidence.h"
#include "cli/manual.h"
#include "cli/say.h"
#include "engine/playbook/document.h"

namespace gameday {
namespace {

struct Word {
  std::string text;
  std::string said;
};

struct Answers {
  std::string files = ":none";  // :files, :playbooks, :folders
  std::vector<Word> words;

  void add(std::string_view text, std::string_view said) {
    words.push_back({std::string(text), std::string(said)});
  }
};

constexpr std::size_t kMostDrills = 200;

const CommandRow* command_of(std::string_view name) {
  const auto found = std::ranges::find(all_commands(), name, &CommandRow::name);
  return found == all_commands().end() ? nullptr : *found;
}

void add_commands(Answers& answers) {
  for (const auto* row : all_commands()) answers.add(row->name, row->summary);
}

template <class Row>
void add_rows(Answers& answers, std::span<const Row* const> rows) {
  for (const auto* row : rows) answers.add(row->name, row->summary);
}

// The store that the line names, or the usual one. None, or none that can be read: no drills.
void add_drills(Answers& answers, const std::vector<std::string>& words) {
  Arguments arguments;
  const auto named = std::ranges::find(words, "--store");
  if (named != words.end() && named + 1 != words.end()) arguments.options["store"] = {*(named + 1)};
  const SystemClock clock;
  const auto store = store_to_read(arguments, clock);
  if (!store) return;
  auto drills = (*store)->drills();
  if (!drills || drills->empty()) return;
  answers.add("latest", "the drill that was begun last");
  std::ranges::reverse(*drills);
  if (drills->size() > kMostDrills) drills->resize(kMostDrills);
  for (const auto& drill : *drills) {
    const std::string verdict = drill.verdict.empty() ? "not ended" : drill.verdict;
    answers.add(drill.id, drill.name + ", " + verdict + ", " + drill.created.substr(0, 16));
  }
}

// By what stands for it in the help: "PLAYBOOK", "DRILL|DIR", "FILE".
void add_values(Answers& answers, std::string_view named, const CommandRow& row,
                const std::vector<std::string>& words, const Rows& rows) {
  if (named.contains("PLAYBOOK")) answers.files = ":playbooks";
  if (named.contains("FILE") || named.contains("PATH") || named.contains("KEY")) {
    answers.files = ":files";
  }
  if (named.contains("DIR") || named.contains("BUNDLE")) answers.files = ":folders";
  if (named.contains("DRILL")) add_drills(answers, words);
  if (named == "COMMAND") add_commands(answers);
  if (named == "SHELL") {
    for (const auto shell : kShells) answers.add(shell, "");
  }
  if (named == "NAME" && row.name == "explain") {
    add_rows(answers, rows.faults);
    add_rows(answers, rows.probes);
    add_rows(answers, rows.loads);
    add_rows(answers, rows.restores);
    add_rows(answers, rows.facets);
    add_rows(answers, rows.actions);
    for (const auto& form : step_forms()) answers.add(name_of(form.kind), form.summary);
    for (const auto& field : playbook_fields()) answers.add(field.name, field.help);
  }
}

Answers answers_to(const std::vector<std::string>& words, const Rows& rows) {
  Answers answers;
  const std::string& current = words.back();
  if (words.size() == 1) {
    add_commands(answers);
    if (current.starts_with("-")) answers.words = {{"--help", "The help."}, {"--version", ""}};
    return answers;
  }
  const CommandRow* row = command_of(words.front());
  if (row == nullptr) return answers;
  const std::string& before = words[words.size() - 2];
  const auto options = options_of(*row);
  const auto valued = std::ranges::find_if(options, [&](const Option& option) {
    return is_option(option, before) && option.kind != OptionKind::flag;
  });
  if (valued != options.end()) {
    add_values(answers, valued->value, *row, words, rows);
  } else if (current.starts_with("-")) {
    for (const auto& option : options) answers.add("--" + std::string(option.name), option.help);
  } else {
    add_values(answers, row->positional.name, *row, words, rows);
  }
  return answers;
}

// One line, whatever a store says of a drill.
std::string plain(std::string_view text) {
  std::string out = harmless(text);
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out;
}

}  // namespace

int complete(const std::vector<std::string>& words, const Rows& rows) {
  if (words.empty()) return 0;
  const Answers answers = answers_to(words, rows);
  print(answers.files);
  for (const auto& word : answers.words) {
    if (word.text.starts_with(words.back())) print(plain(word.text) + "\t" + plain(word.said));
  }
  return 0;
}

}  // namespace gameday
