// How many files, sockets and pipes this process may have open at once.
#pragma once

#include <cstddef>

namespace gameday {

// From now on as many as the hard limit has, as most shells give programs 1,024 of the many that
// they may have; how many that is. Programs that are started from then on may have as many.
std::size_t allow_many_descriptors();

}  // namespace gameday
