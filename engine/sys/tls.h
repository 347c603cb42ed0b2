// The door to TLS: a handshake with a peer, made to see what it offers. Nothing is said over it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/sys/clock.h"
#include "engine/sys/descriptor.h"

namespace gameday {

struct TlsQuestion {
  std::string server_name;  // what the certificate must be for: a name or an IP address
  std::string ca;           // a file of certificates in PEM; empty: those that this machine trusts
};

struct TlsSeen {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  std::string distrust;  // why the chain is not valid now; empty: it is
  bool name_matches = false;
  std::string names;        // whom the certificate is for, for people
  std::string fingerprint;  // SHA-256 of the certificate itself: "sha256:..."
  Utc expires;              // the first of the chain to do so
};

// With whatever the peer offers, from TLS 1.0 and without trust in it: judging is the caller's.
// `line` is connected and does not block. An error means that there was no handshake: timed_out,
// stopped, failed (the peer closed or speaks no TLS), or what is wrong with `ca`.
[[nodiscard]] Result<TlsSeen> look_at_tls(const Descriptor& line, const TlsQuestion& question,
                                          const Clock& clock, const Until& until);

// A way for plain bytes to a TLS peer, for who speaks no TLS that can be stopped: what is written
// into one end comes out there, until either side closes or the tunnel ends.
class TlsTunnel {
 public:
  // `line` is connected and does not block. With TLS 1.2 or later, and only with a peer that is
  // trusted and for which the certificate is; `refused`: it is not.
  [[nodiscard]] static Result<TlsTunnel> open(Descriptor line, const TlsQuestion& question,
                                              const Clock& clock, const Until& until);
  TlsTunnel(TlsTunnel&&) noexcept;
  TlsTunnel& operator=(TlsTunnel&&) noexcept;
  ~TlsTunnel();
  // The near end; whoever takes it closes it.
  [[nodiscard]] Descriptor take();

 private:
  struct State;
  explicit TlsTunnel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gameday
