// Damages a SQLite database while others have it open: flips bytes of pages in use, cuts its end
// off, or drops single rows. The first two go through a damaged copy (sqlite_image.h), the third is
// one transaction (sqlite_rows.h); what was there is saved with it.
#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "drills/systems/sqlite_image.h"
#include "drills/systems/sqlite_rows.h"
#include "engine/base/random.h"
#include "engine/playbook/arguments.h"

namespace gameday {
namespace {

// Without these SQLite opens no database at all: our undo could not either.
constexpr std::int64_t kHeader = 100;
constexpr int kMostTries = 32;

constexpr std::string_view kHows[] = {"flip-bytes", "truncate", "drop-rows"};
constexpr Field kFields[] = {
    {.name = "how",
     .type = FieldType::choice,
     .help = "flip-bytes: flips bytes until a page in use is hit; truncate: cuts its end off; "
             "drop-rows: leaves it valid, with rows missing. Where writers go on with a database "
             "that is damaged in part, only a restore brings it back.",
     .required = true,
     .choices = kHows},
    {.name = "bytes",
     .type = FieldType::integer,
     .help = "With flip-bytes: how many, in places that the deed's own mark decides.",
     .otherwise = "64",
     .required = false,
     .least = 1,
     .most = 65536},
    {.name = "leave",
     .type = FieldType::percent,
     .help = "With truncate: how much of the file stays, in whole pages; at least the first one.",
     .otherwise = "50%",
     .required = false,
     .least = 0.001,
     .most = 0.99},
    {.name = "table",
     .type = FieldType::text,
     .help = "With drop-rows: the table; `*` is the one with the most rows.",
     .otherwise = "*"},
    {.name = "rows",
     .type = FieldType::integer,
     .help = "With drop-rows: how many rows; the newest one always stays.",
     .otherwise = "10",
     .required = false,
     .least = 1,
     .most = 100000},
    {.name = "share",
     .type = FieldType::percent,
     .help = "With drop-rows: the share of the table's rows, in place of `rows`, where over 0%.",
     .otherwise = "0%",
     .required = false,
     .least = 0,
     .most = 1}};

RowChoice rows_asked(const Deed& deed) {
  const std::string table = deed.arguments.text("table", "*");
  return {.table = table == "*" ? "" : table,
          .rows = deed.arguments.integer("rows", 10),
          .share = percent_in(deed.arguments, "share").value_or(0)};
}

bool drops_rows(const Undo& undo) { return undo.arguments.text("how") == "drop-rows"; }

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const Target* target = context.system.target(deed.target);
  if (target == nullptr) return fail(ErrorCode::not_found, "no target is called " + deed.target);
  TRY(path, sqlite_path(*target));
  const Exchange exchange{.database = path,
                          .kept = context.private_folder + "/" + context.mark + ".saved.db",
                          .mark = context.mark};
  Undo undo{.kind = "corrupt-data", .arguments = to_json(exchange)};
  undo.arguments.set("how", deed.arguments.text("how"));
  if (drops_rows(undo)) {
    TRY(table, prepare_rows(exchange, rows_asked(deed), context));
    undo.arguments.set("table", table);
  } else {
    TRY_OK(prepare_image(exchange, context));
  }
  return undo;
}

Result<std::int64_t> size_of(const std::string& path) {
  std::error_code wrong;
  const auto size = std::filesystem::file_size(path, wrong);
  if (wrong) return fail(ErrorCode::failed, "cannot look at " + path + ": " + wrong.message());
  return static_cast<std::int64_t>(size);
}

// Many a flipped byte changes nothing that anybody reads: then other ones are tried.
Result<std::string> flip(const std::string& image, std::int64_t bytes, std::uint64_t seed,
                         const DeedContext& context) {
  TRY(size, size_of(image));
  if (size <= kHeader) return std::string();
  Random random(seed);
  for (int tries = 0; tries < kMostTries; ++tries) {
    std::vector<Flip> flips;
    for (std::int64_t i = 0; i < bytes; ++i) {
      flips.push_back({kHeader + static_cast<std::int64_t>(
                                     random.below(static_cast<std::uint64_t>(size - kHeader))),
                       static_cast<unsigned char>(1 + random.below(255))});
    }
    TRY_OK(flip_bytes(image, flips));
    TRY(damage, damage_in(image, context));
    if (!damage.empty()) return std::to_string(bytes) + " bytes were flipped";
    TRY_OK(flip_bytes(image, flips));
  }
  return std::string();
}

Result<std::int64_t> page_size_of(const std::string& image, const DeedContext& context) {
  TRY(database, open_sqlite(image, DatabaseMode::existing, context));
  return database.integer("PRAGMA page_size");
}

// Pages at the end may be free: then more is cut off.
Result<std::string> cut(const std::string& image, double leave, const DeedContext& context) {
  TRY(size, size_of(image));
  TRY(page, page_size_of(image, context));
  const std::int64_t pages = size / page;
  if (pages < 2) return std::string();
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(pages) * leave);
  for (auto left = std::clamp<std::int64_t>(wanted, 1, pages - 1); left > 0; left /= 2) {
    TRY_OK(cut_file(image, left * page));
    TRY(damage, damage_in(image, context));
    if (damage.empty()) continue;
    return "it was cut from " + std::to_string(pages) + " pages to " + std::to_string(left);
  }
  return std::string();
}

Status inject(const Deed& deed, const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  if (drops_rows(undo)) {
    RowChoice choice = rows_asked(deed);
    choice.table = undo.arguments.text("table");
    return drop_rows(exchange, choice, context);
  }
  const Damage damage = [&](const std::string& image) -> Result<std::string> {
    if (undo.arguments.text("how") == "truncate") {
      return cut(image, percent_in(deed.arguments, "leave").value_or(0.5), context);
    }
    const auto seed = static_cast<std::uint64_t>(schema_mark(exchange, "flips"));
    return flip(image, deed.arguments.integer("bytes", 64), seed, context);
  };
  return damage_image(exchange, damage, context);
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  if (drops_rows(undo)) return rows_missing(exchange, context);
  TRY(damage, damage_in(exchange.database, context));
  const std::string done = damage_done(exchange, context);
  return Proof{.held = !damage.empty(),
               .text = damage.empty()
                           ? exchange.database + " is whole: nothing that is in use could be hit"
                           : done + ": " + damage,
               .facts = Json::object({{"done", done}, {"damage", damage}})};
}

Status undo_corruption(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return drops_rows(undo) ? undo_rows(exchange, context) : undo_image(exchange, context);
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return drops_rows(undo) ? rows_back(exchange, context) : image_gone(exchange, context);
}

Status close_corruption(const Undo& undo, bool keep, const DeedContext& context) {
  TRY(exchange, exchange_from(undo.arguments));
  return keep ? Status{} : erase_image(exchange, context);
}

}  // namespace

extern const FaultRow corrupt_data_fault;
const FaultRow corrupt_data_fault{
    .name = "corrupt-data",
    .summary = "Damages a SQLite database that is in use: flipped bytes, a lost end, lost rows.",
    .fields = kFields,
    .facet = "sqlite",
    .reversal = Reversal::saved_copy,
    .effect = Effect::loses,
    .holds_data = true,
    .rights = "write access to the database file and its folder",
    .example = "- { fault: corrupt-data, target: store, how: truncate, leave: 1%, for: 5s }",
    .prepare = prepare,
    .inject = inject,
    .prove = prove,
    .undo = undo_corruption,
    .gone = gone,
    .close = close_corruption};

}  // namespace gameday
