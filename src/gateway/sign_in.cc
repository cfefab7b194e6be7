#include "gateway/sign_in.h"

#include "base/guard.h"
#include "base/secret.h"

namespace boxagnts::gateway {
namespace {

// Who has an IPv6 network has all its addresses.
std::string throttle_key(const net::IpAddress& address) {
  if (address.v4) return address.text();
  net::IpAddress network = address;
  const bool mapped = address.bytes[10] == 0xff && address.bytes[11] == 0xff;
  if (!mapped) std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
  return network.text();
}

}  // namespace

Result<std::string> SignIn::as_same_user(const net::ServerRequest& request) const {
  if (GUARD("gateway.peer_admin", parts_.administrator.has_value()))
    return fail(Code::unauthenticated,
                "this server has an administrator: send {\"user\", \"password\"}");
  constexpr const char* kOpenPrinted =
      "; open the address that the server printed when it started, it holds a token";
  if (GUARD("gateway.peer_proxy", parts_.access.is_proxied(request)))
    return fail(Code::permission_denied,
                std::string("behind a proxy nobody can be known by his connection") + kOpenPrinted);
  if (GUARD("gateway.peer_loopback", !is_loopback(request.peer) || !is_loopback(request.local)))
    return fail(
        Code::permission_denied,
        std::string("only a connection of this machine gets a token by itself") + kOpenPrinted);
  const auto user = parts_.peer_user(request);
  if (GUARD("gateway.peer_user", !user || *user != parts_.own_user))
    return fail(Code::permission_denied,
                std::string("this connection is not one of the server's own user") + kOpenPrinted,
                user ? "" : user.error().message);
  return parts_.tokens.start();
}

Result<std::string> SignIn::by_password(const net::ServerRequest& request, std::string_view user,
                                        std::string_view password) {
  if (!parts_.administrator)
    return fail(Code::unauthenticated,
                "this server has no administrator: send {} from this machine, or start it with "
                "--admin-user");
  const std::string key = throttle_key(request.peer);
  const std::unique_lock judging(judging_, std::try_to_lock);
  if (!judging) {
    auto busy = fail(Code::busy, "another password is being looked at; try again in a second");
    busy.error().retry_after_ms = 1'000;
    return busy;
  }
  TRY(throttle_.admit(key));
  const bool known_user = base::equal_secrets(parts_.administrator->user, user);
  const bool matches = base::password_matches(parts_.administrator->password_hash, password);
  if (GUARD("gateway.password", !matches || !known_user))
    return fail(Code::unauthenticated, "the user or the password is wrong");
  throttle_.succeeded(key);
  return parts_.tokens.log_in();
}

}  // namespace boxagnts::gateway
