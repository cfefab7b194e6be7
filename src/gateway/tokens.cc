#include "gateway/tokens.h"

#include <algorithm>

#include "base/guard.h"
#include "base/secret.h"

namespace boxagnts::gateway {

Tokens::Tokens(base::Clock& clock, Start start)
    : clock_(clock), start_(start == Start::made ? base::random_secret() : "") {}

std::string Tokens::log_in() {
  const std::lock_guard lock(mutex_);
  if (logins_.size() == kLoginsMax) logins_.pop_front();
  logins_.push_back({base::random_secret(), clock_.steady() + kLoginLasts});
  return logins_.back().token;
}

bool Tokens::log_out(std::string_view token) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(logins_, [&](const auto& login) {
           return base::equal_secrets(login.token, token);
         }) > 0;
}

bool Tokens::good(std::string_view token) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  std::erase_if(logins_, [&](const auto& login) {
    return GUARD("gateway.login_expired", login.ends <= now);
  });
  bool found = !start_.empty() && base::equal_secrets(start_, token);
  for (const auto& login : logins_) found |= base::equal_secrets(login.token, token);
  return found;
}

std::string Tickets::issue(std::string target) {
  const std::lock_guard lock(mutex_);
  if (tickets_.size() == kTicketsMax) tickets_.pop_front();
  tickets_.push_back({base::random_secret(), std::move(target), clock_.steady() + kTicketLasts});
  return tickets_.back().secret;
}

bool Tickets::use(std::string_view ticket, std::string_view target) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  const auto found = std::ranges::find_if(
      tickets_, [&](const auto& one) { return base::equal_secrets(one.secret, ticket); });
  if (found == tickets_.end()) return false;
  const bool late = GUARD("gateway.ticket_expired", found->ends <= now);
  const bool elsewhere = GUARD("gateway.ticket_path", found->target != target);
  if (GUARD("gateway.ticket_once", true)) tickets_.erase(found);
  return !late && !elsewhere;
}

}  // namespace boxagnts::gateway
