#include "toolbox/manifest.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/glob_match.h"
#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::toolbox {
namespace {

constexpr std::string_view kContract = "boxagnts:tool/1";

std::unexpected<Error> malformed(const std::string& why) {
  return fail(Code::invalid_argument, "the tool's manifest is malformed: " + why);
}

// Those of a list that are texts.
std::vector<std::string> texts_of(const Json& manifest, std::string_view key) {
  std::vector<std::string> texts;
  if (const auto* list = base::get_array(manifest, key))
    for (const auto& entry : *list)
      if (const auto* text = entry.if_string()) texts.emplace_back(*text);
  return texts;
}

Result<std::string> text_of(const Json& manifest, std::string_view key) {
  const auto text = base::get_string(manifest, key);
  if (!text || text->empty()) return malformed(std::string(key) + " must be a text");
  return std::string(*text);
}

// `section`.`key`, names of arguments.
Result<std::vector<std::string>> fields_of(const Json& manifest, std::string_view section,
                                           std::string_view key, const Json& schema) {
  std::vector<std::string> fields;
  const Json* fields_by_key = base::find(manifest, section);
  const auto* list = fields_by_key ? base::get_array(*fields_by_key, key) : nullptr;
  if (!list) return fields;
  const Json* properties = base::find(schema, "properties");
  for (const auto& entry : *list) {
    const auto* name = entry.if_string();
    if (!name || !properties || !base::find(*properties, std::string_view(*name)))
      return malformed(std::string(section) + "." + std::string(key) +
                       " must name arguments of input_schema");
    fields.emplace_back(*name);
  }
  return fields;
}

// Absolute and lexically normal, seen from `base`.
std::string resolved(const std::string& base, std::string_view path) {
  const std::string whole =
      path.starts_with('/') ? std::string(path) : base + "/" + std::string(path);
  std::string normal;
  for (const auto part : base::split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..")
      normal.resize(std::min(normal.rfind('/'), normal.size()));
    else
      normal.append("/").append(part);
  }
  return normal.empty() ? "/" : normal;
}

Result<std::string> path_in(const Json& arguments, const std::string& field,
                            const std::string& workspace) {
  const auto text = base::get_string(arguments, field);
  if (!text) return resolved(workspace, ".");
  if (text->contains('\0'))
    return fail(Code::invalid_argument, field + " holds a NUL character; a path cannot");
  return resolved(workspace, *text);
}

// The literal folders that a pattern begins with.
std::string_view literal_folder(std::string_view pattern) {
  std::size_t size = 0;
  while (true) {
    const auto rest = pattern.substr(size);
    const std::size_t end = base::glob_component_end(rest);
    if (end == rest.size() || rest.substr(0, end).find_first_of("*?[{\\") != rest.npos)
      return pattern.substr(0, size);
    size += end + 1;
  }
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  const Json json = TRY(base::parse_json(text));
  Manifest manifest;
  if (TRY(text_of(json, "contract")) != kContract)
    return malformed("contract must be " + std::string(kContract));
  manifest.spec.name = TRY(text_of(json, "name"));
  manifest.spec.description = TRY(text_of(json, "description"));
  const auto level = TRY(text_of(json, "permission_level"));
  manifest.spec.level = TRY(core::parse_enum<core::Level>(level));
  manifest.claimed = manifest.spec.level;
  manifest.version = TRY(text_of(json, "version"));
  manifest.keywords = texts_of(json, "keywords");
  manifest.environment = texts_of(json, "environment");
  const auto output = TRY(text_of(json, "output"));
  if (output != "text" && output != "result") return malformed("output must be text or result");
  manifest.has_parts = output == "result";
  if (const auto* programs = base::get_array(json, "programs"))
    for (const auto& program : *programs) {
      if (!program.is_string()) return malformed("programs must be a list of names");
      manifest.programs.emplace_back(program.get_string());
    }
  const Json* schema = base::find(json, "input_schema");
  if (!schema || !schema->is_object()) return malformed("input_schema must be an object");
  manifest.spec.input_schema = *schema;
  manifest.reads = TRY(fields_of(json, "paths", "reads", *schema));
  manifest.writes = TRY(fields_of(json, "paths", "writes", *schema));
  manifest.globs = TRY(fields_of(json, "paths", "globs", *schema));
  manifest.connects = TRY(fields_of(json, "network", "connects", *schema));
  if (const auto* capabilities = base::get_array(json, "capabilities"))
    for (const auto& capability : *capabilities) {
      if (capability != "network") return malformed("the one capability there is is network");
      manifest.wants_network = true;
    }
  return manifest;
}

Result<core::CallFacts> facts_of(const Manifest& manifest, const Json& arguments,
                                 const std::string& workspace) {
  core::CallFacts facts;
  for (const auto& field : manifest.reads)
    facts.reads.push_back(TRY(path_in(arguments, field, workspace)));
  for (const auto& field : manifest.writes)
    facts.writes.push_back(TRY(path_in(arguments, field, workspace)));
  for (const auto& field : manifest.connects)
    if (const auto url = base::get_string(arguments, field)) facts.connects.emplace_back(*url);
  // A pattern may lead elsewhere than the folder it is seen from ("/etc/*", "../x/*"); past its
  // literal folders it only goes down.
  for (const auto& field : manifest.globs) {
    const auto pattern = base::get_string(arguments, field);
    if (!pattern) continue;
    std::string& folder = facts.reads.empty() ? facts.reads.emplace_back(resolved(workspace, "."))
                                              : facts.reads.front();
    folder = resolved(folder, literal_folder(*pattern));
  }
  return facts;
}

Json judged_arguments(const Manifest& manifest, const Json& arguments,
                      const std::string& workspace) {
  Json judged = arguments;
  for (const auto* fields : {&manifest.reads, &manifest.writes})
    for (const auto& field : *fields) {
      const auto path = base::get_string(arguments, field);
      if (!path) continue;
      const auto parts = base::split(*path, '/');
      if (GUARD("toolbox.judged-path", std::ranges::find(parts, "..") != parts.end()))
        judged.get_object()[field] = resolved(workspace, *path);
    }
  return judged;
}

}  // namespace boxagnts::toolbox
