#include "toolbox/help_manifest.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/guard.h"
#include "base/text.h"
#include "toolbox/foreign_manifest.h"

namespace boxagnts::toolbox {
namespace {

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "options": {
      "type": "object", "maxProperties": 100,
      "additionalProperties": {"type": ["string", "number", "boolean"]},
      "description": "Each becomes --name=value, true becomes --name."
    },
    "arguments": {
      "type": "array", "maxItems": 1000, "items": {"type": "string", "maxLength": 100000},
      "description": "The words behind them, one each."
    },
    "input": {"type": "string", "description": "What it reads on standard input."}
  },
  "additionalProperties": false
})json";

// Lines of what a person sees: control characters and what has no shape are left out.
std::string cleaned(std::string_view text) {
  const auto repaired = base::repair_utf8(text);
  std::string clean;
  for (std::size_t at = 0; at < repaired.size();) {
    std::string one;
    at = base::append_character(repaired, at, one);
    if (one == "\t") one = " ";
    if (GUARD("toolbox.help-text", !is_seen(one))) continue;
    clean += one;
  }
  return std::string(base::prefix_at_character(clean, kHelpBytesMax));
}

std::string kebab(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

}  // namespace

core::Limits limits_of_asking() {
  core::Limits limits;
  limits.wall_time = std::chrono::seconds(2);
  limits.memory_bytes = 64u << 20;
  limits.output_bytes = 64u << 10;
  limits.open_files = 16;
  return limits;
}

Result<Manifest> manifest_from_help(std::string_view file, std::string_view help) {
  const auto text = cleaned(help);
  if (base::is_blank(text))
    return fail(Code::invalid_argument, "it says nothing when it is asked for --help, or fails");
  std::string name = base::lower_case(file);
  for (auto& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) c = '_';
  if (name.empty() || name.size() > 64 || name.front() < 'a' || name.front() > 'z')
    return fail(Code::invalid_argument,
                "no name can be made of its file's; begin that with a letter, at most 64 of them");
  Manifest manifest;
  manifest.spec = {.name = name,
                   .description = "Runs the program " + name +
                                  " with a command line. What it says of itself:\n" + text,
                   .input_schema = TRY(base::parse_json(kSchema)),
                   .level = core::Level::execute};
  manifest.claimed = core::Level::execute;
  manifest.takes_command_line = true;
  return manifest;
}

std::vector<std::string> command_line_of(const Json& arguments) {
  std::vector<std::string> words;
  if (const Json* options = base::find(arguments, "options"); options && options->is_object())
    for (const auto& [key, value] : options->get_object()) {
      const auto name = "--" + kebab(key);
      if (const auto* flag = value.if_bool()) {
        if (*flag) words.push_back(name);
        continue;
      }
      const auto* text = value.if_string();
      words.push_back(name + "=" + (text ? std::string(*text) : base::to_text(value)));
    }
  if (const auto* list = base::get_array(arguments, "arguments"))
    for (const auto& word : *list)
      if (const auto* text = word.if_string()) words.emplace_back(*text);
  return words;
}

}  // namespace boxagnts::toolbox
