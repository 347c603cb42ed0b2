// Loses a PostgreSQL cluster's data directory, as a disk that is gone or a volume that somebody
// removed does: the server dies, and what it lived off is no longer there. It is moved aside, which
// is where it comes back from.
#include "drills/systems/data_aside.h"

namespace gameday {
namespace {

Result<DataDirectory> data_in(const Undo& undo) {
  return data_directory_from(undo.arguments.get("data"));
}

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(data, look_at_data(*target, context));
  if (data.cluster.empty() || !data.served) {
    return fail(ErrorCode::refused,
                data.folder + (data.cluster.empty() ? " holds no cluster" : " has no server") +
                    ": there is nothing to lose");
  }
  return Undo{"lose-data-directory",
              Json::object({{"data", to_json(data)}, {"saved", data.aside()}})};
}

// The server first: one that is cut off from its files' names goes on with those that it has open.
Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(data, data_in(undo));
  TRY_OK(end_server(data, ServerEnd::crash, context));
  return rename_folder(data.folder, data.aside(), context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(data, data_in(undo));
  TRY(served, is_served(data, context));
  const bool there = stands(data.folder);
  const auto session = open_postgres(data.connection, context);
  Proof proof{.held = !served && !there && !session && stands(data.aside()),
              .text = data.folder + (there ? " is there" : " is gone") +
                      (served ? ", and its server runs" : ", and its server with it")};
  if (session) proof.text += "; " + session->shown() + " answers";
  proof.facts.set("folder", data.folder).set("cluster", data.cluster);
  return proof;
}

Status undo(const Undo& undo, const DeedContext& context) {
  TRY(data, data_in(undo));
  return put_data_back(data, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(data, data_in(undo));
  return data_is_back(data, context);
}

Status close(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(data, data_in(undo));
  return forget_data(data, keep, context);
}

// To move it aside is to rename it in the folder above; that it is back, its server has to answer.
Status may(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(data, look_at_data(*target, context));
  TRY_OK(may_rename_in_its_place(data));
  const auto session = open_postgres(data.connection, context);
  return session ? Status() : std::unexpected(session.error());
}

}  // namespace

extern const FaultRow lose_data_directory_fault;
const FaultRow lose_data_directory_fault{
    .name = "lose-data-directory",
    .summary =
        "Kills a PostgreSQL server and takes its data directory away, which is kept beside it.",
    .fields = {},
    .facet = "postgres-data",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights =
        "to end the server, to start it and to read its files: be its user, or root; to write to "
        "the folder that its data directory stands in; of a container: root, on the machine of its "
        "engine; CONNECT on the database",
    .example = "- { fault: lose-data-directory, target: database, for: 20s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo,
    .gone = gone,
    .close = close,
    .may = may,
};

}  // namespace gameday
