// What the API is made of: routes as data. The router matches by them, checks by them, and the
// OpenAPI document is written from them, so that what is declared is what happens.
//
// A group of routes is one function that gives a vector of Route (routes.h); adding one there is
// all that a new route needs. Values; a handler is called on several threads at once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "net/http_server.h"

namespace boxagnts::gateway {

struct Parts;  // parts.h

// Who may call.
enum class Door : std::uint8_t {
  page,    // everybody, also by a link of another page: answers hold nothing of a person's
  open,    // everybody but other pages
  local,   // this machine without a proxy, or a token
  token,   // who has the token
  ticket,  // or a one-use ticket for exactly this GET
};

enum class In : std::uint8_t { path, query, header };
enum class Need : std::uint8_t { required, optional };

struct Parameter {
  std::string_view name;
  In in = In::query;
  Need need = Need::optional;
  std::string_view schema;  // JSON Schema as text; of a string, an integer or a boolean
  std::string_view description;
};

// The body a route takes.
struct Body {
  enum class Kind : std::uint8_t {
    none,
    json,   // checked against the component schema of that name before the handler
    bytes,  // application/octet-stream; the handler reads it as it comes
  };
  Kind kind = Kind::none;
  std::string_view schema = {};
  std::size_t bytes_max = 1 << 20;  // json only
};

// A success. Errors need no entry: all have one shape.
struct Success {
  int status = 200;
  std::string_view media_type = "application/json";
  std::string_view schema = {};  // a component's name, for JSON
  std::string_view description;
};

// One request that was let in and checked.
struct Call {
  net::Exchange& exchange;
  const net::ServerRequest& request;
  Parts& parts;
  std::map<std::string, std::string, std::less<>> path;  // parameters by name
  Json query;                                            // an object, values of the declared types
  Json body;                                             // as declared; null when there is none

  const std::string& at(std::string_view name) const { return path.find(name)->second; }
};

struct JsonReply {
  int status = 200;
  Json body;
};
struct Answered {};  // the handler has responded by itself: a stream or a file
using Reply = std::variant<JsonReply, net::ServerResponse, Answered>;
using RouteHandler = std::function<Result<Reply>(Call&)>;

struct Route {
  std::string_view method, path;  // "/api/v1/sessions/{session}"; a {name} is one segment
  std::string_view id, tag, summary;
  Door door = Door::token;
  std::vector<Parameter> parameters = {};
  Body body = {};
  Success success = {};
  RouteHandler handler;
};

}  // namespace boxagnts::gateway
