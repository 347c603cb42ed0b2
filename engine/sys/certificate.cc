#include "engine/sys/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>

#include "engine/base/assert.h"
#include "engine/base/digest.h"
#include "engine/sys/freeing.h"

namespace gameday {
namespace {

using Certificate = std::unique_ptr<X509, Freeing<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<&EVP_PKEY_free>>;
using Bytes = std::unique_ptr<BIO, Freeing<&BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<&X509_EXTENSION_free>>;

constexpr std::string_view kOtherName = "gameday-wrong-name.invalid";
constexpr std::string_view kOtherAuthority = "gameday's authority, which nobody trusts";

Bytes bytes_of(const std::string& text) {
  Bytes bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  GD_ASSERT(bytes != nullptr);
  return bytes;
}

std::string text_in(BIO* bytes) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bytes, &text);
  return {text, static_cast<std::size_t>(size)};
}

// OpenSSL asks the terminal for a password where nobody gives it one.
int no_password(char*, int, int, void*) { return -1; }

Certificate certificate_in(const std::string& pem) {
  Certificate found(PEM_read_bio_X509(bytes_of(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return found;
}

Key key_in(const std::string& pem) {
  Key found(PEM_read_bio_PrivateKey(bytes_of(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return found;
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  GD_ASSERT(key != nullptr);
  return key;
}

std::string pem_of(X509* certificate) {
  const Bytes out(BIO_new(BIO_s_mem()));
  const int written = PEM_write_bio_X509(out.get(), certificate);
  GD_ASSERT(written == 1);
  return text_in(out.get());
}

std::string pem_of(const EVP_PKEY* key) {
  const Bytes out(BIO_new(BIO_s_mem()));
  const int written =
      PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  GD_ASSERT(written == 1);
  return text_in(out.get());
}

std::string fingerprint(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  GD_ASSERT(size > 0);
  const std::string digest =
      sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

void add(X509* to, int kind, const std::string& value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  GD_ASSERT(extension != nullptr);
  X509_add_ext(to, extension.get(), -1);
}

void copy(const X509* from, int kind, X509* to) {
  const int at = X509_get_ext_by_NID(from, kind, -1);
  if (at >= 0) X509_add_ext(to, X509_get_ext(from, at), -1);
}

// Valid from two hours ago on, as clocks differ; what has expired did so then.
Certificate blank(EVP_PKEY* key, Utc now, bool expired) {
  constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;
  Certificate made(X509_new());
  GD_ASSERT(made != nullptr);
  X509_set_version(made.get(), X509_VERSION_3);
  const auto at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  ASN1_INTEGER_set_int64(X509_get_serialNumber(made.get()), now.time_since_epoch().count());
  ASN1_TIME_set(X509_getm_notBefore(made.get()), expired ? at - 30 * kDay : at - 2 * kHour);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), expired ? at - 2 * kHour : at + 30 * kDay);
  X509_set_pubkey(made.get(), key);
  return made;
}

void sign(X509* certificate, const X509* issuer, EVP_PKEY* key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  // Ed25519 and its like have a digest of their own.
  int digest = NID_undef;
  const bool own = EVP_PKEY_get_default_digest_nid(key, &digest) == 2 && digest == NID_undef;
  const int signed_size = X509_sign(certificate, key, own ? nullptr : EVP_sha256());
  GD_ASSERT(signed_size > 0);
}

void name(X509* certificate, std::string_view text) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()), -1, 0);
}

Certificate made_up_authority(EVP_PKEY* key, Utc now) {
  Certificate made = blank(key, now, false);
  name(made.get(), kOtherAuthority);
  add(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  add(made.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(made.get(), made.get(), key);
  return made;
}

Certificate leaf_after(const X509* model, EVP_PKEY* key, Wrong wrong, Utc now) {
  Certificate made = blank(key, now, wrong == Wrong::expired);
  if (wrong == Wrong::other_name) {
    name(made.get(), kOtherName);
    add(made.get(), NID_subject_alt_name, "DNS:" + std::string(kOtherName));
  } else {
    X509_set_subject_name(made.get(), X509_get_subject_name(model));
    copy(model, NID_subject_alt_name, made.get());
  }
  copy(model, NID_ext_key_usage, made.get());
  return made;
}

}  // namespace

Result<MadeCertificate> make_wrong_certificate(const std::string& model, Wrong wrong,
                                               const Authority& authority, Utc now) {
  const Certificate good = certificate_in(model);
  if (good == nullptr) return fail(ErrorCode::invalid, "there is no certificate in it (PEM)");
  const Key key = new_key();
  const Certificate leaf = leaf_after(good.get(), key.get(), wrong, now);
  MadeCertificate made;
  made.key = pem_of(key.get());
  if (wrong == Wrong::self_signed) {
    sign(leaf.get(), leaf.get(), key.get());
    made.certificate = pem_of(leaf.get());
  } else if (wrong == Wrong::other_ca || authority.certificate.empty()) {
    const Key other = new_key();
    const Certificate issuer = made_up_authority(other.get(), now);
    sign(leaf.get(), issuer.get(), other.get());
    made.certificate = pem_of(leaf.get()) + pem_of(issuer.get());
  } else {
    const Certificate issuer = certificate_in(authority.certificate);
    const Key theirs = key_in(authority.key);
    if (issuer == nullptr || theirs == nullptr ||
        X509_check_private_key(issuer.get(), theirs.get()) != 1) {
      ERR_clear_error();
      return fail(ErrorCode::invalid, "the authority's certificate and key do not fit together");
    }
    sign(leaf.get(), issuer.get(), theirs.get());
    made.certificate = pem_of(leaf.get()) + authority.certificate;
  }
  made.fingerprint = fingerprint(leaf.get());
  return made;
}

Result<std::string> fingerprint_of(const std::string& pem) {
  const Certificate found = certificate_in(pem);
  if (found == nullptr) return fail(ErrorCode::invalid, "there is no certificate in it (PEM)");
  return fingerprint(found.get());
}

bool belong_together(const std::string& certificate, const std::string& key) {
  const Certificate found = certificate_in(certificate);
  const Key theirs = key_in(key);
  const bool fit = found != nullptr && theirs != nullptr &&
                   X509_check_private_key(found.get(), theirs.get()) == 1;
  ERR_clear_error();
  return fit;
}

}  // namespace gameday
