#include "toolbox/foreign_manifest.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <span>
#include <string>

#include "base/guard.h"
#include "base/text.h"
#include "tools/json_schema.h"

namespace boxagnts::toolbox {
namespace {

using core::Level;
using Limit = ForeignLimits;
enum class Lines : std::uint8_t { one, many };

constexpr std::array<std::string_view, 12> kFields{
    "contract",     "name",  "version",     "description", "keywords", "permission_level",
    "capabilities", "paths", "environment", "network",     "output",   "input_schema"};

std::unexpected<Error> malformed(const std::string& why) {
  return fail(Code::invalid_argument, "the tool's manifest is malformed: " + why);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_small(c) || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_small(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_small(c) || is_digit(c) || c == '_'; });
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '+';
  });
}

// Of an argument: what every provider takes.
bool is_property(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_variable(std::string_view text) {
  return !text.empty() && text.size() <= 128 && !is_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

// Characters without a shape, which a model reads and a person does not see. Those that writing
// needs (joiners, marks of direction at a word) are none of them.
bool has_unseen(std::string_view utf8) {
  // Zero width space, soft hyphen, byte order mark, separators and fillers without a shape.
  constexpr std::array<std::string_view, 9> kUnseen{
      "\u200b", "\u00ad", "\ufeff", "\u180e", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"};
  for (std::size_t i = 0; i + 2 < utf8.size(); ++i) {
    const auto rest = utf8.substr(i);
    // U+2060 to U+206F, and all of plane 14: tags and selectors.
    if (rest.starts_with("\xe2\x81") && static_cast<unsigned char>(rest[2]) >= 0xa0 &&
        static_cast<unsigned char>(rest[2]) <= 0xaf)
      return true;
    if (rest.starts_with("\xf3\xa0")) return true;
  }
  return std::ranges::any_of(kUnseen, [&](auto part) { return utf8.contains(part); });
}

Status check_text(std::string_view text, const std::string& where, Lines lines) {
  const bool steers = base::terminal_safe(text) != text || text.contains('\t') ||
                      (lines == Lines::one && text.contains('\n'));
  if (GUARD("toolbox.manifest-control", steers))
    return malformed(where + " holds a control character, which a text for people must not");
  if (GUARD("toolbox.manifest-unseen", has_unseen(text)))
    return malformed(where + " holds characters that nobody sees; a model would read them");
  return {};
}

// Every text in it, keys and values.
Status check_texts(const Json& value, const std::string& where, std::size_t depth) {
  if (GUARD("toolbox.manifest-depth", depth > Limit::kSchemaDepth))
    return malformed(where + " nests more than " + std::to_string(Limit::kSchemaDepth) + " deep");
  if (const auto* text = value.if_string()) return check_text(*text, where, Lines::many);
  if (const auto* list = value.if_array())
    for (const auto& entry : *list) TRY(check_texts(entry, where, depth + 1));
  if (const auto* object = value.if_object())
    for (const auto& [key, entry] : *object) {
      TRY(check_text(key, where, Lines::one));
      TRY(check_texts(entry, where, depth + 1));
    }
  return {};
}

Status check_keys(const JsonObject& object, std::span<const std::string_view> known,
                  const std::string& where) {
  for (const auto& [key, value] : object) {
    const std::string_view name = key;
    if (!GUARD("toolbox.manifest-key", std::ranges::find(known, name) == known.end())) continue;
    const auto nearest = base::nearest_name(name, known);
    return malformed(where + "\"" + base::one_line(base::terminal_safe(name), 60) +
                     "\" is no field of it" +
                     (nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?"));
  }
  return {};
}

using IsGood = bool (*)(std::string_view);

// A list of such texts, or nothing.
Status check_list(const Json& object, std::string_view key, const std::string& where, IsGood good,
                  const std::string& of_what) {
  const Json* value = base::find(object, key);
  if (!value) return {};
  const auto* list = value->if_array();
  const bool fits = list && list->size() <= Limit::kListEntries &&
                    std::ranges::all_of(*list, [&](const Json& entry) {
                      const auto* text = entry.if_string();
                      return text && good(*text);
                    });
  if (GUARD("toolbox.manifest-list", !fits))
    return malformed(where + std::string(key) + " must be a list of at most " +
                     std::to_string(Limit::kListEntries) + " " + of_what);
  return {};
}

Status check_field(const Json& json, std::string_view key, IsGood good, const std::string& must) {
  const auto text = base::get_string(json, key);
  if (GUARD("toolbox.manifest-field", !text || !good(*text)))
    return malformed(std::string(key) + " must be " + must);
  return {};
}

// An object of lists, each of names of arguments that are texts.
Status check_arguments(const Json& json, std::string_view section,
                       std::span<const std::string_view> keys, const Json& schema) {
  const Json* value = base::find(json, section);
  if (!value) return {};
  const std::string name(section);
  const auto* object = value->if_object();
  if (GUARD("toolbox.manifest-section", !object)) return malformed(name + " must be an object");
  if (!object) return {};
  TRY(check_keys(*object, keys, name + ": "));
  for (const auto key : keys) {
    TRY(check_list(*value, key, name + ".", is_property, "names of arguments"));
    const auto* list = base::get_array(*value, key);
    if (!list) continue;
    for (const auto& entry : *list) {
      const Json* properties = base::find(schema, "properties");
      const auto* argument = entry.if_string();
      const Json* of =
          properties && argument ? base::find(*properties, std::string_view(*argument)) : nullptr;
      const bool text = of && base::get_string(*of, "type") == "string";
      // Else what it holds would be told of nobody.
      if (GUARD("toolbox.manifest-argument", !text))
        return malformed(name + "." + std::string(key) +
                         " must name arguments of input_schema that are of type string");
    }
  }
  return {};
}

Status check_schema(const Json& json) {
  const Json* schema = base::find(json, "input_schema");
  if (GUARD("toolbox.manifest-schema",
            !schema || !schema->is_object() || base::get_string(*schema, "type") != "object"))
    return malformed(
        "input_schema must be the JSON Schema of an object, with \"type\": \"object\"");
  if (!schema) return {};
  if (GUARD("toolbox.manifest-schema-size", base::to_text(*schema).size() > Limit::kSchemaBytes))
    return malformed("input_schema is larger than " + base::human_bytes(Limit::kSchemaBytes));
  TRY(check_texts(*schema, "input_schema", 1));
  if (const auto* properties = base::find(*schema, "properties");
      properties && properties->is_object())
    for (const auto& [key, value] : properties->get_object())
      if (GUARD("toolbox.manifest-property", !is_property(key)))
        return malformed(
            "an argument's name must be letters, digits, _, - and ., at most 64 of them");
  if (auto compiled = tools::JsonSchema::compile(*schema); !compiled)
    return malformed("input_schema: " + base::one_line(compiled.error().message, 200));
  return {};
}

// What is wanted must be within what is claimed: the claim is kept to (guest_tool.cc).
Status check_claim(const Manifest& manifest) {
  if (GUARD("toolbox.manifest-claim-reads",
            manifest.claimed == Level::none && !(manifest.reads.empty() && manifest.globs.empty())))
    return malformed("permission_level none sees no files, but paths names some to read");
  if (GUARD("toolbox.manifest-claim-writes",
            manifest.claimed < Level::write && !manifest.writes.empty()))
    return malformed("permission_level " + std::string(core::name_of(manifest.claimed)) +
                     " changes no files, but paths.writes names some");
  if (GUARD("toolbox.manifest-connects", !manifest.wants_network && !manifest.connects.empty()))
    return malformed("network.connects needs \"network\" in capabilities");
  return {};
}

}  // namespace

bool is_seen(std::string_view utf8) {
  return base::terminal_safe(utf8) == utf8 && !utf8.contains('\t') && !has_unseen(utf8);
}

Result<Manifest> parse_foreign_manifest(std::string_view text) {
  if (GUARD("toolbox.manifest-size", text.size() > Limit::kManifestBytes))
    return malformed("it is larger than " + base::human_bytes(Limit::kManifestBytes));
  const auto parsed = base::parse_json(text);
  if (!parsed) return malformed("it is no JSON: " + parsed.error().message);
  const Json& json = *parsed;
  const auto* object = json.if_object();
  if (!object) return malformed("it must be an object");
  TRY(check_keys(*object, kFields, ""));
  TRY(check_field(json, "name", is_name, "1 to 64 of a-z, 0-9 and _, the first one a letter"));
  TRY(check_field(json, "version", is_version,
                  "1 to 32 letters, digits, '.', '-' and '+', as \"1.0.0\""));
  TRY(check_field(
      json, "description",
      [](std::string_view one) {
        return !base::is_blank(one) && one.size() <= Limit::kDescriptionBytes;
      },
      "a text of at most " + std::to_string(Limit::kDescriptionBytes) +
          " bytes that tells a model what the tool does"));
  TRY(check_text(base::get_string(json, "description").value_or(""), "description", Lines::many));
  TRY(check_field(
      json, "permission_level",
      [](std::string_view one) {
        const auto level = core::parse_enum<Level>(one);
        return level && *level <= Level::execute;
      },
      "none, read-only, write or execute"));
  TRY(check_list(
      json, "keywords", "",
      [](std::string_view one) {
        return !base::is_blank(one) && one.size() <= 40 && check_text(one, "", Lines::one);
      },
      "plain words, each of at most 40 bytes"));
  TRY(check_list(
      json, "capabilities", "", [](std::string_view one) { return one == "network"; },
      "capabilities, of which there is one: network"));
  TRY(check_list(json, "environment", "", is_variable, "names of variables"));
  TRY(check_schema(json));
  constexpr std::array<std::string_view, 3> kPaths{"reads", "writes", "globs"};
  constexpr std::array<std::string_view, 1> kNetwork{"connects"};
  const Json& schema = object->at("input_schema");
  TRY(check_arguments(json, "paths", kPaths, schema));
  TRY(check_arguments(json, "network", kNetwork, schema));
  auto manifest = TRY(parse_manifest(text));
  TRY(check_claim(manifest));
  if (GUARD("toolbox.foreign-level", manifest.spec.level < Level::execute))
    manifest.spec.level = Level::execute;
  return manifest;
}

}  // namespace boxagnts::toolbox
