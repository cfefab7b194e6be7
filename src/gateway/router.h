// From a request to the route that is meant, with its parameters and body checked against what the
// route declares. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/route.h"
#include "tools/json_schema.h"

namespace boxagnts::gateway {

class Router {
 public:
  // Errors: internal (two routes are the same, a body without a schema): a defect of the program.
  // Schemas are compiled when a route is first asked for: a server that starts has no use for them.
  static Result<std::unique_ptr<Router>> make(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string, std::less<>> path;
    std::string allow;  // where there is no route: the methods that this path takes, "" for none
  };
  Match match(std::string_view method, std::string_view path) const;

  // The query as an object of typed values. Errors: invalid_argument (unknown, twice, missing, not
  // what its schema says).
  Result<Json> check_query(const Route& route, const net::ServerRequest& request) const;
  Status check_path(const Route& route, const Match& match) const;
  // Errors: invalid_argument.
  Result<Json> check_body(const Route& route, std::string_view text) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Schemas {
    tools::JsonSchema query;
    tools::JsonSchema path;
    tools::JsonSchema body;
  };
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}
  // Errors: internal (a declared schema is none); a test asks for every route's.
  Result<const Schemas*> schemas_of(const Route& route) const;

  const std::vector<Route> routes_;
  mutable std::mutex mutex_;
  mutable std::map<const Route*, Schemas> schemas_;  // an entry stays as it is
};

// The OpenAPI 3.1 document of these routes.
std::string openapi_of(const std::vector<Route>& routes);

}  // namespace boxagnts::gateway
