// The MANIFEST of a bundle: which files it has, with size and digest, and how its journal ends.
// Text, in one way only, so that every change of a byte shows. Reads and writes no file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

struct ManifestFile {
  std::string sha256;
  std::uint64_t size = 0;
  std::string name;  // letters, digits, '.', '_' and '-'; not first a '.'
};

// gameday-bundle 1 DRILL
// sha256:... SIZE NAME           one line a file, sorted by name
// events N
// head sha256:...
// manifest sha256:...            the digest of all lines before
struct Manifest {
  std::string drill;
  std::vector<ManifestFile> files;
  std::uint64_t events = 0;
  std::string head;
};

[[nodiscard]] bool is_bundle_name(std::string_view name);
[[nodiscard]] std::string to_text(const Manifest& manifest);

struct ReadManifest {
  Manifest manifest;
  bool sealed = false;  // its last line is the digest of the lines before
};
// An error begins with the line: "line 3: ...". One that reads but is not sealed was edited.
[[nodiscard]] Result<ReadManifest> parse_manifest(std::string_view text);

}  // namespace gameday
