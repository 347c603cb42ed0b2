#include "engine/proxy/unix_socket.h"

namespace gameday {

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress address;
  address.bytes.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.bytes.sun_path) {
    return fail(ErrorCode::invalid, "the socket path " + path + " is too long",
                "set XDG_RUNTIME_DIR to a shorter folder");
  }
  path.copy(address.bytes.sun_path, path.size());
  return address;
}

}  // namespace gameday
