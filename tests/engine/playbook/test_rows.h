// Small rows, in the likeness of the real ones, for tests and for fuzzing: fields, facets and
// reversals only. Their functions are null and never called.
#pragma once

#include <array>
#include <string_view>

#include "engine/playbook/invariants.h"
#include "engine/rows.h"

namespace gameday::test_rows {

inline constexpr std::array kProcessFields{
    Field{.name = "pidfile", .type = FieldType::path, .help = "Holds its pid.", .required = true}};
inline constexpr std::array kSqliteFields{
    Field{.name = "path", .type = FieldType::path, .help = "The file.", .required = true},
    kInvariantsField};
inline constexpr std::array kUrlFields{
    Field{.name = "url", .type = FieldType::url, .help = "Its address.", .required = true}};

inline constexpr FacetRow kProcess{"process", "A process.", "pidfile", kProcessFields, nullptr};
inline constexpr FacetRow kSqlite{"sqlite", "A database.", "path", kSqliteFields, nullptr};
inline constexpr FacetRow kHttp{"http", "A web server.", "url", kUrlFields, nullptr};
inline constexpr FacetRow kQueue{"queue", "A queue.", "url", kUrlFields, nullptr};
inline constexpr FacetRow kFleeting{.name = "fleeting",
                                    .summary = "A server that is another one after each start.",
                                    .scalar = "url",
                                    .fields = kUrlFields,
                                    .resolve = nullptr,
                                    .fleeting = true};
inline constexpr std::array kFacets{&kProcess, &kSqlite, &kHttp, &kQueue, &kFleeting};

inline constexpr std::array<std::string_view, 2> kSignals{"KILL", "TERM"};
inline constexpr std::array kKillFields{Field{.name = "signal",
                                              .type = FieldType::choice,
                                              .help = "What it is ended with.",
                                              .otherwise = "KILL",
                                              .choices = kSignals},
                                        Field{.name = "grace",
                                              .type = FieldType::duration,
                                              .help = "How long TERM may take.",
                                              .otherwise = "5s",
                                              .least = 0.1,
                                              .most = 60}};
inline constexpr std::array kFillFields{Field{.name = "amount",
                                              .type = FieldType::size,
                                              .help = "How much.",
                                              .required = true,
                                              .least = 1024,
                                              .most = 1073741824},
                                        Field{.name = "keep",
                                              .type = FieldType::percent,
                                              .help = "What stays free.",
                                              .least = 0.01,
                                              .most = 0.5},
                                        Field{.name = "sync",
                                              .type = FieldType::boolean,
                                              .help = "Whether it is written through.",
                                              .otherwise = "false"}};

constexpr FaultRow fault(std::string_view name, std::span<const Field> fields,
                         std::string_view facet, Reversal reversal, Effect effect,
                         bool holds_data) {
  return {name,    "Does something.", fields,          facet,          reversal,
          effect,  holds_data,        "the same user", "{ fault: x }", nullptr,
          nullptr, nullptr,           nullptr,         nullptr,        nullptr};
}
inline constexpr FaultRow kKill =
    fault("kill", kKillFields, "process", Reversal::restart, Effect::stops, false);
inline constexpr FaultRow kBlock = fault("block", {}, "link", Reversal::exact, Effect::cuts, false);
inline constexpr FaultRow kLoseData =
    fault("lose-data", {}, "sqlite", Reversal::saved_copy, Effect::loses, true);
inline constexpr FaultRow kFill =
    fault("fill", kFillFields, "process", Reversal::exact, Effect::fills, false);
inline constexpr FaultRow kBurn =
    fault("burn", {}, "process", Reversal::none, Effect::stops, false);
inline constexpr std::array kLitterFields{
    Field{.name = "path", .type = FieldType::path, .help = "Where.", .required = true}};
inline std::string path_of(const Json& arguments) { return arguments.text("path"); }
constexpr FaultRow aimed(FaultRow row) {
  row.aim = &path_of;
  return row;
}
inline constexpr FaultRow kLitter =
    aimed(fault("litter", kLitterFields, "", Reversal::exact, Effect::fills, false));
inline constexpr std::array kKillQueueFields{
    Field{.name = "harder", .type = FieldType::boolean, .help = "Twice.", .otherwise = "false"}};
constexpr FaultRow said_as(FaultRow row, std::string_view name) {
  row.as = name;
  return row;
}
inline constexpr FaultRow kKillQueue =
    said_as(fault("kill-queue", kKillQueueFields, "queue", Reversal::restart, Effect::stops, false),
            "kill");
constexpr FaultRow of_regions(FaultRow row) {
  row.takes_region = true;
  return row;
}
inline constexpr FaultRow kBlockQueue = of_regions(
    said_as(fault("block-queue", kKillQueueFields, "queue", Reversal::exact, Effect::cuts, false),
            "block"));
inline constexpr std::array kFaults{&kKill, &kBlock,  &kLoseData,  &kFill,
                                    &kBurn, &kLitter, &kKillQueue, &kBlockQueue};

inline constexpr RestoreRow kSqliteRestore{
    "sqlite", "Copies pages.", "sqlite", "write access", "{ restore: store }",
    nullptr,  nullptr,         nullptr,  nullptr,        nullptr,
    nullptr,  nullptr};
inline constexpr std::array kRestores{&kSqliteRestore};

inline constexpr QueueRow kQueueRow{"queue", nullptr, nullptr};
inline constexpr std::array kQueues{&kQueueRow};

inline constexpr std::array kExpectFields{Field{.name = "status",
                                                .type = FieldType::integer,
                                                .help = "The status code.",
                                                .otherwise = "200",
                                                .least = 100,
                                                .most = 599},
                                          Field{.name = "body", .help = "Is part of the body."}};
inline constexpr std::array kHttpProbeFields{
    Field{.name = "url", .type = FieldType::url, .help = "What is asked.", .required = true},
    Field{.name = "expect",
          .type = FieldType::group,
          .help = "What it must answer.",
          .otherwise = "{}",
          .fields = kExpectFields,
          .scalar = "status"}};
inline constexpr std::array kCommandFields{
    Field{.name = "run", .type = FieldType::texts, .help = "The command.", .required = true},
    Field{.name = "prints", .type = FieldType::comparison, .help = "What it must print."},
    Field{.name = "retries",
          .type = FieldType::integer,
          .help = "How often it is tried again.",
          .otherwise = "0",
          .most = 5}};
inline constexpr ProbeRow kHttpProbe{"http",           "Asks a URL.",     "url",
                                     kHttpProbeFields, "{ http: \"u\" }", nullptr};
inline constexpr ProbeRow kCommandProbe{"command",      "Runs a command.",  "run",
                                        kCommandFields, "{ command: [x] }", nullptr};
inline constexpr std::array kProbes{&kHttpProbe, &kCommandProbe};

inline constexpr std::array kSwitchFields{
    Field{.name = "to", .help = "What it is switched to.", .required = true}};
inline constexpr ActionRow kPromote{"promote", "Promotes.",           {},      "",
                                    "none",    "{ action: promote }", nullptr, nullptr};
inline constexpr ActionRow kSwitch{"switch", "Switches.",          kSwitchFields, "process",
                                   "none",   "{ action: switch }", nullptr,       nullptr};
inline constexpr std::array kActions{&kPromote, &kSwitch};

inline constexpr std::array kTableFields{
    Field{.name = "into", .help = "The table.", .required = true},
    Field{.name = "list", .help = "Reads it back."},
    Field{.name = "connections", .type = FieldType::integer, .help = "At most.", .least = 1}};
inline std::optional<WrongField> check_table(const LoadSpec& spec, const System&) {
  if (spec.arguments.text("into") != "nowhere") return {};
  return WrongField{"into", "there is no such table"};
}
inline bool has_list(const Json& arguments) { return !arguments.text("list").empty(); }
inline std::string table_of(const Json& arguments) { return arguments.text("into"); }
inline constexpr LoadRow kTable{
    "table",  "Writes rows.", kTableFields, "to write", "{ table: x }", check_table, has_list,
    table_of, nullptr,        nullptr,      nullptr,    nullptr,        nullptr,     nullptr};
inline constexpr std::array kLoads{&kTable};

inline constexpr Rows kRows{kFacets, kFaults, kRestores, kQueues, kProbes, kActions, kLoads};

}  // namespace gameday::test_rows
