// The door to TLS: a handshake with a peer, made to see what it offers. Nothing is said over it.
#pragma once

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
  std::string names;  // whom the certificate is for, for people
  Utc expires;        // the first of the chain to do so
};

// With whatever the peer offers, from TLS 1.0 and without trust in it: judging is the caller's.
// `line` is connected and does not block. An error means that there was no handshake: timed_out,
// stopped, failed (the peer closed or speaks no TLS), or what is wrong with `ca`.
[[nodiscard]] Result<TlsSeen> look_at_tls(const Descriptor& line, const TlsQuestion& question,
                                          const Clock& clock, const Until& until);

}  // namespace gameday
