#include "net/content_decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kLayersMax = 3;
constexpr int kZstdWindowLogMax = 23;

std::unexpected<Error> damaged(std::string_view coding, std::string_view why) {
  return fail(Code::unavailable, "the answer's body is damaged: it is not " + std::string(coding),
              std::string(why));
}

// Room for a piece behind `out`, not cleared first: fill(room, size) says how much it used.
template <class Fill>
void append_piece(std::string& out, Fill fill) {
  const std::size_t had = out.size();
  out.resize_and_overwrite(had + ContentDecoder::kPieceMax, [&](char* bytes, std::size_t size) {
    return had + fill(bytes + had, size - had);
  });
}

class Inflate final : public ContentDecoder::Layer {
 public:
  enum class Form : std::uint8_t { gzip, deflate };
  explicit Inflate(Form form) : form_(form) {}
  ~Inflate() override {
    if (is_begun_) ::inflateEnd(&stream_);
  }

  Status decode(std::string_view& in, std::string& out) override {
    if (is_begun_ && has_ended_) {
      if (form_ == Form::gzip && starts_member(in)) {
        ::inflateReset(&stream_);
        has_ended_ = false;
      } else {
        in = {};
        return {};
      }
    }
    if (!is_begun_) {
      if (in.empty()) return {};
      stream_ = {};
      if (::inflateInit2(&stream_, window_bits(in)) != Z_OK)
        return fail(Code::limit_exceeded, "no memory to decode the answer");
      is_begun_ = true;
    }
    return run(in, out);
  }
  bool is_done() const override { return !is_begun_ || has_ended_; }

 private:
  int window_bits(std::string_view in) const {
    if (form_ == Form::gzip) return 15 + 16;
    const bool has_head = (static_cast<unsigned char>(in[0]) & 0x0f) == Z_DEFLATED;
    return has_head ? 15 : -15;  // a raw stream's first byte of that form would be a stored block
  }
  static bool starts_member(std::string_view in) { return in.starts_with('\x1f'); }

  Status run(std::string_view& in, std::string& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    int result = Z_OK;
    append_piece(out, [&](char* to, std::size_t room) {
      stream_.next_out = reinterpret_cast<Bytef*>(to);
      stream_.avail_out = static_cast<uInt>(room);
      result = ::inflate(&stream_, Z_NO_FLUSH);
      return room - stream_.avail_out;
    });
    in.remove_prefix(in.size() - stream_.avail_in);
    if (result == Z_STREAM_END) has_ended_ = true;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return damaged(form_ == Form::gzip ? "gzip" : "deflate", stream_.msg ? stream_.msg : "");
    return {};
  }

  const Form form_;
  z_stream stream_{};
  bool is_begun_ = false, has_ended_ = false;
};

class Brotli final : public ContentDecoder::Layer {
 public:
  ~Brotli() override { ::BrotliDecoderDestroyInstance(state_); }

  Status decode(std::string_view& in, std::string& out) override {
    if (!state_) return fail(Code::limit_exceeded, "no memory to decode the answer");
    if (::BrotliDecoderIsFinished(state_)) {
      in = {};
      return {};
    }
    has_begun_ = has_begun_ || !in.empty();
    std::size_t in_left = in.size();
    const auto* from = reinterpret_cast<const std::uint8_t*>(in.data());
    auto result = BROTLI_DECODER_RESULT_ERROR;
    append_piece(out, [&](char* at, std::size_t room) {
      std::size_t left = room;
      auto* to = reinterpret_cast<std::uint8_t*>(at);
      result = ::BrotliDecoderDecompressStream(state_, &in_left, &from, &left, &to, nullptr);
      return room - left;
    });
    in.remove_prefix(in.size() - in_left);
    if (result == BROTLI_DECODER_RESULT_ERROR)
      return damaged("br", ::BrotliDecoderErrorString(::BrotliDecoderGetErrorCode(state_)));
    return {};
  }
  bool is_done() const override { return !has_begun_ || ::BrotliDecoderIsFinished(state_); }

 private:
  BrotliDecoderState* const state_ = ::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  bool has_begun_ = false;
};

class Zstd final : public ContentDecoder::Layer {
 public:
  Zstd() {
    if (state_) ::ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }
  ~Zstd() override { ::ZSTD_freeDCtx(state_); }

  Status decode(std::string_view& in, std::string& out) override {
    if (!state_) return fail(Code::limit_exceeded, "no memory to decode the answer");
    if (in.empty() && is_done_) return {};
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    std::size_t result = 0;
    append_piece(out, [&](char* at, std::size_t room) {
      ZSTD_outBuffer to{at, room, 0};
      result = ::ZSTD_decompressStream(state_, &to, &from);
      return to.pos;
    });
    in.remove_prefix(from.pos);
    if (::ZSTD_isError(result)) return damaged("zstd", ::ZSTD_getErrorName(result));
    is_done_ = result == 0;
    return {};
  }
  bool is_done() const override { return is_done_; }

 private:
  ZSTD_DCtx* const state_ = ::ZSTD_createDCtx();
  bool is_done_ = true;
};

std::string word_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  std::string out(text.substr(first, text.find_last_not_of(" \t") - first + 1));
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

Result<std::optional<ContentDecoder>> ContentDecoder::make(std::string_view content_encoding) {
  ContentDecoder decoder;
  for (const auto part : base::split(content_encoding, ',')) {
    const std::string coding = word_of(part);
    std::unique_ptr<Layer> layer;
    if (coding.empty() || coding == "identity") continue;
    if (coding == "gzip" || coding == "x-gzip")
      layer = std::make_unique<Inflate>(Inflate::Form::gzip);
    else if (coding == "deflate")
      layer = std::make_unique<Inflate>(Inflate::Form::deflate);
    else if (coding == "br")
      layer = std::make_unique<Brotli>();
    else if (coding == "zstd")
      layer = std::make_unique<Zstd>();
    else
      return fail(Code::unsupported,
                  "the answer is coded in a way that is not known: " + base::one_line(coding, 40));
    if (GUARD("net.codings", decoder.stages_.size() == kLayersMax))
      return fail(Code::unsupported, "the answer is coded more than three times over");
    decoder.stages_.insert(decoder.stages_.begin(), Stage{std::move(layer), {}, 0});
  }
  if (decoder.stages_.empty()) return std::nullopt;
  return decoder;
}

void ContentDecoder::feed(std::string bytes) {
  came_ += bytes.size();
  stages_.front().input = std::move(bytes);
  stages_.front().used = 0;
}

// The next output of a stage, "" when all before it want more.
Result<std::string> ContentDecoder::produce(std::size_t stage) {
  Stage& self = stages_[stage];
  std::string out;
  while (true) {
    std::string_view in = std::string_view(self.input).substr(self.used);
    const std::size_t had = in.size();
    TRY(self.layer->decode(in, out));
    self.used = self.input.size() - in.size();
    if (!out.empty()) return out;
    if (in.size() != had && !in.empty()) continue;
    if (stage == 0) return out;
    self.input = TRY(produce(stage - 1));
    self.used = 0;
    if (self.input.empty()) return out;
  }
}

Result<std::optional<std::string>> ContentDecoder::next() {
  std::string piece = TRY(produce(stages_.size() - 1));
  if (piece.empty()) return std::nullopt;
  made_ += piece.size();
  if (GUARD("net.decoded-ratio", made_ > kFreeBytes && made_ > came_ * kRatioMax))
    return fail(Code::limit_exceeded,
                "the answer's body grows to more than 200 times what was sent; it is not read on");
  return piece;
}

Status ContentDecoder::finish() const {
  const bool is_whole =
      std::ranges::all_of(stages_, [](const Stage& stage) { return stage.layer->is_done(); });
  if (!is_whole)
    return fail(Code::unavailable, "the answer's body was cut: its compressed form has no end");
  return {};
}

}  // namespace boxagnts::net
