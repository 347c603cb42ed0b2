#include "drills/systems/container_aide.h"

#include "drills/systems/container_again.h"

namespace gameday {
namespace {

constexpr std::chrono::seconds kLonger{10};

// Of the other one it keeps what its programs see: files, networks, users. Whoever looks for that
// one by its labels, names or ports must not find this one.
Json recipe_beside(Json recipe, const std::string& name, std::chrono::seconds lives,
                   const std::string& mark) {
  Json body = recipe.get("create");
  for (const char* own : {"Hostname", "Domainname", "MacAddress", "ExposedPorts", "StopSignal"}) {
    body.erase(own);
  }
  Json host = body.get("HostConfig");
  for (const char* own : {"PortBindings", "PublishAllPorts", "Links", "ContainerIDFile", "Init"}) {
    host.erase(own);
  }
  host.set("AutoRemove", true);
  host.set("RestartPolicy", Json::object({{"Name", "no"}, {"MaximumRetryCount", 0}}));
  body.set("HostConfig", std::move(host));
  body.set("Labels", Json::object({{"gameday", mark}}));
  body.set("Healthcheck", Json::object({{"Test", Json(Json::Array{"NONE"})}}));
  body.set("Entrypoint", Json(Json::Array{"sleep"}));
  body.set("Cmd", Json(Json::Array{std::to_string(lives.count())}));
  body.set("User", "");
  Json networks = recipe.get("networks");
  const auto nameless = [](const Json& network) {
    return Json(Json::Array{network.items()[0], Json::object()});
  };
  if (networks.items("own").size() == 2) networks.set("own", nameless(networks.get("own")));
  Json others = Json::array();
  for (const Json& one : networks.items("others")) others.push(nameless(one));
  networks.set("others", std::move(others));
  recipe.set("name", name).set("create", std::move(body)).set("networks", std::move(networks));
  return recipe;
}

// Until it is gone: what its engine is removing already (a conflict) still has its name.
Status remove(const std::string& id_or_name, const DockerEngine& engine,
              const DeedContext& context) {
  constexpr Duration kAgain = std::chrono::milliseconds(50);
  while (true) {
    const auto done = engine.drop("/containers/" + id_or_name + "?force=true", context);
    if (done || done.error().code == ErrorCode::not_found) return {};
    if (done.error().code != ErrorCode::conflict) return std::unexpected(done.error());
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
}

// An engine gives a name free a moment after it has ceased to know who had it.
Result<std::string> make_named(const Json& made, const DockerEngine& engine,
                               const DeedContext& context) {
  constexpr int kTries = 40;
  constexpr Duration kAgain = std::chrono::milliseconds(50);
  for (int tries = 1;; ++tries) {
    TRY_OK(remove(made.text("name"), engine, context));
    auto id = make_container(made, engine, context);
    if (id || id.error().code != ErrorCode::conflict || tries == kTries) return id;
    TRY_OK(context.doors.clock.pause(kAgain, context.until));
  }
}

}  // namespace

// Each piece begins with a byte that says which stream, three of nothing, and four of its length.
Result<std::string> unwoven(std::string_view stream) {
  constexpr std::size_t kHead = 8;
  constexpr unsigned kByte = 8;
  std::string text;
  while (!stream.empty()) {
    if (stream.size() < kHead || stream[0] > 2 || stream[1] != 0) {
      return fail(ErrorCode::corrupt, "the engine's stream is not as its API describes it");
    }
    std::size_t length = 0;
    for (std::size_t i = 4; i < kHead; ++i) {
      length = (length << kByte) | static_cast<unsigned char>(stream[i]);
    }
    stream.remove_prefix(kHead);
    text += stream.substr(0, length);
    stream.remove_prefix(std::min(length, stream.size()));
  }
  return text;
}

Result<ContainerAide> ContainerAide::make(const Container& beside, const DockerEngine& engine,
                                          const DeedContext& context) {
  const std::string name = "gameday-" + context.mark;
  TRY(recipe, recipe_of(beside, engine, context));
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(
      context.until.deadline - context.doors.clock.now().boot);
  const Json made = recipe_beside(std::move(recipe), name, left + kLonger, context.mark);
  TRY(id, make_named(made, engine, context));
  ContainerAide aide(std::move(id), engine, context);
  const auto started = engine.post("/containers/" + aide.id_ + "/start", {}, context);
  if (!started) {
    return std::unexpected(started.error().in("a container beside " + gameday::shown(beside)));
  }
  return aide;
}

ContainerAide::ContainerAide(ContainerAide&& other) noexcept
    : id_(std::exchange(other.id_, "")), engine_(other.engine_), context_(other.context_) {}

// Also after a stop; what an engine that is gone keeps ends by itself.
ContainerAide::~ContainerAide() {
  constexpr Duration kAtMost = std::chrono::seconds(5);
  if (id_.empty()) return;
  DeedContext here = *context_;
  here.until = {Stop(), context_->doors.clock.in(kAtMost)};
  static_cast<void>(remove(id_, *engine_, here));
}

Result<Ended> ContainerAide::run(const std::vector<std::string>& argv, const std::string& user,
                                 const DeedContext& context) const {
  return run_in_container(*engine_, id_, argv, user, context);
}

Result<Ended> run_in_container(const DockerEngine& engine, const std::string& id,
                               const std::vector<std::string>& argv, const std::string& user,
                               const DeedContext& context) {
  Json words = Json::array();
  for (const auto& word : argv) words.push(word);
  const Json wanted = Json::object({{"AttachStdout", true},
                                    {"AttachStderr", true},
                                    {"User", user},
                                    {"Env", Json(Json::Array{"LC_ALL=C"})},
                                    {"Cmd", std::move(words)}});
  TRY(made, engine.post("/containers/" + id + "/exec", wanted, context));
  const std::string exec = made.text("Id");
  TRY(stream, engine.post_for_stream("/exec/" + exec + "/start",
                                     Json::object({{"Detach", false}, {"Tty", false}}), context));
  TRY(output, unwoven(stream));
  TRY(ended, engine.get("/exec/" + exec + "/json", context));
  if (ended.boolean("Running", false)) {
    return fail(ErrorCode::failed, argv.front() + " runs on without its output");
  }
  constexpr std::size_t kLast = 4 << 10;
  const std::string last = output.substr(output.size() - std::min(output.size(), kLast));
  return Ended{Ended::How::exited, static_cast<int>(ended.integer("ExitCode", -1)), output, last};
}

}  // namespace gameday
