// Backs up and restores what a vhost of RabbitMQ is made of: its definitions. Messages are not in
// it; `replay` brings back those that a queue's dead letters still hold.
//
// An import says that it went well also where it has changed nothing of what was there in another
// form. So what the vhost has afterwards is exported again and compared with the backup, item by
// item. Into scratch it goes into a vhost of the deed's own, which bears its mark.
#include <algorithm>

#include "drills/systems/rabbitmq_definitions.h"
#include "drills/systems/rabbitmq_messages.h"
#include "drills/systems/rabbitmq_rights.h"
#include "engine/base/digest.h"

namespace gameday {
namespace {

using Items = std::vector<RabbitItem>;

Result<std::string> identity_of(const RabbitQueue& queue, const DeedContext& context) {
  TRY(vhost, rabbit_vhost(queue, context.secrets));
  TRY(connection, open_rabbit(queue, context));
  return connection.server().cluster + "/" + vhost;
}

// An export that lacks the very queue that the target is says nothing about it.
Status check_worth(const Items& items, const RabbitQueue& queue) {
  const auto named = [&](const RabbitItem& item) {
    return item.kind == "queues" && item.terms.text("name") == queue.queue;
  };
  if (std::ranges::any_of(items, named)) return {};
  return fail(ErrorCode::failed,
              "the definitions that were exported lack " + shown(queue) +
                  (count_of(items, "queues") == 0 ? "; there is no queue in them at all" : ""));
}

Result<BackupTaken> backup(const Target& target, const DeedContext& context) {
  TRY(queue, rabbit_queue_of(target));
  const std::string folder = context.private_folder + "/backups";
  TRY_OK(context.doors.files.make_folder(folder, 0700));
  BackupTaken taken{.target = target.name,
                    .id = folder + "/" + context.mark + ".definitions",
                    .sha256 = "",
                    .digest = "",
                    .taken = context.doors.clock.now().utc,  // of its beginning: never too young
                    .facts = Json::object()};
  TRY(identity, identity_of(queue, context));
  TRY(vhost, rabbit_vhost(queue, context.secrets));
  TRY(items, definitions_of(queue, vhost, context));
  TRY_OK(check_worth(items, queue));
  const std::string written = to_json(items).pretty() + "\n";
  TRY_OK(context.doors.files.write(taken.id, written, 0600));
  taken.sha256 = sha256(written);
  taken.digest = digest_of(items);
  taken.facts.set("identity", identity);
  for (const char* kind : {"queues", "exchanges", "bindings", "policies", "permissions"}) {
    taken.facts.set(kind, count_of(items, kind));
  }
  return taken;
}

Result<Items> items_in(const BackupTaken& backup, const std::string& identity,
                       const DeedContext& context) {
  if (backup.facts.text("identity") != identity) {
    return fail(ErrorCode::invalid, "the backup " + backup.id + " is of " +
                                        backup.facts.text("identity") + ", not of " + identity);
  }
  TRY(bytes, context.doors.files.read(backup.id));
  if (sha256(bytes) != backup.sha256) {
    return fail(ErrorCode::corrupt,
                "the backup " + backup.id + " is not the file that was written");
  }
  TRY(written, Json::parse(bytes));
  TRY(items, definitions_from(written));
  if (digest_of(items) == backup.digest) return items;
  return fail(ErrorCode::corrupt,
              "the backup " + backup.id + " does not have the content that it had when taken");
}

// What is wrong with the backup is the answer to the question; everything else is an error.
bool tells_about_backup(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::invalid;
}

// Before and after the import, against the backup.
Restored judged(const Items& items, const RabbitDifference& before, const RabbitDifference& after,
                const BackupTaken& backup, const DeedContext& context) {
  Restored result{.vacuous = items.empty() || before.none(),
                  .verified = after.none(),
                  .text = after.shown(),
                  .facts = backup.facts};
  if (items.empty()) {
    result.text = "the backup holds no definitions";
  } else if (result.vacuous) {
    result.text = "the vhost had all of the backup's definitions already";
  }
  result.facts.set("backup", backup.id)
      .set("age_s", seconds(context.doors.clock.now().utc - backup.taken))
      .set("missing_before", static_cast<std::int64_t>(before.missing.size()))
      .set("different_before", static_cast<std::int64_t>(before.different.size()))
      .set("more_now", after.more);
  return result;
}

Result<Restored> imported(const RabbitQueue& queue, const std::string& vhost, const Items& items,
                          const BackupTaken& backup, const DeedContext& context) {
  TRY(found, definitions_of(queue, vhost, context));
  const RabbitDifference before = difference(items, found);
  if (!before.none()) TRY_OK(import_definitions(queue, vhost, items, context));
  TRY(now, definitions_of(queue, vhost, context));
  return judged(items, before, difference(items, now), backup, context);
}

Undo undo_of(const RabbitDeed& deed, const std::string& vhost, bool scratch) {
  Json arguments = to_json(deed);
  arguments.set("vhost", vhost).set("scratch", scratch);
  return Undo{.kind = "rabbitmq", .arguments = std::move(arguments)};
}

Result<RabbitDeed> deed_for(const Target& target, const DeedContext& context) {
  TRY(queue, rabbit_queue_of(target));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  return RabbitDeed{queue, context.mark, context.private_folder + "/" + context.mark + ".kept"};
}

// What is there now is kept: what an import overwrites comes back from it, and what is not in it
// was made by the import.
Result<Undo> prepare(const Target& target, const DeedContext& context) {
  TRY(deed, deed_for(target, context));
  TRY(vhost, rabbit_vhost(deed.queue, context.secrets));
  TRY(items, definitions_of(deed.queue, vhost, context));
  TRY_OK(note_rabbit(deed, Json::object({{"before", to_json(items)}}), context));
  return undo_of(deed, vhost, false);
}

Result<Restored> restore_place(const Target& target, const BackupTaken& backup, const Undo& undo,
                               const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  TRY(queue, rabbit_queue_of(target));
  TRY(identity, identity_of(queue, context));
  const auto items = items_in(backup, identity, context);
  if (!items && tells_about_backup(items.error())) {
    return Restored{.vacuous = true, .verified = false, .text = items.error().text};
  }
  if (!items) return std::unexpected(items.error());
  const std::string vhost = undo.arguments.text("vhost");
  TRY(notes, rabbit_notes(deed, context));
  // As of now, not of the preparation: others may have made something meanwhile.
  TRY(now, definitions_of(queue, vhost, context));
  notes.set("begun", true).set("before", to_json(now)).set("backup", to_json(*items));
  TRY_OK(note_rabbit(deed, notes, context));
  return imported(queue, vhost, *items, backup, context);
}

Status remove_vhost(const RabbitDeed& deed, const std::string& vhost, const DeedContext& context) {
  const auto removed =
      ask_management(deed.queue, "DELETE", "/vhosts/" + percent_encoded(vhost), context);
  if (removed || removed.error().code == ErrorCode::not_found) return {};
  return std::unexpected(removed.error());
}

// What the import has made goes, bindings first, and what it has overwritten is as it was.
Status take_import_back(const RabbitDeed& deed, const std::string& vhost, const Json& notes,
                        const DeedContext& context) {
  TRY(before, definitions_from(notes.get("before")));
  TRY(wanted, definitions_from(notes.get("backup")));
  const RabbitDifference made = difference(wanted, before);
  const auto remove = [&](bool bindings) -> Status {
    for (const auto& item : made.missing) {
      if ((item.kind == "bindings") == bindings) {
        TRY_OK(remove_definition(deed.queue, vhost, item, context));
      }
    }
    return {};
  };
  TRY_OK(remove(true));
  TRY_OK(remove(false));
  if (made.different.empty()) return {};
  return import_definitions(deed.queue, vhost, before, context);
}

Status undo_restore(const Undo& undo, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  const std::string vhost = undo.arguments.text("vhost");
  if (undo.arguments.boolean("scratch", false)) return remove_vhost(deed, vhost, context);
  TRY(notes, rabbit_notes(deed, context));
  if (!notes.boolean("begun", false) || notes.boolean("undone", false)) return {};
  TRY_OK(take_import_back(deed, vhost, notes, context));
  return note_rabbit(deed, notes.set("undone", true), context);
}

Result<Proof> scratch_gone(const RabbitDeed& deed, const std::string& vhost,
                           const DeedContext& context) {
  const auto found =
      ask_management(deed.queue, "GET", "/vhosts/" + percent_encoded(vhost), context);
  if (!found && found.error().code != ErrorCode::not_found) {
    return std::unexpected(found.error());
  }
  return Proof{.held = !found,
               .text = "the vhost " + vhost + (found ? " is there" : " is not there"),
               .facts = Json::object()};
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  const std::string vhost = undo.arguments.text("vhost");
  if (undo.arguments.boolean("scratch", false)) return scratch_gone(deed, vhost, context);
  TRY(notes, rabbit_notes(deed, context));
  if (!notes.boolean("begun", false)) {
    return Proof{.held = true, .text = "nothing was imported", .facts = Json::object()};
  }
  if (!notes.boolean("undone", false)) {
    return Proof{.held = false, .text = "the import stands", .facts = Json::object()};
  }
  TRY(before, definitions_from(notes.get("before")));
  TRY(wanted, definitions_from(notes.get("backup")));
  TRY(now, definitions_of(deed.queue, vhost, context));
  const RabbitDifference lost = difference(before, now);
  const Items made = difference(wanted, before).missing;
  const bool stays = difference(made, now).missing.size() != made.size();
  return Proof{.held = lost.none() && !stays,
               .text = !lost.none() ? lost.shown()
                       : stays      ? "what the import has made is still there"
                                    : "the definitions are as before",
               .facts = Json::object()};
}

Status close_restore(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  const bool kept = undo.arguments.boolean("scratch", false) || keep;
  return kept ? Status{} : erase_kept(deed, context);
}

Result<Undo> prepare_scratch(const Deed& deed, const BackupTaken&, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(made, deed_for(*target, context));
  TRY(vhost, rabbit_vhost(made.queue, context.secrets));
  // That we may, before anything is made.
  TRY(items, definitions_of(made.queue, vhost, context));
  return undo_of(made, "gameday." + made.mark, true);
}

Result<Restored> fill_scratch(const BackupTaken& backup, const Undo& undo,
                              const DeedContext& context) {
  TRY(deed, rabbit_deed_from(undo));
  TRY(identity, identity_of(deed.queue, context));
  const auto items = items_in(backup, identity, context);
  if (!items && tells_about_backup(items.error())) {
    return Restored{.vacuous = true, .verified = false, .text = items.error().text};
  }
  if (!items) return std::unexpected(items.error());
  const std::string vhost = undo.arguments.text("vhost");
  TRY(made, ask_management(deed.queue, "PUT", "/vhosts/" + percent_encoded(vhost), context));
  return imported(deed.queue, vhost, *items, backup, context);
}

// Who reads definitions is looked at by reading them; what else an import brings back and its undo
// takes away again is known only then.
Status may(const Step& step, const DeedContext& context) {
  const Target* target = context.system.target(step.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + step.target);
  TRY(queue, rabbit_queue_of(*target));
  TRY_OK(check_rabbit_administrator(queue, "export and import definitions", context));
  TRY_OK(identity_of(queue, context));
  if (step.into_place) TRY_OK(check_rabbit_taking_away(queue, context));
  const Target* replayed = step.replay.empty() ? nullptr : context.system.target(step.replay);
  if (replayed == nullptr || replayed->facets.find("rabbitmq") == nullptr) return {};
  TRY(letters, rabbit_queue_of(*replayed));
  return check_rabbit_rights(letters, {RabbitRight::read_dead, RabbitRight::write_default},
                             context);
}

}  // namespace

extern const RestoreRow rabbitmq_restore;
const RestoreRow rabbitmq_restore{
    .name = "rabbitmq",
    .summary = "The definitions of a vhost of RabbitMQ, exported, imported and compared.",
    .facet = "rabbitmq",
    .rights =
        "the tag administrator, of the user that the management API is asked as; into place, of "
        "that user too: configure and write on the queue, and read on the exchanges that it is "
        "bound to; with replay: write on amq.default and read on the dead letters",
    .example = "- { restore: jobs, into: place, replay: jobs }",
    .backup = backup,
    .restore_scratch = nullptr,
    .prepare = prepare,
    .restore_place = restore_place,
    .undo = undo_restore,
    .gone = gone,
    .close = close_restore,
    .prepare_scratch = prepare_scratch,
    .fill_scratch = fill_scratch,
    .may = may};

}  // namespace gameday
