// Certificates that are wrong in one way, made after a good one: for drills of what clients and
// people do when a server shows such a certificate.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace gameday {

enum class Wrong { expired, other_name, other_ca, self_signed };

struct Authority {
  std::string certificate;  // PEM; empty: one is made up, which nobody trusts
  std::string key;          // PEM
};

struct MadeCertificate {
  std::string certificate;  // PEM, with the made-up authority's behind it
  std::string key;          // PEM: a new one, never the model's
  std::string fingerprint;  // as TlsSeen has it
};

// After the first certificate of `model` (PEM): its subject, its names and its purposes, but for
// what is wrong. An error names what could not be read.
[[nodiscard]] Result<MadeCertificate> make_wrong_certificate(const std::string& model, Wrong wrong,
                                                             const Authority& authority, Utc now);

// Of the first certificate in `pem`: SHA-256 of its DER form, "sha256:...".
[[nodiscard]] Result<std::string> fingerprint_of(const std::string& pem);

// Whether this key (PEM, without a password) is the first certificate's.
[[nodiscard]] bool belong_together(const std::string& certificate, const std::string& key);

}  // namespace gameday
