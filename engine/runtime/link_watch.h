// Looks at the links once a second: how many connections their clients have opened so far, and how
// much they have sent. What a client tries again while a fault is on a link shows there.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "engine/playbook/playbook.h"
#include "engine/sys/clock.h"

namespace gameday {

class LinkWatch {
 public:
  // `each` is called on a thread of its own, with the data of a `link` event: `link`, `at_ns`, and
  // the totals `accepted`, `bytes_up` and `bytes_down` since the proxy's start, gameday's own
  // trials left out. A link whose proxy does not answer is passed over; totals that stand still are
  // told once, and again just before they go on.
  LinkWatch(std::vector<Link> links, const Clock& clock, std::function<void(Json)> each);
  ~LinkWatch();
  LinkWatch(const LinkWatch&) = delete;
  LinkWatch& operator=(const LinkWatch&) = delete;

 private:
  struct Looked {
    Link link;
    Json told, held_back;  // the last of both; null: none
  };

  void look(const Stop& stop);
  void look_at(Looked& looked, const Stop& stop);

  const Clock& clock_;
  std::function<void(Json)> each_;
  std::vector<Looked> looked_;
  StopSource stop_;
  std::jthread thread_;
};

}  // namespace gameday
