#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <regex>

#include "engine/base/text.h"
#include "engine/load/told_load.h"
#include "engine/rows.h"

namespace gameday {

extern const std::string_view locust_teller;  // locust_teller.py

namespace {

constexpr std::string_view kMarkName = "GAMEDAY_MARK=";
constexpr std::int64_t kLargestFile = 1 << 20;

constexpr Field kFields[] = {
    {.name = "file",
     .type = FieldType::path,
     .help = "The locustfile; Locust runs in its folder. One in the style before Locust 1.0 runs "
             "as it is.",
     .required = true},
    {.name = "users",
     .type = FieldType::integer,
     .help = "How many users there are once all have begun.",
     .required = true,
     .least = 1,
     .most = 100'000},
    {.name = "spawn_rate",
     .type = FieldType::integer,
     .help = "How many users begin each second.",
     .otherwise = "1",
     .least = 1,
     .most = 100'000},
    {.name = "host",
     .type = FieldType::url,
     .help = "What the users ask; without it what the locustfile says."},
    {.name = "workers",
     .type = FieldType::integer,
     .help = "Over how many processes on this machine the users are spread; without it one "
             "process does it all.",
     .least = 1,
     .most = 64},
    {.name = "program",
     .type = FieldType::path,
     .help = "The locust to run, as .venv/bin/locust; without it the one in PATH."},
};

struct Order {
  std::string program, file, host, mark;
  std::int64_t users = 1, spawn_rate = 1, workers = 0;
  double timeout_s = 1;
};

std::string folder_of(const Order& order) {
  return std::filesystem::path(order.file).parent_path().string();
}

Order order_of(const Undo& undo) {
  const Json& told = undo.arguments;
  return {told.text("program"),       told.text("file"),          told.text("host"),
          told.text("mark"),          told.integer("users", 1),   told.integer("spawn_rate", 1),
          told.integer("workers", 0), told.number("timeout_s", 1)};
}

bool keeps_ledger(const Json&) { return false; }

std::string shown(const Json& arguments) {
  const std::string host = arguments.text("host");
  const auto workers = arguments.integer("workers", 0);
  return arguments.text("file") + ", " + std::to_string(arguments.integer("users", 1)) +
         " users, " + std::to_string(arguments.integer("spawn_rate", 1)) + " more each second" +
         (workers > 0 ? ", in " + std::to_string(workers) + " processes" : "") +
         (host.empty() ? "" : ", to " + host);
}

std::optional<WrongField> check(const LoadSpec& spec, const System&) {
  const std::string file = spec.arguments.text("file");
  if (!file.ends_with(".py") || file.contains(',')) {
    return WrongField{"file", "expected a file called .py, without a comma, not " + file};
  }
  if (spec.arguments.integer("workers", 0) > spec.arguments.integer("users", 1)) {
    return WrongField{"workers", "there are more processes than users"};
  }
  return {};
}

// What Locust has called otherwise since 1.0, and where that stands.
std::vector<std::string> warnings(const Json& arguments) {
  static const std::pair<std::regex, std::string> kOld[] = {
      {std::regex(R"(\bHttpLocust\b)"), "HttpLocust is HttpUser"},
      {std::regex(R"(\bFastHttpLocust\b)"), "FastHttpLocust is FastHttpUser"},
      {std::regex(R"(\bLocust\b)"), "Locust is User"},
      {std::regex(R"(\btask_set\s*=)"), "task_set = X is tasks = [X]"},
      {std::regex(R"(\b(min|max)_wait\s*=)"),
       "min_wait and max_wait, in ms, are wait_time = between(LEAST, MOST), in seconds"},
      {std::regex(R"(\blocust\.core\b)"), "locust.core is locust"},
      {std::regex(R"(\bself\.locust\b)"), "self.locust is self.user"}};
  constexpr std::size_t kMost = 20;
  const std::string path = arguments.text("file");
  const auto text = Files().read(path, kLargestFile);
  std::vector<std::string> found;
  std::size_t number = 0;
  for (const auto& whole : split(text.value_or(""), '\n')) {
    ++number;
    const std::string line = whole.substr(0, whole.find('#'));
    for (const auto& [old, said] : kOld) {
      if (!std::regex_search(line, old) || found.size() >= kMost) continue;
      found.push_back(std::filesystem::path(path).filename().string() + ":" +
                      std::to_string(number) + ": since Locust 1.0, " + said +
                      "; it runs as it is");
    }
  }
  return found;
}

Result<Undo> prepare(const LoadSpec& spec, const DeedContext& context) {
  const Json& given = spec.arguments;
  return Undo{"load-locust", Json::object({{"load", spec.name},
                                           {"drill", context.drill},
                                           {"mark", context.mark},
                                           {"program", given.text("program", "locust")},
                                           {"file", given.text("file")},
                                           {"host", given.text("host")},
                                           {"users", given.integer("users", 1)},
                                           {"spawn_rate", given.integer("spawn_rate", 1)},
                                           {"workers", given.integer("workers", 0)},
                                           {"timeout_s", seconds(spec.timeout)}})};
}

Error not_there(const Error& error) {
  return {ErrorCode::refused,
          error.text + "; pip install locust, or name the one to run, as program: .venv/bin/locust",
          ""};
}

Result<Ended> run_locust(const Order& order, const std::vector<std::string>& arguments,
                         const DeedContext& context) {
  Command command{{order.program}, folder_of(order), {"PYTHONDONTWRITEBYTECODE=1"}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  auto ended = context.doors.processes.run(command, context.until);
  if (!ended && ended.error().code == ErrorCode::not_found) {
    return std::unexpected(not_there(ended.error()));
  }
  return ended;
}

// The teller, in a folder that goes when this does.
class TellerForAMoment {
 public:
  static Result<TellerForAMoment> write() {
    std::string folder = (std::filesystem::temp_directory_path() / "gameday-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
      return std::unexpected(system_error(errno, "cannot make " + folder));
    }
    TellerForAMoment teller;
    teller.folder_ = folder;
    TRY_OK(Files().write(teller.path(), locust_teller, 0600));
    return teller;
  }
  TellerForAMoment(TellerForAMoment&& other) noexcept : folder_(std::exchange(other.folder_, "")) {}
  TellerForAMoment& operator=(TellerForAMoment&&) = delete;
  ~TellerForAMoment() {
    std::error_code error;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/gameday_teller.py"; }

 private:
  TellerForAMoment() = default;
  std::string folder_;
};

// Has Locust read the file, and name the users in it.
Status may(const Undo& undo, const DeedContext& context) {
  const Order order = order_of(undo);
  if (!context.doors.files.exists(order.file)) {
    return fail(ErrorCode::refused, "there is no locustfile " + order.file);
  }
  TRY(teller, TellerForAMoment::write());
  TRY(ended, run_locust(order, {"-f", teller.path() + "," + order.file, "--list"}, context));
  if (!ended.succeeded()) {
    return fail(ErrorCode::refused,
                order.file + " does not load: " + std::string(trimmed(ended.last)));
  }
  constexpr std::string_view kUsers = "Available Users:\n";
  const auto at = ended.output.find(kUsers);
  if (at == std::string::npos || !ended.output.substr(at + kUsers.size()).starts_with("    ")) {
    return fail(ErrorCode::refused, order.file + " has no user class");
  }
  return {};
}

Result<std::string> carrier_here(const Undo& undo, const DeedContext& context) {
  TRY(ended, run_locust(order_of(undo), {"--version"}, context));
  const auto words = split(ended.output, ' ');
  if (!ended.succeeded() || words.size() < 2) {
    return fail(ErrorCode::failed, "it does not say its version");
  }
  return "Locust " + std::string(trimmed(words[1]));
}

// Where the one process tells the others what to do. Somebody else may take it before Locust does,
// which then says so and ends.
Result<std::uint16_t> free_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  if (!socket || bind(socket.get(), at, size) != 0 || getsockname(socket.get(), at, &size) != 0) {
    return std::unexpected(system_error(errno, "no port is free for Locust's processes"));
  }
  return ntohs(address.sin_port);
}

std::string teller_file(const Undo& undo, const DeedContext& context) {
  return context.private_folder + "/" + undo.arguments.text("mark") + ".gameday_teller.py";
}

Result<Carrier> carry(const Undo& undo, const DeedContext& context) {
  const Order order = order_of(undo);
  const std::string teller = teller_file(undo, context);
  TRY_OK(context.doors.files.write(teller, locust_teller, 0600));
  TRY(host, context.secrets.reveal(order.host));
  Carrier carrier{"Locust", {}, 1, 0, static_cast<std::uint64_t>(order.users)};
  // Its requests have the time to end that they have in the load.
  const auto patience = static_cast<std::int64_t>(std::ceil(order.timeout_s));
  carrier.command = {
      {order.program, "-f", teller + "," + order.file, "--headless", "-u",
       std::to_string(order.users), "-r", std::to_string(order.spawn_rate), "--only-summary",
       "--stop-timeout", std::to_string(patience)},
      folder_of(order),
      {std::string(kMarkName) + order.mark, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}};
  // Not on its command line, which everybody can read.
  if (!host.empty()) carrier.command.extra_environment.push_back("LOCUST_HOST=" + host);
  if (order.workers > 0) {
    TRY(number, free_port());
    const std::string port = std::to_string(number);
    carrier.senders = static_cast<std::size_t>(order.workers);
    carrier.others = 1;
    for (const std::string& more :
         {std::string("--processes"), std::to_string(order.workers), std::string("--master-host"),
          std::string("127.0.0.1"), std::string("--master-port"), port,
          std::string("--master-bind-host"), std::string("127.0.0.1"),
          std::string("--master-bind-port"), port}) {
      carrier.command.argv.push_back(more);
    }
  }
  return carrier;
}

// Whatever of it lives, by the mark that it and all that it started carry.
std::vector<ProcessId> left_of(const Undo& undo, const DeedContext& context) {
  const std::string marked = std::string(kMarkName) + undo.arguments.text("mark");
  std::vector<ProcessId> found;
  for (const pid_t pid : context.doors.processes.all()) {
    const auto facts = context.doors.processes.look(pid);
    if (!facts || facts->zombie) continue;
    if (std::ranges::find(facts->environment, marked) != facts->environment.end()) {
      found.push_back(facts->id);
    }
  }
  return found;
}

Status undo_load(const Undo& undo, const DeedContext& context) {
  // One that is about to start another may do so once more.
  for (auto left = left_of(undo, context); !left.empty(); left = left_of(undo, context)) {
    for (const auto& id : left) {
      const auto ended = context.doors.processes.signal(id, SIGKILL);
      if (!ended && ended.error().code != ErrorCode::not_found) return ended;
      TRY_OK(context.doors.processes.wait_gone(id, context.until));
    }
  }
  return context.doors.files.remove(teller_file(undo, context));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  const auto left = left_of(undo, context);
  return Proof{left.empty(), std::to_string(left.size()) + " processes of this load live", {}};
}

}  // namespace

extern const LoadRow locust_load;
const LoadRow locust_load{
    .name = "locust",
    .summary =
        "Runs Locust with a locustfile: users that wait for an answer before they ask again.",
    .fields = kFields,
    .rights = "to run locust, and whatever the locustfile does",
    .example =
        "browsing: { locust: locustfile.py, users: 100, spawn_rate: 10, "
        "host: \"{front}\" }",
    .check = &check,
    .keeps_ledger = &keeps_ledger,
    .shown = &shown,
    .prepare = &prepare,
    .may = &may,
    .connect = nullptr,
    .reader = nullptr,
    .undo = &undo_load,
    .gone = &gone,
    .carry = &carry,
    .carrier_here = &carrier_here,
    .scalar = "file",
    .warnings = &warnings,
};

}  // namespace gameday
