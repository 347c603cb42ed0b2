// The server of a scratch cluster.
#pragma once

#include <memory>
#include <string>

#include "drills/systems/scratch_cluster.h"

namespace gameday {

// Runs from its making on; ends with this object, and with us: it is a child.
class ScratchServer {
 public:
  ScratchServer(const ScratchCluster& cluster, const DeedContext& context);
  ~ScratchServer();
  ScratchServer(const ScratchServer&) = delete;
  ScratchServer& operator=(const ScratchServer&) = delete;

  // Until it takes writes. corrupt: it has ended instead, because of what it runs on; why, in its
  // own words.
  [[nodiscard]] Result<Postgres> opened(const PostgresSettings& settings);
  // As an administrator would, so that its files are as a server leaves them.
  [[nodiscard]] Status shut_down();

 private:
  struct Run;
  const ScratchCluster& cluster_;
  const DeedContext& context_;
  std::unique_ptr<Run> run_;
};

}  // namespace gameday
