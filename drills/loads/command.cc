// A load of the user's own: a program for each write, and, where it keeps a ledger, programs that
// tell what is there and remove it.
#include "engine/base/text.h"
#include "engine/load/load_client.h"
#include "engine/load/request_pattern.h"
#include "engine/playbook/arguments.h"
#include "engine/rows.h"
#include "engine/sys/processes_run.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "write",
     .type = FieldType::texts,
     .help = "The program of one write and its arguments, without a shell; {key}, {digest}, "
             "{drill} and {seq} in them are filled in. Exit code 0 acknowledges it; whatever else "
             "it ends with, it may have been done.",
     .required = true},
    {.name = "list",
     .type = FieldType::texts,
     .help = "Prints key and digest of every write of {drill}, with a blank between, a line each, "
             "and nothing else, 64 MiB at most. With it the load keeps a ledger."},
    {.name = "read",
     .type = FieldType::texts,
     .help = "Prints the digest of each write under {key}, a line each: nothing where none is."},
    {.name = "remove",
     .type = FieldType::texts,
     .help = "Removes all writes of {drill}; needed with a ledger. It may find some or all of them "
             "gone."},
    {.name = "folder",
     .type = FieldType::path,
     .help = "Where they run; the playbook's folder where nothing is said.",
     .otherwise = "."},
    {.name = "connections",
     .type = FieldType::integer,
     .help = "How many writes run at once at most; without it as many as a stall of `timeout` "
             "needs, 32 at most. What waits for another one to end is late by our fault, and its "
             "second is marked.",
     .least = 1,
     .most = 500},
};

constexpr std::string_view kPrograms[] = {"write", "list", "read", "remove"};
constexpr std::size_t kLongestList = 64 << 20;

bool has(const Json& arguments, std::string_view name) {
  return !texts_in(arguments, name).empty();
}

bool keeps_ledger(const Json& arguments) { return has(arguments, "list"); }

std::string shown(const Json& arguments) { return join(texts_in(arguments, "write"), " "); }

std::optional<WrongField> wrong_program(const Json& arguments, std::string_view name) {
  if (arguments.find(name) != nullptr && !has(arguments, name)) {
    return WrongField{std::string(name), "a command without a program"};
  }
  for (const auto& word : texts_in(arguments, name)) {
    if (word.contains('\0')) return WrongField{std::string(name), "a word with a NUL character"};
    if (references_in(word).empty()) continue;
    return WrongField{std::string(name),
                      "a secret among the arguments is seen by everybody; let the program read it "
                      "from its environment, which is gameday's own, or from a file"};
  }
  return {};
}

std::optional<WrongField> check(const LoadSpec& spec, const System&) {
  const Json& arguments = spec.arguments;
  for (const auto name : kPrograms) {
    if (const auto wrong = wrong_program(arguments, name)) return wrong;
  }
  for (const std::string_view name : {"read", "remove"}) {
    if (has(arguments, name) && !has(arguments, "list")) {
      return WrongField{std::string(name), "without `list` nothing tells what is there"};
    }
  }
  if (!keeps_ledger(arguments)) return {};
  if (!has(arguments, "remove")) {
    return WrongField{"", "it has no `remove`: what it writes would stay"};
  }
  constexpr std::pair<std::string_view, std::string_view> kNeeds[] = {{"write", "{key}"},
                                                                      {"write", "{digest}"},
                                                                      {"list", "{drill}"},
                                                                      {"read", "{key}"},
                                                                      {"remove", "{drill}"}};
  for (const auto& [name, value] : kNeeds) {
    if (!has(arguments, name) || join(texts_in(arguments, name), " ").contains(value)) continue;
    return WrongField{std::string(name),
                      "a load with a ledger needs " + std::string(value) + " in it"};
  }
  return {};
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  Json arguments = Json::object({{"load", spec.name},
                                 {"drill", context.drill},
                                 {"folder", spec.arguments.text("folder", ".")}});
  for (const auto name : kPrograms) {
    if (has(spec.arguments, name)) arguments.set(name, spec.arguments.get(name));
  }
  return Undo{"load-command", std::move(arguments)};
}

Command command_of(const Undo& undo, std::string_view name, const WriteNames& names) {
  Command command{texts_in(undo.arguments, name), undo.arguments.text("folder"), {}};
  for (auto& word : command.argv) word = filled_in(word, names, Encoding::plain);
  return command;
}

WriteNames names_of(const Undo& undo) { return {"", "", undo.arguments.text("drill"), ""}; }

// What it said may hold what it was not to say: the first line is enough for a person.
std::string told(std::string_view name, const Ended& ended) {
  constexpr std::size_t kLongest = 200;
  std::string said = valid_utf8(split(std::string(trimmed(ended.output)), '\n').front());
  if (said.size() > kLongest) said = valid_utf8(said.substr(0, kLongest)) + "...";
  return "`" + std::string(name) + "` " +
         (ended.how == Ended::How::exited ? "ended with exit code " : "was ended by signal ") +
         std::to_string(ended.code) + (said.empty() ? "" : ": " + said);
}

Result<std::string> output_of(const Undo& undo, std::string_view name, const WriteNames& names,
                              const DeedContext& context) {
  Command command = command_of(undo, name, names);
  command.most_output = kLongestList;
  TRY(ended, context.doors.processes.run(command, context.until));
  if (!ended.succeeded()) return fail(ErrorCode::failed, told(name, ended));
  if (ended.output.size() == kLongestList) {
    return fail(ErrorCode::invalid, "`" + std::string(name) + "` prints 64 MiB or more");
  }
  return std::move(ended.output);
}

// A line that is no row is never passed over: it could be a row that was cut off.
Result<std::vector<ReadRow>> rows_of(const Undo& undo, const DeedContext& context) {
  TRY(output, output_of(undo, "list", names_of(undo), context));
  std::vector<ReadRow> rows;
  for (const auto& line : split(output, '\n')) {
    const auto row = trimmed(line);
    if (row.empty()) continue;
    const auto blank = row.find(' ');
    const auto digest = blank == row.npos ? "" : trimmed(row.substr(blank));
    if (digest.empty() || digest.contains(' ')) {
      return fail(ErrorCode::invalid, "`list` printed a line that is no key and digest: " +
                                          valid_utf8(std::string(row.substr(0, 200))));
    }
    rows.push_back({std::string(row.substr(0, blank)), std::string(digest)});
  }
  return rows;
}

// `list` and `read` must work, and find nothing yet, before the first write.
Status may(const Undo& undo, const DeedContext& context) {
  for (const auto name : kPrograms) {
    const Command command = command_of(undo, name, names_of(undo));
    if (!command.argv.empty()) TRY_OK(program_of(command));
  }
  if (!has(undo.arguments, "list")) return {};
  TRY(rows, rows_of(undo, context));
  if (!rows.empty()) {
    return fail(ErrorCode::conflict,
                "`list` prints " + std::to_string(rows.size()) +
                    " writes of this drill, which has not begun: it does not look for {drill}");
  }
  if (!has(undo.arguments, "read")) return {};
  const std::string key = context.drill + "-nobody";
  TRY(read, output_of(undo, "read", {key, "", context.drill, ""}, context));
  if (trimmed(read).empty()) return {};
  return fail(ErrorCode::conflict, "`read` prints something of " + key + ", which nobody wrote");
}

class CommandClient : public LoadClient {
 public:
  CommandClient(Undo undo, const DeedContext& context)
      : undo_(std::move(undo)), processes_(context.doors.processes), until_(context.until) {}

  Written write(const WriteNames& names) override {
    const auto ended = processes_.run(command_of(undo_, "write", names), until_);
    if (ended) return {ended->succeeded() ? SampleOutcome::ok : SampleOutcome::unknown};
    const bool ran =
        ended.error().code == ErrorCode::stopped || ended.error().code == ErrorCode::timed_out;
    return {ran ? SampleOutcome::unknown : SampleOutcome::not_sent, false};
  }

 private:
  const Undo undo_;
  Processes& processes_;
  const Until until_;
};

Result<std::unique_ptr<LoadClient>> connect(const Undo& undo, const DeedContext& context) {
  return std::make_unique<CommandClient>(undo, context);
}

class CommandRows : public LedgerReader {
 public:
  CommandRows(Undo undo, const DeedContext& context) : undo_(std::move(undo)), context_(context) {}

  bool lists() const override { return true; }
  bool reads() const override { return has(undo_.arguments, "read"); }

  Result<std::vector<ReadRow>> list() override { return rows_of(undo_, context_); }

  Result<std::vector<std::string>> by_key(const WriteNames& names) override {
    TRY(output, output_of(undo_, "read", names, context_));
    std::vector<std::string> digests;
    for (const auto& line : split(output, '\n')) {
      if (!trimmed(line).empty()) digests.emplace_back(trimmed(line));
    }
    return digests;
  }

 private:
  const Undo undo_;
  const DeedContext context_;
};

Result<std::unique_ptr<LedgerReader>> reader(const Undo& undo, const DeedContext& context) {
  return std::make_unique<CommandRows>(undo, context);
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  if (!has(undo.arguments, "remove")) return {};
  TRY(ended,
      context.doors.processes.run(command_of(undo, "remove", names_of(undo)), context.until));
  if (ended.succeeded()) return {};
  return fail(ErrorCode::failed, told("remove", ended));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  if (!has(undo.arguments, "list")) {
    return Proof{true, "this load declares nothing to clean up", {}};
  }
  TRY(rows, rows_of(undo, context));
  return Proof{rows.empty(), std::to_string(rows.size()) + " writes of this drill are listed", {}};
}

}  // namespace

extern const LoadRow command_load;
const LoadRow command_load{
    .name = "command",
    .summary =
        "Runs a program of yours for each write; what ends with exit code 0 is acknowledged, "
        "and another program of yours tells what is there.",
    .fields = kFields,
    .rights = "to run these programs; what they may do is theirs",
    .example =
        "orders: { rate: 5/s, command: { write: [./shop, put, \"{key}\", \"{digest}\"], "
        "list: [./shop, list, \"{drill}\"], remove: [./shop, remove, \"{drill}\"] } }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = &connect,
    .reader = &reader,
    .undo = &undo_load,
    .gone = &gone,
};

}  // namespace gameday
