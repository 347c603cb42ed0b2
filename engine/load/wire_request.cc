#include "engine/load/wire_request.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/load/ledger.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

constexpr std::string_view kLineBreaks = "\r\n";

// All that a path cannot have: it would end it, or begin what is not sent.
constexpr auto kNotInPaths = [] {
  std::array<char, 35> all{};
  for (std::size_t i = 0; i <= ' '; ++i) all[i] = static_cast<char>(i);
  all[33] = '\x7f';
  all[34] = '#';
  return all;
}();
constexpr std::string_view kEndsAPath(kNotInPaths.data(), kNotInPaths.size());

void add_number(std::string& out, std::uint64_t number, int least_digits) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const auto length = static_cast<int>(end - digits.data());
  if (length < least_digits) out.append(static_cast<std::size_t>(least_digits - length), '0');
  out.append(digits.data(), end);
}

std::string header_start(std::string_view name, std::string_view value) {
  return std::string(name) + (value.empty() ? ":" : ": ");
}

std::string header(std::string_view name, std::string_view value) {
  return header_start(name, value) + std::string(value) + "\r\n";
}

}  // namespace

WireRequest::WireRequest(const LoadRequest& pattern, PlainHttp to, const KeyTerms& keys,
                         const Secrets& secrets)
    : to_(std::move(to)),
      keys_(keys),
      secrets_(secrets),
      method_(pattern.method),
      headers_(pattern.headers),
      to_head_(pattern.method == "HEAD") {
  std::string_view path = std::string_view(pattern.url).substr(scheme_of(pattern.url).size());
  path.remove_prefix(to_.authority.size());
  path = path.substr(0, path.find('#'));
  add_literal(path_, path.starts_with('/') ? "" : "/");
  add_filled(path_, path, Encoding::url);
  add_headers();
  add_filled(body_, pattern.body, Encoding::plain);
  const bool fixed = std::ranges::all_of(body_, [](auto& p) { return p.kind == Kind::text; });
  if (fixed) {
    const std::string body = body_.empty() ? "" : body_.front().text;
    add_literal(head_, framing(body));
    add_text(head_, body);
    body_.clear();
  }
  for (const Piece& piece : path_) {
    if (piece.kind == Kind::text && piece.text.find_first_of(kEndsAPath) != std::string::npos) {
      usable_ = fail(ErrorCode::invalid, "its URL has a blank or a control character in it");
    }
  }
}

void WireRequest::add_headers() {
  std::string first = " HTTP/1.1\r\n";
  if (!has_header(headers_, "host")) first += header("Host", to_.authority);
  if (!has_header(headers_, "accept")) first += header("Accept", "*/*");
  add_literal(head_, first);
  for (const auto& [name, value] : headers_) {
    if (value.find_first_of(kLineBreaks) != std::string::npos) {
      usable_ = fail(ErrorCode::invalid, "header " + name + " has a line break in its value");
    }
    add_literal(head_, header_start(name, value));
    add_filled(head_, value, Encoding::plain);
    add_literal(head_, std::string(kLineBreaks));
  }
}

// As `filled` (base/text.h) would do it.
void WireRequest::add_filled(Pieces& pieces, std::string_view pattern, Encoding encoding) {
  std::string literal;
  while (!pattern.empty()) {
    const auto end = pattern.front() == '{' ? pattern.find('}') : std::string_view::npos;
    const auto name = end == std::string_view::npos ? "" : pattern.substr(1, end - 1);
    const bool slot = name == "drill" || name == "key" || name == "digest" || name == "seq";
    if (slot && !pattern.starts_with("{{")) {
      add_literal(pieces, std::exchange(literal, {}));
      add_slot(pieces, name, encoding);
      pattern.remove_prefix(end + 1);
      continue;
    }
    literal += pattern.front();
    pattern.remove_prefix(pattern.starts_with("{{") ? 2 : 1);
  }
  add_literal(pieces, literal);
}

void WireRequest::add_slot(Pieces& pieces, std::string_view name, Encoding encoding) const {
  const auto encoded = [&](const std::string& text) {
    return encoding == Encoding::url ? percent_encoded(text) : text;
  };
  if (name == "drill") return add_text(pieces, encoded(keys_.drill));
  if (name == "digest") return pieces.push_back({Kind::digest, ""});
  if (name == "seq") return pieces.push_back({Kind::seq, ""});
  add_text(pieces, encoded(ledger_key_start(keys_.drill, keys_.load)));
  pieces.push_back({Kind::key_number, ""});
}

// What refers to secrets stands by itself and as it is, until it is sent.
void WireRequest::add_literal(Pieces& pieces, const std::string& literal) {
  if (references_in(literal).empty()) return add_text(pieces, literal);
  holds_secrets_ = true;
  pieces.push_back({Kind::secret, literal});
}

void WireRequest::add_text(Pieces& pieces, const std::string& text) {
  if (text.empty()) return;
  if (pieces.empty() || pieces.back().kind != Kind::text) pieces.push_back({Kind::text, ""});
  pieces.back().text += text;
}

std::string WireRequest::framing(std::string_view body) const {
  std::string lines;
  if (const auto type = content_type_of(headers_, body); !type.empty()) {
    lines += header("Content-Type", type);
  }
  if (has_body(method_, body)) lines += header("Content-Length", std::to_string(body.size()));
  return lines + "\r\n";
}

Status WireRequest::write(std::uint64_t seq, std::string& out) const {
  TRY_OK(usable_);
  out.assign(method_);
  out += ' ';
  TRY_OK(put(path_, seq, kEndsAPath, out));
  TRY_OK(put(head_, seq, kLineBreaks, out));
  if (body_.empty()) return {};
  const std::size_t head = out.size();
  TRY_OK(put(body_, seq, "", out));
  out.insert(head, framing(std::string_view(out).substr(head)));
  return {};
}

Status WireRequest::put(const Pieces& pieces, std::uint64_t seq, std::string_view none_of,
                        std::string& out) const {
  for (const Piece& piece : pieces) {
    switch (piece.kind) {
      case Kind::text: out += piece.text; break;
      case Kind::seq: add_number(out, seq, 1); break;
      case Kind::key_number: add_number(out, seq, kKeyDigits); break;
      case Kind::digest:
        out += ledger_digest(ledger_key(keys_.drill, keys_.load, seq), keys_.seed);
        break;
      case Kind::secret: {
        TRY(revealed, secrets_.reveal(piece.text));
        if (revealed.find_first_of(none_of) != std::string::npos) {
          return fail(ErrorCode::invalid, "a secret would break out of its place in the request");
        }
        out += revealed;
        break;
      }
    }
  }
  return {};
}

}  // namespace gameday
