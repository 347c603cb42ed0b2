#include "engine/runtime/door.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/proxy/ask.h"
#include "engine/proxy/unix_socket.h"

namespace gameday {
namespace {

constexpr std::size_t kLongestText = 2000;  // bytes
constexpr std::string_view kPrefix = "drill-";
constexpr std::string_view kSuffix = ".sock";
constexpr Duration kAnswersWithin = std::chrono::seconds(20);

std::optional<gid_t> group_of_operators() {
  const group* found = getgrnam("gameday");
  return found != nullptr ? std::optional(found->gr_gid) : std::nullopt;
}

std::optional<Answered::What> answer_named(std::string_view op) {
  if (op == "ack") return Answered::What::acknowledged;
  if (op == "approve") return Answered::What::approved;
  if (op == "refuse") return Answered::What::refused;
  return {};
}

enum class Answers { yes, not_to_us, nobody };

// A runner that died left a file that nobody listens on.
Answers tried(const std::string& path) {
  const auto address = unix_address(path);
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!address || !probe) return Answers::nobody;
  if (connect(probe.get(), address->get(), address->size()) == 0) return Answers::yes;
  if (errno == EACCES) return Answers::not_to_us;
  return errno == EAGAIN ? Answers::yes : Answers::nobody;
}

// Ours, and those of other users as far as we may look.
std::vector<std::string> folders_of_doors() {
  std::vector<std::string> folders{std::string(kControlFolder)};
  const char* own = std::getenv("XDG_RUNTIME_DIR");
  if (own != nullptr && *own == '/') folders.push_back(std::string(own) + "/gameday");
  std::error_code error;
  for (const auto& user : std::filesystem::directory_iterator("/run/user", error)) {
    folders.push_back(user.path().string() + "/gameday");
  }
  std::ranges::sort(folders);
  folders.erase(std::ranges::unique(folders).begin(), folders.end());
  return folders;
}

}  // namespace

Result<DoorRequest> door_request(const Json& request) {
  const std::string op = request.text("op");
  DoorRequest found;
  found.text = std::string(trimmed(request.text("text")));
  if (found.text.size() > kLongestText) {
    return fail(ErrorCode::invalid, "the text has " + std::to_string(found.text.size()) +
                                        " bytes; at most " + std::to_string(kLongestText) +
                                        " go into the journal");
  }
  if (op == "status") {
    found.op = DoorOp::status;
  } else if (op == "stop") {
    found.op = DoorOp::stop;
  } else if (op == "note") {
    found.op = DoorOp::note;
    if (found.text.empty()) return fail(ErrorCode::invalid, "a note without a text");
  } else if (const auto what = answer_named(op)) {
    found.op = DoorOp::answer;
    found.what = *what;
    found.step = request.text("step");
    found.role = request.text("role");
    if (found.step.size() + found.role.size() > kLongestText) {
      return fail(ErrorCode::invalid, "no step and no role is called so");
    }
  } else {
    return fail(ErrorCode::invalid, "no request is called \"" + op + "\"");
  }
  return found;
}

Result<DoorRequest> typed_request(const std::string& line) {
  auto words = split(trimmed(line), ' ');
  std::erase(words, "");
  Json request = Json::object({{"op", words.empty() ? "" : words[0]}});
  if (words.empty() || !answer_named(words[0])) {
    return fail(ErrorCode::invalid, "type ack, approve or refuse, and the step where several wait");
  }
  if (words.size() > 1) request.set("step", words[1]);
  if (words.size() > 2) request.set("text", join(std::span(words).subspan(2), " "));
  return door_request(request);
}

std::string user_name(std::int64_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char text[4096];
  const int error = getpwuid_r(static_cast<uid_t>(uid), &entry, text, sizeof text, &found);
  return error == 0 && found != nullptr ? found->pw_name : std::to_string(uid);
}

DrillDoor::DrillDoor(std::string path, Poller poller, Control control, Inbox& inbox,
                     const Clock& clock)
    : path_(std::move(path)),
      poller_(std::move(poller)),
      control_(std::move(control)),
      inbox_(inbox),
      clock_(clock),
      thread_([this] { serve(); }) {}

Result<std::unique_ptr<DrillDoor>> DrillDoor::open(const std::string& drill, Inbox& inbox,
                                                   const Clock& clock, const Files& files) {
  TRY(folder, control_folder());
  std::string path = folder + "/" + std::string(kPrefix) + drill + std::string(kSuffix);
  TRY_OK(make_control_folder(path, files));
  TRY(poller, Poller::make());
  TRY(control, Control::listen(path, poller, group_of_operators()));
  return std::unique_ptr<DrillDoor>(
      new DrillDoor(std::move(path), std::move(poller), std::move(control), inbox, clock));
}

DrillDoor::~DrillDoor() {
  stop_.request();
  thread_.join();
}

void DrillDoor::serve() {
  const Stop stop = stop_.stop();
  Watched watched;
  poller_.watch(stop.descriptor(), watched, EPOLLIN, Role::stop, 0);
  while (!stop.requested()) {
    const auto events = poller_.wait(clock_, {});
    if (!events) return;
    for (const auto& event : *events) {
      if (event.role == Role::control) control_.accept_askers(poller_);
      if (event.role != Role::asker) continue;
      control_.serve(
          event.number,
          [this](const Json& request, const Asking& who) { return ask(request, who); }, poller_);
    }
  }
}

Result<Json> DrillDoor::ask(const Json& request, const Asking& asking) {
  constexpr Duration kLookEvery = std::chrono::milliseconds(50);
  Asked asked;
  asked.request = request;
  asked.who = {user_name(asking.uid), asking.uid, "socket"};
  asked.answer = std::make_shared<std::promise<Result<Json>>>();
  auto answer = asked.answer->get_future();
  inbox_.put(std::move(asked));
  const Instant latest = clock_.in(kAnswersWithin);
  while (answer.wait_for(kLookEvery) != std::future_status::ready) {
    if (stop_.stop().requested()) return fail(ErrorCode::conflict, "the drill has ended");
    if (clock_.now().boot > latest) {
      return fail(ErrorCode::timed_out, "the runner does not answer; its guardian watches it");
    }
  }
  return answer.get();
}

std::vector<OpenDoor> open_doors() {
  std::vector<OpenDoor> found;
  std::error_code error;
  for (const auto& folder : folders_of_doors()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
      const Answers answers = tried(entry.path().string());
      if (answers == Answers::nobody) continue;
      const auto length = name.size() - kPrefix.size() - kSuffix.size();
      found.push_back(
          {name.substr(kPrefix.size(), length), entry.path().string(), answers == Answers::yes});
    }
  }
  std::ranges::sort(found, {}, &OpenDoor::drill);
  return found;
}

Result<OpenDoor> find_door(const std::string& drill) {
  std::vector<OpenDoor> found;
  std::vector<std::string> ids;
  for (auto& door : open_doors()) {
    if (!door.drill.starts_with(drill) || (drill.empty() && !door.ours)) continue;
    ids.push_back(door.drill);
    found.push_back(std::move(door));
  }
  if (found.size() == 1) return found.front();
  if (!found.empty()) {
    return fail(ErrorCode::conflict, "several drills run: " + join(ids, ", "),
                "say which: the start of its id is enough");
  }
  if (drill.empty()) return fail(ErrorCode::not_found, "no drill runs here that you may speak to");
  return fail(ErrorCode::not_found, "no drill " + drill + " runs here that you may speak to",
              "gameday list says what has become of it");
}

}  // namespace gameday
