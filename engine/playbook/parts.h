// The parts of a playbook, each read by its own function into `playbook`; what is wrong goes into
// the problems, and the part is then left out. Only load_playbook.cc calls these.
#pragma once

#include "engine/playbook/decode.h"
#include "engine/playbook/playbook.h"
#include "engine/rows.h"

namespace gameday {

struct Reading {
  const Rows& rows;
  const Decoding& decoding;
  Playbook& playbook;

  void error(Place place, std::string text) const {
    decoding.problems.error(place, std::move(text));
  }
};

// All names that the playbook gives, before anything that refers to them is read.
[[nodiscard]] Vocabulary vocabulary_of(const Node& root);

void read_objectives(const Json& objectives, const Reading& reading);
void read_limits(const Json& limits, const Reading& reading);
void read_system(const Node& system, const Reading& reading);
void read_loads(const Node& loads, const Reading& reading);
void read_probes(const Node& probes, const Reading& reading);
void read_timeline(const Node& timeline, const Reading& reading);

// The place of the value of `key`, else the mapping's.
[[nodiscard]] Place place_in(const Node& mapping, std::string_view key);
// That of the value under a path like "expect.status", as far as it leads.
[[nodiscard]] Place place_of(const Node& mapping, std::string_view path);

}  // namespace gameday
