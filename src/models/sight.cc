#include "models/sight.h"

#include <algorithm>
#include <string>

namespace boxagnts::models {
namespace {

// Parts of names; what is blind in spite of one of them comes first.
constexpr std::string_view kBlind[] = {"o1-mini",    "o1-preview",  "o3-mini",     "gemma3:1b",
                                       "gemma-3-1b", "gemma3:270m", "gemma-3-270m"};
constexpr std::string_view kSees[] = {
    "gpt-4o",          "gpt-4.1",          "gpt-4-turbo", "gpt-5",     "claude",
    "gemini",          "grok-4",           "vision",      "-vl",       "vl:",
    "llava",           "pixtral",          "gemma3",      "gemma-3",   "gemma4",
    "gemma-4",         "llama4",           "llama-4",     "minicpm-v", "minicpm-o",
    "moondream",       "internvl",         "smolvlm",     "molmo",     "omni",
    "mistral-small3.", "mistral-small-3.", "multimodal",  "glm-4v",    "glm-4.5v",
    "glm-4.6v",        "kimi-k2.5",        "kimi-k2.6"};
// Whole names, with or without a date or size behind.
constexpr std::string_view kSeesWhole[] = {"o1", "o3", "o4-mini"};

}  // namespace

Sight sight_of(std::string_view model) {
  std::string name(model.substr(model.rfind('/') + 1));
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  const auto has = [&](std::string_view part) { return name.contains(part); };
  if (std::ranges::any_of(kBlind, has)) return Sight::blind;
  const auto is = [&](std::string_view whole) {
    return name.starts_with(whole) && (name.size() == whole.size() || name[whole.size()] == '-');
  };
  return std::ranges::any_of(kSees, has) || std::ranges::any_of(kSeesWhole, is) ? Sight::sees
                                                                                : Sight::blind;
}

}  // namespace boxagnts::models
