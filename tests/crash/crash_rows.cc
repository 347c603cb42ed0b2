#include "tests/crash/crash_rows.h"

#include <stdexcept>

namespace gameday {
namespace {

constexpr Field kFields[] = {{.name = "file",
                              .type = FieldType::path,
                              .help = "The file that is made, and whose being there is the harm.",
                              .required = true}};

std::string file_of(const Undo& undo) { return undo.arguments.text("file"); }

Result<Undo> prepare(const Deed& deed, const DeedContext& context) {
  const std::string file = deed.arguments.text("file");
  if (context.doors.files.exists(file)) return fail(ErrorCode::conflict, file + " is there");
  return Undo{deed.kind, Json::object({{"file", file}})};
}

// The harm is a grandchild's, so that the end of the child alone would not prevent it.
Status harm_slowly(const Deed&, const Undo& undo, const DeedContext& context) {
  const std::string script = "(sleep 1; : > \"$0\") & wait";
  TRY(ended,
      context.doors.processes.run({{"sh", "-c", script, file_of(undo)}, "/", {}}, context.until));
  return ended.succeeded() ? Status{} : fail(ErrorCode::failed, "the script failed");
}

Status harm_and_throw(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY_OK(context.doors.files.write(file_of(undo), "harm\n"));
  throw std::runtime_error("this deed throws");
}

Status harm_and_stay(const Deed&, const Undo& undo, const DeedContext& context) {
  TRY_OK(context.doors.files.write(file_of(undo), "harm\n"));
  return context.doors.clock.sleep({Stop(), context.doors.clock.in(std::chrono::hours(1))});
}

Proof look(const Undo& undo, const DeedContext& context) {
  const bool there = context.doors.files.exists(file_of(undo));
  return {there, file_of(undo) + (there ? " is there" : " is not there"), Json::object()};
}

Result<Proof> prove(const Deed&, const Undo& undo, const DeedContext& context) {
  return look(undo, context);
}

Status remove_file(const Undo& undo, const DeedContext& context) {
  return context.doors.files.remove(file_of(undo));
}

Result<Proof> gone(const Undo& undo, const DeedContext& context) {
  Proof proof = look(undo, context);
  proof.held = !proof.held;
  return proof;
}

constexpr FaultRow harming(std::string_view name, std::string_view summary,
                           Status (*inject)(const Deed&, const Undo&, const DeedContext&)) {
  return {.name = name,
          .summary = summary,
          .fields = kFields,
          .facet = "process",
          .reversal = Reversal::exact,
          .effect = Effect::fills,
          .holds_data = false,
          .rights = "to write the file",
          .example = "",
          .prepare = prepare,
          .inject = inject,
          .prove = prove,
          .undo = remove_file,
          .gone = gone,
          .close = nullptr,
          .renew = nullptr};
}

constexpr FaultRow kSlowHarm =
    harming("slow-harm", "A child sleeps for a second and then harms.", harm_slowly);
constexpr FaultRow kThrows = harming("throws", "Harms and throws.", harm_and_throw);
constexpr FaultRow kDeaf = harming("deaf", "Harms and does not hear its Stop.", harm_and_stay);

}  // namespace

CrashRows::CrashRows(const Rows& rows)
    : rows_(rows), faults_(rows.faults.begin(), rows.faults.end()) {
  faults_.insert(faults_.end(), {&kSlowHarm, &kThrows, &kDeaf});
}

Rows CrashRows::rows() const {
  Rows all = rows_;
  all.faults = faults_;
  return all;
}

}  // namespace gameday
