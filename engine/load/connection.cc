#include "engine/load/connection.h"

namespace gameday {
namespace {

// What is sealed at once: memory is bounded by this, and not by the body.
constexpr std::size_t kPiece = 65536;

// What was large once would stay as large for as long as the load runs.
void shrink(std::string& text) {
  if (text.capacity() > kPiece) std::string().swap(text);
}

}  // namespace

void Connection::begins(bool to_head, const AnswerChecks* checks) {
  answer_.expect(to_head, checks);
  sent_at.reset();
  keeps_ = true;
  said_ = begun_ = 0;
  some_ = false;
}

void Connection::begins_as(Connection& from) {
  std::swap(out, from.out);
  std::swap(answer_, from.answer_);
  sent_at = from.sent_at;
  keeps_ = true;
  said_ = begun_ = 0;
  some_ = false;
}

void Connection::dials_after(const Connection& from) {
  addresses = from.addresses;
  tried = from.tried + 1;
}

void Connection::speaks_tls(TlsClient& client) { tls_ = std::make_unique<TlsStream>(client); }

std::string_view Connection::next() {
  if (tls_ == nullptr) {
    begun_ = said_;
    return std::string_view(out).substr(said_);
  }
  if (sealed_said_ == sealed_.size()) {
    some_ = some_ || said_ > 0;
    sealed_.clear();
    sealed_said_ = first_ = 0;
  }
  tls_->take_words(sealed_);
  if (tls_->ready() && sealed_.size() - sealed_said_ < kPiece) {
    if (said_ == 0) first_ = sealed_.size();
    said_ += tls_->seal(std::string_view(out).substr(said_, kPiece));
    tls_->take_words(sealed_);
  }
  begun_ = sealed_said_;
  return std::string_view(sealed_).substr(sealed_said_);
}

void Connection::took(std::size_t size) { (tls_ == nullptr ? said_ : sealed_said_) += size; }

void Connection::took_only(std::size_t size) {
  (tls_ == nullptr ? said_ : sealed_said_) = begun_ + size;
}

bool Connection::has_more() const {
  if (tls_ == nullptr) return said_ < out.size();
  return sealed_said_ < sealed_.size() || tls_->has_words() ||
         (tls_->ready() && said_ < out.size());
}

bool Connection::said_all() const {
  return said_ == out.size() && (tls_ == nullptr || sealed_said_ == sealed_.size());
}

bool Connection::said_some() const {
  if (tls_ == nullptr) return said_ > 0;
  return some_ || (said_ > 0 && sealed_said_ > first_);
}

HttpReader::State Connection::take(std::string_view bytes) {
  if (tls_ == nullptr) return answer_.take(bytes);
  using State = HttpReader::State;
  State state = State::more;
  tls_->came(bytes);
  for (auto plain = tls_->read(); !plain.empty(); plain = tls_->read()) {
    // What comes after an answer answers nothing that was asked.
    if (state == State::whole) keeps_ = false;
    if (state == State::more) state = answer_.take(plain);
  }
  if (tls_->state() == TlsStream::State::open) return state;
  keeps_ = false;
  if (state != State::more) return state;
  return tls_->state() == TlsStream::State::ended ? answer_.end() : State::broken;
}

// Whoever speaks TLS says so before; else it may have been cut off, by anybody.
HttpReader::State Connection::end() {
  return tls_ == nullptr ? answer_.end() : HttpReader::State::broken;
}

std::string Connection::problem() const { return tls_ == nullptr ? "" : tls_->problem(); }

std::string_view Connection::farewell() {
  if (tls_ == nullptr || sealed_said_ < sealed_.size()) return {};
  sealed_.clear();
  sealed_said_ = 0;
  tls_->bye();
  tls_->take_words(sealed_);
  return sealed_;
}

void Connection::forgets() {
  tls_.reset();
  addresses.reset();
  starved_of = "";
  sealed_.clear();
  sealed_said_ = first_ = 0;
  shrink(sealed_);
  shrink(out);
}

}  // namespace gameday
