#include "engine/load/pieces.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/digest.h"
#include "engine/base/json.h"
#include "engine/load/chance.h"
#include "engine/load/ledger.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

template <class Number>
void add_number(std::string& out, Number number, int least_digits) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const auto length = static_cast<int>(end - digits.data());
  if (length < least_digits) out.append(static_cast<std::size_t>(least_digits - length), '0');
  out.append(digits.data(), end);
}

std::string encoded(const std::string& text, Encoding encoding) {
  if (encoding == Encoding::url) return percent_encoded(text);
  if (encoding == Encoding::plain) return text;
  const std::string quoted = json_text(text);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

FillTerms::FillTerms(KeyTerms keys, std::shared_ptr<const DataTable> data)
    : keys_(std::move(keys)), data_(std::move(data)) {
  const std::string seed = ":" + std::to_string(keys_.seed);
  const std::string drill = "uuid:" + keys_.drill + ":" + keys_.load + seed;
  uuid_[0] = bits_of(drill, 0);
  uuid_[1] = bits_of(drill, 1);
  random_ = bits_of("random:" + keys_.load + seed);
}

void FillTerms::put_uuid(std::uint64_t seq, std::string& out) const {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::uint64_t kVersion = 0x4000, kVersionBits = 0xf000;
  constexpr std::uint64_t kVariant = 1ULL << 63, kVariantBits = 3ULL << 62;
  const std::uint64_t words[2] = {(mixed(uuid_[0] + seq) & ~kVersionBits) | kVersion,
                                  (mixed(uuid_[1] ^ mixed(seq)) & ~kVariantBits) | kVariant};
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out += '-';
    out += kHex[(words[digit / 16] >> (60 - 4 * (digit % 16))) & 15];
  }
}

std::int64_t FillTerms::random(const RequestSlot& slot, std::uint64_t seq,
                               std::uint64_t place) const {
  const auto count = static_cast<std::uint64_t>(slot.to - slot.from) + 1;
  const std::uint64_t drawn = mixed(mixed(random_ + seq) ^ mixed(place + 1));
  return slot.from + static_cast<std::int64_t>(drawn % count);
}

void Pieces::add_filled(std::string_view pattern, Encoding encoding, const FillTerms& terms,
                        unsigned part) {
  std::uint64_t place = std::uint64_t{part} << 32;
  for (const SlotPart& each : slot_parts(pattern)) {
    each.slot ? add_slot(*each.slot, encoding, terms, place++) : add_literal(each.text);
  }
}

void Pieces::add_slot(const RequestSlot& slot, Encoding encoding, const FillTerms& terms,
                      std::uint64_t place) {
  using Slot = RequestSlot::Kind;
  const KeyTerms& keys = terms.keys();
  switch (slot.kind) {
    case Slot::drill: return add_text(encoded(keys.drill, encoding));
    case Slot::digest: return pieces_.push_back({Kind::digest});
    case Slot::seq: return pieces_.push_back({Kind::seq});
    case Slot::uuid: return pieces_.push_back({Kind::uuid});
    case Slot::random: return pieces_.push_back({Kind::random, {}, slot, place});
    case Slot::key:
      add_text(encoded(ledger_key_start(keys.drill, keys.load), encoding));
      return pieces_.push_back({Kind::key_number});
    case Slot::data: {
      Piece piece{Kind::data};
      const auto column =
          terms.data() == nullptr ? std::nullopt : terms.data()->column(slot.column);
      if (!column) return add_text("{data." + slot.column + "}");  // `check` has refused it
      for (const auto& row : terms.data()->rows) {
        piece.values.push_back(encoded(row[*column], encoding));
      }
      return pieces_.push_back(std::move(piece));
    }
  }
}

void Pieces::add_literal(const std::string& literal) {
  if (references_in(literal).empty()) return add_text(literal);
  pieces_.push_back({Kind::secret, literal});
}

void Pieces::add_text(const std::string& text) {
  if (text.empty()) return;
  if (pieces_.empty() || pieces_.back().kind != Kind::text) pieces_.push_back({});
  pieces_.back().text += text;
}

void Pieces::add_basic(const BasicAuth& auth, const FillTerms& terms, unsigned part) {
  add_text("Basic ");
  Pieces inner;
  inner.add_filled(auth.user + ":" + auth.password, Encoding::plain, terms, part);
  Piece piece{Kind::base64};
  piece.inner = std::move(inner.pieces_);
  pieces_.push_back(std::move(piece));
}

void Pieces::append(Pieces more) {
  for (Piece& piece : more.pieces_) {
    piece.kind == Kind::text ? add_text(piece.text) : pieces_.push_back(std::move(piece));
  }
}

Status Pieces::put(std::uint64_t seq, std::string_view none_of, const FillTerms& terms,
                   const Secrets& secrets, std::string& out) const {
  return put(pieces_, seq, none_of, terms, secrets, out);
}

Status Pieces::put(const std::vector<Piece>& pieces, std::uint64_t seq, std::string_view none_of,
                   const FillTerms& terms, const Secrets& secrets, std::string& out) {
  for (const Piece& piece : pieces) {
    if (piece.kind == Kind::text) {
      out += piece.text;
      continue;
    }
    if (piece.kind == Kind::base64) {
      TRY_OK(put_base64(piece, seq, terms, secrets, out));
      continue;
    }
    if (piece.kind != Kind::secret) {
      put_made(piece, seq, terms, out);
      continue;
    }
    TRY(revealed, secrets.reveal(piece.text));
    if (revealed.find_first_of(none_of) != std::string::npos) {
      return fail(ErrorCode::invalid, "a secret would break out of its place in the request");
    }
    out += revealed;
  }
  return {};
}

Status Pieces::put_base64(const Piece& piece, std::uint64_t seq, const FillTerms& terms,
                          const Secrets& secrets, std::string& out) {
  std::string plain;
  const Status done = put(piece.inner, seq, "", terms, secrets, plain);
  if (done) out += base64(plain);
  explicit_bzero(plain.data(), plain.size());
  return done;
}

void Pieces::put_made(const Piece& piece, std::uint64_t seq, const FillTerms& terms,
                      std::string& out) {
  const KeyTerms& keys = terms.keys();
  switch (piece.kind) {
    case Kind::seq: return add_number(out, seq, 1);
    case Kind::key_number: return add_number(out, seq, kKeyDigits);
    case Kind::uuid: return terms.put_uuid(seq, out);
    case Kind::random: return add_number(out, terms.random(piece.slot, seq, piece.place), 1);
    case Kind::data: out += piece.values[seq % piece.values.size()]; return;
    case Kind::digest:
      out += ledger_digest(ledger_key(keys.drill, keys.load, seq), keys.seed);
      return;
    default: out += piece.text;
  }
}

bool Pieces::hold_secrets() const { return hold_secrets(pieces_); }

bool Pieces::hold_secrets(const std::vector<Piece>& pieces) {
  return std::ranges::any_of(
      pieces, [](const Piece& p) { return p.kind == Kind::secret || hold_secrets(p.inner); });
}

bool Pieces::fixed() const {
  return std::ranges::all_of(pieces_, [](const Piece& p) { return p.kind == Kind::text; });
}

std::string Pieces::fixed_text() const { return pieces_.empty() ? "" : pieces_.front().text; }

bool Pieces::same_in_each() const { return same_in_each(pieces_); }

bool Pieces::same_in_each(const std::vector<Piece>& pieces) {
  return std::ranges::all_of(pieces, [](const Piece& p) {
    return p.kind == Kind::text || p.kind == Kind::secret ||
           (p.kind == Kind::base64 && same_in_each(p.inner));
  });
}

bool Pieces::texts_have_one_of(std::string_view characters) const {
  return std::ranges::any_of(pieces_, [&](const Piece& piece) {
    return piece.kind == Kind::text && piece.text.find_first_of(characters) != std::string::npos;
  });
}

std::vector<HeaderPieces> header_pieces(const LoadRequest& request, const FillTerms& terms) {
  std::vector<HeaderPieces> all;
  unsigned part = kFirstHeaderPart;
  for (const auto& [name, value] : request.headers) {
    all.push_back({name, {}});
    all.back().value.add_filled(value, Encoding::plain, terms, part++);
  }
  if (request.basic) {
    all.push_back({"Authorization", {}});
    all.back().value.add_basic(*request.basic, terms, part++);
  }
  return all;
}

}  // namespace gameday
