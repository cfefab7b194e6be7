// A server's HTTP/2 bytes against two requests on one connection: answers or errors, never a wait
// that nothing ends, and no more of a body than came.
#include <cstring>

#include "net/http2_connection.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace boxagnts;

// Says its bytes in pieces and then ends; takes whatever is sent to it.
class Script final : public net::ClientTransport {
 public:
  Script(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  Result<std::optional<std::size_t>> read(std::span<char> into) override {
    const std::size_t size = std::min({into.size(), bytes_.size(), piece_});
    std::memcpy(into.data(), bytes_.data(), size);
    bytes_.remove_prefix(size);
    return size;
  }
  Result<std::optional<std::size_t>> write(std::string_view bytes) override { return bytes.size(); }
  int descriptor() const override { return -1; }
  bool has_buffered() const override { return true; }  // nothing has to be waited for

 private:
  std::string_view bytes_;
  const std::size_t piece_;
};

void ask(net::Http2Connection& connection, const net::Request& request, std::size_t came) {
  net::Waiter waiter({});
  const auto response = connection.send(request, {}, waiter);
  if (!response) return;
  FUZZ_CHECK((*response)->status() >= 200);
  for (std::size_t body = 0;;) {
    const auto piece = (*response)->read({});
    if (!piece || piece->empty()) return;
    body += piece->size();
    FUZZ_CHECK(body <= came);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = as_text(data + 1, size - 1);
  const std::size_t piece = data[0] == 0 ? bytes.size() + 1 : data[0];
  auto connection = net::Http2Connection::make(std::make_unique<Script>(bytes, piece), {});
  FUZZ_CHECK(connection.has_value());
  net::Request request{.url = {.scheme = "https", .host = "h", .port = 443, .target = "/"}};
  ask(**connection, request, bytes.size());
  request.method = "POST";
  request.body = "body";
  if ((*connection)->has_room()) ask(**connection, request, bytes.size());
  return 0;
}
