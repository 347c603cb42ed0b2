// ${env:NAME} and ${file:PATH} in a playbook stand for secrets. They are looked up at the moment of
// use and live in no record; the guardian is given the values over its pipe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

class Secrets {
 public:
  // Values handed over by another process, by reference ("env:NAME").
  void learn(std::string reference, std::string value);

  // Takes what `text` refers to out of our own environment, which children inherit and keep longer
  // than we live. Before the first thread: the environment is nobody's to read meanwhile.
  void take_from_environment(std::string_view text);

  // `text` with every reference replaced by its value; an error names the reference, not the value.
  [[nodiscard]] Result<std::string> reveal(std::string_view text) const;

  // `text` with the value of each reference replaced by the reference, as a playbook writes it.
  [[nodiscard]] std::string hidden(std::string text,
                                   const std::vector<std::string>& references) const;

 private:
  [[nodiscard]] Result<std::string> look_up(const std::string& reference) const;
  std::map<std::string, std::string> known_;
};

// The references in `text`: "env:NAME", "file:PATH".
[[nodiscard]] std::vector<std::string> references_in(std::string_view text);

}  // namespace gameday
