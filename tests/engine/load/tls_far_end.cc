#include "tests/engine/load/tls_far_end.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/sys/freeing.h"

namespace gameday {
namespace {

class Certificates {
 public:
  Certificates() {
    char pattern[] = "/tmp/gameday-load-tls-XXXXXX";
    folder_ = mkdtemp(pattern);
    authority("ca");
    authority("unknown");
    const std::string names = "DNS:localhost,DNS:shop.test,IP:127.0.0.1,IP:::1";
    issue("good", "ca", 30, names);
    issue("expired", "ca", -1, names);
    issue("other", "ca", 30, "DNS:other.test,IP:127.0.0.2");
    issue("stranger", "unknown", 30, names);
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  static constexpr const char* kKey = "ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
  void run(const std::string& command) const {
    const std::string whole = "cd " + folder_ + " && openssl " + command + " >>log 2>&1";
    EXPECT_EQ(std::system(whole.c_str()), 0) << command;
  }
  void authority(const std::string& name) const {
    run("req -x509 -newkey " + std::string(kKey) + "-subj /CN=" + name + " -days 60 -keyout " +
        name + ".key -out " + name + ".pem");
  }
  void issue(const std::string& name, const std::string& by, int days,
             const std::string& names) const {
    std::ofstream(file("extensions")) << "subjectAltName=" << names << "\n";
    run("req -newkey " + std::string(kKey) + "-subj /CN=" + name + " -keyout " + name +
        ".key -out request");
    run("x509 -req -in request -CA " + by + ".pem -CAkey " + by + ".key -CAcreateserial -days " +
        std::to_string(days) + " -extfile extensions -out " + name + ".pem");
  }
  std::string folder_;
};

// As a server chooses: the first that the client has.
int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
           unsigned int, void*) {
  *size = *in;
  *out = in + 1;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string tls_file(const std::string& name) {
  static const Certificates made;
  return made.file(name);
}

void trust_test_authority() { setenv("SSL_CERT_FILE", tls_file("ca.pem").c_str(), 1); }

struct TlsFarServer::Shared {
  std::unique_ptr<SSL_CTX, Freeing<&SSL_CTX_free>> context{SSL_CTX_new(TLS_server_method())};
};

TlsFarServer::TlsFarServer(const TlsFarTerms& terms) : shared_(std::make_unique<Shared>()) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = shared_->context.get();
  const std::string start = tls_file(terms.certificate);
  EXPECT_EQ(SSL_CTX_use_certificate_file(context, (start + ".pem").c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context, (start + ".key").c_str(), SSL_FILETYPE_PEM), 1);
  if (terms.most == 12) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  if (terms.most == 11) {
    SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  }
  SSL_CTX_set_alpn_select_cb(context, &choose, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  constexpr unsigned char kOwn[] = "gameday";
  SSL_CTX_set_session_id_context(context, kOwn, sizeof kOwn);
}
TlsFarServer::~TlsFarServer() = default;

struct TlsFarEnd::Talk {
  static void noted(const SSL* ssl, int where, int what) {
    auto* const self = static_cast<Talk*>(SSL_get_ex_data(ssl, 0));
    constexpr int kFatal = 2;
    if (where == SSL_CB_READ_ALERT && what >> 8 == kFatal) self->alert = true;
  }
  std::unique_ptr<SSL, Freeing<&SSL_free>> ssl;
  bool alert = false;
  std::string problem;
};

TlsFarEnd::TlsFarEnd(TlsFarServer& server, int socket) : talk_(std::make_unique<Talk>()) {
  talk_->ssl.reset(SSL_new(server.shared_->context.get()));
  SSL_set_fd(talk_->ssl.get(), socket);
  SSL_set_ex_data(talk_->ssl.get(), 0, talk_.get());
  SSL_set_info_callback(talk_->ssl.get(), &Talk::noted);
  SSL_set_accept_state(talk_->ssl.get());
}
// Its session stays good, whatever it ended with.
TlsFarEnd::~TlsFarEnd() { SSL_set_shutdown(talk_->ssl.get(), SSL_SENT_SHUTDOWN); }

TlsFarEnd::Shaken TlsFarEnd::shake() {
  ERR_clear_error();
  const int done = SSL_accept(talk_->ssl.get());
  if (done == 1) return Shaken::yes;
  if (SSL_get_error(talk_->ssl.get(), done) == SSL_ERROR_WANT_READ) return Shaken::no;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  talk_->problem = reason == nullptr ? "closed" : reason;
  return Shaken::failed;
}

bool TlsFarEnd::say(std::string_view text) {
  ERR_clear_error();
  return SSL_write(talk_->ssl.get(), text.data(), static_cast<int>(text.size())) > 0;
}

long TlsFarEnd::hear(char* to, std::size_t size, bool& ended) {
  ERR_clear_error();
  const int got = SSL_read(talk_->ssl.get(), to, static_cast<int>(size));
  ended = got <= 0 && SSL_get_error(talk_->ssl.get(), got) != SSL_ERROR_WANT_READ;
  return got;
}

bool TlsFarEnd::has_some() const { return SSL_pending(talk_->ssl.get()) > 0; }
void TlsFarEnd::say_bye() { SSL_shutdown(talk_->ssl.get()); }
bool TlsFarEnd::heard_bye() const {
  return (SSL_get_shutdown(talk_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

bool TlsFarEnd::heard_alert() const { return talk_->alert; }

void TlsFarEnd::ask_for_new_keys() {
  SSL* const ssl = talk_->ssl.get();
  if (SSL_version(ssl) == TLS1_2_VERSION) {
    EXPECT_EQ(SSL_renegotiate(ssl), 1);
  } else {
    EXPECT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
  }
  EXPECT_EQ(SSL_do_handshake(ssl), 1);
}

bool TlsFarEnd::resumed() const { return SSL_session_reused(talk_->ssl.get()) == 1; }

std::string TlsFarEnd::server_name() const {
  const char* name = SSL_get_servername(talk_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

std::string TlsFarEnd::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(talk_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsFarEnd::version() const { return SSL_get_version(talk_->ssl.get()); }
const std::string& TlsFarEnd::problem() const { return talk_->problem; }

}  // namespace gameday
