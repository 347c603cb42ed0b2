#include "drills/systems/sqlite_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/base/digest.h"

namespace gameday {
namespace {

constexpr int kMostTries = 20;

// What is known about the exchange, on disk before it is done.
struct ImageRecord {
  std::string digest;  // of the kept copy's content
  std::string left;    // of the image that the damage leaves
  std::string done;    // what the damage is
  std::int64_t schema_version = 0;
};

enum class Standing {
  untouched,  // it never took place
  damaged,    // it did, and what it left is still there
  put_back,   // what was kept is there again, and may have been written to since
  foreign     // something else is there
};

std::string record_path(const Exchange& exchange) { return exchange.kept + ".json"; }
std::string made_path(const Exchange& exchange) { return exchange.kept + ".made"; }
std::string seen_path(const Exchange& exchange) { return exchange.kept + ".seen"; }

Result<ImageRecord> read_record(const Exchange& exchange, const DeedContext& context) {
  TRY(bytes, context.doors.files.read(record_path(exchange)));
  TRY(value, Json::parse(bytes));
  return ImageRecord{value.text("digest"), value.text("left"), value.text("done"),
                     value.integer("schema_version", 0)};
}

Status write_record(const Exchange& exchange, const ImageRecord& record,
                    const DeedContext& context) {
  const Json value = Json::object({{"digest", record.digest},
                                   {"left", record.left},
                                   {"done", record.done},
                                   {"schema_version", record.schema_version}});
  return context.doors.files.write(record_path(exchange), value.dump() + "\n", 0600);
}

// The header's numbers that SQLite changes by itself from one copy to the next: file formats, its
// change counter, page count, schema version, and for which of them they hold.
void blank_header(std::string& page) {
  constexpr std::pair<std::size_t, std::size_t> kOwn[] = {{18, 2}, {24, 8}, {40, 4}, {92, 8}};
  for (const auto& [at, size] : kOwn) {
    if (page.size() >= at + size) page.replace(at, size, size, '\0');
  }
}

// Of a file that no connection has open.
Result<std::string> image_digest(const std::string& path) {
  constexpr std::size_t kBlock = 65536;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  Sha256 digest;
  bool first = true;
  while (true) {
    std::string block(kBlock, '\0');
    const ssize_t got = read(file.get(), block.data(), block.size());
    if (got < 0) return std::unexpected(system_error(errno, "cannot read " + path));
    if (got == 0) return digest.digest();
    block.resize(static_cast<std::size_t>(got));
    if (std::exchange(first, false)) blank_header(block);
    digest.add(block);
  }
}

// Names the image that is to be carried over, while writers are held off; empty: none.
using Choose = std::function<Result<std::string>(Database& live)>;

Result<bool> carry_over(const Exchange& exchange, const char* event, const Choose& choose,
                        const DeedContext& context) {
  const std::string& path = exchange.database;
  TRY(live, open_damaged_sqlite(path, context));
  TRY_OK(live.execute("PRAGMA synchronous = FULL"));
  for (int tries = 0; tries < kMostTries; ++tries) {
    std::string image;
    std::uint32_t seen = 0;
    {
      const Database::Limit limit(live, context.until, context.doors.clock);
      TRY(transaction, Transaction::begin(live));
      TRY(chosen, choose(live));
      if (chosen.empty()) return false;
      TRY_OK(
          live.execute("PRAGMA schema_version = " + std::to_string(schema_mark(exchange, event))));
      image = chosen;
      TRY_OK(transaction.commit());
      // Of the commit's own moment: it is not looked for anew before the copy takes its lock.
      TRY(version, live.data_version());
      seen = version;
    }
    TRY(source, open_damaged_sqlite(image, context));
    const auto unchanged = [&]() -> Status {
      TRY(now, live.data_version());
      return now == seen ? Status{} : fail(ErrorCode::conflict, path + " is being written to");
    };
    const auto done = source.copy_to(live, context.until, context.doors.clock, unchanged);
    if (done) return true;
    if (done.error().code != ErrorCode::conflict) return std::unexpected(done.error());
  }
  return fail(ErrorCode::conflict, path +
                                       " was written to each time that its image was about to "
                                       "be exchanged; nothing was changed");
}

Result<Standing> standing_of(Database& live, const Exchange& exchange, const ImageRecord& record,
                             const DeedContext& context) {
  TRY(version, live.integer("PRAGMA schema_version"));
  if (version == record.schema_version) return Standing::untouched;
  if (version == schema_mark(exchange, "done")) return Standing::untouched;
  if (version == schema_mark(exchange, "undone") + 1) return Standing::put_back;
  TRY_OK(copy_sqlite_image(exchange.database, seen_path(exchange), context));
  const auto present = image_digest(seen_path(exchange));
  TRY_OK(erase_copy(seen_path(exchange), context));
  if (!present) return std::unexpected(present.error());
  return *present == record.left ? Standing::damaged : Standing::foreign;
}

Status check_kept(const Exchange& exchange, const ImageRecord& record, const DeedContext& context) {
  TRY(kept, read_state(exchange.kept, context));
  if (kept.content.digest == record.digest) return {};
  return fail(ErrorCode::corrupt, "the kept copy " + exchange.kept + " has been changed");
}

}  // namespace

Result<std::string> damage_in(const std::string& path, const DeedContext& context) {
  TRY(database, open_sqlite(path, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  const auto found = database.text("PRAGMA integrity_check(1)");
  if (found) return *found == "ok" ? "" : *found;
  if (found.error().code == ErrorCode::corrupt) return found.error().text;
  return std::unexpected(found.error());
}

Status prepare_image(const Exchange& exchange, const DeedContext& context) {
  TRY_OK(read_state(exchange.database, context));
  TRY_OK(context.doors.files.make_folder(context.private_folder, 0700));
  TRY_OK(check_space(exchange.database, context.private_folder));
  TRY(database, open_sqlite(exchange.database, DatabaseMode::existing, context));
  const Database::Limit limit(database, context.until, context.doors.clock);
  // A database that only others may write to would be found out too late.
  TRY(transaction, Transaction::begin(database));
  return {};
}

Status damage_image(const Exchange& exchange, const Damage& damage, const DeedContext& context) {
  const std::string made = made_path(exchange);
  const auto choose = [&](Database& live) -> Result<std::string> {
    TRY(version, live.integer("PRAGMA schema_version"));
    TRY(kept, copy_sqlite(exchange.database, exchange.kept, context));
    TRY_OK(copy_sqlite_image(exchange.kept, made, context));
    TRY(done, damage(made));
    if (done.empty()) return std::string();
    TRY(left, image_digest(made));
    TRY_OK(write_record(exchange, {kept.digest, left, done, version}, context));
    return made;
  };
  const auto carried = carry_over(exchange, "done", choose, context);
  TRY_OK(erase_copy(made, context));
  return carried ? Status{} : std::unexpected(carried.error());
}

std::string damage_done(const Exchange& exchange, const DeedContext& context) {
  const auto record = read_record(exchange, context);
  return record ? record->done : "";
}

// Without a record nothing was carried over: it is on disk before.
Status undo_image(const Exchange& exchange, const DeedContext& context) {
  if (!context.doors.files.exists(record_path(exchange))) {
    TRY(damage, damage_in(exchange.database, context));
    if (damage.empty()) return erase_image(exchange, context);
    return fail(ErrorCode::not_found, "what is known of the kept copy of " + exchange.database +
                                          " is missing: " + record_path(exchange));
  }
  TRY(record, read_record(exchange, context));
  const auto choose = [&](Database& live) -> Result<std::string> {
    TRY(standing, standing_of(live, exchange, record, context));
    if (standing == Standing::foreign) {
      return std::unexpected(
          Error{ErrorCode::conflict,
                exchange.database +
                    " has been written to since it was damaged; what was there "
                    "before is in " +
                    exchange.kept,
                "compare the two and put together what is needed; gameday leaves both as they "
                "are"});
    }
    if (standing != Standing::damaged) return std::string();
    TRY_OK(check_kept(exchange, record, context));
    return exchange.kept;
  };
  TRY_OK(carry_over(exchange, "undone", choose, context));
  return {};
}

Result<Proof> image_gone(const Exchange& exchange, const DeedContext& context) {
  TRY(damage, damage_in(exchange.database, context));
  Proof proof{.held = damage.empty(),
              .text = exchange.database + (damage.empty() ? " is whole" : " is damaged: " + damage),
              .facts = Json::object({{"damage", damage}})};
  if (!context.doors.files.exists(record_path(exchange))) return proof;
  TRY(record, read_record(exchange, context));
  TRY(live, open_damaged_sqlite(exchange.database, context));
  const Database::Limit limit(live, context.until, context.doors.clock);
  TRY(standing, standing_of(live, exchange, record, context));
  const bool ended = standing == Standing::untouched || standing == Standing::put_back;
  proof.held = proof.held && ended;
  if (damage.empty()) {
    proof.text = exchange.database + (standing == Standing::untouched  ? " was never damaged"
                                      : standing == Standing::put_back ? " is whole again"
                                                                       : " is another one now");
  }
  return proof;
}

Status erase_image(const Exchange& exchange, const DeedContext& context) {
  for (const std::string& path : {made_path(exchange), seen_path(exchange)}) {
    TRY_OK(erase_copy(path, context));
  }
  return erase_kept(exchange, context);
}

Status flip_bytes(const std::string& path, const std::vector<Flip>& flips) {
  const Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + path));
  for (const Flip& flip : flips) {
    unsigned char byte = 0;
    bool done = pread(file.get(), &byte, 1, flip.offset) == 1;
    byte = static_cast<unsigned char>(byte ^ flip.mask);
    done = done && pwrite(file.get(), &byte, 1, flip.offset) == 1;
    if (!done) return std::unexpected(system_error(errno, "cannot change " + path));
  }
  return {};
}

Status cut_file(const std::string& path, std::int64_t size) {
  if (truncate(path.c_str(), size) == 0) return {};
  return std::unexpected(system_error(errno, "cannot cut " + path));
}

}  // namespace gameday
