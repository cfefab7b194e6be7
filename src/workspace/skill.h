// A skill as a value: Markdown that tells a model how to do one kind of job, with YAML front matter
// by the Agent Skills specification and, from the Rust BoxAgnts, `when_to_use`, `tools` and `args`.
//
// Every byte of it is untrusted: sizes are bounded, aliases, tags and deep nesting are refused, and
// what is wrong is a sentence with its line. Pure: functions on values, thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace boxagnts::workspace {

enum class SkillOrigin : std::uint8_t { workspace, user, builtin };
std::string_view name_of(SkillOrigin origin);

struct SkillArgument {
  std::string name, description;
  bool required = false;
  std::optional<std::string> fallback;  // `default`
};

JsonArray to_json(const std::vector<SkillArgument>& arguments);

struct Skill {
  std::string name, description;
  std::string when_to_use, license, compatibility;  // "" where the skill says nothing
  std::map<std::string, std::string> metadata;
  std::vector<SkillArgument> arguments;
  // Of `allowed-tools` and `tools`, by our names (tool_name_of), each once; empty: all tools.
  std::vector<std::string> allowed_tools;
  std::string body;  // the Markdown behind the front matter, without blank lines around it
  SkillOrigin origin = SkillOrigin::builtin;
  std::string folder;              // on this machine; "" of a built-in one
  std::vector<std::string> files;  // bundled, relative to the folder, sorted
};

// What is wrong with a skill (it is not used), or only odd (it is).
struct SkillFinding {
  enum class Weight : std::uint8_t { error, warning };
  std::string file = "SKILL.md";  // relative to the skill's folder
  int line = 1;
  Weight weight = Weight::error;
  std::string sentence;
};
// "SKILL.md:3: sentence", "SKILL.md:3: warning: sentence"; `folder` and a slash before it, if any.
std::string to_text(const SkillFinding& finding, std::string_view folder = {});

constexpr std::size_t kSkillBytesMax = 256u << 10;       // a SKILL.md
constexpr std::size_t kFrontMatterBytesMax = 32u << 10;  // of it, between the lines of dashes
constexpr std::size_t kSkillArgumentsMax = 32;
constexpr std::size_t kExpandedBytesMax = 512u << 10;

struct ParsedSkill {
  Skill skill;                  // as far as it could be read
  std::vector<int> tool_lines;  // of each of skill.allowed_tools
  std::vector<SkillFinding> findings;
  // The first error, if there is one.
  const SkillFinding* error() const;
};
// `folder_name` is that of the folder it is in, which must be the skill's name.
ParsedSkill parse_skill(std::string_view text, std::string_view folder_name);

// A warning for each tool that it names and that is none of these: it narrows to less than meant.
std::vector<SkillFinding> check_tools(const ParsedSkill& parsed,
                                      std::span<const std::string_view> known);

// 1 to 64 of [a-z0-9-], no hyphen first, last or twice in a row: what a folder may be called.
// Errors: invalid_argument.
Status check_skill_name(std::string_view name);

// Our name of a tool that a skill names in another way: "Read", "file-read" -> "read", "WebFetch"
// -> "web_fetch", "Bash(git:*)" -> "bash".
std::string tool_name_of(std::string_view spelling);

// What a skill is used with: values by the names of its arguments, or one free text. A free text is
// the value of the first required argument, or else of the first one.
using SkillInput = std::variant<std::string, std::map<std::string, std::string>>;

// The body with {{name}} and $ARGUMENTS filled in, in one pass: what is filled in stays as it is.
// Other {{…}} stay, too. Values that the body names nowhere are told behind it. Errors:
// invalid_argument (a required argument is missing, or one is unknown: named), limit_exceeded.
Result<std::string> expand(const Skill& skill, const SkillInput& input);

// Of words as a command line has them: name=value each, or one text. Errors: invalid_argument (a
// word among the named ones has no name, or a name comes twice).
Result<SkillInput> input_of(const Skill& skill, const std::vector<std::string>& words);
// Of one text: name=value, apart by blanks and quoted by " or ' where it begins with an argument of
// the skill, else the text as it is. Errors: invalid_argument (also a quote without its end).
Result<SkillInput> input_of(const Skill& skill, const std::string& text);

// What a model is given: whose skill it is, its expanded body, its files and tools.
std::string introduce(const Skill& skill, const std::string& expanded);

}  // namespace boxagnts::workspace
