#include "models/model.h"
#include "models/openai_chat.h"
#include "models/scripted.h"

namespace boxagnts::models {
namespace {

// "127.0.0.1:11434" and "http://host" alike.
std::string with_scheme(std::string address) {
  return address.contains("://") ? address : "http://" + address;
}

std::string or_default(std::string value, const char* otherwise) {
  return value.empty() ? otherwise : value;
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
    return make_chat_model({name, rest, std::move(base_url), std::move(key)}, http,
                           settings.timeouts);
  };
  if (family == "scripted") return open_scripted(rest, clock, settings.timeouts);
  if (family == "ollama")
    return chat(
        with_scheme(or_default(settings.environment("OLLAMA_HOST"), "localhost:11434")) + "/v1",
        "");
  if (family == "llamacpp")
    return chat(
        with_scheme(or_default(settings.environment("LLAMA_CPP_HOST"), "localhost:8080")) + "/v1",
        "");
  const std::string base_url = settings.environment("OPENAI_BASE_URL");
  if (base_url.empty())
    return fail(Code::invalid_argument,
                "openai/ needs OPENAI_BASE_URL, the address of a local server such as "
                "http://localhost:8000/v1 (cloud servers need TLS, which is not there yet)");
  return chat(base_url, settings.environment("OPENAI_API_KEY"));
}

}  // namespace boxagnts::models
