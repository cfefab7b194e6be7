// For this room's tests: a request and what was answered, without a network.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>

#include "gateway/test_stream.h"
#include "net/http_server.h"

namespace boxagnts::gateway {

inline net::IpAddress ip(std::string_view text) { return net::parse_ip(text).value(); }

// A GET of this machine's own, as curl sends it.
inline net::ServerRequest own_request(std::string method = "GET", std::string path = "/") {
  net::ServerRequest request;
  request.method = std::move(method);
  request.target = request.path = std::move(path);
  request.host = "127.0.0.1:30001";
  request.peer = request.local = ip("127.0.0.1");
  request.peer_port = 40'000;
  request.local_port = 30'001;
  return request;
}

class TestExchange final : public net::Exchange {
 public:
  explicit TestExchange(net::ServerRequest request, std::string body = {})
      : request_(std::move(request)), body_(std::move(body)) {}

  const net::ServerRequest& request() const override { return request_; }
  Result<std::string> read_body() override { return std::exchange(body_, {}); }
  void respond(net::ServerResponse response) override { answer = std::move(response); }
  void respond_file(net::ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                    std::uint64_t bytes) override {
    answer = std::move(head);
    answer->body.resize(bytes);
    const auto got = ::pread(file.get(), answer->body.data(), bytes, static_cast<off_t>(offset));
    answer->body.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  std::shared_ptr<net::ServerStream> respond_stream(net::ServerResponse head) override {
    answer = std::move(head);
    stream = std::make_shared<TestStream>();
    return stream;
  }
  std::stop_token gone() const override { return {}; }

  std::optional<net::ServerResponse> answer;
  std::shared_ptr<TestStream> stream;

 private:
  const net::ServerRequest request_;
  std::string body_;
};

}  // namespace boxagnts::gateway
