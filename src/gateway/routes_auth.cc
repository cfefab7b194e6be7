#include "base/guard.h"
#include "gateway/parts.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

Result<Reply> give_token(Call& call) {
  const auto user = base::get_string(call.body, "user");
  auto token = user ? call.parts.sign_in.by_password(
                          call.request, *user, base::get_string(call.body, "password").value_or(""))
                    : call.parts.sign_in.as_same_user(call.request);
  return JsonReply{200, JsonObject{{"token", TRY(std::move(token))}}};
}

Result<Reply> take_token(Call& call) {
  const auto token = bearer_of(call.request);
  if (!call.parts.tokens.log_out(token))
    return fail(Code::conflict, "this token is the server's own and ends with it");
  return JsonReply{200, JsonObject{}};
}

Result<Reply> give_ticket(Call& call) {
  const auto path = base::get_string(call.body, "path").value_or("");
  const std::string ticket = call.parts.tickets.issue(std::string(path));
  return JsonReply{200, JsonObject{{"url", std::string(path) + (path.contains('?') ? "&" : "?") +
                                               "ticket=" + ticket},
                                   {"expires_in_ms", Tickets::kTicketLasts.count()}}};
}

}  // namespace

std::vector<Route> auth_routes() {
  return {
      {.method = "POST",
       .path = "/api/v1/auth/token",
       .id = "signIn",
       .tag = "auth",
       .summary = "A token, for the server's own user on this machine ({}), or for a password",
       .door = Door::open,
       .body = {Body::Kind::json, "SignIn", 16 << 10},
       .success = {.schema = "Token", .description = "The token."},
       .handler = give_token},
      {.method = "POST",
       .path = "/api/v1/auth/sign-out",
       .id = "signOut",
       .tag = "auth",
       .summary = "Ends the token of this request, if a password gave it",
       .body = {Body::Kind::json, "Empty", 1 << 10},
       .success = {.schema = "Empty", .description = "The token is void."},
       .handler = take_token},
      {.method = "POST",
       .path = "/api/v1/auth/tickets",
       .id = "makeTicket",
       .tag = "auth",
       .summary = "An address that works once, for downloads and images",
       .body = {Body::Kind::json, "TicketWanted", 16 << 10},
       .success = {.schema = "Ticket", .description = "The ticket."},
       .handler = give_ticket},
  };
}

}  // namespace boxagnts::gateway
