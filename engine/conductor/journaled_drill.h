// The rule that everything rests on, shared by the drill and the rehearsal: an event goes into the
// journal, then through `step`, and only then are its commands done. Knows no thread and no clock.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "engine/conductor/drill.h"
#include "engine/journal/journal.h"

namespace gameday {

// What does a drill's commands: threads and doors in a drill, virtual time in a rehearsal.
class Hands {
 public:
  virtual ~Hands() = default;
  [[nodiscard]] virtual Now now() = 0;
  virtual void begin(const Task& task) = 0;
  virtual void cancel(TaskId task) = 0;
  virtual void wake(const Wake& wake) = 0;
  virtual void ask(const Ask& ask) = 0;
  // An event or a decision of the conductor's is in the journal now (or, where something is put
  // back without one, is not and never will be); `step` has not seen it yet.
  virtual void journaled(std::string_view type, const Json& data) = 0;
};

class JournaledDrill {
 public:
  enum class End {
    closed,  // the drill came to its end
    fenced   // another replayer has taken it: nothing more may be done
  };

  JournaledDrill(Drill& drill, Journal& journal, Hands& hands)
      : drill_(drill), journal_(journal), hands_(hands) {}

  // One event, with all that follows from it. What cannot be journaled has not happened, but for
  // what puts something back. Says whether it is in the journal.
  bool happen(const Happening& happening);
  // An event that the conductor need not know; the same.
  bool note(std::string_view type, const Json& data, Durability durability);
  // The verdict and the closing event. A drill whose journal could not be closed is not evidence of
  // anything, whatever its verdict: the exit code is then at least that of a journal that stopped
  // it.
  struct Closing {
    int exit_code = 70;
    std::string verdict;
    std::string problem;  // why the journal could not be closed; empty where it was
  };
  [[nodiscard]] Closing close();

  [[nodiscard]] const std::optional<End>& end() const { return end_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  bool take(const Happening& happening);
  void feed(Now now, const Happening& happening, bool durable);
  void obey(const std::vector<DrillCommand>& commands);
  void record(const Record& decided);
  void note_proof(const Task& task, std::uint64_t event);
  [[nodiscard]] bool fenced(const Status& kept);
  [[nodiscard]] bool goes_on_unjournaled(const Happening& happening) const;
  [[nodiscard]] Result<std::uint64_t> append(Now now, std::string_view type, const Json& data,
                                             Durability durability);

  Drill& drill_;
  Journal& journal_;
  Hands& hands_;
  std::deque<JournalFailed> failures_;  // of decisions, not yet told to the conductor
  std::uint64_t events_ = 0;
  std::string unkept_;  // why the verdict is not in the journal
  std::optional<End> end_;
  std::string trouble_;
};

}  // namespace gameday
