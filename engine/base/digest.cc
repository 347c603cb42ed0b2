#include "engine/base/digest.h"

#include <openssl/evp.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/text.h"

namespace gameday {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

std::string finished(EVP_MD_CTX* context) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  GD_ASSERT(EVP_DigestFinal_ex(context, bytes, &length) == 1);
  return "sha256:" + hex({reinterpret_cast<const char*>(bytes), length});
}

}  // namespace

struct Sha256::State {
  Context context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  GD_ASSERT(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  GD_ASSERT(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::digest() const {
  const Context copy(EVP_MD_CTX_new());
  GD_ASSERT(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1);
  return finished(copy.get());
}

std::string sha256(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.digest();
}

std::string md5(std::string_view bytes) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const int made = EVP_Digest(bytes.data(), bytes.size(), sum, &length, EVP_md5(), nullptr);
  return made == 1 ? std::string(reinterpret_cast<const char*>(sum), length) : "";
}

std::string ulid(Utc now, Random& random) {
  static constexpr char kCrockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  auto time = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  std::string id(26, '0');
  for (std::size_t i = 10; i-- > 0; time >>= 5) id[i] = kCrockford[time & 31];
  for (std::size_t i = 10; i < 26; ++i) id[i] = kCrockford[random.below(32)];
  return id;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return fail(ErrorCode::invalid, "not base64");
  // EVP_DecodeBlock counts the bytes that the padding stands for.
  const auto padding = text.size() - std::min(text.find('='), text.size());
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

}  // namespace gameday
