#include "toolbox/guest_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/egress.h"
#include "net/url.h"

namespace boxagnts::toolbox {
namespace {

// The rest of an answer, as it comes.
class Body final : public vfs::File {
 public:
  explicit Body(std::unique_ptr<net::Response> response) : response_(std::move(response)) {}

  vfs::Sys<vfs::Stat> stat() override {
    return vfs::Stat{.kind = vfs::Kind::other, .size = left_.size() - done_};
  }
  vfs::Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    if (into.empty()) return 0;
    if (done_ == left_.size() && !at_end_) {
      auto piece = response_->try_read();
      if (!piece) return std::unexpected(EIO);  // cut, or more than may come of it: never an end
      if (!*piece) return std::unexpected(EAGAIN);
      left_ = std::move(**piece);
      done_ = 0;
      at_end_ = left_.empty();
    }
    const std::size_t size = std::min(into.size(), left_.size() - done_);
    if (size > 0) std::memcpy(into.data(), left_.data() + done_, size);
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
    return done_ < left_.size() || at_end_ ? -1 : response_->poll_descriptor();
  }

 private:
  const std::unique_ptr<net::Response> response_;
  std::string left_;
  std::size_t done_ = 0;
  bool at_end_ = false;
};

// What decided, alone: of another refusal (a certificate) no rule did.
Error with_its_rule(Error error) {
  constexpr std::string_view kRule = "rule ";
  error.context.erase(0, error.context.starts_with(kRule) ? kRule.size() : std::string::npos);
  return error;
}

class GuestNetwork final : public sandbox::Network {
 public:
  GuestNetwork(net::HttpClient& client, core::NetworkGrant grant, tools::ConnectionAsker& asker,
               const base::StoppedTime& stopped)
      : client_(client), grant_(std::move(grant)), asker_(asker), stopped_(stopped) {}

  Result<sandbox::NetworkAnswer> open(const sandbox::NetworkRequest& request, base::Steady deadline,
                                      std::stop_token stop) override {
    net::Request wanted{.method = request.method, .url = TRY(net::parse_url(request.url))};
    wanted.headers = request.headers;
    wanted.body = request.body;
    const auto destination = net::destination_of(wanted);
    const auto before = stopped_.total();
    TRY(ask_about(destination, stop));
    const net::SendOptions options{
        .decoding = net::Decoding::decoded,
        .sharing = net::Sharing::unshared,
        .deadline = deadline == base::kNever ? deadline : deadline + (stopped_.total() - before)};
    auto sent = client_.send(wanted, *gate_, options, std::move(stop));
    if (!sent) return std::unexpected(with_its_rule(std::move(sent).error()));
    asker_.made(destination);
    auto response = std::move(*sent);
    sandbox::NetworkAnswer answer{.status = response->status(),
                                  .url = wanted.url.text(),
                                  .protocol = std::string(response->protocol()),
                                  .headers = response->headers()};
    answer.body = std::make_shared<Body>(std::move(response));
    return answer;
  }

 private:
  // Where a person's yes is what is missing: asks, and goes on with the entry that it gives.
  Status ask_about(const net::Destination& destination, std::stop_token stop) {
    if (!gate_) gate_ = TRY(net::make_gate(grant_));
    const auto verdict = gate_->decide(destination, std::move(stop));
    if (verdict.allowed || !verdict.askable) return {};
    auto entry = asker_.ask(destination);
    if (!entry && entry.error().code == Code::permission_denied)
      // Who may not even ask says what would allow it.
      entry.error().message += "; " + verdict.reason;
    grant_.answered.push_back(TRY(std::move(entry)));
    gate_ = TRY(net::make_gate(grant_));
    return {};
  }

  net::HttpClient& client_;
  core::NetworkGrant grant_;
  tools::ConnectionAsker& asker_;
  const base::StoppedTime& stopped_;
  std::unique_ptr<net::ConnectGate> gate_;
};

}  // namespace

std::unique_ptr<sandbox::Network> make_guest_network(net::HttpClient& client,
                                                     core::NetworkGrant grant,
                                                     tools::ConnectionAsker& asker,
                                                     const base::StoppedTime& stopped) {
  return std::make_unique<GuestNetwork>(client, std::move(grant), asker, stopped);
}

}  // namespace boxagnts::toolbox
