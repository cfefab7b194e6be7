#include "base/hash.h"

#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#include <array>

namespace boxagnts::base {

std::string blake2b_hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest;
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  std::array<char, 65> hex;
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return std::string(hex.data(), 64);
}

}  // namespace boxagnts::base
