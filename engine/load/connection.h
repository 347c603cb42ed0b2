// One connection of a transport of our own sockets, and the request that it carries: what of it is
// to go to the kernel next, sealed where TLS is spoken, and what that which comes back means.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "engine/load/http_reader.h"
#include "engine/load/tls_stream.h"
#include "engine/sys/descriptor.h"
#include "engine/sys/host_names.h"

namespace gameday {

class Connection {
 public:
  // closing: what was asked of the kernel for it has not all ended yet.
  enum class Stage : std::uint8_t { closed, connecting, idle, busy, closing };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint32_t number = 0;                     // its place among the others, for good
  std::uint32_t before = kNone, after = kNone;  // in the one list that it stands in
  Stage stage = Stage::closed;
  bool holds_secrets = false;  // in `out`
  Descriptor socket;
  // The request that it carries:
  std::size_t ticket = 0;
  Instant give_up;
  std::string out;
  // While it is being connected (dialing.h): what is tried, and which one now.
  std::shared_ptr<const Addresses> addresses;
  std::size_t tried = 0;
  std::uint64_t dial = 0;          // which attempt it is, of all
  std::string_view starved_of;     // what of ours has run out, so that it waits
  std::optional<Instant> sent_at;  // when it went on its way, if it had to wait for that

  // `out` is a new one, of which nothing has been said.
  // `checks` outlives it.
  void begins(bool to_head, const AnswerChecks* checks);
  // The same request, which `from` has said nothing of.
  void begins_as(Connection& from);
  // It is tried at the address behind that of `from`.
  void dials_after(const Connection& from);

  void speaks_tls(TlsClient& client);  // from the first byte on
  [[nodiscard]] bool shakes_hands() const { return tls_ != nullptr && !tls_->ready(); }
  // What the kernel is to be given now; good until anything else is asked of it. "": all has been
  // said, or the other side has to say something first. Only when what became of the last is known.
  [[nodiscard]] std::string_view next();
  void took(std::size_t size);       // the kernel, of what `next` gave
  void took_only(std::size_t size);  // where all of it had been taken for granted
  [[nodiscard]] bool has_more() const;
  [[nodiscard]] bool said_all() const;
  [[nodiscard]] bool said_some() const;  // of the request: it may be done

  // Takes what has come. Where nothing was asked: `more`, if it means nothing.
  [[nodiscard]] HttpReader::State take(std::string_view bytes);
  [[nodiscard]] HttpReader::State end();  // no more comes
  [[nodiscard]] int status() const { return answer_.status(); }
  [[nodiscard]] Judged judged() const { return answer_.judged(); }
  [[nodiscard]] bool keeps() const { return keeps_ && answer_.keeps() && said_all(); }
  [[nodiscard]] std::string problem() const;  // of TLS; "": none

  // The last words, if they can be said without breaking into others.
  [[nodiscard]] std::string_view farewell();
  void forgets();  // what was of this life of it

 private:
  HttpReader answer_;
  bool keeps_ = true;
  std::size_t said_ = 0, begun_ = 0;  // of `out`: to the kernel, or to TLS
  std::unique_ptr<TlsStream> tls_;    // none: bytes go as they are
  std::string sealed_;
  std::size_t sealed_said_ = 0;
  std::size_t first_ = 0;  // where in `sealed_` the request begins
  bool some_ = false;      // a part of it had gone before what is in `sealed_`
};

}  // namespace gameday
