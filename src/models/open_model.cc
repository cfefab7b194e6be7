#include <algorithm>

#include "models/model.h"
#include "models/openai_chat.h"
#include "models/scripted.h"
#include "models/sight.h"

namespace boxagnts::models {
namespace {

// The base URL of a server that is named by its host alone: "127.0.0.1:11434", "localhost",
// "http://host/" alike. A host without scheme and port means the server's usual port.
std::string base_url_of(std::string address, const std::string& usual_port) {
  while (address.ends_with('/')) address.pop_back();
  if (address.empty()) address = "localhost";
  if (!address.contains("://")) {
    const auto host_end = address.starts_with('[') ? address.find(']') : 0;
    if (address.find(':', std::min(host_end, address.size())) == std::string::npos)
      address += ":" + usual_port;
    address.insert(0, "http://");
  }
  return address + "/v1";
}

}  // namespace

Result<std::unique_ptr<Model>> open_model(const std::string& name, const Settings& settings,
                                          net::HttpClient& http, base::Clock& clock) {
  const auto slash = name.find('/');
  const std::string family = name.substr(0, slash);
  const std::string rest = slash == std::string::npos ? "" : name.substr(slash + 1);
  const auto known =
      family == "openai" || family == "ollama" || family == "llamacpp" || family == "scripted";
  if (!known || rest.empty())
    return fail(Code::invalid_argument, "\"" + name.substr(0, 80) +
                                            "\" names no model: write openai/NAME, ollama/NAME, "
                                            "llamacpp/NAME or scripted/FILE.yaml");
  const auto chat = [&](std::string base_url, std::string key) {
    return make_chat_model(
        {name, rest, std::move(base_url), std::move(key), settings.sight.value_or(sight_of(rest))},
        settings.network, http, settings.timeouts);
  };
  if (family == "scripted")
    return open_scripted(rest, clock, settings.timeouts, settings.sight.value_or(Sight::sees));
  if (family == "ollama")
    return chat(base_url_of(settings.environment("OLLAMA_HOST"), "11434"), "");
  if (family == "llamacpp")
    return chat(base_url_of(settings.environment("LLAMA_CPP_HOST"), "8080"), "");
  const std::string base_url = settings.environment("OPENAI_BASE_URL");
  if (base_url.empty())
    return fail(Code::invalid_argument,
                "openai/ needs OPENAI_BASE_URL, the address of a server such as "
                "https://api.openai.com/v1 or http://localhost:8000/v1");
  return chat(base_url, settings.environment("OPENAI_API_KEY"));
}

}  // namespace boxagnts::models
