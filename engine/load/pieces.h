// A text of a load's requests, taken apart once: what is the same in each stands ready, and the
// rest is made where it is written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/playbook/data_table.h"
#include "engine/playbook/playbook.h"
#include "engine/playbook/request_slots.h"
#include "engine/secrets.h"

namespace gameday {

// How what is filled in is written: as it is, in a URL, or inside of a JSON text.
enum class Encoding { plain, url, json };

[[nodiscard]] inline Encoding body_encoding(const LoadRequest& request) {
  return request.is_json ? Encoding::json : Encoding::plain;
}

// The texts of a request, each of which draws for itself: the URL, the body, each header.
constexpr unsigned kUrlPart = 0, kBodyPart = 1, kFirstHeaderPart = 2;

struct KeyTerms {  // what keys and digests are made of (ledger.h)
  std::string drill;
  std::string load;
  std::uint64_t seed = 0;
};

// Out of what a load's requests are filled in; the same for all of them.
class FillTerms {
 public:
  FillTerms(KeyTerms keys, std::shared_ptr<const DataTable> data);

  [[nodiscard]] const KeyTerms& keys() const { return keys_; }
  [[nodiscard]] const DataTable* data() const { return data_.get(); }

  // Version 4 in form. Of drill, load, seed and `seq`: a drill that is run again has others, since
  // a system that drops what it has seen before would drop all of the second one's.
  void put_uuid(std::uint64_t seq, std::string& out) const;
  // Of load, seed, `seq` and `place`, and of nothing else: the next drill has the same.
  [[nodiscard]] std::int64_t random(const RequestSlot& slot, std::uint64_t seq,
                                    std::uint64_t place) const;

 private:
  const KeyTerms keys_;
  const std::shared_ptr<const DataTable> data_;
  std::uint64_t uuid_[2];
  std::uint64_t random_;
};

class Pieces {
 public:
  // `part` tells the texts of one request apart, so that each {random:...} draws for itself.
  void add_filled(std::string_view pattern, Encoding encoding, const FillTerms& terms,
                  unsigned part);
  // What refers to secrets stands by itself and as it is, until it is written.
  void add_literal(const std::string& literal);
  void add_text(const std::string& text);
  // "Basic " and the two in base64, once they are filled in.
  void add_basic(const BasicAuth& auth, const FillTerms& terms, unsigned part);
  void append(Pieces more);

  // Behind what `out` holds. An error: a secret cannot be had, or has a character of `none_of`.
  [[nodiscard]] Status put(std::uint64_t seq, std::string_view none_of, const FillTerms& terms,
                           const Secrets& secrets, std::string& out) const;

  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  [[nodiscard]] bool hold_secrets() const;
  // Whether it is one text, the same in each request, and which.
  [[nodiscard]] bool fixed() const;
  [[nodiscard]] std::string fixed_text() const;
  [[nodiscard]] bool texts_have_one_of(std::string_view characters) const;
  // Whether it is the same in each request of a drill, but for secrets.
  [[nodiscard]] bool same_in_each() const;

 private:
  enum class Kind { text, secret, key_number, seq, digest, uuid, random, data, base64 };
  struct Piece {
    Kind kind = Kind::text;
    std::string text = {};
    RequestSlot slot = {};
    std::uint64_t place = 0;               // of a random one
    std::vector<Piece> inner = {};         // of base64
    std::vector<std::string> values = {};  // of a column, as they are written
  };
  void add_slot(const RequestSlot& slot, Encoding encoding, const FillTerms& terms,
                std::uint64_t place);
  static void put_made(const Piece& piece, std::uint64_t seq, const FillTerms& terms,
                       std::string& out);
  static Status put_base64(const Piece& piece, std::uint64_t seq, const FillTerms& terms,
                           const Secrets& secrets, std::string& out);

  static Status put(const std::vector<Piece>& pieces, std::uint64_t seq, std::string_view none_of,
                    const FillTerms& terms, const Secrets& secrets, std::string& out);
  static bool hold_secrets(const std::vector<Piece>& pieces);
  static bool same_in_each(const std::vector<Piece>& pieces);

  std::vector<Piece> pieces_;
};

// What is sent beside the body, in its order: the pattern's headers, and who asks.
struct HeaderPieces {
  std::string name;
  Pieces value;
};
[[nodiscard]] std::vector<HeaderPieces> header_pieces(const LoadRequest& request,
                                                      const FillTerms& terms);

}  // namespace gameday
