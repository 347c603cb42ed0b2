// The door to TLS for who moves the bytes in a way of its own: what is to be said is sealed here,
// and what has come is opened. Nothing is sent or received by it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace gameday {

// What the connections of a load to one server have in common: whom they trust, and the session
// that the next one resumes, which is the last that the server gave. Of one thread.
class TlsClient {
 public:
  // For the server of that name, or of that IP address: its certificate must be for it, now, and by
  // an authority that this machine trusts, or that stands in SSL_CERT_FILE or SSL_CERT_DIR. TLS 1.2
  // at least, HTTP/1.1 by ALPN. `invalid`: it is no name, or SSL_CERT_FILE cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<TlsClient>> make(const std::string& server_name);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

 private:
  friend class TlsStream;
  struct Shared;
  explicit TlsClient(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

// One connection, from the hello on. Of a record it keeps no more than what has come of it; what it
// has to say is the caller's to take.
class TlsStream {
 public:
  explicit TlsStream(TlsClient& client);  // which outlives it; says hello
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class State {
    open,
    ended,   // by the other side's word: it says no more
    broken,  // `problem` tells why
  };
  // Bytes that have come; good until all that they hold has been read.
  void came(std::string_view bytes);
  // The next part of what they hold, good until the next call. "": no more, and `state` tells of
  // what is to come. Shakes hands on the way.
  [[nodiscard]] std::string_view read();
  [[nodiscard]] State state() const;
  // Why the server is not one to speak to: "the server's certificate is not trusted: ...".
  [[nodiscard]] const std::string& problem() const;
  [[nodiscard]] bool ready() const;  // hands have been shaken

  // Seals it, to be taken. How much of it: none while hands are being shaken, and again then with
  // the same.
  [[nodiscard]] std::size_t seal(std::string_view plain);
  void bye();  // this side says no more
  [[nodiscard]] bool has_words() const;
  void take_words(std::string& to);  // puts what is to be sent behind `to`

 private:
  struct Talk;
  std::unique_ptr<Talk> talk_;
};

// Whether this kernel seals and opens by itself (kTLS). Such a load does not use it.
[[nodiscard]] bool kernel_has_tls();

}  // namespace gameday
