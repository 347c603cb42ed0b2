// The steps of a timeline, each with its fields.
#include <algorithm>
#include <array>

#include "engine/playbook/document.h"

namespace gameday {
namespace {

constexpr double kInstant = 0.001;  // the shortest time that a drill can hold or wait for, 1 ms

constexpr std::array<std::string_view, 2> kPlaces{"scratch", "place"};
constexpr std::array<std::string_view, 3> kOnTimeout{"fail", "continue", "stop"};
constexpr std::array<std::string_view, 1> kNot{"operator"};

constexpr Field kId{.name = "id", .help = "Names the step."};
constexpr std::array kSteady{
    Field{.name = "for",
          .type = FieldType::duration,
          .help = "How long all probes must succeed.",
          .required = true,
          .least = kInstant},
    Field{.name = "within",
          .type = FieldType::duration,
          .help = "By when that must be over, from the step's start; else `for`, and until "
                  "each probe has been heard of."},
    Field{.name = "probes",
          .type = FieldType::probes,
          .help = "The probes that must succeed.",
          .required = true}};
constexpr std::array kSteadyStep{Field{.name = "steady_state",
                                       .type = FieldType::group,
                                       .help = "Holds for `for`, completed inside `within`.",
                                       .required = true,
                                       .fields = kSteady},
                                 kId};
constexpr std::array kBackupStep{Field{.name = "backup",
                                       .type = FieldType::target,
                                       .help = "The target that is backed up.",
                                       .required = true},
                                 Field{.name = "keep",
                                       .type = FieldType::boolean,
                                       .help = "Whether what the drill itself takes stays in its "
                                               "private folder beside the store; else it goes at "
                                               "the drill's end, unless something is lost.",
                                       .otherwise = "false"},
                                 kId};
constexpr std::array kFaultStep{
    Field{.name = "fault", .help = "The kind of fault.", .required = true},
    Field{.name = "target", .type = FieldType::target, .help = "What it hits."},
    Field{.name = "region",
          .type = FieldType::region,
          .help = "The region whose links it hits, or whose targets."},
    Field{.name = "link", .type = FieldType::link, .help = "The one link that it hits."},
    Field{.name = "for",
          .type = FieldType::duration,
          .help = "How long it is held, then reverted; without it, until `revert`, a restore or "
                  "the end.",
          .least = kInstant},
    Field{.name = "allow_irreversible",
          .help = "The reason why a fault that cannot be undone may be injected."},
    kId};
constexpr std::array kRestoreStep{
    Field{.name = "restore",
          .type = FieldType::target,
          .help = "The target that is restored.",
          .required = true},
    Field{.name = "into",
          .type = FieldType::choice,
          .help = "A scratch copy, or the place of the target itself.",
          .otherwise = "scratch",
          .choices = kPlaces},
    Field{.name = "from", .help = "The id of the backup's step; else the newest backup."},
    Field{.name = "point",
          .help =
              "As of when it comes back, where the backup has more than one point: latest, "
              "backup (when the backup's step looked), before STEP (when that fault began), a time "
              "(2026-11-26T15:15:40Z), a place in the WAL (0/3000E88) or a restore point "
              "(name:before-the-deploy); else latest."},
    Field{.name = "replay",
          .type = FieldType::target,
          .help = "The queue that delivers again what it keeps since the backup."},
    Field{.name = "deadline",
          .type = FieldType::duration,
          .help = "By when it must be finished.",
          .least = kInstant},
    kId};
constexpr std::array kWaitStep{Field{.name = "wait",
                                     .type = FieldType::duration,
                                     .help = "How long nothing new happens.",
                                     .required = true},
                               kId};
constexpr std::array kRevertStep{
    Field{.name = "revert", .help = "The id of the fault's step.", .required = true}, kId};
constexpr std::array kVerifyStep{
    Field{.name = "verify",
          .type = FieldType::loads,
          .help = "The loads that end and are read back; all where none is named."},
    Field{.name = "deadline",
          .type = FieldType::duration,
          .help = "By when it must be finished.",
          .least = kInstant},
    kId};
constexpr std::array kActionStep{
    Field{.name = "action", .help = "The kind of action.", .required = true},
    Field{.name = "target", .type = FieldType::target, .help = "What it changes."},
    Field{.name = "deadline",
          .type = FieldType::duration,
          .help = "By when it must be done.",
          .otherwise = "5m",
          .least = kInstant},
    kId};
constexpr std::array kHuman{
    Field{.name = "do", .help = "What the person does, in words.", .required = true},
    Field{.name = "by", .help = "Who does it: a role or a team."},
    Field{.name = "within",
          .type = FieldType::duration,
          .help = "By when it must be acknowledged, from the step's start.",
          .otherwise = "15m",
          .least = kInstant},
    Field{.name = "on_timeout",
          .type = FieldType::choice,
          .help = "What becomes of the drill when nobody has acknowledged it by then.",
          .otherwise = "fail",
          .choices = kOnTimeout}};
constexpr std::array kHumanStep{
    Field{.name = "human",
          .type = FieldType::group,
          .help = "What is asked; answered by `ack` on the drill's terminal, or `gameday ack`.",
          .required = true,
          .fields = kHuman,
          .scalar = "do"},
    kId};
constexpr std::array kApprove{
    Field{.name = "role", .help = "In which role somebody approves.", .required = true},
    Field{.name = "not",
          .type = FieldType::choice,
          .help = "Who may not: operator, whoever runs the drill.",
          .choices = kNot},
    Field{.name = "within",
          .type = FieldType::duration,
          .help = "By when it must be approved, from the step's start.",
          .otherwise = "15m",
          .least = kInstant}};
constexpr std::array kApproveStep{
    Field{.name = "approve",
          .type = FieldType::group,
          .help = "Who lets the drill go on, by `gameday approve`; a refusal ends it.",
          .required = true,
          .fields = kApprove,
          .scalar = "role"},
    kId};
constexpr std::array kParallelStep{
    Field{.name = "parallel",
          .type = FieldType::json,
          .help = "The steps that start together; no verify, restore into place or parallel.",
          .required = true},
    kId};
constexpr std::array kSteps{
    StepForm{StepKind::steady_state, "Waits for the steady state.", kSteadyStep,
             "- steady_state: { for: 10s, within: 30s, probes: [shop-answers] }"},
    StepForm{StepKind::backup, "Takes a backup.", kBackupStep, "- backup: store"},
    StepForm{StepKind::fault, "Injects a fault.", kFaultStep,
             "- { fault: kill, target: west, for: 5s }"},
    StepForm{StepKind::action, "Makes an intended change, which is not undone.", kActionStep,
             "- { action: command, do: [./shop, up], check: [./shop, status] }"},
    StepForm{StepKind::restore, "Restores from a backup.", kRestoreStep,
             "- { restore: store, into: place, replay: orders }"},
    StepForm{StepKind::human, "Waits until a person has done something and says so.", kHumanStep,
             "- human: { do: fail over to the other region, by: sre, within: 10m }"},
    StepForm{StepKind::approve, "Goes on only when somebody approves.", kApproveStep,
             "- approve: { role: service-owner, not: operator, within: 30m }"},
    StepForm{StepKind::wait, "Waits.", kWaitStep, "- wait: 30s"},
    StepForm{StepKind::revert, "Undoes a fault.", kRevertStep, "- revert: west-killed"},
    StepForm{StepKind::parallel, "Starts steps together, and ends when all of them have ended.",
             kParallelStep,
             "- parallel: [{ fault: kill, target: west, for: 5s }, { fault: kill, target: north, "
             "for: 9s }]"},
    StepForm{StepKind::verify, "Ends loads and reads the ledger back.", kVerifyStep,
             "- verify: [checkout]"}};

}  // namespace

std::span<const StepForm> step_forms() { return kSteps; }
const StepForm& form_of(StepKind kind) { return *std::ranges::find(kSteps, kind, &StepForm::kind); }

}  // namespace gameday
