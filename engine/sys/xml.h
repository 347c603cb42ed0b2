// What an S3 server answers in: XML, as little of it as those answers need. Who speaks may be
// anybody, so it is read strictly and with bounds; there are no entities but the five, no DOCTYPE
// and no CDATA.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace gameday {

// An element has a text or children, never both. Its attributes are checked and forgotten.
struct Xml {
  std::string name = {};
  std::string text = {};
  std::vector<Xml> children = {};

  [[nodiscard]] const Xml* find(std::string_view child) const;      // the first of that name
  [[nodiscard]] std::string text_of(std::string_view child) const;  // empty: there is none
};

inline constexpr std::size_t kDeepestXml = 16;
inline constexpr std::size_t kMostXmlElements = 1 << 17;

// The root. `corrupt`: this is no XML of that kind, or is beyond the bounds.
[[nodiscard]] Result<Xml> parse_xml(std::string_view document);

// As a text between tags is written.
[[nodiscard]] std::string xml_text(std::string_view text);

}  // namespace gameday
