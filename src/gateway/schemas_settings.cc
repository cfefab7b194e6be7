// The component schemas of what a person arranges: settings, models, rules, instructions, skills.
#include "base/json.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

constexpr std::string_view kSchemas =
    R"json({
"Shadowed": {
  "type": "object", "required": ["value", "from"],
  "properties": {"value": {}, "from": {"type": "string"}}},
"Setting": {
  "type": "object", "required": ["key", "title", "help", "schema", "value", "default", )json"
    R"json("from", )json"
    R"json("writable", "applies"],
  "properties": {
    "key": {"type": "string"},
    "title": {"type": "string"},
    "help": {"type": "string"},
    "schema": {"type": "object", "description": "JSON Schema of its values."},
    "value": {"description": "What holds now; null: nothing is set."},
    "default": {"description": "What would hold if nobody set it."},
    "from": {"type": "string", "description": "default, PATH:LINE, flag --NAME or )json"
    R"json(environment NAME."},
    "shadowed": {"type": "array", "items": {"$ref": "#/components/schemas/Shadowed"},
      "description": "What is set elsewhere and does not count here."},
    "added": {"type": "array", "items": {"$ref": "#/components/schemas/Shadowed"},
      "description": "Of a list: what the workspace's own file adds to it."},
    "writable": {"type": "boolean", "description": "false: what counts more sets it."},
    "applies": {"enum": ["next run", "next start"]}}},
"Settings": {
  "type": "object", "required": ["settings", "files", "workspace", "version"],
  "properties": {
    "settings": {"type": "array", "items": {"$ref": "#/components/schemas/Setting"}},
    "files": {"type": "object", "required": ["own", "config", "workspace"], "properties": {
      "own": {"type": "string", "description": "The one that is written here."},
      "config": {"type": "string"},
      "workspace": {"type": "string"}}},
    "workspace": {"type": "string"},
    "version": {"type": "string"}}},
"SettingsChange": {
  "type": "object", "minProperties": 1, "maxProperties": 100,
  "description": "Values by key; null: as it would be without."},
"SettingsChanged": {
  "type": "object", "required": ["wrote", "settings"],
  "properties": {
    "wrote": {"type": "string", "description": "The file, with the first changed line."},
    "settings": {"type": "array", "items": {"$ref": "#/components/schemas/Setting"}}}},

"Wrote": {
  "type": "object", "required": ["wrote"],
  "properties": {"wrote": {"type": "string", "description": "The file that was written, with )json"
    R"json(the line where one is meant."}}},
"WroteVersion": {
  "type": "object", "required": ["wrote", "version"],
  "properties": {"wrote": {"type": "string"}, "version": {"type": "string"}}},

"ModelName": {"type": "string", "maxLength": 500, "pattern": )json"
    R"json("^((openai|ollama|llamacpp|scripted)/.|demo/tour$)"},
"ProviderId": {"enum": ["openai", "ollama", "llamacpp"]},
"Provider": {
  "type": "object", "required": ["id", "title", "local", "base_url", "base_url_from", "key", )json"
    R"json("state", "models"],
  "properties": {
    "id": {"$ref": "#/components/schemas/ProviderId"},
    "title": {"type": "string"},
    "local": {"type": "boolean", "description": "Such servers run on the person's own machine."},
    "base_url": {"type": "string"},
    "base_url_from": {"type": "string", "description": "default, PATH:LINE or environment NAME."},
    "key": {"enum": ["none", "environment", "stored", "not needed"], "description": "The one )json"
    R"json(that requests to this base URL carry; it is shown nowhere."},
    "state": {"enum": ["unknown", "reachable", "unreachable", "refused"]},
    "error": {"type": "string"},
    "models": {"type": "array", "items": {
      "type": "object", "required": ["id", "sees"],
      "properties": {"id": {"type": "string"}, "sees": {"type": "boolean", "description": "It )json"
    R"json(can be shown images, as far as its name tells."}}}}}},
"Models": {
  "type": "object", "required": ["default", "default_from", "demo", "providers"],
  "properties": {
    "default": {"type": "string", "description": "Empty: none is set."},
    "default_from": {"type": "string"},
    "demo": {"type": "string", "description": "A script within the program that shows what it )json"
    R"json(does."},
    "providers": {"type": "array", "items": {"$ref": "#/components/schemas/Provider"}}}},
"ModelChosen": {
  "type": "object", "required": ["model"], "additionalProperties": false,
  "properties": {"model": {"$ref": "#/components/schemas/ModelName"}}},
"ModelTested": {
  "type": "object", "required": ["ok", "duration_ms"],
  "properties": {
    "ok": {"type": "boolean"},
    "text": {"type": "string", "description": "What it said."},
    "error": {"type": "string", "description": "Why it did not."},
    "duration_ms": {"type": "integer", "minimum": 0},
    "usage": {"type": "object"}}},
"ProviderChange": {
  "type": "object", "minProperties": 1, "additionalProperties": false,
  "properties": {
    "base_url": {"type": ["string", "null"], "maxLength": 2000, "description": "null: as it )json"
    R"json(would )json"
    R"json(be without. A key that is stored for another base URL is dropped, unless one )json"
    R"json(comes along."},
    "key": {"description": "A string: printable ASCII without blanks. Kept in keys.toml, )json"
    R"json(sent to )json"
    R"json(this provider's base URL alone, never shown.", "writeOnly": true}}},

"Effect": {"enum": ["allow", "ask", "deny"]},
"RuleWanted": {
  "type": "object", "required": ["effect", "rule"], "additionalProperties": false,
  "properties": {
    "effect": {"$ref": "#/components/schemas/Effect"},
    "rule": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "tool )json"
    R"json(NAME, read )json"
    R"json(GLOB, write GLOB or connect HOST."}}},
"Rule": {
  "type": "object", "required": ["effect", "rule", "where"],
  "properties": {
    "effect": {"$ref": "#/components/schemas/Effect"},
    "rule": {"type": "string"},
    "where": {"type": "string", "description": "PATH:LINE, built in or flag."},
    "own": {"type": "boolean", "description": "It may be deleted here."},
    "why": {"type": "string", "description": "Why it does not count."}}},
"Rules": {
  "type": "object", "required": ["layers"],
  "properties": {"layers": {"type": "array", "items": {
    "type": "object", "required": ["layer", "counts", "rules"],
    "properties": {
      "layer": {"enum": ["builtin", "user", "workspace", "flags"]},
      "counts": {"type": "boolean", "description": "All of its rules do."},
      "why": {"type": "string"},
      "rules": {"type": "array", "items": {"$ref": "#/components/schemas/Rule"}}}}}}},
"RuleAdded": {
  "type": "object", "required": ["wrote", "rule"],
  "properties": {
    "wrote": {"type": "string"}, "rule": {"$ref": "#/components/schemas/Rule"}}},
"Explain": {
  "type": "object", "additionalProperties": false,
  "oneOf": [{"required": ["tool"]}, {"required": ["url"]}],
  "properties": {
    "tool": {"type": "string", "maxLength": 64},
    "arguments": {"type": "object"},
    "url": {"type": "string", "maxLength": 8000},
    "method": {"type": "string", "maxLength": 32, "pattern": "^[A-Z]+$"},
    "mode": {"$ref": "#/components/schemas/Mode"}}},
"Explained": {
  "type": "object", "required": ["decision", "why", "grant", "text"],
  "properties": {
    "decision": {"$ref": "#/components/schemas/Effect"},
    "why": {"type": "string"},
    "rule": {"$ref": "#/components/schemas/Rule", "description": "Absent: the table of modes )json"
    R"json(decided."},
    "grant": {"type": "array", "items": {"type": "string"}},
    "text": {"type": "string", "description": "As the command line prints it."}}},
"TrustWanted": {
  "type": "object", "required": ["trust"], "additionalProperties": false,
  "properties": {"trust": {"enum": ["trusted", "untrusted", "unasked"]}}},
"Trusted": {
  "type": "object", "required": ["trust", "workspace"],
  "properties": {
    "trust": {"enum": ["trusted", "untrusted", "unasked"]}, "workspace": {"type": "string"}}},

"InstructionsOrigin": {"enum": ["user", "workspace"]},
"Instructions": {
  "type": "object", "required": ["files"],
  "properties": {"files": {"type": "array", "items": {
    "type": "object", "required": ["origin", "path", "exists", "text"],
    "properties": {
      "origin": {"$ref": "#/components/schemas/InstructionsOrigin"},
      "path": {"type": "string"},
      "exists": {"type": "boolean"},
      "text": {"type": "string"},
      "version": {"type": "string", "description": "Absent: it is not there."},
      "problem": {"type": "string", "description": "Why it cannot be read."}}}}}},
"TextWanted": {
  "type": "object", "required": ["text"], "additionalProperties": false,
  "properties": {
    "text": {"type": "string", "maxLength": 262144},
    "version": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Of the )json"
    R"json(file )json"
    R"json(that may be replaced; absent: it must not be there."}}},

"SkillName": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
"SkillFileName": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^/\\x00]+$"},
"SkillOrigin": {"enum": ["workspace", "user", "builtin"]},
"SkillProblem": {
  "type": "object", "required": ["where", "message", "severity"],
  "properties": {
    "where": {"type": "string", "description": "FILE:LINE"},
    "message": {"type": "string"},
    "severity": {"enum": ["error", "warning"]}}},
"Skill": {
  "type": "object", "required": ["name", "description", "origin", "state", "allowed_tools"],
  "properties": {
    "name": {"type": "string"},
    "description": {"type": "string"},
    "when_to_use": {"type": "string"},
    "origin": {"$ref": "#/components/schemas/SkillOrigin"},
    "path": {"type": "string", "description": "Its folder; a built-in one has none."},
    "state": {"enum": ["ready", "broken", "hidden"], "description": "hidden: another one of )json"
    R"json(its )json"
    R"json(name is used."},
    "reason": {"type": "string"},
    "arguments": {"type": "array", "items": {
      "type": "object", "required": ["name", "description", "required"],
      "properties": {
        "name": {"type": "string"}, "description": {"type": "string"},
        "required": {"type": "boolean"}, "default": {"type": "string"}}}},
    "allowed_tools": {"type": "array", "items": {"type": "string"}, "description": "Empty: all."},
    "text": {"type": "string", "description": "SKILL.md"},
    "version": {"type": "string"},
    "files": {"type": "array", "items": {
      "type": "object", "required": ["path", "bytes"],
      "properties": {"path": {"type": "string"}, "bytes": {"type": "integer", "minimum": 0}}}},
    "problems": {"type": "array", "items": {"$ref": "#/components/schemas/SkillProblem"}}}},
"Skills": {
  "type": "object", "required": ["skills", "trust"],
  "properties": {
    "skills": {"type": "array", "items": {"$ref": "#/components/schemas/Skill"}},
    "problems": {"type": "array", "items": {"type": "string"}, "description": "Of whole places."},
    "trust": {"enum": ["trusted", "untrusted", "unasked"]}}},
"SkillWanted": {
  "type": "object", "required": ["text", "origin"], "additionalProperties": false,
  "properties": {
    "text": {"type": "string", "maxLength": 262144},
    "origin": {"enum": ["workspace", "user"]},
    "version": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Of the )json"
    R"json(one )json"
    R"json(that may be replaced; absent: there must be none."}}},
"SkillDraft": {
  "type": "object", "required": ["name", "text"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "maxLength": 200},
    "text": {"type": "string", "maxLength": 262144}}},
"SkillProblems": {
  "type": "object", "required": ["problems"],
  "properties": {"problems": {"type": "array", "items": {"$ref": )json"
    R"json("#/components/schemas/SkillProblem"}}}}
})json";

}  // namespace

Json settings_schemas() { return base::parse_json(kSchemas).value(); }

}  // namespace boxagnts::gateway
