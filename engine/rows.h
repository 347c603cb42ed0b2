// The families: what one fault, probe, restore or facet is. Each ends in one const row; a
// build-time list gathers them (drills/, probes/), and `cli` hands them to the engine, which knows
// none by name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/playbook/field.h"
#include "engine/playbook/playbook.h"
#include "engine/secrets.h"
#include "engine/sys/doors.h"

namespace gameday {

// What a fault's reversal is worth.
enum class Reversal { exact, restart, saved_copy, by_restore, none };
[[nodiscard]] std::string_view name_of(Reversal reversal);

// What a fault does, as the simulated system understands it.
enum class Effect { stops, slows, cuts, loses, fills };
[[nodiscard]] std::string_view name_of(Effect effect);

// A deed to be done: what, to which target, how. `system` names are already resolved.
struct Deed {
  std::string id;      // the step's
  std::string kind;    // a fault's name, "restore", "load" or "action"
  std::string target;  // or a link, or what its own fields name; empty: arguments name a region
  Json arguments = Json::object();
  std::string action = {};  // an action row's name, where the kind is "action"
};

// How to put back what a deed changes: plain data that stands on its own, without the playbook, in
// another process after a reboot. Holds references to secrets, never secrets.
struct Undo {
  std::string kind;  // the row whose `undo` and `gone` know it
  Json arguments = Json::object();
  Json must_be = {};  // what its target must be (runtime/identity.h); null: its playbook is silent
};
[[nodiscard]] Json to_json(const Undo& undo);
[[nodiscard]] Result<Undo> undo_from(const Json& value);

// What looking at the world showed.
struct Proof {
  bool held = false;  // bitten, gone, restored: whatever was asked
  std::string text;   // what was seen, for the report
  Json facts = Json::object();
};

// The instance a target is right now, and the name on which drills lock each other out.
struct Instance {
  std::string target;
  std::string shown;     // "process 4711"
  std::string identity;  // "process:/srv/shop/run/west.pid": the same from every playbook and store
  Json facts = Json::object();
};

// The value that a question about a target's data gave, as its server writes it.
struct Datum {
  std::string text = {};
  bool is_number = false, is_null = false;
};

// An invariant of a target's data, as it was read.
struct InvariantSeen {
  std::string target = {}, name = {};
  std::string must = {};     // what it must be: "== 100000", "unchanged: 100000"
  Datum value = {};          // where it could be read
  std::string problem = {};  // why it could not; empty: it could
  bool holds = false;
};
[[nodiscard]] Json to_json(const InvariantSeen& seen);
// "invariant total of bank: expected == 100000, but it is 99900"
[[nodiscard]] std::string shown(const InvariantSeen& seen);

struct DeedContext {
  const Doors& doors;
  const System& system;  // empty in undo and gone: these use the undo's arguments alone
  const Secrets& secrets;
  std::string drill;
  std::string mark;            // names this drill and deed: "01J...-12"; left on what is injected
  std::string private_folder;  // 0700, outlives the runner; for saved copies and private undo files
  Until until;
  // What the invariants were when the drill began; empty: nobody has looked.
  std::span<const InvariantSeen> begun = {};
};

// Facets of a target: `process`, `sqlite`, `queue`, `http`.
struct FacetRow {
  std::string_view name;
  std::string_view summary;
  std::string_view scalar;  // the field that `process: X` in short form means; empty: none
  std::span<const Field> fields;
  Result<Instance> (*resolve)(const Target& target, const DeedContext& context);
  // Whether we hold the rights that faults of this facet need; touches nothing. `refused`: which
  // one is lacking. Null: whoever can look at the target may do all of it.
  Status (*may)(const Target& target, const DeedContext& context) = nullptr;
  // Its identity ends with its process, so that it cannot be told beforehand.
  bool fleeting = false;
  // The only value that somebody's question about its data gives, read without any chance to change
  // it. Null: its fields have no `invariants` (playbook/invariants.h).
  Result<Datum> (*value_of)(const Target& target, const std::string& question,
                            const DeedContext& context) = nullptr;
};

// Another way to do the same fault, to targets where the row's own way is to links.
struct OtherWay {
  std::string_view facet;  // what such a target must have: "host"
  std::string_view rights;
  std::string_view example;  // one timeline line, runnable on the shop
};

// The functions are plain synchronous code on the runtime's threads; each returns by
// `context.until`. Order: prepare, (undo is journaled), inject, prove, ..., undo, gone.
struct FaultRow {
  std::string_view name;
  std::string_view summary;
  std::span<const Field> fields;  // beside target, region, for, id, which every fault has
  std::string_view facet;  // what a target must have: "process"; "link" for links; empty: `aim`
  Reversal reversal = Reversal::exact;
  Effect effect = Effect::stops;
  bool holds_data = false;   // a data undo: closed as superseded by a verified restore
  std::string_view rights;   // what it needs here, in words
  std::string_view example;  // one timeline line, runnable on the shop
  // Reads the prior state, changes nothing of the target's; may write private files.
  Result<Undo> (*prepare)(const Deed& deed, const DeedContext& context);
  Status (*inject)(const Deed& deed, const Undo& undo, const DeedContext& context);
  // Has it bitten, seen from outside the code that injected it?
  Result<Proof> (*prove)(const Deed& deed, const Undo& undo, const DeedContext& context);
  // Idempotent, also where nothing was injected, or half of it.
  Status (*undo)(const Undo& undo, const DeedContext& context);
  // A fact `lost` names what the system has not kept through it: the drill fails by that name.
  Result<Proof> (*gone)(const Undo& undo, const DeedContext& context);
  // Erases private files once the undo is closed; `keep` where a saved copy must stay. May be null.
  Status (*close)(const Undo& undo, bool keep, const DeedContext& context);
  // For faults that the target itself holds by a lease: the runtime calls it every 500 ms from
  // inject until undo. When nobody does any more, the lease ends and with it the fault.
  Status (*renew)(const Undo& undo, const DeedContext& context) = nullptr;
  // Of a fault without a facet: what its own fields name ("/srv/data"), as the plan and the report
  // show it, and on which drills lock each other out.
  std::string (*aim)(const Json& arguments) = nullptr;
  // Finds what any drill's deed of this kind has left on what this one would hit, without undo or
  // store: a list of {"where", "mark"}. Null where the marks on processes and links tell it.
  Result<Json> (*discover)(const Deed& deed, const DeedContext& context) = nullptr;
  // Over when `inject` has returned: proven by what it left behind, and gone at once.
  bool momentary = false;
  // Where there are two ways, the functions tell them apart by the deed's and the undo's arguments;
  // `renew` has nothing to do the other way, which holds by itself.
  const OtherWay* other_way = nullptr;
  // Whether the step's fields go together, as far as they alone can tell: what is wrong is found by
  // `check`. Null: they do.
  Status (*fits)(const Step& step) = nullptr;
  // The name of another fault that means this one where the target has this one's facet and not
  // the other's: `kill` of a container is "kill-container". Empty: it has its own name alone.
  std::string_view as = {};
  // Whether we may, as things stand: rights beyond those that its facet looks for, or what its step
  // would refuse; touches nothing. `refused`: why not. Null: the facet's look is enough.
  Status (*may)(const Deed& deed, const DeedContext& context) = nullptr;
  // Whether a step may name a region in place of a target: all targets of it that have the facet
  // are hit together.
  bool takes_region = false;
  // Whether it ends with the instance that it was done to, which others may end or start anew: it
  // is proven once more before its undo, as what a lease holds is.
  bool ends_with_instance = false;
  // Whether a restore to a point after it brings back what it did, with what it took kept beside
  // it: `prove` is asked again after a restore into place, before that closes the undo.
  bool comes_back = false;
};

// Which way a step goes that names this target, or none.
[[nodiscard]] bool goes_other_way(const FaultRow& row, std::string_view target);
[[nodiscard]] std::string_view facet_of(const FaultRow& row, const Step& step);
[[nodiscard]] std::string_view rights_of(const FaultRow& row, const Step& step);
// Whether what holds it is a lease, which ends when nobody renews it.
[[nodiscard]] bool is_leased(const FaultRow& row, const Step& step);
// Whether it can be gone before it is undone, without anybody's having done wrong.
[[nodiscard]] bool may_end_early(const FaultRow& row, const Step& step);

// The fields of a timeline step that can say what a fault hits, and those of them that this one
// takes.
inline constexpr std::string_view kAims[] = {"target", "region", "link"};
[[nodiscard]] std::vector<std::string_view> aims_of(const FaultRow& row);

// What a step's fault hits, by one name: its target, its link, or what its own fields name; empty:
// a region.
[[nodiscard]] std::string hit_by(const FaultRow& row, const Step& step);

// The links of a region, or its targets with any other facet, by their names.
[[nodiscard]] std::vector<std::string> names_in(const System& system, std::string_view region,
                                                std::string_view facet);
// All that it hits: that one name, or those of its region.
[[nodiscard]] std::vector<std::string> names_hit(const System& system, const FaultRow& row,
                                                 const Step& step);

// What a fault without a facet hits.
[[nodiscard]] Instance instance_of(const FaultRow& row, const Json& arguments);

struct BackupTaken {
  std::string target;
  std::string id;      // names it for restore: an absolute path
  std::string sha256;  // of its file
  std::string digest;  // of its content, comparable with the restored target's
  Utc taken;
  Json facts = Json::object();
};
[[nodiscard]] Json to_json(const BackupTaken& backup);

struct Restored {
  bool vacuous = true;    // nothing came back that was not there
  bool verified = false;  // integrity, and digest equal to the backup's
  std::string text;       // why, where not verified
  Json facts = Json::object();
  std::vector<InvariantSeen> invariants = {};  // of what came back
};

// A way to back up and restore one facet. A restore into place is a deed: prepare keeps the present
// state, restore_place cuts over, undo puts the kept state back. `prepare` and `restore_place` are
// null where it goes into scratch alone; `restore_scratch` where that is a deed too; `prepare`
// where `prepare_place` stands for it.
struct RestoreRow {
  std::string_view name;  // "sqlite"
  std::string_view summary;
  std::string_view facet;
  std::string_view rights;
  std::string_view example;
  Result<BackupTaken> (*backup)(const Target& target, const DeedContext& context);
  Result<Restored> (*restore_scratch)(const Target& target, const BackupTaken& backup,
                                      const DeedContext& context);
  Result<Undo> (*prepare)(const Target& target, const DeedContext& context);
  Result<Restored> (*restore_place)(const Target& target, const BackupTaken& backup,
                                    const Undo& undo, const DeedContext& context);
  Status (*undo)(const Undo& undo, const DeedContext& context);
  Result<Proof> (*gone)(const Undo& undo, const DeedContext& context);
  Status (*close)(const Undo& undo, bool keep, const DeedContext& context);
  // Of a scratch copy that could outlast us: its undo, which `undo` and `gone` know, is on disk
  // before `fill_scratch` makes it, and it goes by that undo at the end. Null: `restore_scratch`
  // does it all.
  Result<Undo> (*prepare_scratch)(const Deed& deed, const BackupTaken& backup,
                                  const DeedContext& context) = nullptr;
  Result<Restored> (*fill_scratch)(const BackupTaken& backup, const Undo& undo,
                                   const DeedContext& context) = nullptr;
  // Of one that comes back as of a point in time: what is wrong with a step's `point`, as far as
  // the step alone can tell. Null: there is one point, that of the backup.
  Status (*fits_point)(const std::string& point) = nullptr;
  // As `prepare`, of one whose undo depends on the backup and on the step's point.
  Result<Undo> (*prepare_place)(const Deed& deed, const BackupTaken& backup,
                                const DeedContext& context) = nullptr;
  // The name of the target whose data it takes the place of, where that is not its own. Null: it
  // is.
  std::string (*place_of)(const Target& target) = nullptr;
  // Whether we hold the rights that a backup step or a restore step of this one needs; touches
  // nothing. `refused`: which one is lacking. Null: it is found out when the step is prepared.
  Status (*may)(const Step& step, const DeedContext& context) = nullptr;
  // Whether a backup's step takes one of this target; else it takes the newest that is there, which
  // may be older than the step. Null: it does.
  bool (*takes)(const Target& target) = nullptr;
};
// The target whose data a restore of this one into place replaces.
[[nodiscard]] std::string place_of(const RestoreRow& row, const Target& target);

// An intended change: promote, scale, deploy, fail back. Nothing undoes it; whether it was done is
// proven. Both functions return by `context.until`; what `perform` starts ends with it.
struct ActionRow {
  std::string_view name;
  std::string_view summary;
  std::span<const Field> fields;  // beside target, deadline and id
  std::string_view facet;         // what a target must have; empty: it takes no target
  std::string_view rights;
  std::string_view example;  // one timeline line, runnable on the shop
  Status (*perform)(const Deed& deed, const DeedContext& context);
  // Is it as was intended, seen from outside of what `perform` did? Asked again until it holds.
  Result<Proof> (*prove)(const Deed& deed, const DeedContext& context);
  // As a restore's.
  Status (*may)(const Step& step, const DeedContext& context) = nullptr;
};

// How a queue facet is asked and replayed; `verify` waits for it to be empty.
struct QueueRow {
  std::string_view facet;
  Result<std::int64_t> (*depth)(const Target& target, const DeedContext& context);
  // Has it deliver again what it keeps since then; the number of messages.
  Result<std::int64_t> (*replay)(const Target& target, Utc since, const DeedContext& context);
};

// What a probe's attempt gave. `ok` is judged by the probe's own expectations.
struct Answer {
  bool ok = false;
  std::string text;  // why not, or what was seen: "status 503, expected 200"
};

// What is wrong with arguments beyond what a field can say of itself.
struct WrongField {
  std::string field;  // "expect.status"; empty: the probe as a whole
  std::string text;
};

class LoadClient;    // engine/load/load_client.h
class LedgerReader;  // the same
struct Carrier;      // engine/load/told_load.h

// What a load speaks in place of HTTP. Its undo is made first, from the playbook, and is all that
// the other functions go by: where it writes, what is its own, how that is removed.
struct LoadRow {
  std::string_view name;  // the key of its fields in the load: "sql"
  std::string_view summary;
  std::span<const Field> fields;
  std::string_view rights;
  std::string_view example;  // one load, on one line
  // What `gameday check` finds wrong.
  std::optional<WrongField> (*check)(const LoadSpec& spec, const System& system);
  bool (*keeps_ledger)(const Json& arguments);
  // Where and what it writes, as the plan shows it on one line.
  std::string (*shown)(const Json& arguments);
  // Touches nothing. `context.drill` is the drill whose mark its writes carry.
  Result<Undo> (*prepare)(const LoadSpec& spec, const DeedContext& context);
  // Whether it could write, read back and remove, as things stand; touches nothing.
  Status (*may)(const Undo& undo, const DeedContext& context);
  // A connection of its own, ended by `context.until`.
  Result<std::unique_ptr<LoadClient>> (*connect)(const Undo& undo, const DeedContext& context);
  Result<std::unique_ptr<LedgerReader>> (*reader)(const Undo& undo, const DeedContext& context);
  Status (*undo)(const Undo& undo, const DeedContext& context);
  Result<Proof> (*gone)(const Undo& undo, const DeedContext& context);
  // Of a load that a process of its own carries, which decides when it sends: how that is begun.
  // `connect` and `reader` are null then, `may` finds out whether it would begin, and the load has
  // neither a rate nor a ledger.
  Result<Carrier> (*carry)(const Undo& undo, const DeedContext& context) = nullptr;
  // What it is here, as "Locust 2.47.0".
  Result<std::string> (*carrier_here)(const Undo& undo, const DeedContext& context) = nullptr;
  // The field that `locust: FILE` gives; the others may then stand beside it. Empty: all of them
  // stand in the mapping of that name.
  std::string_view scalar = {};
  // What `gameday check` warns of: what works, and is better said otherwise. Null: nothing.
  std::vector<std::string> (*warnings)(const Json& arguments) = nullptr;
};
// The kind of its undo, which must be no fault's name: "load-sql".
[[nodiscard]] std::string undo_kind_of(const LoadRow& row);

struct ProbeRow {
  std::string_view name;
  std::string_view summary;
  std::string_view scalar;  // the field that `http: URL` gives
  std::span<const Field> fields;
  std::string_view example;
  // One attempt, ended by `context.until`. What could not be asked at all is not ok, never an
  // error.
  Answer (*ask)(const Json& arguments, const DeedContext& context);
  // What `gameday check` finds wrong; may be null.
  std::optional<WrongField> (*check)(const Json& arguments, const System& system) = nullptr;
};

// One attempt, its text fit to be kept: on one line, not long, and where the peer sent a secret of
// the arguments back, with the secret's reference instead.
[[nodiscard]] Answer asked(const ProbeRow& row, const Json& arguments, const DeedContext& context);

struct Rows {
  std::span<const FacetRow* const> facets;
  std::span<const FaultRow* const> faults;
  std::span<const RestoreRow* const> restores;
  std::span<const QueueRow* const> queues;
  std::span<const ProbeRow* const> probes;
  std::span<const ActionRow* const> actions = {};
  std::span<const LoadRow* const> loads = {};

  [[nodiscard]] const FacetRow* facet(std::string_view name) const;
  [[nodiscard]] const FaultRow* fault(std::string_view name) const;
  // The row that a playbook means by a fault's name on this target.
  [[nodiscard]] const FaultRow* fault_on(const Target& target, std::string_view name) const;
  // The same on a region: what its links are hit by, if it has any, else what its targets are.
  [[nodiscard]] const FaultRow* fault_in(const System& system, std::string_view region,
                                         std::string_view name) const;
  [[nodiscard]] const RestoreRow* restore(std::string_view name) const;
  [[nodiscard]] const RestoreRow* restore_of(const Target& target) const;  // by its facets
  [[nodiscard]] const QueueRow* queue_of(const Target& target) const;
  [[nodiscard]] const ProbeRow* probe(std::string_view name) const;
  [[nodiscard]] const ActionRow* action(std::string_view name) const;
  [[nodiscard]] const LoadRow* load(std::string_view name) const;
};

}  // namespace gameday
