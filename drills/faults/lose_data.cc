// Loses a database's content: every table is dropped in place, in the one transaction in which it
// is also saved. The file stays a valid database, so that writers fail instead of filling it.
#include "drills/systems/sqlite_exchange.h"

namespace gameday {
namespace {

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(path, sqlite_path(*target));
  const Exchange exchange{.database = path,
                          .kept = context.private_folder + "/" + context.mark + ".saved.db",
                          .mark = context.mark};
  TRY(state, prepare_exchange(exchange, context));
  if (state.content.tables == 0) {
    return fail(ErrorCode::refused, path + " has no tables, so there is nothing to lose");
  }
  return Undo{.kind = "lose-data", .arguments = to_json(exchange)};
}

Status inject(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  TRY(lost, exchange_content(exchange, "", empty_content_digest(), context));
  return {};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  TRY(present, read_state(exchange.database, context));
  const bool held = present.content.tables == 0;
  return Proof{.held = held,
               .text = held ? exchange.database + " is a valid database without tables"
                            : exchange.database + " has " + std::to_string(present.content.tables) +
                                  " tables",
               .facts = to_json(present.content)};
}

Status undo_loss(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return undo_exchange(exchange, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return exchange_gone(exchange, context);
}

Status close_loss(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return keep ? Status{} : erase_kept(exchange, context);
}

}  // namespace

extern const FaultRow lose_data_fault;
const FaultRow lose_data_fault{.name = "lose-data",
                               .summary = "Drops every table of a SQLite database, in place.",
                               .fields = {},
                               .facet = "sqlite",
                               .reversal = Reversal::saved_copy,
                               .effect = Effect::loses,
                               .holds_data = true,
                               .rights = "write access to the database file and its folder",
                               .example = "- { fault: lose-data, target: store, for: 5s }",
                               .prepare = prepare,
                               .inject = inject,
                               .prove = prove,
                               .undo = undo_loss,
                               .gone = gone,
                               .close = close_loss};

}  // namespace gameday
