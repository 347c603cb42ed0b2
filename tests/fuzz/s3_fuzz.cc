// Feeds any bytes to what reads the answers of an S3 server: it may refuse them, never fall over,
// and what it reads of a document is the same when it is written out and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/sys/s3_page.h"
#include "engine/sys/xml.h"

namespace {

std::string written(const gameday::Xml& element) {
  std::string inside = gameday::xml_text(element.text);
  for (const auto& child : element.children) inside += written(child);
  return "<" + element.name + ">" + inside + "</" + element.name + ">";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(gameday::s3_page(input));
  static_cast<void>(gameday::s3_error(500, input));
  static_cast<void>(gameday::s3_removed(input));
  static_cast<void>(gameday::utc_of_http(input));
  const auto read = gameday::parse_xml(input);
  if (!read) return 0;
  const std::string once = written(*read);
  const auto again = gameday::parse_xml(once);
  if (!again || written(*again) != once) std::abort();
  return 0;
}
