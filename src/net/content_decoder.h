// Undoes content codings as they stream: gzip (several members), deflate (with zlib's head or, as
// some servers send it, without), br, zstd (windows to 8 MiB, RFC 9659), at most three on one
// another.
//
// A value with state, for one thread. A little input may stand for much output: pieces are of at
// most 64 KiB, and a body that grows to more than 1 MiB and more than 200 times what came is
// refused. Bytes behind the end of the coding are passed over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace boxagnts::net {

class ContentDecoder {
 public:
  static constexpr std::size_t kPieceMax = 64 << 10;
  static constexpr std::uint64_t kFreeBytes = 1 << 20;
  static constexpr std::uint64_t kRatioMax = 200;

  // A coding of the list in Content-Encoding. Thread-safe functions of their own.
  class Layer {
   public:
    virtual ~Layer() = default;
    // Takes from `in`, appends to `out` at most kPieceMax bytes. Neither moved: it wants more.
    virtual Status decode(std::string_view& in, std::string& out) = 0;
    virtual bool is_done() const = 0;  // all that began has ended
  };

  // "gzip", "br, gzip". None for "" and "identity". Errors: unsupported.
  static Result<std::optional<ContentDecoder>> make(std::string_view content_encoding);

  // What came. Only when next() had nothing left.
  void feed(std::string bytes);
  // The next piece; nullopt: feed it. Errors: limit_exceeded, unavailable (damaged).
  Result<std::optional<std::string>> next();
  // At the end of what comes. Errors: unavailable, the body was cut.
  Status finish() const;

 private:
  struct Stage {
    std::unique_ptr<Layer> layer;
    std::string input;
    std::size_t used = 0;
  };
  Result<std::string> produce(std::size_t stage);

  std::vector<Stage> stages_;  // in the order of undoing
  std::uint64_t came_ = 0, made_ = 0;
};

}  // namespace boxagnts::net
