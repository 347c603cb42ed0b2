#include "drills/systems/data_aside.h"

#include "drills/systems/base_backup.h"

namespace gameday {

Status put_data_back(const DataDirectory& data, const DeedContext& context) {
  if (stands(data.aside())) {
    if (stands(data.folder)) {
      return fail(ErrorCode::conflict,
                  "in the place of " + data.folder +
                      " stands another one; what was moved aside is " + data.aside(),
                  "compare the two, remove one, and start the server on the other");
    }
    TRY_OK(rename_folder(data.aside(), data.folder, context));
  }
  if (!data.served) return {};
  return start_server(data, context);
}

Result<Proof> data_is_back(const DataDirectory& data, const DeedContext& context) {
  if (stands(data.aside())) return Proof{false, data.aside() + " is not put back"};
  if (!data.cluster.empty()) {
    const auto cluster = cluster_in(data.folder, context.doors.files);
    if (!cluster) return Proof{false, cluster.error().text};
    if (*cluster != data.cluster) {
      return Proof{false, data.folder + " is of cluster " + *cluster + ", not of " + data.cluster};
    }
  }
  if (!data.served) return Proof{true, data.folder + " is as it was, without a server"};
  const auto session = open_postgres(data.connection, context);
  if (!session) return Proof{false, "its server does not answer: " + session.error().text};
  return Proof{true, data.folder + " is back, and its server answers"};
}

Status forget_data(const DataDirectory& data, bool keep, const DeedContext& context) {
  if (!keep) TRY_OK(erase_folder(data.aside(), context));
  if (!data.container) return {};
  const auto served = is_served(data, context);
  // One that somebody removed has no policy any more.
  if (!served || !*served) return {};
  return put_back(*data.container, context);
}

}  // namespace gameday
