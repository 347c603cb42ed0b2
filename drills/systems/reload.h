// Has a program read its files again: by a signal to its process, or by a command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/rows.h"

namespace gameday {

struct Reload {
  std::string pidfile;
  std::string signal;                // "HUP"; "none": only the command, or nothing
  std::vector<std::string> command;  // in place of the signal, where it is not empty
  std::string folder;
};

// From the deed's fields and its target's pidfile. Refuses a signal that the process does not
// catch, as that would end it, and secrets in an argument list.
[[nodiscard]] Result<Reload> reload_of(const Deed& deed, const DeedContext& context);
[[nodiscard]] Json to_json(const Reload& reload);
[[nodiscard]] Result<Reload> reload_from(const Json& value);

// A process that does not run reads its files when it starts: no error.
[[nodiscard]] Status reload_now(const Reload& reload, const DeedContext& context);

inline constexpr std::string_view kReloadSignals[] = {"HUP", "USR1", "USR2", "none"};
inline constexpr Field kReloadSignal{
    .name = "signal",
    .type = FieldType::choice,
    .help = "What tells the target's process to read its files again; none: it does so by itself.",
    .otherwise = "HUP",
    .choices = kReloadSignals};
inline constexpr Field kReloadCommand{
    .name = "reload",
    .type = FieldType::texts,
    .help =
        "A command that does it in place of the signal, as a list of its words, run without a "
        "shell.",
    .otherwise = "[]"};
inline constexpr Field kReloadFolder{
    .name = "folder",
    .type = FieldType::path,
    .help = "Where `reload` runs; the playbook's own folder where nothing stands here.",
    .otherwise = "."};

}  // namespace gameday
