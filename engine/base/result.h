// Errors that a user or the world can cause, as values with context. Never for our own mistakes:
// those end in GD_ASSERT (base/assert.h).
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace gameday {

// What a caller can react to; the text is for people.
enum class ErrorCode {
  invalid,      // usage or input is wrong; nothing was touched
  not_found,    // a target, file or row is not there
  refused,      // a right is lacking, a limit or a safety rule says no
  conflict,     // somebody else holds it, or it changed under us
  fenced,       // another replayer has taken this drill's epoch
  timed_out,    // the deadline passed
  stopped,      // a stop was requested
  no_space,     // a disk is full
  corrupt,      // data does not verify
  unsupported,  // this machine cannot do it
  failed        // anything else that did not work
};

[[nodiscard]] const char* name_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string text;  // lower case, no full stop: "cannot open run/west.pid: no such file"
  std::string hint;  // what to do about it; may be empty

  // Puts what was being done in front, as the error travels outwards.
  [[nodiscard]] Error in(const std::string& doing) const {
    return {code, doing + ": " + text, hint};
  }
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string text,
                                                 std::string hint = "") {
  return std::unexpected(Error{code, std::move(text), std::move(hint)});
}

// The error of errno value `number` while doing `doing`; ENOSPC and EDQUOT become no_space,
// ENOENT and ESRCH not_found, EACCES, EPERM and EROFS refused.
[[nodiscard]] Error system_error(int number, const std::string& doing);

}  // namespace gameday

// TRY(value, expression): declares `value` from a Result, or returns its error.
#define TRY(name, ...)                                                          \
  auto name##_result = (__VA_ARGS__);                                           \
  if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
  auto name = std::move(*name##_result)

// TRY_OK(expression): returns the error of a Status, if there is one.
#define TRY_OK(...)                                       \
  do {                                                    \
    if (auto status_ = (__VA_ARGS__); !status_)           \
      return std::unexpected(std::move(status_).error()); \
  } while (false)
