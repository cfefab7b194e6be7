#include "net/request_head.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::net {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;
using View = boost::beast::string_view;

constexpr std::size_t kFieldsMax = 128;

std::string_view std_view(View text) { return {text.data(), text.size()}; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    return low(x) == low(y);
  });
}

// What Beast reads of a head, kept as it was sent.
class HeadReader final : public http::basic_parser<true> {
 public:
  HeadReader() {
    header_limit(UINT32_MAX);  // the scanner has bounded it
    body_limit(boost::none);   // the handler bounds it
  }
  RequestHead head;

 private:
  void on_request_impl(http::verb, View method, View target, int version, ErrorCode&) override {
    head.request.method = std_view(method);
    head.request.target = std_view(target);
    head.minor_version = static_cast<unsigned>(version % 10);
  }
  void on_field_impl(http::field, View name, View value, ErrorCode&) override {
    head.request.headers.emplace_back(std_view(name), std_view(value));
  }
  void on_header_impl(ErrorCode&) override {}
  void on_response_impl(int, View, int, ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(View, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}
};

std::string sentence_of(const ErrorCode& error) {
  if (error == http::error::bad_method) return "the method is not a word of HTTP";
  if (error == http::error::bad_target) return "the target has characters that no URL may have";
  if (error == http::error::bad_version) return "the request is not of HTTP/1.0 or HTTP/1.1";
  if (error == http::error::bad_field) return "a header's name is not a word followed by a colon";
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length ||
      error == http::error::bad_transfer_encoding)
    return "Content-Length and Transfer-Encoding do not say one length";
  return "the request's head is not as HTTP says";
}

// Does the request line end as one of another version of HTTP does?
bool is_of_another_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const auto blank = line.rfind(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view version = line.substr(blank + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version != "HTTP/1.1" &&
         version != "HTTP/1.0" && std::isdigit(static_cast<unsigned char>(version[5])) != 0 &&
         version[6] == '.' && std::isdigit(static_cast<unsigned char>(version[7])) != 0;
}

std::unexpected<BadRequest> bad(std::string reason, int status = 400) {
  return std::unexpected(BadRequest{status, std::move(reason)});
}
using Checked = std::expected<void, BadRequest>;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : std::uint8_t { plain, space };

// Decodes %XX once; nullopt where an escape is cut or no number.
std::optional<std::string> percent_decoded(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i] == '+' && plus == Plus::space ? ' ' : text[i]);
    }
  }
  return out;
}

std::size_t count_of(std::string_view text, char c) {
  return static_cast<std::size_t>(std::ranges::count(text, c));
}

Checked read_path(std::string_view raw, ServerRequest& request) {
  auto path = percent_decoded(raw, Plus::plain);
  if (!path) return bad("the path has an escape that is not % and two digits");
  if (GUARD("net.server-path-separator",
            count_of(*path, '/') != count_of(raw, '/') || path->contains('\\')))
    return bad("the path has a separator written as %2f, or a backslash");
  if (GUARD("net.server-path-nul", path->contains('\0'))) return bad("the path has a NUL in it");
  if (GUARD("net.server-path-utf8", !base::is_utf8(*path))) return bad("the path is not UTF-8");
  for (const std::string_view segment : base::split(*path, '/'))
    if (GUARD("net.server-path-dots", segment == "." || segment == ".."))
      return bad("the path has a segment . or .. in it");
  request.path = std::move(*path);
  return {};
}

Checked read_query(std::string_view raw, ServerRequest& request) {
  if (raw.empty()) return {};
  for (const std::string_view pair : base::split(raw, '&')) {
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals), Plus::space);
    auto value = percent_decoded(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
        Plus::space);
    if (!name || !value) return bad("the query has an escape that is not % and two digits");
    if (GUARD("net.server-query-utf8", !base::is_utf8(*name) || !base::is_utf8(*value)))
      return bad("the query is not UTF-8");
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

bool is_port(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number <= 65'535;
}

// "host", "host:port", "[v6]:port": no user, no path, nothing that another reader may cut
// otherwise.
bool is_authority(std::string_view text) {
  std::string_view host = text, rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !parse_ip(text.substr(1, end - 1))) return false;
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    const auto allowed = [](unsigned char c) {
      return std::isalnum(c) != 0 || std::string_view("-._~").contains(static_cast<char>(c));
    };
    if (host.empty() || !std::ranges::all_of(host, allowed)) return false;
  }
  return rest.empty() || (rest.size() > 1 && rest.starts_with(':') && is_port(rest.substr(1)));
}

// Takes scheme and authority off an absolute target (RFC 9112, 3.2.2); the target's word is the
// host's then.
Checked read_target(RequestHead& head, std::string_view& path_and_query) {
  const std::string_view target = head.request.target;
  path_and_query = target;
  if (target.starts_with('/')) return {};
  const auto scheme_end = target.find("://");
  const std::string scheme = lower(target.substr(0, scheme_end));
  if (GUARD("net.server-target-form",
            scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")))
    return bad("the target is neither a path nor a URL of http or https");
  const std::string_view rest = target.substr(std::min(scheme_end + 3, target.size()));
  const auto path = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, path);
  if (GUARD("net.server-target-authority", !is_authority(authority)))
    return bad("the host in the target is not a host with its port");
  head.request.host = lower(authority);
  path_and_query = path == std::string_view::npos ? std::string_view() : rest.substr(path);
  return {};
}

Checked read_host(RequestHead& head) {
  ServerRequest& request = head.request;
  const auto is_host = [](const auto& field) { return same_name(field.first, "Host"); };
  const auto count = std::ranges::count_if(request.headers, is_host);
  if (GUARD("net.server-host-repeated", count > 1))
    return bad("there is more than one Host header");
  if (count == 0) {
    if (GUARD("net.server-host-missing", head.minor_version >= 1))
      return bad("there is no Host header");
    return {};
  }
  auto& host = std::ranges::find_if(request.headers, is_host)->second;
  if (GUARD("net.server-host", !is_authority(host)))
    return bad("the Host header is not a host with its port");
  if (request.host.empty())
    request.host = lower(host);
  else
    host = request.host;
  return {};
}

Checked read_framing(RequestHead& head) {
  std::size_t lengths = 0;
  for (const auto& [name, value] : head.request.headers) {
    if (same_name(name, "Content-Length")) {
      ++lengths;
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), head.content_length);
      if (GUARD("net.server-content-length",
                error != std::errc() || end != value.data() + value.size() || lengths > 1))
        return bad("Content-Length is not one number");
    } else if (same_name(name, "Transfer-Encoding")) {
      head.is_chunked = same_name(value, "chunked");
      if (GUARD("net.server-transfer-encoding", !head.is_chunked))
        return bad("only chunked is understood as Transfer-Encoding");
      if (GUARD("net.server-chunked-old", head.minor_version < 1))
        return bad("HTTP/1.0 knows no Transfer-Encoding");
    } else if (same_name(name, "Expect")) {
      if (!same_name(value, "100-continue"))
        return bad("the server cannot do what Expect asks for", 417);
      head.expects_continue = head.minor_version >= 1;
    }
  }
  head.expects_continue = head.expects_continue && (head.is_chunked || head.content_length > 0);
  return {};
}

}  // namespace

std::expected<void, BadRequest> HeadScanner::step(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  switch (state_) {
    case State::cr:
    case State::leading_lf:
    case State::last_lf:
      if (GUARD("net.server-bare-cr", byte != '\n')) return bad("a CR stands without its LF");
      state_ = state_ == State::last_lf ? State::end : State::line_start;
      if (state_ == State::line_start) ++lines_;
      return {};
    case State::begin:
    case State::line_start:
      // One empty line before a request is passed over: old clients send it after a body
      // (RFC 9112, 2.2).
      if (byte == '\r') {
        state_ = state_ == State::begin ? State::leading_lf : State::last_lf;
        return {};
      }
      if (GUARD("net.server-folded", byte == ' ' || byte == '\t'))
        return bad("a line of the head begins with a blank");
      state_ = State::line;
      [[fallthrough]];
    case State::line:
      if (byte == '\r') {
        state_ = State::cr;
        return {};
      }
      if (GUARD("net.server-bare-lf", byte == '\n')) return bad("an LF stands without its CR");
      if (GUARD("net.server-control",
                (value < 0x20 && byte != '\t' && byte != '\n') || value == 0x7f))
        return bad("the head has a control character in it");
      return {};
    case State::end: break;
  }
  return {};
}

std::expected<std::optional<std::size_t>, BadRequest> HeadScanner::scan(std::string_view bytes) {
  for (; scanned_ < bytes.size() && state_ != State::end; ++scanned_) {
    if (GUARD("net.server-head-bytes", scanned_ >= bytes_max_))
      return lines_ == 0 ? bad("the target is longer than the server takes", 414)
                         : bad("the headers are larger than the server takes", 431);
    if (auto stepped = step(bytes[scanned_]); !stepped)
      return std::unexpected(std::move(stepped).error());
  }
  if (state_ != State::end) return std::nullopt;
  return scanned_;
}

std::expected<RequestHead, BadRequest> parse_request_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  HeadReader reader;
  ErrorCode error;
  reader.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error) return bad(sentence_of(error), is_of_another_version(bytes) ? 505 : 400);
  RequestHead& head = reader.head;
  if (GUARD("net.server-fields", head.request.headers.size() > kFieldsMax))
    return bad("there are more than 128 headers", 431);
  const bool is_ascii = std::ranges::all_of(
      head.request.target, [](unsigned char c) { return c < 0x7f && c != '#' && c != '"'; });
  if (GUARD("net.server-target-bytes", !is_ascii))
    return bad("the target has characters that no URL may have");
  std::string_view path_and_query;
  if (auto read = read_target(head, path_and_query); !read) return std::unexpected(read.error());
  if (auto read = read_host(head); !read) return std::unexpected(read.error());
  if (auto read = read_framing(head); !read) return std::unexpected(read.error());
  const auto question = path_and_query.find('?');
  const std::string_view path = path_and_query.substr(0, question);
  if (auto read = read_path(path.empty() ? "/" : path, head.request); !read)
    return std::unexpected(read.error());
  if (question != std::string_view::npos)
    if (auto read = read_query(path_and_query.substr(question + 1), head.request); !read)
      return std::unexpected(read.error());
  head.keeps_alive = reader.keep_alive();
  return std::move(head);
}

std::string_view ServerRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_name(key, name)) return value;
  return {};
}

std::optional<std::string_view> ServerRequest::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

}  // namespace boxagnts::net
