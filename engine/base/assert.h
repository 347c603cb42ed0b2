// Assertions on our own mistakes; on in every build type, because a drill that goes on after one
// could leave a fault behind. A Defect ends the runner with exit code 70, after undoing.
#pragma once

#include <stdexcept>
#include <string>

namespace gameday {

class Defect : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void defect(const char* what, const char* file, int line) {
  throw Defect(std::string("defect: ") + what + " (" + file + ":" + std::to_string(line) + ")");
}

}  // namespace gameday

#define GD_ASSERT(condition) \
  ((condition) ? void(0) : ::gameday::defect(#condition, __FILE__, __LINE__))
