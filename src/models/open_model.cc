#include "models/model.h"
#include "models/openai_chat.h"
#include "models/scripted.h"
#include "models/sight.h"

namespace boxagnts::models {

Status check_name(const std::string& name) {
  const auto slash = name.find('/');
  const auto family = std::string_view(name).substr(0, slash);
  const bool has_rest = slash != std::string::npos && slash + 1 < name.size();
  const bool known = family == "scripted" || name == kDemo || find_family(family).has_value();
  if (known && has_rest) return {};
  return fail(Code::invalid_argument, "\"" + name.substr(0, 80) +
                                          "\" names no model: write openai/NAME, ollama/NAME, "
                                          "llamacpp/NAME, scripted/FILE.yaml or demo/tour");
}

Result<std::unique_ptr<Model>> open_model(const std::string& name, const Settings& settings,
                                          net::HttpClient& http, base::Clock& clock) {
  TRY(check_name(name));
  const std::string family = name.substr(0, name.find('/'));
  const std::string rest = name.substr(family.size() + 1);
  const auto sight = settings.sight;
  if (family == "scripted")
    return open_scripted(rest, clock, settings.timeouts, sight.value_or(Sight::sees));
  if (name == kDemo) return open_demo(clock, settings.timeouts);
  const auto endpoint = TRY(endpoint_of(*TRY(find_family(family)), settings));
  if (family == "openai" && endpoint.is_default && endpoint.key.empty())
    return fail(Code::invalid_argument,
                "openai/ needs a key (OPENAI_API_KEY, or one stored by boxagnts model key openai), "
                "or OPENAI_BASE_URL, the address of a server such as http://localhost:8000/v1");
  return make_chat_model(
      {name, rest, endpoint.base_url, endpoint.key, sight.value_or(sight_of(rest))},
      settings.network, http, settings.timeouts);
}

}  // namespace boxagnts::models
