// What Markdown documents are made of: text that stays as it is, and tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/text.h"

namespace gameday {

[[nodiscard]] std::string code(std::string_view raw);
[[nodiscard]] std::string code_in_table(std::string_view raw);

class Sheet {
 public:
  explicit Sheet(const std::vector<std::string>& headings) : width_(headings.size()) {
    row(headings);
    out_ += "|" + std::string();
    for (std::size_t i = 0; i < width_; ++i) out_ += " --- |";
    out_ += "\n";
  }
  void row(const std::vector<std::string>& cells) {
    out_ += "| " + join(cells, " | ") + " |\n";
    ++rows_;
  }
  [[nodiscard]] std::string text(std::string_view otherwise) const {
    return empty() ? std::string(otherwise) + "\n\n" : out_ + "\n";
  }
  [[nodiscard]] bool empty() const { return rows_ <= 1; }  // but for its headings

 private:
  std::size_t width_, rows_ = 0;
  std::string out_;
};

}  // namespace gameday
