#include "drills/systems/postgres_page.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gameday {
namespace {

constexpr std::string_view kDamaged = "XX001";  // the SQLSTATE of data that is corrupt

std::string inverted(std::string bytes) {
  for (char& byte : bytes) byte = static_cast<char>(~static_cast<unsigned char>(byte));
  return bytes;
}

// not_found: the file is not there, or ends before.
Result<std::string> read_page(const PagePlace& place) {
  const Descriptor file(open(place.file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return fail(ErrorCode::not_found, place.file + " is not there");
  if (!file) return std::unexpected(system_error(errno, "cannot open " + place.file));
  std::string bytes(static_cast<std::size_t>(place.size), '\0');
  const ssize_t got = pread(file.get(), bytes.data(), bytes.size(), place.offset);
  if (got < 0) return std::unexpected(system_error(errno, "cannot read " + place.file));
  if (got < place.size) return fail(ErrorCode::not_found, place.file + " has no such page");
  return bytes;
}

Status write_page(const PagePlace& place, const std::string& bytes, const DeedContext& context) {
  const Descriptor file(open(place.file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return std::unexpected(system_error(errno, "cannot open " + place.file));
  if (context.doors.observer) context.doors.observer("files", Side::before);
  const ssize_t put = pwrite(file.get(), bytes.data(), bytes.size(), place.offset);
  if (put != place.size || fsync(file.get()) != 0) {
    return std::unexpected(system_error(errno, "cannot write " + place.file));
  }
  if (context.doors.observer) context.doors.observer("files", Side::after);
  return {};
}

// A write that power was lost in may be half there: each byte is as it was, or as we made it.
bool is_ours(const std::string& now, const std::string& before) {
  if (now.size() != before.size() || now == before) return false;
  const std::string ours = inverted(before);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] != before[i] && now[i] != ours[i]) return false;
  }
  return true;
}

Status refuse_unprovable(const PagePlace& place, const PostgresRows& found) {
  if (!found.boolean(0, 4)) {
    return fail(ErrorCode::refused,
                place.relation + " is of the server itself, which could not start without it");
  }
  const std::string kind = found.text(0, 2), method = found.text(0, 3);
  const bool table = (kind == "r" || kind == "m") && method == "heap";
  const bool index = kind == "i" && method == "btree" && found.boolean(0, 8);
  if ((!table && !index) || !found.boolean(0, 5)) {
    return fail(ErrorCode::refused, place.relation +
                                        " is neither a table with rows of its own nor a B-tree "
                                        "index of one, kept when the server ends");
  }
  if (index && place.number != 0) {
    return fail(ErrorCode::refused, "of the index " + place.relation +
                                        " only page 0 is read whenever it is used, so that only "
                                        "there can damage be proven");
  }
  // A tablespace of a container is elsewhere than its link says here.
  if (place.path.starts_with("base/")) return {};
  return fail(ErrorCode::unsupported, place.relation + " is in a tablespace of its own");
}

// A server that takes a damaged page for an empty one writes rows into it: no copy would be worth
// anything then.
Status refuse_zeroing(Postgres& session) {
  TRY(found,
      session.ask("SELECT current_setting('zero_damaged_pages')::bool OR EXISTS (SELECT FROM "
                  "pg_db_role_setting, unnest(setconfig) AS one WHERE one ~* "
                  "'^zero_damaged_pages=(on|t|true|y|yes|1)$')"));
  if (!found.boolean(0, 0)) return {};
  return fail(ErrorCode::refused,
              session.shown() +
                  " has zero_damaged_pages on, for all or for somebody: what it takes "
                  "for empty it would write over",
              "set it off");
}

}  // namespace

Json to_json(const PagePlace& place) {
  return Json::object({{"relation", place.relation},
                       {"table", place.table},
                       {"index", place.index},
                       {"path", place.path},
                       {"file", place.file},
                       {"number", place.number},
                       {"offset", place.offset},
                       {"size", place.size},
                       {"copy", place.copy}});
}

Result<PagePlace> page_place_from(const Json& value) {
  PagePlace place{.relation = value.text("relation"),
                  .table = value.text("table"),
                  .index = value.boolean("index", false),
                  .path = value.text("path"),
                  .file = value.text("file"),
                  .number = value.integer("number", -1),
                  .offset = value.integer("offset", -1),
                  .size = value.integer("size", 0),
                  .copy = value.text("copy")};
  const bool whole = place.file.starts_with('/') && place.copy.starts_with('/') &&
                     !place.path.empty() && place.number >= 0 && place.offset >= 0 &&
                     place.size > 0;
  if (whole) return place;
  return fail(ErrorCode::corrupt, "the undo of a page lacks where it is or where it is kept");
}

std::string shown(const PagePlace& place) {
  return "page " + std::to_string(place.number) + " of " + place.relation;
}

Result<PagePlace> find_page(const std::string& name, std::int64_t number, const std::string& folder,
                            Postgres& session) {
  TRY(found,
      session.ask(
          "SELECT format('%I.%I', n.nspname, c.relname), coalesce(i.indrelid, c.oid)::regclass, "
          "c.relkind, coalesce(am.amname, ''), c.oid >= 16384 AND n.nspname !~ '^pg_', "
          "c.relpersistence = 'p', pg_relation_filepath(c.oid), pg_relation_size(c.oid), "
          "coalesce(i.indisvalid, false), current_setting('block_size'), (SELECT setting FROM "
          "pg_settings WHERE name = 'segment_size'), pg_is_in_recovery() FROM pg_class AS c JOIN "
          "pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_am AS am ON am.oid = c.relam "
          "LEFT JOIN pg_index AS i ON i.indexrelid = c.oid WHERE c.oid = to_regclass($1)",
          {name}));
  if (found.rows.empty()) {
    return fail(ErrorCode::not_found, session.shown() + " has no table or index " + name);
  }
  if (found.boolean(0, 11)) {
    return fail(ErrorCode::refused,
                session.shown() + " is a standby, whose next WAL would write the page anew");
  }
  TRY_OK(refuse_zeroing(session));
  PagePlace place{.relation = found.text(0, 0),
                  .table = found.text(0, 1),
                  .index = found.text(0, 2) == "i",
                  .path = found.text(0, 6),
                  .number = number,
                  .size = found.integer(0, 9)};
  TRY_OK(refuse_unprovable(place, found));
  const std::int64_t pages = found.integer(0, 7) / place.size;
  if (number >= pages) {
    return fail(ErrorCode::refused, place.relation + " has " + std::to_string(pages) +
                                        " pages, counted from 0: there "
                                        "is no page " +
                                        std::to_string(number));
  }
  const std::int64_t a_file = found.integer(0, 10), segment = number / a_file;
  place.file = folder + "/" + place.path + (segment > 0 ? "." + std::to_string(segment) : "");
  place.offset = number % a_file * place.size;
  return place;
}

// By a row's place exactly that page is read; the first page of a B-tree is when a statement is
// planned that may use it. What the server answers is in its own language, but for the file's name.
Result<std::string> complaint_of(const PagePlace& place, Postgres& session) {
  const std::string question = place.index
                                   ? "EXPLAIN SELECT FROM ONLY " + place.table
                                   : "SELECT count(*) FROM ONLY " + place.table +
                                         " WHERE ctid = '(" + std::to_string(place.number) + ",1)'";
  const auto answer = session.ask(question);
  if (answer) return std::string();
  const std::string& text = answer.error().text;
  if (session.sqlstate() == kDamaged && text.contains(place.path)) return text;
  return std::unexpected(answer.error());
}

Result<bool> ended_in_order(const std::string& folder, const Files& files) {
  constexpr std::size_t kState = 16;     // has stood there in every version since 8.3
  constexpr std::uint32_t kInOrder = 1;  // DB_SHUTDOWNED
  TRY(bytes, files.read(folder + "/global/pg_control"));
  std::uint32_t state = 0;
  if (bytes.size() < kState + sizeof state) {
    return fail(ErrorCode::corrupt, folder + " has no whole global/pg_control");
  }
  std::memcpy(&state, bytes.data() + kState, sizeof state);
  return state == kInOrder;
}

Status damage_page(const PagePlace& place, const DeedContext& context) {
  TRY(bytes, read_page(place));
  TRY_OK(context.doors.files.write(place.copy, bytes, 0600));
  return write_page(place, inverted(std::move(bytes)), context);
}

// The copy is made first: without one nothing was damaged.
Result<bool> is_damaged(const PagePlace& place, const DeedContext& context) {
  if (!context.doors.files.exists(place.copy)) return false;
  TRY(before, context.doors.files.read(place.copy));
  const auto now = read_page(place);
  if (!now && now.error().code == ErrorCode::not_found) return false;
  if (!now) return std::unexpected(now.error());
  return is_ours(*now, before);
}

Status mend_page(const PagePlace& place, const DeedContext& context) {
  TRY(damaged, is_damaged(place, context));
  if (!damaged) return {};
  TRY(before, context.doors.files.read(place.copy));
  return write_page(place, before, context);
}

}  // namespace gameday
