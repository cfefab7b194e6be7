// BLAKE2b-256 (RFC 7693) by libsodium: names of blobs, cache keys. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace boxagnts::base {

// 64 lower-case hexadecimal digits.
std::string blake2b_hex(std::string_view bytes);

// The same for bytes that come in pieces. One thread at a time.
class Blake2b {
 public:
  Blake2b();
  ~Blake2b();
  void add(std::string_view bytes);
  std::string hex();  // once, at the end

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace boxagnts::base
