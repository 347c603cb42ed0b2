// A playbook, decoded: only values that passed their field rows are in here. Arguments stay as JSON
// with the text that the playbook wrote ("15s"), so that the journal and the plan read as it does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/rate_curve.h"
#include "engine/base/time.h"

namespace gameday {

struct Place {  // counted from 1
  int line = 0;
  int column = 0;
};

// What can be broken, asked or restored, by its name under `system`. Its facets say how it is
// spoken to: {"process": {"pidfile": ...}}, {"sqlite": {"path": ...}}, {"queue": {"url": ...}},
// {"http": ...}. Paths in facets are absolute.
struct Target {
  std::string name;
  Json facets;  // object: facet name -> decoded fields of its row (rows.h, FacetRow)
  std::string region;
  std::string identity;
  Place place;
};

// A way between two parts of the system that goes through `gameday proxy`.
struct Link {
  std::string name;
  std::string listen;  // host:port
  std::string to;      // host:port
  std::string region;
  Place place;
};

struct System {
  std::vector<Target> targets;
  std::vector<Link> links;
  // At most one target has commands: the system as a whole.
  std::string name;                // its target's name, "shop"
  std::vector<std::string> start;  // argument vector, run in the playbook's folder; may be empty
  std::vector<std::string> stop;
  std::string ready;  // a probe

  [[nodiscard]] const Target* target(std::string_view name_wanted) const;
};

struct RtoObjective {
  Duration within;
  std::optional<Duration> hold;
  std::string from;  // a probe; empty: the load
};
struct RatioObjective {
  double at_least = 0;  // 0..1
  std::string during = "steady";
};
struct LatencyObjective {
  double quantile = 0.99;  // of latency_p50, p90, p99, p99.9
  std::string name;        // "latency_p99"
  Duration within{};
  std::string during = "steady";
};
struct Objectives {
  std::optional<RtoObjective> rto;
  std::optional<Duration> rpo;
  std::optional<RatioObjective> success_rate;
  std::vector<LatencyObjective> latencies;
  Place place;
};

// The shortest time that an objective is judged by; none where nothing is judged by a time.
[[nodiscard]] std::optional<Duration> smallest(const Objectives& objectives);

struct StopCondition {
  std::string probe;
  Duration fails_for;
};
struct Limits {
  std::int64_t targets = 1;  // under fault at once
  std::int64_t writes = 0;   // requests a load with a ledger may send; 0: no bound given
  Duration duration = std::chrono::minutes(10);  // injection: from the first deed to the last undo
  std::vector<StopCondition> stop_when;
  Place place;
};

enum class Arrivals { constant, poisson };
// Who asks, by texts that are filled in and refer to secrets. A bearer is a header.
struct BasicAuth {
  std::string user, password;
};
struct AwsAuth {  // Signature Version 4
  std::string access_key, secret_key;
  std::string session_token;  // empty: the keys are no temporary ones
  std::string region, service;
};
struct LoadRequest {
  std::string method = "GET";
  std::string url;   // filled in for each request (request_slots.h)
  std::string body;  // the same; from `json:` or `body:`
  std::vector<std::pair<std::string, std::string>> headers;
  bool is_json = false;  // the body, by `json:`
  std::optional<BasicAuth> basic = {};
  std::optional<AwsAuth> aws = {};
  Json expect = {};  // decoded (expect.h); null: 2xx, and nothing else
};
// All of its texts that may refer to secrets, one behind the other.
[[nodiscard]] std::string texts_of(const LoadRequest& request);

// Whether a request by that method leaves a system as it was.
[[nodiscard]] bool only_reads(std::string_view method);

struct WeightedRequest {
  std::string name;  // by which its results are told apart
  std::int64_t weight = 1;
  LoadRequest request;
};

struct DataTable;  // data_table.h

struct LedgerSpec {       // empty where a load row knows how to read back
  std::string digest;     // JSON pointer to the digest in what is read back
  std::string read_back;  // URL with {key}
  std::string list;       // URL with {drill}; empty: phantom and resurrected are not assessed
};
// A closed loop: each user asks, waits for the answer, thinks, and asks again.
struct UsersSpec {
  std::uint64_t users = 1;
  double spawn_rate = 0;  // per second; 0: all at once
  Duration think_least{}, think_most{};
};
struct LoadSpec {
  std::string name;
  std::string kind;  // a load row's name: "sql"; empty: HTTP, by `request`
  Json arguments;    // of that row's fields
  // By a process of its own, which decides when it sends: a closed loop, without a rate.
  bool carried = false;
  // Per second. Of stages, the highest; of users, what they would ask for if each answer came at
  // once, and without any thinking one each.
  double rate = 0;
  std::vector<RateStage> stages;   // none: one rate
  std::optional<UsersSpec> users;  // none: requests are due whatever the answers are
  Arrivals arrivals = Arrivals::constant;
  Duration timeout = std::chrono::seconds(1);
  // The only one; of several that which writes for the ledger, and without a ledger the first.
  LoadRequest request;
  std::vector<WeightedRequest> mix = {};       // several, chosen by weight; empty: `request` alone
  std::shared_ptr<const DataTable> data = {};  // what {data.COLUMN} is filled in from; or null
  std::optional<LedgerSpec> ledger;
  std::optional<LoadRequest> cleanup;
  Place place;

  [[nodiscard]] RateCurve curve() const {
    return stages.empty() ? RateCurve(rate) : RateCurve(stages);
  }
};

// When a probe is asked: from the system's start to its end; while a steady state is waited for,
// before the faults and after them; or while a fault is in force, from its proof to its undo.
enum class During { always, edge, fault };
[[nodiscard]] std::string_view name_of(During during);

struct ProbeSpec {
  std::string name;
  std::string kind;  // a probe row's name: "http"
  Duration every = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(1);
  During during = During::always;
  std::int64_t failures = 1;   // in a row, before it counts as failing
  std::int64_t successes = 1;  // in a row, before it counts as succeeding
  Json arguments;              // decoded by the row's fields
  // Criteria of the rubric that it is evidence for, and of which level: "E3", or "E4" where its
  // success is that something forbidden was refused.
  std::vector<std::string> evidence_for;
  std::string evidence_level = "E3";
  Place place;
};

// A criterion that does not apply to the system, said before the drill.
struct NotApplicable {
  std::string criterion, reason, approved_by;
};

enum class StepKind {
  steady_state,
  backup,
  fault,
  action,
  restore,
  human,
  approve,
  wait,
  revert,
  parallel,
  verify
};
enum class OnTimeout { fails, goes_on, stops };  // of a human step
[[nodiscard]] std::string_view name_of(StepKind kind);

struct Step {
  StepKind kind = StepKind::wait;
  std::string id;  // given, or made: "fault-3" of its place in the timeline, counted from 1
  Place place;
  std::string target;                // fault (may be empty: region), backup, restore
  std::string fault;                 // the fault row's name
  Json arguments = Json::object();   // of the row's own fields, `region` and `link` among them
  std::optional<Duration> hold;      // fault `for`
  Duration steady_for{};             // steady_state `for`; wait's duration
  Duration within{};                 // steady_state, human, approve
  std::vector<std::string> names;    // steady_state's probes, verify's loads
  std::string revert;                // id of the step to revert
  bool into_place = false;           // restore
  std::string replay;                // restore: a queue target
  std::optional<Duration> deadline;  // action, restore, verify
  std::string allow_irreversible;    // fault: the reason given
  std::string action;                // the action row's name
  std::string what;                  // human: what is to be done
  std::string person;                // human: by whom; approve: in which role
  OnTimeout on_timeout = OnTimeout::fails;
  bool not_operator = false;  // approve: somebody else than whoever runs the drill
  // A parallel's steps follow it in the timeline: so many.
  std::size_t inner = 0;
  bool inside = false;  // of a parallel
};

// When the drill may run.
struct Window {
  Utc from{}, to{};
};

inline constexpr std::string_view kProduction = "production";

struct Playbook {
  std::string path;    // as given
  std::string folder;  // absolute; commands run here
  std::string source;  // the file's bytes
  std::string sha256;
  std::string name;
  std::string summary;
  std::string owner;
  std::string environment = "staging";
  std::string cadence;
  std::vector<std::string> controls;
  std::vector<NotApplicable> not_applicable;
  std::optional<Window> window;
  Objectives objectives;
  System system;
  Limits limits;
  std::vector<LoadSpec> loads;
  std::vector<ProbeSpec> probes;
  std::vector<Step> timeline;
  std::vector<std::pair<std::string, std::string>> vars;  // filled in: defaults and --var

  [[nodiscard]] const ProbeSpec* probe(std::string_view name_wanted) const;
  [[nodiscard]] const LoadSpec* load(std::string_view name_wanted) const;
};

}  // namespace gameday
