// What a load that speaks no HTTP is made of: a connection over which it writes, and how what it
// wrote is seen again. A load row (rows.h) makes both.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/load/sample.h"

namespace gameday {

struct WriteNames {  // what is filled in for one request
  std::string key;
  std::string digest;
  std::string drill;
  std::string seq;  // empty where there is no single write: {seq} then stays
};

struct Written {
  // ok: acknowledged, so that it is to survive. refused: the system said no, and has not done it.
  // unknown: asked for, and no answer came.
  SampleOutcome outcome = SampleOutcome::unknown;
  bool usable = true;  // whether the connection is good for another one
};

// One connection, for one thread at a time; what it waits for ends by the `until` it was made with.
class LoadClient {
 public:
  virtual ~LoadClient() = default;
  [[nodiscard]] virtual Written write(const WriteNames& names) = 0;
};

struct ReadRow {
  std::string key;
  std::string digest;  // empty where the list does not show it
};

// Of one thread. Made anew and asked again where it could not be answered; invalid, not_found and
// corrupt are answers.
class LedgerReader {
 public:
  virtual ~LedgerReader() = default;
  [[nodiscard]] virtual bool lists() const = 0;
  [[nodiscard]] virtual bool reads() const = 0;  // by key
  // All rows of this drill, doubles too.
  [[nodiscard]] virtual Result<std::vector<ReadRow>> list() = 0;
  // The digests found under that key, one for each row; none: it is not there.
  [[nodiscard]] virtual Result<std::vector<std::string>> by_key(const WriteNames& names) = 0;
};

}  // namespace gameday
