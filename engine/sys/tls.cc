#include "engine/sys/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <thread>

#include "engine/base/assert.h"
#include "engine/base/digest.h"
#include "engine/base/text.h"
#include "engine/sys/freeing.h"

namespace gameday {
namespace {

using Context = std::unique_ptr<SSL_CTX, Freeing<&SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freeing<&SSL_free>>;
using Store = std::unique_ptr<X509_STORE, Freeing<&X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Freeing<&X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freeing<&GENERAL_NAMES_free>>;

// What OpenSSL says went wrong first, in this thread; the rest of its errors go.
std::string first_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : reason;
}

bool is_ip(const std::string& name) {
  const std::unique_ptr<ASN1_OCTET_STRING, Freeing<&ASN1_OCTET_STRING_free>> address(
      a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// Everything is let through here, so that an old protocol is seen and told, not just refused.
Context context_for_all() {
  Context context(SSL_CTX_new(TLS_client_method()));
  GD_ASSERT(context != nullptr);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), 0);
  const int listed = SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");
  GD_ASSERT(listed == 1);
  return context;
}

Result<Store> store_of(const std::string& ca) {
  Store store(X509_STORE_new());
  GD_ASSERT(store != nullptr);
  if (ca.empty()) {
    X509_STORE_set_default_paths(store.get());
  } else if (X509_STORE_load_file(store.get(), ca.c_str()) != 1) {
    return fail(ErrorCode::invalid, "no certificates in " + ca + ": " + first_error());
  }
  ERR_clear_error();
  return store;
}

// A session reads and writes memory, and this carries it over the socket: OpenSSL's own way of
// writing would end the process where the peer has closed.
class Carrier {
 public:
  Carrier(SSL* session, const Descriptor& line, const Clock& clock, const Until& until)
      : in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())),
        line_(line),
        clock_(clock),
        until_(until) {
    GD_ASSERT(in_ != nullptr && out_ != nullptr);
    BIO_set_mem_eof_return(in_, -1);  // empty for now, not at its end
    SSL_set_bio(session, in_, out_);  // which frees them
  }

  Status flush() {
    char* bytes = nullptr;
    for (long left = BIO_get_mem_data(out_, &bytes); left > 0;) {
      TRY(ready, wait_for(line_.get(), POLLOUT, clock_, until_));
      static_cast<void>(ready);
      const ssize_t sent = send(line_.get(), bytes, static_cast<std::size_t>(left), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return std::unexpected(system_error(errno, "cannot send"));
      }
      bytes += std::max<ssize_t>(sent, 0);
      left -= std::max<ssize_t>(sent, 0);
    }
    static_cast<void>(BIO_reset(out_));
    return {};
  }

  Status fetch() {
    char bytes[16 << 10];
    while (true) {
      TRY(ready, wait_for(line_.get(), POLLIN, clock_, until_));
      static_cast<void>(ready);
      const ssize_t came = recv(line_.get(), bytes, sizeof bytes, 0);
      if (came < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (came < 0) return std::unexpected(system_error(errno, "cannot read"));
      if (came == 0) return fail(ErrorCode::failed, "the peer closed in the handshake");
      const int kept = BIO_write(in_, bytes, static_cast<int>(came));
      GD_ASSERT(kept == came);
      return {};
    }
  }

 private:
  BIO* in_;
  BIO* out_;
  const Descriptor& line_;
  const Clock& clock_;
  const Until& until_;
};

Status shake_hands(SSL* session, Carrier& carrier) {
  while (true) {
    ERR_clear_error();
    const int done = SSL_connect(session);
    const int why = SSL_get_error(session, done);
    const std::string error = why == SSL_ERROR_SSL ? first_error() : "";
    TRY_OK(carrier.flush());
    if (done == 1) return {};
    if (why == SSL_ERROR_SSL) return fail(ErrorCode::failed, error);
    if (why != SSL_ERROR_WANT_READ) return fail(ErrorCode::failed, "the handshake broke off");
    TRY_OK(carrier.fetch());
  }
}

// As SSL_set_tlsext_host_name() does, which is a macro with an old cast in it.
Status name_server(SSL* session, std::string name) {
  if (is_ip(name) || SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              name.data()) == 1) {
    return {};
  }
  return fail(ErrorCode::invalid, "'" + valid_utf8(name) + "' is no server's name");
}

Utc expiry_of(const X509* certificate) {
  std::tm parts{};
  const int read = ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
  // What is no time has passed already.
  return read == 1 ? Utc(std::chrono::seconds(timegm(&parts))) : Utc{};
}

// Whether a path leads to somebody trusted, as of `now`; the expiry of all that is on it.
void judge_chain(SSL* session, X509* leaf, X509_STORE* store, Utc now, TlsSeen& seen) {
  constexpr int kStrength = 2;  // 112 bits, as OpenSSL demands by itself on Debian
  const Verification verification(X509_STORE_CTX_new());
  GD_ASSERT(verification != nullptr);
  const int ready =
      X509_STORE_CTX_init(verification.get(), store, leaf, SSL_get_peer_cert_chain(session));
  GD_ASSERT(ready == 1);
  X509_STORE_CTX_set_default(verification.get(), "ssl_server");
  X509_VERIFY_PARAM* const terms = X509_STORE_CTX_get0_param(verification.get());
  X509_VERIFY_PARAM_set_auth_level(terms, kStrength);
  X509_VERIFY_PARAM_set_time(
      terms, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  if (X509_verify_cert(verification.get()) != 1) {
    seen.distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()));
  }
  ERR_clear_error();
  seen.expires = expiry_of(leaf);
  const auto* const chain = X509_STORE_CTX_get0_chain(verification.get());
  for (int at = 0; at < sk_X509_num(chain); ++at) {
    seen.expires = std::min(seen.expires, expiry_of(sk_X509_value(chain, at)));
  }
}

std::string fingerprint_of(const X509* leaf) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(leaf, &der);
  GD_ASSERT(size > 0);
  const std::string digest =
      sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

std::string names_of(const X509* leaf) {
  std::vector<std::string> found;
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int at = 0; names != nullptr && at < sk_GENERAL_NAME_num(names.get()); ++at) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), at);
    if (name->type != GEN_DNS) continue;
    const auto* const bytes = ASN1_STRING_get0_data(name->d.dNSName);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    found.push_back(valid_utf8({reinterpret_cast<const char*>(bytes), size}));
  }
  if (!found.empty()) return join(found, ", ");
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(leaf), subject, sizeof subject);
  return valid_utf8(subject);
}

}  // namespace

Result<TlsSeen> look_at_tls(const Descriptor& line, const TlsQuestion& question, const Clock& clock,
                            const Until& until) {
  TRY(store, store_of(question.ca));
  const Context context = context_for_all();
  const Session session(SSL_new(context.get()));
  GD_ASSERT(session != nullptr);
  const std::string& name = question.server_name;
  const bool ip = is_ip(name);
  TRY_OK(name_server(session.get(), name));
  Carrier carrier(session.get(), line, clock, until);
  TRY_OK(shake_hands(session.get(), carrier));
  X509* const leaf = SSL_get0_peer_certificate(session.get());
  if (leaf == nullptr) return fail(ErrorCode::failed, "the peer shows no certificate");
  TlsSeen seen;
  seen.protocol = SSL_get_version(session.get());
  seen.cipher = SSL_get_cipher_name(session.get());
  seen.names = names_of(leaf);
  seen.fingerprint = fingerprint_of(leaf);
  seen.name_matches = (ip ? X509_check_ip_asc(leaf, name.c_str(), 0)
                          : X509_check_host(leaf, name.data(), name.size(), 0, nullptr)) == 1;
  judge_chain(session.get(), leaf, store.get(), clock.now().utc, seen);
  return seen;
}

struct TlsTunnel::State {
  State(Session opened, Descriptor a_line, const Clock& a_clock, Until an_until)
      : session(std::move(opened)),
        line(std::move(a_line)),
        clock(a_clock),
        until(std::move(an_until)),
        carrier(session.get(), line, clock, until) {}
  ~State() {
    eventfd_write(ended.get(), 1);
    if (worker.joinable()) worker.join();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // What the peer has sent, into our end.
  Status pass_in() {
    char bytes[16 << 10];
    while (true) {
      ERR_clear_error();
      const int came = SSL_read(session.get(), bytes, sizeof bytes);
      if (came <= 0) {
        TRY_OK(carrier.flush());
        if (SSL_get_error(session.get(), came) == SSL_ERROR_WANT_READ) return {};
        return fail(ErrorCode::failed, "the peer has closed");
      }
      for (int at = 0; at < came;) {
        TRY(ready, wait_for(far.get(), POLLOUT, clock, until));
        static_cast<void>(ready);
        const auto sent = send(far.get(), bytes + at, static_cast<std::size_t>(came - at),
                               MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
          return std::unexpected(system_error(errno, "cannot send"));
        }
        at += static_cast<int>(std::max<ssize_t>(sent, 0));
      }
    }
  }
  Status pass_out() {
    char bytes[16 << 10];
    const ssize_t came = recv(far.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (came < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (came <= 0) return fail(ErrorCode::failed, "our side has closed");
    if (SSL_write(session.get(), bytes, static_cast<int>(came)) != came) {
      return fail(ErrorCode::failed, "cannot encrypt");
    }
    return carrier.flush();
  }
  // Until one side closes, the tunnel ends or the time is over.
  Status pass_on() {
    while (true) {
      TRY_OK(pass_in());
      pollfd lines[] = {{far.get(), POLLIN, 0},
                        {line.get(), POLLIN, 0},
                        {ended.get(), POLLIN, 0},
                        {until.stop.descriptor(), POLLIN, 0}};
      const int left = poll_milliseconds(clock.now().boot, until.deadline);
      const int ready = poll(lines, std::size(lines), left);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0 || lines[2].revents != 0 || lines[3].revents != 0) {
        return fail(ErrorCode::stopped, "the tunnel ends");
      }
      if (lines[0].revents != 0) TRY_OK(pass_out());
      if (lines[1].revents != 0) TRY_OK(carrier.fetch());
    }
  }

  Session session;
  Descriptor line;
  const Clock& clock;
  const Until until;
  Carrier carrier;
  Descriptor near, far;
  Descriptor ended{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::thread worker;
};

TlsTunnel::TlsTunnel(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsTunnel::TlsTunnel(TlsTunnel&&) noexcept = default;
TlsTunnel& TlsTunnel::operator=(TlsTunnel&&) noexcept = default;
TlsTunnel::~TlsTunnel() = default;
Descriptor TlsTunnel::take() { return std::move(state_->near); }

Result<TlsTunnel> TlsTunnel::open(Descriptor line, const TlsQuestion& question, const Clock& clock,
                                  const Until& until) {
  TRY(store, store_of(question.ca));
  const Context context(SSL_CTX_new(TLS_client_method()));
  GD_ASSERT(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_store(context.get(), store.release());
  Session session(SSL_new(context.get()));
  GD_ASSERT(session != nullptr);
  const std::string& name = question.server_name;
  TRY_OK(name_server(session.get(), name));
  if (is_ip(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), name.c_str());
  } else {
    SSL_set1_host(session.get(), name.c_str());
  }
  auto state = std::make_unique<State>(std::move(session), std::move(line), clock, until);
  if (const auto shaken = shake_hands(state->session.get(), state->carrier); !shaken) {
    const long why = SSL_get_verify_result(state->session.get());
    if (why == X509_V_OK) return std::unexpected(shaken.error());
    return fail(ErrorCode::refused, std::string("the server's certificate is not trusted: ") +
                                        X509_verify_cert_error_string(why));
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return std::unexpected(system_error(errno, "cannot make a pair of sockets"));
  }
  state->near = Descriptor(ends[0]);
  state->far = Descriptor(ends[1]);
  state->worker = std::thread([tunnel = state.get()] {
    static_cast<void>(tunnel->pass_on());
    shutdown(tunnel->far.get(), SHUT_RDWR);
  });
  return TlsTunnel(std::move(state));
}

}  // namespace gameday
