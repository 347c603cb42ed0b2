#include "engine/sys/xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "engine/base/text.h"

namespace gameday {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

struct Entity {
  std::string_view name;
  char letter;
};
constexpr std::array kEntities{Entity{"lt", '<'}, Entity{"gt", '>'}, Entity{"amp", '&'},
                               Entity{"quot", '"'}, Entity{"apos", '\''}};

bool is_name_letter(char c) {
  const auto letter = static_cast<unsigned char>(c);
  return letter >= 0x80 || (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z') || std::string_view("_:.-").contains(c);
}

std::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::corrupt, "the answer is no XML that an S3 server sends: " + what);
}

// U+0000 is none of XML's, nor are surrogates and what is beyond Unicode.
bool append_code_point(std::uint32_t code, std::string& into) {
  const auto tail = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3fU)); };
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  if (code < 0x80) {
    into += static_cast<char>(code);
  } else if (code < 0x800) {
    into += {static_cast<char>(0xc0U | (code >> 6U)), tail(code)};
  } else if (code < 0x10000) {
    into += {static_cast<char>(0xe0U | (code >> 12U)), tail(code >> 6U), tail(code)};
  } else {
    into +=
        {static_cast<char>(0xf0U | (code >> 18U)), tail(code >> 12U), tail(code >> 6U), tail(code)};
  }
  return true;
}

// What stands between & and ;
bool append_entity(std::string_view name, std::string& into) {
  if (name.starts_with('#')) {
    const bool sixteen = name.starts_with("#x");
    const auto digits = name.substr(sixteen ? 2 : 1);
    std::uint32_t code = 0;
    const auto* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, code, sixteen ? 16 : 10);
    return read.ec == std::errc() && read.ptr == end && append_code_point(code, into);
  }
  const auto* const known = std::ranges::find(kEntities, name, &Entity::name);
  if (known == kEntities.end()) return false;
  into += known->letter;
  return true;
}

Result<std::string> unescaped(std::string_view raw) {
  std::string text;
  while (true) {
    const auto at = raw.find('&');
    text += raw.substr(0, at);
    if (at == std::string_view::npos) return text;
    const auto end = raw.find(';', at);
    const bool known =
        end != std::string_view::npos && append_entity(raw.substr(at + 1, end - at - 1), text);
    if (!known) return wrong("an entity that is not known");
    raw.remove_prefix(end + 1);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view document) : rest_(document) {}

  Result<Xml> document() {
    if (take("\xef\xbb\xbf")) skip_space();
    if (rest_.starts_with("<?xml")) {
      const auto end = rest_.find("?>");
      if (end == std::string_view::npos) return wrong("its first line has no end");
      rest_.remove_prefix(end + 2);
    }
    TRY_OK(skip_between());
    TRY(root, element());
    TRY_OK(skip_between());
    if (!rest_.empty()) return wrong("something comes after it");
    return root;
  }

 private:
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
  }
  // Blanks and comments, where no text may stand.
  Status skip_between() {
    skip_space();
    while (take("<!--")) {
      const auto end = rest_.find("-->");
      if (end == std::string_view::npos) return wrong("a comment without an end");
      rest_.remove_prefix(end + 3);
      skip_space();
    }
    return {};
  }
  Result<std::string> name() {
    const auto* const end = std::ranges::find_if_not(rest_, is_name_letter);
    std::string found(rest_.begin(), end);
    if (found.empty()) return wrong("a tag without a name");
    rest_.remove_prefix(found.size());
    return found;
  }
  Status attributes() {
    while (true) {
      const auto before = rest_.size();
      skip_space();
      if (rest_.starts_with('>') || rest_.starts_with("/>")) return {};
      if (rest_.size() == before) return wrong("a tag that does not end");
      TRY(called, name());
      skip_space();
      if (!take("=")) return wrong("an attribute without a value");
      skip_space();
      const char quote = rest_.empty() ? '\0' : rest_.front();
      const auto end = quote == '"' || quote == '\'' ? rest_.find(quote, 1) : rest_.npos;
      if (end == rest_.npos) return wrong("an attribute without quotes");
      if (rest_.substr(0, end).contains('<')) return wrong("a tag in an attribute");
      rest_.remove_prefix(end + 1);
    }
  }
  Result<Xml> element() {
    if (++elements_ > kMostXmlElements) return wrong("it has too many elements");
    if (depth_ >= kDeepestXml) return wrong("it is nested too deeply");
    if (!take("<")) return wrong("no tag where one must stand");
    Xml made;
    TRY(called, name());
    made.name = called;
    TRY_OK(attributes());
    if (take("/>")) return made;
    take(">");
    ++depth_;
    TRY_OK(content(made));
    --depth_;
    TRY(closed, name());
    skip_space();
    if (closed != made.name || !take(">")) return wrong("a tag is closed that is not open");
    return made;
  }
  // Up to and with the `</` of its end.
  Status content(Xml& made) {
    std::string raw;
    while (true) {
      const auto tag = rest_.find('<');
      if (tag == std::string_view::npos) return wrong("it ends in the middle");
      raw += rest_.substr(0, tag);
      rest_.remove_prefix(tag);
      if (rest_.starts_with("<!--")) {
        TRY_OK(skip_between());
        continue;
      }
      if (take("</")) break;
      TRY(child, element());
      made.children.push_back(std::move(child));
    }
    if (made.children.empty()) {
      TRY(text, unescaped(raw));
      made.text = std::move(text);
      return {};
    }
    if (raw.find_first_not_of(kSpace) != std::string::npos) return wrong("text beside elements");
    return {};
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
};

}  // namespace

const Xml* Xml::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &Xml::name);
  return found == children.end() ? nullptr : &*found;
}

std::string Xml::text_of(std::string_view child) const {
  const Xml* found = find(child);
  return found == nullptr ? "" : found->text;
}

Result<Xml> parse_xml(std::string_view document) {
  if (!is_utf8(document)) return wrong("it is not UTF-8");
  return Reader(document).document();
}

std::string xml_text(std::string_view text) {
  std::string written;
  for (const char c : text) {
    const auto* const known = std::ranges::find(kEntities, c, &Entity::letter);
    if (known == kEntities.end()) {
      written += c;
    } else {
      written.append("&").append(known->name).append(";");
    }
  }
  return written;
}

}  // namespace gameday
