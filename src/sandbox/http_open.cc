#include "sandbox/http_open.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/json.h"
#include "base/text.h"
#include "sandbox/host_function.h"
#include "sandbox/preview1_layout.h"
#include "vfs/streams.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::uint32_t kMethodBytesMax = 32;
constexpr std::uint32_t kUrlBytesMax = 8 << 10;
constexpr std::uint32_t kHeaderBytesMax = 64 << 10;
constexpr std::size_t kHeadersMax = 100;
constexpr std::uint32_t kBodyBytesMax = 16 << 20;

// Those of one connection, and those that say what the host knows better: where it goes, how long
// it is, and which codings it undoes.
constexpr std::array<std::string_view, 14> kHostsOwn{"accept-encoding",
                                                     "connection",
                                                     "content-length",
                                                     "expect",
                                                     "host",
                                                     "http2-settings",
                                                     "keep-alive",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "proxy-connection",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade"};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.contains(c);
  });
}

bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

Result<std::vector<std::pair<std::string, std::string>>> headers_of(std::string_view lines) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto line : base::split(lines, '\n')) {
    if (line.empty()) continue;
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    const auto value = colon == line.npos ? line : trimmed(line.substr(colon + 1));
    if (GUARD("sandbox.http-header", colon == line.npos || !is_token(name) || !is_value(value)))
      return fail(Code::invalid_argument,
                  "a header is a line \"Name: value\" without control characters, not \"" +
                      base::one_line(base::repair_utf8(line), 80) + "\"");
    if (GUARD("sandbox.http-own-header",
              std::ranges::find(kHostsOwn, lower_case(name)) != kHostsOwn.end()))
      return fail(Code::invalid_argument,
                  "the header " + std::string(name) + " is the host's own; leave it out");
    if (headers.size() == kHeadersMax)
      return fail(Code::invalid_argument,
                  "a request has at most " + std::to_string(kHeadersMax) + " headers");
    headers.emplace_back(name, value);
  }
  return headers;
}

Result<NetworkAnswer> open_in(Call& call, std::string_view method, std::string_view url,
                              std::string_view headers, std::string_view body,
                              base::Steady deadline) {
  if (GUARD("sandbox.http-method", method.size() > kMethodBytesMax || !is_token(method) ||
                                       lower_case(method) == "connect"))
    return fail(Code::invalid_argument, "\"" + base::one_line(base::repair_utf8(method), 40) +
                                            "\" is no method of a request");
  if (url.size() > kUrlBytesMax || !base::is_utf8(url))
    return fail(Code::invalid_argument, "the address is no UTF-8, or longer than " +
                                            std::to_string(kUrlBytesMax) + " bytes");
  NetworkRequest request{.method = std::string(method),
                         .url = std::string(url),
                         .headers = TRY(headers_of(headers)),
                         .body = std::string(body)};
  Network* network = call.process.process.network;
  if (GUARD("sandbox.no-network", !network))
    return fail(Code::permission_denied, "this program has no network", "no-network");
  return network->open(request, deadline, call.process.stop);
}

std::string text_of(std::string_view bytes) {
  return base::is_utf8(bytes) ? std::string(bytes) : base::repair_utf8(bytes);
}

JsonObject head_of(const Result<NetworkAnswer>& answer) {
  JsonObject head;
  if (!answer) {
    const Error& error = answer.error();
    JsonObject told;
    told["code"] = base::info(error.code).name;
    told["message"] = text_of(error.message);
    told["rule"] = error.code == Code::permission_denied ? text_of(error.context) : "";
    head["error"] = std::move(told);
    return head;
  }
  head["status"] = answer->status;
  head["url"] = text_of(answer->url);
  head["protocol"] = text_of(answer->protocol);
  JsonArray headers;
  for (const auto& [name, value] : answer->headers)
    headers.push_back(JsonArray{Json(text_of(name)), Json(text_of(value))});
  head["headers"] = std::move(headers);
  return head;
}

// The head's size, the head, then the body.
class AnswerStream final : public vfs::File {
 public:
  AnswerStream(const std::string& head, std::shared_ptr<vfs::File> body) : body_(std::move(body)) {
    for (int shift = 0; shift < 32; shift += 8)
      head_ += static_cast<char>(static_cast<std::uint32_t>(head.size()) >> shift & 0xff);
    head_ += head;
  }

  vfs::Sys<vfs::Stat> stat() override {
    vfs::Stat stat{.kind = vfs::Kind::other, .size = head_.size() - done_};
    if (stat.size == 0 && body_)
      if (const auto inner = body_->stat()) stat.size = inner->size;
    return stat;
  }
  vfs::Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    if (done_ == head_.size()) return body_ ? body_->read_at(into, 0) : 0;
    const std::size_t size = std::min(into.size(), head_.size() - done_);
    std::memcpy(into.data(), head_.data() + done_, size);
    done_ += size;
    return size;
  }
  vfs::Sys<std::size_t> write_at(std::span<const std::byte>, std::uint64_t) override {
    return std::unexpected(EBADF);
  }
  vfs::Sys<std::uint64_t> append(std::span<const std::byte>) override {
    return std::unexpected(EBADF);
  }
  vfs::Sys<void> resize(std::uint64_t) override { return std::unexpected(EINVAL); }
  vfs::Sys<void> set_times(const vfs::NewTimes&) override { return std::unexpected(EINVAL); }
  vfs::Sys<void> sync() override { return std::unexpected(EINVAL); }
  bool is_stream() const override { return true; }
  int poll_descriptor() const override {
    return done_ < head_.size() || !body_ ? -1 : body_->poll_descriptor();
  }

 private:
  std::string head_;
  std::size_t done_ = 0;
  const std::shared_ptr<vfs::File> body_;
};

Errno http_open(Call& call, std::uint32_t method, std::uint32_t method_size, std::uint32_t url,
                std::uint32_t url_size, std::uint32_t headers, std::uint32_t headers_size,
                std::uint32_t body, std::uint32_t body_size, std::uint32_t timeout_ms,
                std::uint32_t result) {
  ProcessState& process = call.process;
  const auto method_text = TRY_ERRNO(call.memory.text(method, method_size));
  const auto url_text = TRY_ERRNO(call.memory.text(url, url_size));
  const auto header_text = TRY_ERRNO(call.memory.text(headers, headers_size));
  const auto body_bytes = TRY_ERRNO(call.memory.text(body, body_size));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  if (GUARD("sandbox.http-size", headers_size > kHeaderBytesMax || body_size > kBodyBytesMax))
    return Errno::too_big;
  if (process.must_stop()) return Errno::io;
  // Its place is taken before anything is sent.
  constexpr std::uint64_t kRights = rights::kInput;
  const auto fd = TRY_ERRNO(process.add(Descriptor{.type = Descriptor::Type::stream,
                                                   .file = vfs::make_text_stream({}),
                                                   .opened = kRights,
                                                   .rights = kRights}));
  const base::Steady own = process.now() + std::chrono::milliseconds(timeout_ms);
  const base::Steady deadline =
      timeout_ms == 0 ? process.deadline() : std::min(own, process.deadline());
  auto answer = open_in(call, method_text, url_text, header_text, body_bytes, deadline);
  if (process.must_stop()) return Errno::io;
  const std::string head = base::to_text(Json(head_of(answer)));
  const auto opened = process.descriptor(fd, 0);
  if (!opened) return opened.error();
  (*opened)->file =
      std::make_shared<AnswerStream>(head, answer ? std::move(answer->body) : nullptr);
  return call.memory.store(result, fd);
}

}  // namespace

void define_http_open(wasmtime_linker_t& linker) {
  define<http_open>(linker, kBoxagnts, "http_open");
}

}  // namespace boxagnts::sandbox
