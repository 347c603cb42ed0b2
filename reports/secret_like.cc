#include "reports/secret_like.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gameday {
namespace {

// What a token of some kind begins with, and how many characters of it must follow.
struct Form {
  std::string_view start;
  std::string_view letters;  // beside letters and digits
  std::size_t least;
};
constexpr std::array kForms{
    Form{"AKIA", "", 16},     Form{"ASIA", "", 16},          Form{"ghp_", "", 30},
    Form{"gho_", "", 30},     Form{"ghs_", "", 30},          Form{"github_pat_", "_", 30},
    Form{"glpat-", "_-", 20}, Form{"xoxb-", "-", 20},        Form{"xoxp-", "-", 20},
    Form{"eyJ", "_-.", 60},   Form{"Bearer ", "_-.+/=", 16}, Form{"Basic ", "+/=", 12}};
constexpr std::string_view kPrivateKey = "PRIVATE KEY-----";

constexpr std::string_view kAuthority = "://";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// By the first two bytes: whether anything that is looked for begins with them. Journals have
// millions of bytes, and few of them are worth a second look.
class Beginnings {
 public:
  constexpr Beginnings() {
    for (const auto& form : kForms) add(form.start);
    add(kPrivateKey);
    add(kAuthority);
  }
  [[nodiscard]] constexpr bool may_be(char first, char second) const {
    const std::size_t pair = number_of(first, second);
    return ((bits_[pair / kBits] >> (pair % kBits)) & 1) != 0;
  }

 private:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t number_of(char first, char second) {
    return static_cast<std::size_t>(static_cast<unsigned char>(first)) << 8 |
           static_cast<unsigned char>(second);
  }
  constexpr void add(std::string_view start) {
    const std::size_t pair = number_of(start[0], start[1]);
    bits_[pair / kBits] |= std::uint64_t{1} << (pair % kBits);
  }

  std::array<std::uint64_t, (1 << 16) / kBits> bits_{};
};
constexpr Beginnings kBeginnings;

// Whether a token of that form begins the rest of a text.
bool begins_with(std::string_view rest, const Form& form) {
  if (!rest.starts_with(form.start)) return false;
  rest.remove_prefix(form.start.size());
  const auto belongs = [&](char c) {
    return is_word(c) || form.letters.find(c) != std::string_view::npos;
  };
  const auto length = std::ranges::find_if_not(rest, belongs) - rest.begin();
  return static_cast<std::size_t>(length) >= form.least;
}

// scheme://user:password@host, where the password is no reference to one; from its "://" on.
bool begins_with_password(std::string_view rest) {
  if (!rest.starts_with(kAuthority)) return false;
  rest.remove_prefix(kAuthority.size());
  const auto authority = rest.substr(0, rest.find_first_of("/?#\"\\ <>"));
  const auto host = authority.rfind('@');
  if (host == std::string_view::npos) return false;
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos || colon + 1 >= host) return false;
  const auto password = authority.substr(colon + 1, host - colon - 1);
  return !password.starts_with("${") && !password.starts_with("***");
}

}  // namespace

bool looks_secret(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (!kBeginnings.may_be(text[i], text[i + 1])) continue;
    const std::string_view rest = text.substr(i);
    if (rest.starts_with(kPrivateKey) || begins_with_password(rest)) return true;
    if (i > 0 && is_word(text[i - 1])) continue;  // in the middle of a word
    const auto begins = [&](const Form& form) { return begins_with(rest, form); };
    if (std::ranges::any_of(kForms, begins)) return true;
  }
  return false;
}

}  // namespace gameday
