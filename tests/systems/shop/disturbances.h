// What tools have asked the queue to do to its messages for a while, each under a mark of its own:
// put a message in once more, hold it back, or deliver it in another order. Kept with the queue's
// durable state, so that a restart ends none of them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/db.h"

namespace shop {

class Disturbances {
 public:
  struct Asked {
    std::string mark;
    std::string how;          // duplicate, delay or reorder
    std::int64_t count = 0;   // so many messages at most
    double share = 1;         // of those that wait or come
    double delay_s = 0;       // delay: how long; reorder: how long a group waits to be full
    std::int64_t window = 0;  // reorder: how many messages make a group
  };
  enum class Begun { yes, already, late };

  static const char* schema();
  // Throws std::invalid_argument for what cannot be done.
  static Asked asked_in(const nlohmann::json& body);

  // On the messages of `waiting`, and on all that come. Late: it was ended before it began.
  static Begun begin(Db& db, const Asked& asked, const std::vector<std::int64_t>& waiting);
  // Whatever is in force takes these messages, which have just come.
  static void take(Db& db, const std::vector<std::int64_t>& seqs);
  static bool any(Db& db);  // in force
  static void delivered(Db& db, std::int64_t seq);
  // Nothing: no such mark.
  static std::optional<nlohmann::json> told(Db& db, const std::string& mark);
  // Frees what is held and takes back copies, whose numbers are returned. Refuses it from then on.
  static std::vector<std::int64_t> end(Db& db, const std::string& mark);
  static void end_all(Db& db);
};

}  // namespace shop
