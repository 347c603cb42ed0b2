// Damages a page of a PostgreSQL table or index in its file, as a disk that lies does. A server
// serves what it has in memory and would write it over the damage, so it is ended in order first,
// and reads the page when it has been started again.
#include <unistd.h>

#include "drills/systems/data_aside.h"
#include "drills/systems/postgres_page.h"
#include "drills/systems/postgres_rights.h"

namespace gameday {
namespace {

constexpr Field kFields[] = {
    {.name = "relation",
     .type = FieldType::text,
     .help = "The table or the B-tree index: `sales.orders`, or a name that the role's search path "
             "finds. What belongs to the server itself is refused.",
     .required = true},
    {.name = "page",
     .type = FieldType::integer,
     .help = "Which of its pages, counted from 0; of an index the first, which every use reads.",
     .otherwise = "0",
     .required = false,
     .least = 0,
     .most = 1e9}};

struct Damage {
  DataDirectory data;
  PagePlace page;
};
Result<Damage> damage_in(const Undo& undo) {
  TRY(data, data_directory_from(undo.arguments.get("data")));
  TRY(page, page_place_from(undo.arguments.get("page")));
  return Damage{data, page};
}

Result<Damage> look(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(data, look_at_data(*target, context));
  TRY(session, open_postgres(data.connection, context));
  // Another server than that of the directory would be asked for the wrong file.
  TRY(server, look_at_server(session));
  if (data.cluster.empty() || server.identifier != data.cluster) {
    return fail(ErrorCode::refused, session.shown() + " is not the server of " + data.folder);
  }
  TRY(page, find_page(deed.arguments.text("relation"), deed.arguments.integer("page", 0),
                      data.folder, session));
  page.copy = context.private_folder + "/" + context.mark + ".page";
  return Damage{data, page};
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  TRY(damage, look(deed, context));
  return Undo{"corrupt-page",
              Json::object({{"data", to_json(damage.data)}, {"page", to_json(damage.page)}})};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(damage, damage_in(undo));
  TRY_OK(end_server(damage.data, ServerEnd::orderly, context));
  TRY(in_order, ended_in_order(damage.data.folder, context.doors.files));
  if (!in_order) {
    return fail(ErrorCode::failed, "the server of " + damage.data.folder +
                                       " did not end in order: what it replays when it starts "
                                       "could write the page anew");
  }
  TRY_OK(damage_page(damage.page, context));
  return start_server(damage.data, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(damage, damage_in(undo));
  TRY(session, open_postgres(damage.data.connection, context));
  TRY(said, complaint_of(damage.page, session));
  return Proof{.held = !said.empty(),
               .text = said.empty() ? session.shown() + " reads " + shown(damage.page)
                                    : session.shown() + " says: " + said,
               .facts = Json::object({{"file", damage.page.file}, {"said", said}})};
}

// A server that cannot read the page never has it in memory, and never writes it: it need not end
// for this.
Status undo(const Undo& undo, const DeedContext& context) {
  TRY(damage, damage_in(undo));
  TRY_OK(mend_page(damage.page, context));
  return start_server(damage.data, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(damage, damage_in(undo));
  const std::string page = shown(damage.page),
                    kept = ", whose bytes are kept in " + damage.page.copy;
  TRY(damaged, is_damaged(damage.page, context));
  if (damaged) return Proof{false, page + " is damaged" + kept};
  auto session = open_postgres(damage.data.connection, context);
  if (!session) return Proof{false, "its server does not answer: " + session.error().text};
  TRY(said, complaint_of(damage.page, *session));
  if (!said.empty()) return Proof{false, session->shown() + " says: " + said + kept};
  return Proof{true, session->shown() + " reads " + page};
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(damage, damage_in(undo));
  if (!keep) TRY_OK(context.doors.files.remove(damage.page.copy));
  return forget_data(damage.data, keep, context);
}

// Which cluster a server is of, it is asked first.
Status may_ask(const Deed& deed, const DeedContext& context) {
  TRY(settings, postgres_settings(deed, context));
  TRY(session, open_postgres(settings, context));
  return check_right(session, right_to_call("pg_control_system()"));
}

Status may(const Deed& deed, const DeedContext& context) {
  TRY_OK(may_ask(deed, context));
  TRY(damage, look(deed, context));
  if (access(damage.page.file.c_str(), R_OK | W_OK) != 0) {
    return fail(ErrorCode::refused, "we may not write to " + damage.page.file,
                "run gameday as root, or as the user of the server");
  }
  TRY(session, open_postgres(damage.data.connection, context));
  // The damage is proven by reading it.
  return check_right(session, right_on_table("SELECT", damage.page.table));
}

}  // namespace

extern const FaultRow corrupt_page_fault;
const FaultRow corrupt_page_fault{
    .name = "corrupt-page",
    .summary = "Damages a page of a PostgreSQL table or index; its server is restarted to read it.",
    .fields = kFields,
    .facet = "postgres-data",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "to end the server, to start it and to write to its files: be its user, or root; of a "
        "container: root, on the machine of its engine; CONNECT on the database; USAGE on the "
        "table's schema, and SELECT on the table; EXECUTE on pg_control_system()",
    .example = "- { fault: corrupt-page, target: database, relation: sales.orders, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
