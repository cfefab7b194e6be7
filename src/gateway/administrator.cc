#include "base/guard.h"
#include "base/secret.h"
#include "gateway/sign_in.h"

namespace boxagnts::gateway {

Result<Administrator> make_administrator(std::string user, std::string_view password) {
  constexpr std::size_t kBytesMin = 8;
  while (password.ends_with('\n') || password.ends_with('\r')) password.remove_suffix(1);
  if (base::is_password_hash(password))
    return Administrator{std::move(user), std::string(password)};
  if (GUARD("gateway.short_password", password.size() < kBytesMin))
    return fail(Code::invalid_argument, "the administrator's password is shorter than " +
                                            std::to_string(kBytesMin) + " bytes: choose another");
  return Administrator{std::move(user), TRY(base::hash_password(password))};
}

}  // namespace boxagnts::gateway
