#include "net/http1_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kHeadBytesMax = 64 << 10;
constexpr int kInterimMax = 16;

class BeastReader final : public Http1Reader {
 public:
  BeastReader(std::string peer, bool is_bodiless)
      : peer_(std::move(peer)), is_bodiless_(is_bodiless) {
    begin_head();
  }

  Status feed(std::string_view bytes) override {
    unparsed_ += bytes;
    // The shortest end of the chunked coding has five bytes. Beast, asked again with less of it,
    // trips over an assertion of its own.
    if (has_head_ && needs_more_ && unparsed_.size() < 5) return {};
    while (!unparsed_.empty() && !is_done()) {
      boost::system::error_code error;
      const std::size_t used =
          parser_->put(boost::asio::buffer(unparsed_.data(), unparsed_.size()), error);
      unparsed_.erase(0, used);
      needs_more_ = error == http::error::need_more;
      if (error && error != http::error::need_more)
        return fail(Code::unavailable, peer_ + " does not answer in HTTP/1.1", error.message());
      // What stays unparsed is a line of the chunked coding: it has a bound as the head has.
      if (GUARD("net.chunk-line", error && unparsed_.size() > kHeadBytesMax))
        return fail(Code::unavailable, peer_ + " sends a chunk whose head is larger than 64 KiB");
      if (!has_head_ && parser_->is_header_done()) TRY(take_head());
      if (error || used == 0) break;
    }
    return {};
  }

  Status feed_end() override {
    boost::system::error_code error;
    if (is_done()) return {};
    if (parser_->got_some()) parser_->put_eof(error);
    if (!parser_->got_some() || error || !is_done())
      return fail(Code::unavailable,
                  "the connection to " + peer_ + " ended before the answer was complete",
                  error.message());
    ended_by_close_ = true;
    return {};
  }

  bool has_head() const override { return has_head_; }
  bool is_done() const override { return has_head_ && parser_->is_done(); }
  int status() const override { return status_; }
  const Headers& headers() const override { return headers_; }
  std::string take_body() override { return std::exchange(parser_->get().body(), {}); }
  bool has_body() const override { return has_head_ && !parser_->get().body().empty(); }
  bool keeps_alive() const override {
    return is_done() && !ended_by_close_ && parser_->get().keep_alive() && unparsed_.empty();
  }

 private:
  void begin_head() {
    parser_.emplace();
    parser_->eager(false);  // the head alone, so that trailers do not count as headers
    parser_->header_limit(kHeadBytesMax);
    parser_->body_limit(boost::none);
    parser_->skip(is_bodiless_);
  }

  // An interim answer is passed over: the real one follows (RFC 9110, 15.2).
  Status take_head() {
    status_ = static_cast<int>(parser_->get().result_int());
    if (status_ == 101)
      return fail(Code::unavailable, peer_ + " changes the protocol, which nobody asked for");
    if (status_ < 200) {
      if (GUARD("net.interim-answers", ++interim_ > kInterimMax))
        return fail(Code::unavailable, peer_ + " sends interim answers without end");
      begin_head();
      return {};
    }
    has_head_ = true;
    parser_->eager(true);
    for (const auto& field : parser_->get())
      headers_.emplace_back(std::string(field.name_string()), std::string(field.value()));
    return {};
  }

  const std::string peer_;
  const bool is_bodiless_;
  std::optional<http::response_parser<http::string_body>> parser_;
  std::string unparsed_;
  Headers headers_;
  int status_ = 0, interim_ = 0;
  bool has_head_ = false, needs_more_ = false, ended_by_close_ = false;
};

}  // namespace

std::unique_ptr<Http1Reader> Http1Reader::make(std::string peer, std::string_view request_method) {
  return std::make_unique<BeastReader>(std::move(peer), request_method == "HEAD");
}

}  // namespace boxagnts::net
