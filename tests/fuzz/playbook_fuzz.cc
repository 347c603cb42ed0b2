// Any bytes are a playbook, good or bad: reading, checking and rendering must end in values, never
// in a Defect, a crash or a hang.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/playbook/check.h"
#include "engine/playbook/load_playbook.h"
#include "tests/engine/playbook/test_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gameday;
  const std::string source(data, data + size);
  const Vars vars{{"name", "value"}};
  const auto loaded = decode_playbook("/playbooks/fuzzed.yaml", source, vars, test_rows::kRows);
  auto problems = loaded.problems;
  if (loaded.playbook) problems.add(check_playbook(*loaded.playbook, test_rows::kRows));
  const auto text = rendered("fuzzed.yaml", source, problems);
  if (problems.has_errors() && text.empty()) __builtin_trap();
  return 0;
}
