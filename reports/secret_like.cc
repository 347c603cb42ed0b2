#include "reports/secret_like.h"

#include <array>
#include <cstring>

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

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// memmem is many times quicker than string_view::find on long lines.
std::size_t position(std::string_view text, std::string_view what) {
  const void* found = memmem(text.data(), text.size(), what.data(), what.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool holds(std::string_view text, const Form& form) {
  for (;;) {
    const auto at = position(text, form.start);
    if (at == std::string_view::npos) return false;
    const bool begins = at == 0 || !is_word(text[at - 1]);
    text.remove_prefix(at + form.start.size());
    std::size_t length = 0;
    while (length < text.size() &&
           (is_word(text[length]) || form.letters.find(text[length]) != std::string_view::npos)) {
      ++length;
    }
    if (begins && length >= form.least) return true;
  }
}

// scheme://user:password@host, where the password is no reference to one.
bool holds_password(std::string_view text) {
  constexpr std::string_view kBegin = "://";
  for (;;) {
    const auto at = position(text, kBegin);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + kBegin.size());
    const auto authority = text.substr(0, text.find_first_of("/?#\"\\ <>"));
    const auto host = authority.rfind('@');
    if (host == std::string_view::npos) continue;
    const auto colon = authority.find(':');
    if (colon == std::string_view::npos || colon + 1 >= host) continue;
    const auto password = authority.substr(colon + 1, host - colon - 1);
    if (!password.starts_with("${") && !password.starts_with("***")) return true;
  }
}

}  // namespace

bool looks_secret(std::string_view text) {
  if (position(text, kPrivateKey) != std::string_view::npos) return true;
  for (const auto& form : kForms) {
    if (holds(text, form)) return true;
  }
  return holds_password(text);
}

}  // namespace gameday
