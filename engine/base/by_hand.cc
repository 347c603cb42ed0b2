#include "engine/base/by_hand.h"

namespace gameday {
namespace {

// One word for a POSIX shell, whatever is in it.
std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace

std::string revert_by_hand(std::string_view store, std::string_view drill) {
  std::string command = "gameday revert ";
  if (!store.empty()) command += "--store " + shell_word(store) + " ";
  return command + shell_word(drill);
}

}  // namespace gameday
