#include "models/providers.h"

#include <algorithm>

#include "base/guard.h"
#include "base/json.h"
#include "base/text.h"
#include "models/model.h"
#include "models/openai_chat_codec.h"
#include "net/url.h"

namespace boxagnts::models {
namespace {

constexpr std::size_t kListBytesMax = 4 << 20;
constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kUrlBytesMax = 2'000;

constexpr Family kFamilies[] = {
    {"openai", "OpenAI, or a server that speaks its language", false, "OPENAI_BASE_URL",
     "OPENAI_API_KEY", "https://api.openai.com/v1"},
    {"ollama", "Ollama", true, "OLLAMA_HOST", "", "http://localhost:11434/v1"},
    {"llamacpp", "llama.cpp", true, "LLAMA_CPP_HOST", "", "http://localhost:8080/v1"},
};

std::string_view port_of(std::string_view url) {
  const auto colon = url.rfind(':');
  return url.substr(colon + 1, url.find('/', colon) - colon - 1);
}

// "127.0.0.1:11434", "localhost", "http://host/" alike. A host without scheme and port means the
// server's usual port.
std::string url_of_host(std::string address, std::string_view usual_port) {
  if (!address.contains("://")) {
    const auto host_end = address.starts_with('[') ? address.find(']') : 0;
    if (address.find(':', std::min(host_end, address.size())) == std::string::npos)
      address += ":" + std::string(usual_port);
    address.insert(0, "http://");
  }
  return address;
}

Result<std::string> whole_body(net::Response& response, std::stop_token stop) {
  std::string body;
  while (true) {
    const auto piece = TRY(response.read(stop));
    if (piece.empty()) return body;
    body += piece;
    if (GUARD("models.list-size", body.size() > kListBytesMax))
      return fail(Code::limit_exceeded,
                  "the server's list of models is longer than " + base::human_bytes(kListBytesMax));
  }
}

// {"data": [{"id": "…"}]}
Result<std::vector<std::string>> names_in(std::string_view body) {
  const auto json = base::parse_json(body);
  const auto* data = json && json->is_object() ? base::get_array(*json, "data") : nullptr;
  if (!data && json && json->is_object() && base::find(*json, "data"))
    return std::vector<std::string>();  // "data": null, of a server without a model
  if (!data)
    return fail(Code::unsupported,
                "what the server sends is no list of models; check the base URL");
  std::vector<std::string> names;
  for (const auto& item : *data) {
    const auto name = item.is_object() ? base::get_string(item, "id") : std::nullopt;
    const bool usable = name && !name->empty() && name->size() <= kNameBytesMax &&
                        std::ranges::none_of(*name, [](unsigned char c) { return c < 0x21; });
    if (usable && names.size() < kModelsMax) names.emplace_back(*name);
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

Result<std::vector<std::string>> ask_for_list(const Endpoint& endpoint,
                                              const core::NetworkGrant& network,
                                              net::HttpClient& http, net::Timeouts timeouts,
                                              std::stop_token stop) {
  net::Request request{.url = TRY(net::parse_url(endpoint.base_url + "/models")),
                       .headers = {{"Accept", "application/json"}}};
  if (!endpoint.key.empty())
    request.headers.emplace_back("Authorization", "Bearer " + endpoint.key);
  const auto gate = TRY(net::make_gate(net::grant_for(request.url, "a server of models", network)));
  const auto response = TRY(http.send(
      std::move(request), *gate, {.timeouts = timeouts, .decoding = net::Decoding::decoded}, stop));
  const auto body = TRY(whole_body(*response, stop));
  const int status = response->status();
  if (status != 200)
    return fail(status == 401 || status == 403 ? Code::unauthenticated : code_of_status(status),
                "the server answered " + std::to_string(status) + ": " + describe_chat_error(body));
  return names_in(body);
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<const Family*> find_family(std::string_view id) {
  std::string known;
  for (const auto& family : kFamilies) {
    if (family.id == id) return &family;
    known += (known.empty() ? "" : ", ") + std::string(family.id);
  }
  return fail(Code::not_found,
              "there is no provider \"" + base::one_line(id, 60) + "\"; there are " + known);
}

Status read_providers(const base::ConfigNode& root, Author author, Providers& into) {
  const auto* section = TRY(root.table("providers"));
  if (GUARD("models.workspace-provider", author == Author::workspace && root.has("providers")))
    return fail(Code::permission_denied,
                root.where("providers") +
                    ": a workspace's own file cannot say where models are; write [providers] into "
                    "your own configuration, ~/.config/boxagnts/config.toml");
  for (const auto& family : kFamilies) {
    const auto* table = TRY(section->table(family.id));
    const auto text = TRY(table->string("base_url"));
    if (!text) continue;
    const auto where = table->where("base_url");
    auto url = base_url_of(family, *text);
    if (!url)
      return std::unexpected(
          std::move(url.error()).in(where + ": providers." + std::string(family.id) + ".base_url"));
    auto& provider = into[std::string(family.id)];
    provider.base_url = *std::move(url);
    provider.where = where;
  }
  return {};
}

Result<std::string> base_url_of(const Family& family, std::string_view text) {
  std::string address(text);
  while (address.ends_with('/')) address.pop_back();
  if (address.empty() || address.size() > kUrlBytesMax)
    return fail(Code::invalid_argument,
                "it takes the address of a server, as in " + std::string(family.usual_url));
  if (family.is_local) address = url_of_host(std::move(address), port_of(family.usual_url));
  const auto parsed = net::parse_url(address);
  if (!parsed) return fail(Code::invalid_argument, parsed.error().message);
  const auto& url = *parsed;
  if (url.target.contains('?') || address.contains('#'))
    return fail(Code::invalid_argument,
                "a base URL ends with its path: nothing behind a \"?\" or \"#\"");
  auto base = url.text();
  while (base.ends_with('/')) base.pop_back();
  if (family.is_local && !base.ends_with("/v1")) base += "/v1";
  return base;
}

Result<Endpoint> endpoint_of(const Family& family, const Settings& settings) {
  const auto found = settings.providers.find(family.id);
  const Provider provider = found == settings.providers.end() ? Provider() : found->second;
  const std::string variable(family.url_variable);
  Endpoint endpoint{.base_url = provider.base_url, .from = provider.where};
  bool by_door = provider.by_door;
  if (const auto named = settings.environment(variable); !named.empty()) {
    auto url = base_url_of(family, named);
    if (!url) return std::unexpected(std::move(url.error()).in(variable));
    endpoint.base_url = *std::move(url);
    endpoint.from = "environment " + variable;
    by_door = false;
  } else if (provider.base_url.empty()) {
    endpoint.base_url = family.usual_url;
    endpoint.from = "default";
    endpoint.is_default = true;
  }
  if (!family.key_variable.empty() && !GUARD("models.environment-key", by_door))
    endpoint.key = settings.environment(std::string(family.key_variable));
  if (!endpoint.key.empty()) {
    endpoint.key_from = KeyFrom::environment;
  } else if (!provider.key.empty() &&
             !GUARD("models.key-bound", provider.key_url != endpoint.base_url)) {
    endpoint.key = provider.key;
    endpoint.key_from = KeyFrom::stored;
  }
  return endpoint;
}

Error without_key(Error error, std::string_view key) {
  constexpr std::size_t kSecretBytesMin = 6;  // what is shorter is none, and part of any word
  if (key.size() < kSecretBytesMin) return error;
  for (auto* text : {&error.message, &error.context})
    for (auto at = text->find(key); GUARD("models.key-echo", at != std::string::npos);
         at = text->find(key, at))
      text->replace(at, key.size(), "(the key)");
  return error;
}

Result<std::vector<std::string>> list_models(const Endpoint& endpoint,
                                             const core::NetworkGrant& network,
                                             net::HttpClient& http, net::Timeouts timeouts,
                                             std::stop_token stop) {
  auto names = ask_for_list(endpoint, network, http, timeouts, stop);
  if (!names) return std::unexpected(without_key(std::move(names.error()), endpoint.key));
  return names;
}

}  // namespace boxagnts::models
