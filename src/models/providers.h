// The families of model servers: where each is, which key it is given, and which models it has.
//
// A key is given to nobody but whom its person named with it: one that is stored goes to the base
// URL that it was stored for, the environment's to the environment's, the usual and config.toml's
// base URL, never to one that was set through a door. No error says a key, whatever a server
// echoes. Values and functions; thread-safe.
#pragma once

#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"
#include "core/policy_values.h"
#include "net/http_client.h"

namespace boxagnts::models {

struct Settings;  // model.h

struct Family {
  std::string_view id, title;
  bool is_local;                  // servers of this kind run on the person's own machine
  std::string_view url_variable;  // of the environment
  std::string_view key_variable;  // "": none
  std::string_view usual_url;
};
std::span<const Family> families();
// Errors: not_found, with those there are.
Result<const Family*> find_family(std::string_view id);

// What configuration says of one.
struct Provider {
  std::string base_url, where;  // "" where it says nothing
  bool by_door = false;         // it was set through a door
  std::string key, key_url;     // the stored key, and the base URL that it is for
};
using Providers = std::map<std::string, Provider, std::less<>>;  // by id

enum class Author : std::uint8_t { person, workspace };
// Sections [providers.ID]: base_url. Errors: invalid_argument, permission_denied (a workspace's
// own file, which could have prompts sent anywhere), with file and line.
Status read_providers(const base::ConfigNode& root, Author author, Providers& into);

// A base URL as it is compared and kept: of http or https, without what is behind its path, with
// "/v1" where a server is named by its host alone. Errors: invalid_argument.
Result<std::string> base_url_of(const Family& family, std::string_view text);

enum class KeyFrom : std::uint8_t { none, environment, stored };
struct Endpoint {
  std::string base_url, from;  // "environment OLLAMA_HOST", "…/config.toml:3", "default"
  bool is_default = false;     // nobody named it
  std::string key;
  KeyFrom key_from = KeyFrom::none;
};
// Errors: those of base_url_of, with where it is written.
Result<Endpoint> endpoint_of(const Family& family, const Settings& settings);

// The names that its server lists, at most kModelsMax, sorted. Errors: as Model::answer's, but
// unauthenticated where the server itself refuses: it wants a key, or another one.
constexpr std::size_t kModelsMax = 1'000;
Result<std::vector<std::string>> list_models(const Endpoint& endpoint,
                                             const core::NetworkGrant& network,
                                             net::HttpClient& http, net::Timeouts timeouts,
                                             std::stop_token stop);

// What a server said, without the key that it was sent.
Error without_key(Error error, std::string_view key);

}  // namespace boxagnts::models
