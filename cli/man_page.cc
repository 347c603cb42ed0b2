// The man pages. Everything but the frame comes from the rows.
#include "cli/manual.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

// Letters that roff would take for commands of its own.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      default: out += c;
    }
  }
  return out;
}

// A line may not begin with what roff takes for a request.
std::string paragraph(std::string_view text) {
  const std::string safe = roff(text);
  const bool request = !safe.empty() && safe.front() == '.';
  return (request ? "\\&" : "") + safe + "\n";
}

std::string title(const std::string& name) {
  return ".TH " + roff(name) + " 1 \"\" \"gameday " GAMEDAY_VERSION "\" \"gameday\"\n";
}

std::string section(std::string_view name) { return ".SH " + std::string(name) + "\n"; }

std::string item(const std::string& head, std::string_view said) {
  return ".TP\n.B " + head + "\n" + paragraph(said);
}

std::string options(const CommandRow& row) {
  std::string out = section("OPTIONS");
  for (const auto& option : options_of(row)) {
    const std::string letter = option.letter.empty() ? "" : "-" + std::string(option.letter) + ", ";
    const std::string name = roff(letter + "--" + std::string(option.name));
    std::string head = ".TP\n.B " + name;
    if (option.kind != OptionKind::flag) {
      head = ".TP\n.BI \"" + name + " \" \"" + roff(option.value) + "\"";
    }
    const std::string required = option.required ? " Required." : "";
    const std::string several =
        option.kind == OptionKind::texts ? " May be given several times." : "";
    out += head + "\n" + paragraph(std::string(option.help) + required + several);
  }
  return out;
}

std::string exit_codes(const CommandRow& row) {
  std::string out = section("EXIT STATUS");
  for (const auto& code : exit_codes_of(row)) out += item(std::to_string(code.code), code.meaning);
  return out;
}

struct Entry {
  std::string_view name, meaning;
};

constexpr Entry kFiles[] = {
    {"$XDG_STATE_HOME/gameday/gameday.db",
     "The store, with the journal of every drill; ~/.local/state/gameday/gameday.db where the "
     "variable is not set. --store names another one."},
    {"gameday-report/DRILL",
     "The bundle of a drill: result.json, report.html, journal.jsonl, ledgers, playbook.yaml and a "
     "MANIFEST of their digests. --out names another folder."},
    {"/run/lock/gameday",
     "Locks on targets and drills; $XDG_RUNTIME_DIR/gameday where it cannot be written."},
    {"/run/gameday",
     "Control sockets of links; $XDG_RUNTIME_DIR/gameday where it cannot be written."}};

constexpr Entry kEnvironment[] = {
    {"XDG_STATE_HOME", "Where the store is, see FILES."},
    {"XDG_RUNTIME_DIR", "Where locks and control sockets are, see FILES."},
    {"HOME", "Taken where XDG_STATE_HOME is not set."},
    {"NO_COLOR", "Not empty: no colours, as --no-color."},
    {"TERM", "dumb or not set: plain lines instead of a live view."},
    {"CI", "Not empty and not false: the same."},
    {"LC_ALL, LC_CTYPE, LANG", "Whether the live view may use letters beyond ASCII."}};

std::string entries(std::string_view name, std::span<const Entry> all) {
  std::string out = section(name);
  for (const auto& one : all) out += item(roff(one.name), one.meaning);
  return out;
}

std::string example(const CommandRow& row) { return ".EX\n" + roff(row.example) + "\n.EE\n"; }

std::string page_of(const CommandRow& row) { return "gameday-" + std::string(row.name); }

}  // namespace

std::string man_page_of(const CommandRow& row) {
  std::string out = title(page_of(row));
  out += section("NAME") + roff(page_of(row)) + " \\- " + paragraph(row.summary);
  out += section("SYNOPSIS") + ".B " + roff(usage_of(row)) + "\n";
  out += section("DESCRIPTION") + paragraph(row.summary);
  if (!row.positional.name.empty()) {
    out += item(roff(row.positional.name), row.positional.help);
  }
  out += options(row) + exit_codes(row);
  out += section("EXAMPLES") + example(row);
  return out + section("SEE ALSO") + ".BR gameday (1)";
}

std::string man_page_of_all() {
  std::string out = title("gameday");
  out += section("NAME") + "gameday \\- runs chaos and disaster\\-recovery drills\n";
  out += section("SYNOPSIS") + ".B gameday\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n";
  out += section("DESCRIPTION") + paragraph(kAbout);
  out += paragraph(
      "A playbook, in YAML, says what the system is, which load it must carry, what breaks, how it "
      "is restored, and what counts as having survived.");
  out += section("COMMANDS");
  std::string see_also, examples;
  const CommandRow* drill = nullptr;
  for (const Group group : kGroups) {
    out += ".SS " + roff(title_of(group)) + "\n";
    for (const auto* row : all_commands()) {
      if (row->group != group) continue;
      out += item(roff(row->name), row->summary);
      see_also +=
          (see_also.empty() ? "" : ",\n") + std::string(".BR ") + roff(page_of(*row)) + " (1)";
      if (!row->exit_codes.empty() && group == Group::drill) drill = row;
      if (group != Group::parts) examples += example(*row);
    }
  }
  if (drill != nullptr) {
    out += exit_codes(*drill) +
           ".PP\nOther commands end with 0 for yes, 1 for no, 2 for wrong usage and 70 for a "
           "defect.\n";
  }
  out += entries("FILES", kFiles) + entries("ENVIRONMENT", kEnvironment);
  out +=
      section("EXAMPLES") + paragraph("On the sample shop, from the root of a clone:") + examples;
  return out + section("SEE ALSO") + see_also;
}

}  // namespace gameday
