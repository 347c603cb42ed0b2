#include "engine/base/result.h"

#include <cerrno>
#include <system_error>

namespace gameday {

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::refused: return "refused";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::fenced: return "fenced";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::stopped: return "stopped";
    case ErrorCode::no_space: return "no_space";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::failed: return "failed";
  }
  return "failed";
}

Error system_error(int number, const std::string& doing) {
  auto code = ErrorCode::failed;
  switch (number) {
    case ENOSPC:
    case EDQUOT: code = ErrorCode::no_space; break;
    case ENOENT:
    case ESRCH: code = ErrorCode::not_found; break;
    case EACCES:
    case EPERM:
    case EROFS: code = ErrorCode::refused; break;
    case ETIMEDOUT: code = ErrorCode::timed_out; break;
    default: break;
  }
  return {code, doing + ": " + std::generic_category().message(number), ""};
}

}  // namespace gameday
