#include "engine/playbook/document.h"

#include <algorithm>
#include <array>

#include "engine/playbook/request_fields.h"

namespace gameday {
namespace {

constexpr double kYear = 366 * 86400.0;
constexpr double kInstant = 0.001;  // the shortest time that a drill can hold or wait for, 1 ms

constexpr std::array<std::string_view, 1> kVersions{"1"};
constexpr std::array<std::string_view, 2> kArrivals{"constant", "poisson"};
constexpr std::array<std::string_view, 3> kDurings{"always", "edge", "fault"};
constexpr std::array<std::string_view, 4> kEvidenceLevels{"E1", "E2", "E3", "E4"};

constexpr Field kDuring{.name = "during",
                        .help = "The phase it counts: steady, or the id of a fault's step.",
                        .otherwise = "steady"};

constexpr std::array kRto{
    Field{.name = "within",
          .type = FieldType::duration,
          .help = "The longest outage that is accepted.",
          .required = true,
          .least = kInstant},
    Field{.name = "hold",
          .type = FieldType::duration,
          .help = "How long all must go well for an outage to be over; else the last steady "
                  "state's `for`."},
    Field{.name = "from",
          .type = FieldType::probe,
          .help = "The probe that sees the outage, where there is no load."}};
constexpr std::array kRatio{Field{.name = "at_least",
                                  .type = FieldType::percent,
                                  .help = "The share of requests that must succeed.",
                                  .required = true},
                            kDuring};
constexpr std::array kLatency{Field{.name = "within",
                                    .type = FieldType::duration,
                                    .help = "The latency, from the moment a request was due.",
                                    .required = true,
                                    .least = 1e-6},
                              kDuring};

constexpr Field latency(std::string_view name, std::string_view help) {
  return {
      .name = name, .type = FieldType::group, .help = help, .fields = kLatency, .scalar = "within"};
}
constexpr std::array kObjectives{
    Field{.name = "rto",
          .type = FieldType::group,
          .help = "Recovery time: the longest outage that clients saw.",
          .fields = kRto,
          .scalar = "within"},
    Field{.name = "rpo",
          .type = FieldType::duration,
          .help = "Recovery point: how far back acknowledged writes may be lost; 0s: none."},
    Field{.name = "success_rate",
          .type = FieldType::group,
          .help = "The share of requests that succeed.",
          .fields = kRatio,
          .scalar = "at_least"},
    latency("latency_p50", "The median latency."),
    latency("latency_p90", "The latency that 90 % of the requests stay under."),
    latency("latency_p99", "The latency that 99 % of the requests stay under."),
    latency("latency_p99.9", "The latency that 99.9 % of the requests stay under.")};

constexpr std::array kStopWhen{Field{.name = "probe",
                                     .type = FieldType::probe,
                                     .help = "The probe that is watched.",
                                     .required = true},
                               Field{.name = "fails_for",
                                     .type = FieldType::duration,
                                     .help = "How long it may fail without a success in between.",
                                     .required = true,
                                     .least = kInstant}};
constexpr std::array kLimits{Field{.name = "targets",
                                   .type = FieldType::integer,
                                   .help = "How many targets may be under fault at once.",
                                   .otherwise = "1",
                                   .least = 1},
                             Field{.name = "writes",
                                   .type = FieldType::integer,
                                   .help = "How many requests a load with a ledger may send.",
                                   .least = 1},
                             Field{.name = "duration",
                                   .type = FieldType::duration,
                                   .help = "The time from the first fault to the last undo.",
                                   .otherwise = "10m",
                                   .least = kInstant,
                                   .most = kYear},
                             Field{.name = "stop_when",
                                   .type = FieldType::groups,
                                   .help = "Conditions that end the drill and undo every fault.",
                                   .fields = kStopWhen}};

constexpr std::array kNotApplicable{
    Field{.name = "criterion", .help = "The criterion's id in the rubric.", .required = true},
    Field{.name = "reason", .help = "Why it does not apply.", .required = true},
    Field{.name = "approved_by", .help = "Who agreed.", .required = true}};

constexpr std::array kWindow{
    Field{.name = "from", .help = "Its beginning, as 2026-11-26T20:00:00Z.", .required = true},
    Field{.name = "to", .help = "Its end, as 2026-11-26T23:00:00Z.", .required = true}};

constexpr std::array kPlaybook{
    Field{.name = "gameday",
          .type = FieldType::choice,
          .help = "The version of this format.",
          .required = true,
          .choices = kVersions},
    Field{.name = "name", .help = "What the drill is called.", .required = true},
    Field{.name = "summary", .help = "One sentence: what breaks and what must hold."},
    Field{.name = "owner", .help = "Who answers for the drill."},
    Field{.name = "environment",
          .help = "Where it runs; production also asks for --confirm, --plan, a window and an "
                  "approval before it starts.",
          .otherwise = "staging"},
    Field{.name = "window",
          .type = FieldType::group,
          .help = "When it may run; outside of it, it does not start.",
          .fields = kWindow},
    Field{.name = "cadence", .type = FieldType::duration, .help = "How often it is due."},
    Field{.name = "controls",
          .type = FieldType::texts,
          .help = "Controls of a standard that the drill is evidence for."},
    Field{.name = "not_applicable",
          .type = FieldType::groups,
          .help = "Criteria of the rubric that do not apply to this system.",
          .fields = kNotApplicable},
    Field{.name = "vars",
          .type = FieldType::json,
          .help = "Defaults of variables, by name: ${name} stands for one, --var gives another "
                  "value."},
    Field{.name = "objectives",
          .type = FieldType::group,
          .help = "What counts as having survived.",
          .fields = kObjectives},
    Field{.name = "system",
          .type = FieldType::json,
          .help = "What can be broken, asked and restored, by name.",
          .required = true},
    Field{.name = "limits",
          .type = FieldType::group,
          .help = "What the drill may not exceed.",
          .otherwise = "{}",
          .fields = kLimits},
    Field{.name = "load", .type = FieldType::json, .help = "The load it must carry, by name."},
    Field{.name = "probes", .type = FieldType::json, .help = "What is asked, by name."},
    Field{.name = "timeline",
          .type = FieldType::json,
          .help = "The steps, run one after another.",
          .required = true}};

constexpr std::array kLedger{
    Field{.name = "digest",
          .help = "JSON pointer to the digest in what is read back.",
          .required = true},
    Field{.name = "read_back",
          .type = FieldType::url,
          .help = "Gives what was written under {key}.",
          .required = true},
    Field{.name = "list",
          .type = FieldType::url,
          .help = "Gives all that this {drill} wrote; without it phantoms are not assessed."}};
constexpr Field a_rate(std::string_view name, std::string_view help) {
  return {.name = name, .type = FieldType::rate, .help = help, .most = kHighestRate};
}
constexpr std::array kStage{
    a_rate("rate", "A step: that rate, at once."),
    a_rate("to", "A ramp: from the rate before, steadily, to this one."),
    a_rate("from", "Where a ramp begins, if not at the rate before."),
    a_rate("sine", "A wave around that rate, which goes up first."),
    a_rate("swing", "How far a sine goes above and below it; less than that rate."),
    Field{.name = "period",
          .type = FieldType::duration,
          .help = "From one top of a sine to the next.",
          .least = kInstant,
          .most = kYear},
    Field{.name = "for",
          .type = FieldType::duration,
          .help = "How long the stage lasts.",
          .required = true,
          .least = kInstant,
          .most = kYear}};
constexpr std::array kLoad{
    a_rate("rate",
           "How often a request is due, whatever the answers are; a load has this, `stages` or "
           "`users`."),
    Field{.name = "stages",
          .type = FieldType::groups,
          .help = "How that rate changes, one stage after another; the rate with which the last "
                  "one ends goes on until the load's end.",
          .fields = kStage},
    Field{.name = "users",
          .type = FieldType::integer,
          .help = "A closed loop of so many users: each asks, waits for the answer, thinks, and "
                  "asks again. A slow system is asked less.",
          .least = 1,
          .most = 100'000},
    Field{.name = "think",
          .type = FieldType::durations,
          .help = "How long a user thinks after an answer: so long, or evenly spread between two; "
                  "without it not at all.",
          .most = 3600},
    a_rate("spawn_rate", "How fast users come, until all are there; without it all at once."),
    Field{.name = "arrivals",
          .type = FieldType::choice,
          .help = "How due times are spread.",
          .otherwise = "constant",
          .choices = kArrivals},
    Field{.name = "timeout",
          .type = FieldType::duration,
          .help = "After that a request counts as failed.",
          .otherwise = "1s",
          .least = kInstant,
          .most = 600},
    Field{.name = "request",
          .type = FieldType::group,
          .help = "What is sent by HTTP; a load has this, or several in `requests`, or speaks "
                  "something else.",
          .fields = kRequest,
          .scalar = "url"},
    Field{.name = "requests",
          .type = FieldType::groups,
          .help = "Several in place of one, chosen by their weights from the drill's seed: the "
                  "same in each run. With a ledger, one of them writes, and the others read.",
          .fields = kWeightedRequest,
          .scalar = "url"},
    Field{.name = "data",
          .type = FieldType::path,
          .help = "A file of comma-separated values, its columns named in the first line: "
                  "{data.COLUMN} in a request is filled in from it, row by row, and over again."},
    Field{.name = "ledger",
          .type = FieldType::group,
          .help = "Keeps every acknowledgement and reads all back at `verify`.",
          .fields = kLedger},
    Field{.name = "cleanup",
          .type = FieldType::group,
          .help = "One request that removes what the load wrote.",
          .fields = kSent}};

constexpr std::array kTarget{
    Field{.name = "region", .help = "The region it is in."},
    Field{.name = "identity",
          .help = "What it must be, checked before the start, and before every undo where it "
                  "answers: its identity as `plan` shows it, or a part between `:` and `/`, as a "
                  "system identifier, a cluster's name or a machine's id."},
    Field{.name = "start",
          .type = FieldType::texts,
          .help = "The command that starts the system, run in the playbook's folder."},
    Field{.name = "stop", .type = FieldType::texts, .help = "The command that stops it."},
    Field{.name = "ready",
          .type = FieldType::probe,
          .help = "The probe that says whether it is up; needed with `start`."}};
constexpr std::array kLink{Field{.name = "listen",
                                 .type = FieldType::address,
                                 .help = "Where the proxy listens.",
                                 .required = true},
                           Field{.name = "to",
                                 .type = FieldType::address,
                                 .help = "Where it passes traffic on to.",
                                 .required = true},
                           Field{.name = "region", .help = "The region whose way this is."}};
constexpr Field kLinks{.name = "links",
                       .type = FieldType::json,
                       .help = "Ways between parts of the system, through proxies of gameday.",
                       .fields = kLink};
constexpr std::array kProbe{Field{.name = "every",
                                  .type = FieldType::duration,
                                  .help = "The time from one attempt to the next.",
                                  .otherwise = "1s",
                                  .least = 0.01,
                                  .most = 3600},
                            Field{.name = "timeout",
                                  .type = FieldType::duration,
                                  .help = "After that an attempt counts as failed.",
                                  .otherwise = "1s",
                                  .least = kInstant,
                                  .most = 600},
                            Field{.name = "during",
                                  .type = FieldType::choice,
                                  .help = "When it is asked: always; at the edges, while a steady "
                                          "state is waited for; or while a fault is in force, "
                                          "from its proof to its undo.",
                                  .otherwise = "always",
                                  .choices = kDurings},
                            Field{.name = "failures",
                                  .type = FieldType::integer,
                                  .help = "How many failures in a row make it count as failing, "
                                          "for a steady state and for `stop_when`; every attempt "
                                          "stays in the evidence, and an RTO counts each.",
                                  .otherwise = "1",
                                  .least = 1,
                                  .most = 1000},
                            Field{.name = "successes",
                                  .type = FieldType::integer,
                                  .help = "How many successes in a row make it count as good.",
                                  .otherwise = "1",
                                  .least = 1,
                                  .most = 1000},
                            Field{.name = "evidence_for",
                                  .type = FieldType::texts,
                                  .help = "Criteria of the rubric that it is evidence for."},
                            Field{.name = "evidence_level",
                                  .type = FieldType::choice,
                                  .help = "E4 where it tries what is forbidden and must be "
                                          "refused; E2 where it passes on what a tool reports.",
                                  .otherwise = "E3",
                                  .choices = kEvidenceLevels}};

}  // namespace

std::span<const Field> playbook_fields() { return kPlaybook; }
std::span<const Field> load_fields() { return kLoad; }
std::span<const Field> carried_load_fields() {
  const auto timeout = std::ranges::find(kLoad, "timeout", &Field::name);
  return std::span(kLoad).subspan(static_cast<std::size_t>(timeout - kLoad.begin()), 1);
}
std::span<const Field> target_fields() { return kTarget; }
const Field& links_field() { return kLinks; }
std::span<const Field> link_fields() { return kLink; }
std::span<const Field> probe_fields() { return kProbe; }
bool may_stand_inside(StepKind kind) {
  return kind != StepKind::parallel && kind != StepKind::verify;
}

}  // namespace gameday
