// A container that a fault ends, as an undo keeps it: how it is held down and put back, once and
// not twice, also where its engine or somebody else acted meanwhile.
#pragma once

#include <optional>
#include <string>

#include "drills/systems/container.h"

namespace gameday {

struct HeldContainer {
  DockerEndpoint endpoint;
  std::string engine;  // its id: no other one is touched
  std::string id, name;
  std::string started;  // the engine's text: whoever was started later is not the one that we held
  std::string policy;   // of restarting, as it was
  std::int64_t retries = 0;
  std::string begun;                 // a private file that says that we began
  std::optional<ProcessId> process;  // where it is one that we can see from here
};
[[nodiscard]] Json to_json(const HeldContainer& held);
[[nodiscard]] Result<HeldContainer> held_container_from(const Json& value);
[[nodiscard]] std::string shown(const HeldContainer& held);

// Who the deed's target is now. `to_end`: refuses one that its engine would remove when it ends,
// and one that is paused and could not.
[[nodiscard]] Result<HeldContainer> keep_container(const Deed& deed, bool to_end,
                                                   const DeedContext& context);
// The engine that it was kept from; conflict: another one answers there now.
[[nodiscard]] Result<DockerEngine> engine_of(const HeldContainer& held, const DeedContext& context);
// It as it is now, still the one that was kept. conflict: it ended, or was started anew, before.
[[nodiscard]] Result<Container> still_held(const HeldContainer& held, const DockerEngine& engine,
                                           const DeedContext& context);

// Takes its restart policy away, so that no engine starts it before its undo.
[[nodiscard]] Status stay_down(const HeldContainer& held, const DockerEngine& engine,
                               const DeedContext& context);
// Sends a signal ("SIGKILL"). conflict: it does not run.
[[nodiscard]] Status signal_container(const HeldContainer& held, const std::string& signal,
                                      const DockerEngine& engine, const DeedContext& context);
// Waits until it has ended; that it does not within `at_most` is no error here.
[[nodiscard]] Status wait_until_down(const HeldContainer& held, const DockerEngine& engine,
                                     Duration at_most, const DeedContext& context);

[[nodiscard]] Result<Proof> is_down(const HeldContainer& held, const DeedContext& context);
// Starts it unless it runs, and puts its restart policy back. One of its name that somebody else
// has made in its place and that runs is left alone; not_found: it was removed, and there is none.
[[nodiscard]] Status put_back(const HeldContainer& held, const DeedContext& context);
// Whether it runs and stays, with its policy.
[[nodiscard]] Result<Proof> is_back(const HeldContainer& held, const DeedContext& context);

}  // namespace gameday
