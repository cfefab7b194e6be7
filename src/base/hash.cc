#include "base/hash.h"

#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#include <array>

namespace boxagnts::base {

namespace {

using Digest = std::array<unsigned char, 32>;

std::string to_hex(const Digest& digest) {
  std::array<char, 65> hex;
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return std::string(hex.data(), 64);
}

}  // namespace

std::string blake2b_hex(std::string_view bytes) {
  Digest digest;
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  return to_hex(digest);
}

struct Blake2b::State {
  crypto_generichash_state hash;
};

Blake2b::Blake2b() : state_(std::make_unique<State>()) {
  crypto_generichash_init(&state_->hash, nullptr, 0, Digest().size());
}
Blake2b::~Blake2b() = default;

void Blake2b::add(std::string_view bytes) {
  crypto_generichash_update(&state_->hash, reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
}

std::string Blake2b::hex() {
  Digest digest;
  crypto_generichash_final(&state_->hash, digest.data(), digest.size());
  return to_hex(digest);
}

}  // namespace boxagnts::base
