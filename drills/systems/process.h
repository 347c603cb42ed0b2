// How a process that leaves its pid in a file is spoken to: who it is now, whether it is back after
// it was ended, and how it is put back once and not twice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/rows.h"
#include "engine/sys/doors.h"

namespace gameday {

// The pidfile of a target, as its facet says.
[[nodiscard]] Result<std::string> pidfile_of(const Target& target);

// The living process whose pid stands in `pidfile`. not_found, with the file's name, where there is
// no such file or its process is gone or a zombie.
[[nodiscard]] Result<ProcessFacts> process_at(const std::string& pidfile, const Doors& doors);

// What gameday itself runs under is no target: the undo must not depend on what the fault ends.
[[nodiscard]] Status refuse_our_own(const ProcessFacts& facts, const Processes& processes);

// Whether we may send it signals; sends none.
[[nodiscard]] Status may_signal(const ProcessFacts& facts);

// "process 4711 (shop-gateway --region west)"
[[nodiscard]] std::string shown(const ProcessFacts& facts);

// All that is needed to put a process back, as plain data: an undo's arguments.
struct LostProcess {
  std::string pidfile;
  ProcessFacts facts;       // without its environment
  std::string environment;  // the private file that holds it
  std::vector<ProcessId>
      doubles;       // equal processes that ran beside it and are none of its successors
  std::string mark;  // this deed's
};
[[nodiscard]] Json to_json(const LostProcess& lost);
[[nodiscard]] Result<LostProcess> lost_process_from(const Json& value);

// Reads who `target` is and keeps what a restart needs, its environment in a private file. Refuses
// what could not be put back as it was.
[[nodiscard]] Result<LostProcess> keep_for_restart(const Target& target,
                                                   const DeedContext& context);

// Signals it and waits until it is gone. `conflict` where it ended before.
[[nodiscard]] Status end_process(const LostProcess& lost, int signal, const DeedContext& context);

// Who is there in place of the lost process: itself, the one with this deed's mark, or an equal one
// (program, arguments and folder) that somebody else has started.
[[nodiscard]] std::optional<ProcessFacts> back_again(const LostProcess& lost, const Doors& doors);

// Whether somebody is there and stays: one that starts and falls over at once is not back.
[[nodiscard]] Result<Proof> in_its_place(const LostProcess& lost, const DeedContext& context);

// All that it was, its environment too.
[[nodiscard]] Result<ProcessFacts> whole_process(const LostProcess& lost, const Files& files);

// Starts it again unless it is back. `conflict` where its pidfile names a living process of another
// kind: two would write.
[[nodiscard]] Status put_back(const LostProcess& lost, const Doors& doors);

// Of the faults that end a process: these stand in their rows as they are. The private file holds
// what a later restart would need, so it goes only once the undo is closed.
inline constexpr std::string_view kEndingSignals[] = {"KILL", "TERM"};
[[nodiscard]] int ending_signal(const Deed& deed);
// Whether it could be ended, and be put back as it was, its pidfile too; touches nothing.
[[nodiscard]] Status may_end(const Deed& deed, const DeedContext& context);
[[nodiscard]] Result<Undo> prepare_ending(const Deed& deed, const DeedContext& context);
[[nodiscard]] Status undo_ending(const Undo& undo, const DeedContext& context);
[[nodiscard]] Result<Proof> ending_gone(const Undo& undo, const DeedContext& context);
[[nodiscard]] Status close_ending(const Undo& undo, bool keep, const DeedContext& context);

}  // namespace gameday
