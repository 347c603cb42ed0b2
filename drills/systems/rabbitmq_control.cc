#include "drills/systems/rabbitmq_control.h"

#include "engine/base/text.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// The last lines tell why.
std::string reason_in(const std::string& output) {
  constexpr std::size_t kShown = 300;
  const std::string all(trimmed(output));
  return all.size() <= kShown ? all : "... " + all.substr(all.size() - kShown);
}

}  // namespace

Json to_json(const RabbitControl& control) {
  Json command = Json::array();
  for (const auto& word : control.command) command.push(word);
  return to_json(control.deed).set("control", std::move(command));
}

Result<RabbitControl> rabbit_control_from(const Undo& undo) {
  TRY(deed, rabbit_deed_from(undo));
  RabbitControl control{deed, texts_in(undo.arguments, "control")};
  if (control.command.empty()) {
    return fail(ErrorCode::invalid, "the undo of " + undo.kind + " lacks control");
  }
  return control;
}

Result<std::string> tell_node(const RabbitControl& control, const std::vector<std::string>& words,
                              const DeedContext& context) {
  std::vector<std::string> argv = control.command;
  argv.emplace_back("-q");
  argv.insert(argv.end(), words.begin(), words.end());
  const std::string doing = control.command.front() + " ... " + words.front();
  const auto ended = context.doors.processes.run({argv, "/", {}}, context.until);
  if (!ended) return std::unexpected(ended.error().in(doing));
  if (ended->succeeded()) return std::string(trimmed(ended->output));
  return fail(ErrorCode::failed, doing + ": " + reason_in(ended->output));
}

Result<std::string> evaluated(const RabbitControl& control, const std::string& expression,
                              const DeedContext& context) {
  return tell_node(control, {"eval", expression + "."}, context);
}

namespace {

Result<RabbitControl> found_for(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(queue, rabbit_queue_of(*target));
  RabbitControl control{
      {queue, context.mark, context.private_folder + "/" + context.mark + ".node"},
      texts_in(target->facets.get("rabbitmq"), "control")};
  if (control.command.empty()) {
    return fail(ErrorCode::unsupported,
                "target " + deed.target + " does not say how its node is told to do that",
                "`control: [rabbitmqctl]` where the node is on this host, or what leads to it: "
                "`control: [docker, exec, NAME, rabbitmqctl]`");
  }
  TRY(connection, open_rabbit(queue, context));
  TRY(told, evaluated(control, "rabbit_nodes:cluster_name()", context));
  const std::string& cluster = connection.server().cluster;
  if (told == "<<\"" + cluster + "\">>") return control;
  return fail(ErrorCode::conflict, "`control` of target " + deed.target +
                                       " leads to a node of cluster " + told +
                                       ", and its url to one of " + cluster);
}

}  // namespace

Result<RabbitControl> prepare_control(const Deed& deed, const DeedContext& context) {
  TRY(control, found_for(deed, context));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(note_rabbit(control.deed, Json::object(), context));
  return control;
}

Status may_control(const Deed& deed, const DeedContext& context) {
  const auto control = found_for(deed, context);
  if (control) return {};
  const Error& error = control.error();
  return fail(
      ErrorCode::refused, error.text,
      error.hint.empty() ? "who runs gameday must be allowed to run rabbitmqctl" : error.hint);
}

}  // namespace gameday
