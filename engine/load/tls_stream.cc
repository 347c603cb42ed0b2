#include "engine/load/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/base/text.h"
#include "engine/sys/files.h"
#include "engine/sys/freeing.h"
#include "engine/sys/http.h"

namespace gameday {
namespace {

using Context = std::unique_ptr<SSL_CTX, Freeing<&SSL_CTX_free>>;
using Session = std::unique_ptr<SSL_SESSION, Freeing<&SSL_SESSION_free>>;
using Method = std::unique_ptr<BIO_METHOD, Freeing<&BIO_meth_free>>;
using Address = std::unique_ptr<ASN1_OCTET_STRING, Freeing<&ASN1_OCTET_STRING_free>>;

constexpr std::size_t kMostOfARecord = 16384;

struct Bytes {
  std::string_view in;  // what came and was not taken
  std::string out;      // what is to be sent
};

Bytes& bytes_of(BIO* bio) { return *static_cast<Bytes*>(BIO_get_data(bio)); }

int take_in(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  Bytes& bytes = bytes_of(bio);
  if (bytes.in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto taken = std::min(bytes.in.size(), static_cast<std::size_t>(size));
  std::memcpy(to, bytes.in.data(), taken);
  bytes.in.remove_prefix(taken);
  return static_cast<int>(taken);
}

int put_out(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  bytes_of(bio).out.append(from, static_cast<std::size_t>(size));
  return size;
}

long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

Method made_method() {
  Method made(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bytes"));
  GD_ASSERT(made != nullptr);
  BIO_meth_set_read(made.get(), &take_in);
  BIO_meth_set_write(made.get(), &put_out);
  BIO_meth_set_ctrl(made.get(), &control);
  return made;
}

// What OpenSSL says went wrong first, in this thread; the rest of its errors go.
std::string first_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "error " + std::to_string(code) : reason;
}

bool is_ip(const std::string& name) {
  const Address address(a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// OpenSSL passes over a file of ours that it cannot read, and nobody would be trusted then.
Status trust(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);
  const std::string own = authorities_named();
  const bool read =
      own.empty() || X509_STORE_load_file(SSL_CTX_get_cert_store(context), own.c_str()) == 1;
  const std::string error = read ? "" : first_error();
  ERR_clear_error();
  if (read) return {};
  return fail(ErrorCode::invalid, "no certificates in " + own + ": " + error);
}

}  // namespace

struct TlsClient::Shared {
  Method method = made_method();
  Context context{SSL_CTX_new(TLS_client_method())};
  Session session;  // none: the server has given none yet
  std::string name;
  bool ip = false;
  std::array<char, kMostOfARecord> plain;  // what was opened last

  // Who the certificate must be for, and who is asked for among those at the same address.
  bool names_server(SSL* ssl) {
    X509_VERIFY_PARAM* const terms = SSL_get0_param(ssl);
    if (ip) return X509_VERIFY_PARAM_set1_ip_asc(terms, name.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(terms, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // As SSL_set_tlsext_host_name() does, which is a macro with an old cast in it.
    return X509_VERIFY_PARAM_set1_host(terms, name.data(), name.size()) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
  }

  static int keep(SSL* ssl, SSL_SESSION* session) {
    auto* const shared = static_cast<Shared*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
    shared->session.reset(session);
    return 1;  // it is ours now
  }
};

TlsClient::TlsClient(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}
TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::make(const std::string& server_name) {
  auto shared = std::make_unique<Shared>();
  SSL_CTX* const context = shared->context.get();
  GD_ASSERT(context != nullptr);
  shared->name = server_name;
  shared->ip = is_ip(server_name);
  TRY_OK(trust(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Of thousands of connections, nearly all have nothing in their buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &Shared::keep);
  SSL_CTX_set_ex_data(context, 0, shared.get());
  constexpr std::array<unsigned char, 9> kHttp{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context, kHttp.data(), kHttp.size());
  std::unique_ptr<TlsClient> made(new TlsClient(std::move(shared)));
  // What no stream could do is told now.
  const std::unique_ptr<SSL, Freeing<&SSL_free>> tried(SSL_new(context));
  if (const auto& name = made->shared_->name; !made->shared_->names_server(tried.get())) {
    ERR_clear_error();
    return fail(ErrorCode::invalid, "'" + valid_utf8(name) + "' is no server's name");
  }
  return made;
}

struct TlsStream::Talk {
  explicit Talk(TlsClient::Shared& with)
      : shared(with), bio(BIO_new(shared.method.get())), ssl(SSL_new(shared.context.get())) {
    GD_ASSERT(bio != nullptr && ssl != nullptr);
    BIO_set_data(bio, &bytes);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);  // which frees it
    shared.names_server(ssl.get());
    if (shared.session != nullptr) SSL_set_session(ssl.get(), shared.session.get());
    SSL_set_connect_state(ssl.get());
    step(SSL_do_handshake(ssl.get()));
  }
  // Else whoever is freed without a last word takes its session along, which others resume.
  ~Talk() { SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  // What became of a call that returned `done`, which was to be above 0.
  void step(int done) {
    if (done > 0) return;
    switch (SSL_get_error(ssl.get(), done)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return;
      case SSL_ERROR_ZERO_RETURN: state = State::ended; return;
      default: break;
    }
    state = State::broken;
    const long verified = SSL_get_verify_result(ssl.get());
    problem = verified == X509_V_OK ? "TLS: " + first_error()
                                    : std::string("the server's certificate is not trusted: ") +
                                          X509_verify_cert_error_string(verified);
    ERR_clear_error();
  }

  TlsClient::Shared& shared;
  Bytes bytes;
  BIO* bio;
  std::unique_ptr<SSL, Freeing<&SSL_free>> ssl;
  State state = State::open;
  std::string problem;
};

TlsStream::TlsStream(TlsClient& client) : talk_(std::make_unique<Talk>(*client.shared_)) {}
TlsStream::~TlsStream() = default;

void TlsStream::came(std::string_view bytes) { talk_->bytes.in = bytes; }

std::string_view TlsStream::read() {
  if (talk_->state != State::open) return {};
  auto& room = talk_->shared.plain;
  ERR_clear_error();
  const int got = SSL_read(talk_->ssl.get(), room.data(), static_cast<int>(room.size()));
  talk_->step(got);
  return {room.data(), static_cast<std::size_t>(std::max(got, 0))};
}

TlsStream::State TlsStream::state() const { return talk_->state; }
const std::string& TlsStream::problem() const { return talk_->problem; }
bool TlsStream::ready() const { return SSL_is_init_finished(talk_->ssl.get()) == 1; }

std::size_t TlsStream::seal(std::string_view plain) {
  if (talk_->state == State::broken || plain.empty()) return 0;
  ERR_clear_error();
  std::size_t sealed = 0;
  talk_->step(SSL_write_ex(talk_->ssl.get(), plain.data(), plain.size(), &sealed));
  return sealed;
}

void TlsStream::bye() {
  if (!ready() || talk_->state == State::broken) return;
  ERR_clear_error();
  SSL_shutdown(talk_->ssl.get());
  ERR_clear_error();
}

bool TlsStream::has_words() const { return !talk_->bytes.out.empty(); }

void TlsStream::take_words(std::string& to) {
  to += talk_->bytes.out;
  talk_->bytes.out.clear();
}

bool kernel_has_tls() {
  const auto protocols = Files().read("/proc/sys/net/ipv4/tcp_available_ulp");
  if (!protocols) return false;
  const auto each = split(trimmed(*protocols), ' ');
  return std::ranges::find(each, "tls") != each.end();
}

}  // namespace gameday
