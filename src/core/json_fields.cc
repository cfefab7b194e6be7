#include "core/json_fields.h"

namespace boxagnts::core {

std::string text_of(const Json& json, std::string_view key) {
  return std::string(base::get_string(json, key).value_or(""));
}

std::vector<std::string> texts_of(const Json& json, std::string_view key) {
  std::vector<std::string> texts;
  if (const auto* list = base::get_array(json, key))
    for (const auto& entry : *list)
      if (entry.is_string()) texts.emplace_back(entry.get_string());
  return texts;
}

}  // namespace boxagnts::core
