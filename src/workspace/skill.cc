#include "workspace/skill.h"

#include <algorithm>
#include <array>

#include "base/guard.h"
#include "base/text.h"
#include "workspace/front_matter.h"

namespace boxagnts::workspace {
namespace {

using Kind = YamlNode::Kind;
using Weight = SkillFinding::Weight;

constexpr std::size_t kNameMax = 64, kDescriptionMax = 1024, kCompatibilityMax = 500;
constexpr std::size_t kToolsMax = 64, kArgumentTextMax = 1024;

constexpr std::array<std::string_view, 9> kKnownKeys{
    "name",          "description", "license", "compatibility", "metadata",
    "allowed-tools", "when_to_use", "tools",   "args"};

std::string quoted(std::string_view text) { return "\"" + base::one_line(text, 60) + "\""; }

// Characters, as a person counts them, nearly.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

class Reader {
 public:
  Reader(std::string_view folder_name, ParsedSkill& into)
      : folder_name_(folder_name),
        skill_(into.skill),
        tool_lines_(into.tool_lines),
        findings_(into.findings) {}

  void read(const YamlNode& root) {
    if (root.kind != Kind::map) {
      error(root.line, "the front matter must hold name and description, as in \"name: …\"");
      return;
    }
    for (const auto& [key, value] : root.members) read_member(key, value);
    for (const auto* wanted : {"name", "description"})
      if (!root.find(wanted)) error(root.line, std::string(wanted) + " is missing");
  }

  void error(int line, std::string sentence) { add(line, Weight::error, std::move(sentence)); }
  void warn(int line, std::string sentence) { add(line, Weight::warning, std::move(sentence)); }

 private:
  void add(int line, Weight weight, std::string sentence) {
    findings_.push_back({.line = line, .weight = weight, .sentence = std::move(sentence)});
  }

  void read_member(const YamlNode& key, const YamlNode& value) {
    const std::string& name = key.text;
    if (name == "name") return read_name(value);
    if (name == "description") return read_description(value);
    if (name == "license") return read_text(name, value, kArgumentTextMax, skill_.license);
    if (name == "compatibility")
      return read_text(name, value, kCompatibilityMax, skill_.compatibility);
    if (name == "when_to_use") return read_text(name, value, kDescriptionMax, skill_.when_to_use);
    if (name == "metadata") return read_metadata(value);
    if (name == "allowed-tools" || name == "tools") return read_tools(name, value);
    if (name == "args") return read_arguments(value);
    const auto nearest = base::nearest_name(name, kKnownKeys);
    warn(key.line, "the key " + quoted(name) + " is not known and does nothing" +
                       (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?"));
  }

  // nullopt, and told, where it is no text or an empty one.
  std::optional<std::string> text_of(const std::string& what, const YamlNode& value) {
    if (value.kind == Kind::list || value.kind == Kind::map) {
      error(value.line, what + " takes a text");
      return std::nullopt;
    }
    const auto text = trimmed(value.text);
    if (!text.empty()) return std::string(text);
    error(value.line, what + " is empty");
    return std::nullopt;
  }

  void read_text(const std::string& what, const YamlNode& value, std::size_t length_max,
                 std::string& into) {
    auto text = text_of(what, value);
    if (!text) return;
    const auto length = length_of(*text);
    if (length > length_max)
      return error(value.line, what + " has " + std::to_string(length) + " characters; " +
                                   std::to_string(length_max) + " are allowed");
    into = std::move(*text);
  }

  void read_name(const YamlNode& value) {
    const auto name = text_of("name", value);
    if (!name) return;
    if (const auto fit = check_skill_name(*name); !fit) error(value.line, fit.error().message);
    if (*name != folder_name_)
      error(value.line, "the name " + quoted(*name) + " is not that of its folder, " +
                            quoted(folder_name_) + "; make them the same");
    else
      skill_.name = *name;
  }

  void read_description(const YamlNode& value) {
    read_text("description", value, kDescriptionMax, skill_.description);
  }

  void read_metadata(const YamlNode& value) {
    if (value.kind == Kind::empty) return;
    if (value.kind != Kind::map)
      return warn(value.line, "metadata takes names with texts, and is left out");
    for (const auto& [key, one] : value.members)
      if (one.kind == Kind::scalar)
        skill_.metadata[key.text] = one.text;
      else
        warn(one.line, "metadata." + key.text + " is no text, and is left out");
  }

  // A list, or a text with blanks or commas between the names.
  void read_tools(const std::string& what, const YamlNode& value) {
    if (value.kind == Kind::map) return error(value.line, what + " takes a list of tools");
    if (value.kind == Kind::empty) return warn(value.line, what + " is empty and allows all");
    if (value.kind == Kind::scalar) return read_tool_words(value);
    for (const auto& item : value.items)
      if (item.kind == Kind::scalar)
        add_tool(trimmed(item.text), item.line);
      else
        error(item.line, what + " takes names of tools");
  }

  void read_tool_words(const YamlNode& value) {
    const std::string_view text = value.text;
    std::size_t from = 0;
    int depth = 0;  // in Bash(git add:*) the blank belongs to the name
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const char c = i < text.size() ? text[i] : ' ';
      if (c == '(') ++depth;
      if (c == ')' && depth > 0) --depth;
      const bool parts = c == ',' || c == ' ' || c == '\n' || c == '\t';
      if (!parts || (depth > 0 && i < text.size())) continue;
      if (i > from) add_tool(text.substr(from, i - from), value.line);
      from = i + 1;
    }
  }

  void add_tool(std::string_view spelling, int line) {
    if (spelling.empty()) return;
    if (spelling.contains('('))
      warn(line, quoted(spelling) +
                     ": what stands in parentheses is not looked at; the whole tool is meant");
    auto name = tool_name_of(spelling);
    if (name.empty() || name.size() > kNameMax)
      return error(line, quoted(spelling) + " can be no tool's name");
    auto& tools = skill_.allowed_tools;
    if (std::ranges::find(tools, name) != tools.end()) return;
    if (tools.size() == kToolsMax)
      return error(line, "more than " + std::to_string(kToolsMax) + " tools are named");
    tools.push_back(std::move(name));
    tool_lines_.push_back(line);
  }

  void read_arguments(const YamlNode& value) {
    if (value.kind == Kind::empty) return;
    if (value.kind != Kind::list)
      return error(value.line, "args takes a list, as in \"- name: city\"");
    if (value.items.size() > kSkillArgumentsMax)
      return error(value.line,
                   "more than " + std::to_string(kSkillArgumentsMax) + " args are declared");
    for (const auto& item : value.items) read_argument(item);
  }

  void read_argument(const YamlNode& item) {
    if (item.kind != Kind::map || !item.find("name"))
      return error(item.line, "an argument has at least a name, as in \"- name: city\"");
    SkillArgument made;
    for (const auto& [key, value] : item.members) {
      if (key.text == "name") {
        read_text("an argument's name", value, kNameMax, made.name);
      } else if (key.text == "description") {
        read_text("an argument's description", value, kArgumentTextMax, made.description);
      } else if (key.text == "required") {
        if (value.text != "true" && value.text != "false")
          error(value.line, "required takes true or false");
        made.required = value.text == "true";
      } else if (key.text == "default") {
        if (value.kind == Kind::scalar || value.kind == Kind::empty)
          made.fallback = value.text;
        else
          error(value.line, "default takes a text");
      } else {
        warn(key.line, "the key " + quoted(key.text) +
                           " is not known and does nothing; an argument has name, description, "
                           "required and default");
      }
    }
    check_argument(made, item.line);
    skill_.arguments.push_back(std::move(made));
  }

  void check_argument(const SkillArgument& made, int line) {
    const bool usable = std::ranges::all_of(made.name, [](char c) {
      return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
    if (!usable)
      error(line, "the argument's name " + quoted(made.name) +
                      " holds more than letters, digits, _ and -");
    if (std::ranges::find(skill_.arguments, made.name, &SkillArgument::name) !=
        skill_.arguments.end())
      error(line, "the argument " + quoted(made.name) + " is declared twice");
    if (made.required && made.fallback)
      warn(line,
           "the argument " + quoted(made.name) + " is required, so that its default is never used");
  }

  const std::string_view folder_name_;
  Skill& skill_;
  std::vector<int>& tool_lines_;
  std::vector<SkillFinding>& findings_;
};

// A line's text without its end; `at` becomes where the next one begins.
std::string_view take_line(std::string_view text, std::size_t& at) {
  const auto end = std::min(text.find('\n', at), text.size());
  const auto line = text.substr(at, end - at);
  at = std::min(end + 1, text.size());
  return line;
}

bool is_fence(std::string_view line) {
  return line.starts_with("---") && base::is_blank(line.substr(3));
}

struct Parts {
  std::string_view front, body;
  int body_line = 1;
};

std::expected<Parts, YamlProblem> split_parts(std::string_view text) {
  std::size_t at = 0;
  if (!is_fence(take_line(text, at)))
    return std::unexpected(YamlProblem{
        1, "the first line must be ---, which opens the front matter with name and description"});
  const std::size_t front = at;
  for (int line = 2; at < text.size(); ++line) {
    const std::size_t begin = at;
    if (is_fence(take_line(text, at)))
      return Parts{text.substr(front, begin - front), text.substr(at), line + 1};
  }
  return std::unexpected(
      YamlProblem{1, "the front matter is not closed by a line of its own with ---"});
}

// Lines end in \n; a byte order mark is none of the text.
std::string normalized(std::string_view text, Reader& reader) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    reader.warn(1, "begins with a byte order mark, which other programs refuse; save without");
    text.remove_prefix(kByteOrderMark.size());
  }
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
  return out;
}

// What a model reads and no person sees: Unicode's tags, and characters of no width that hide text
// or turn it around. Joiners and variation selectors belong to scripts and emoji. `text` is UTF-8.
bool begins_with_hidden(std::string_view text) {
  const auto last_in = [&](std::string_view head, int low, int high) {
    const auto last = text.size() > head.size() ? static_cast<unsigned char>(text[head.size()]) : 0;
    return text.starts_with(head) && last >= low && last <= high;
  };
  return text.starts_with("\xf3\xa0\x80") ||
         text.starts_with("\xf3\xa0\x81") ||                                    // U+E0000 to E007F
         last_in("\xe2\x80", 0xaa, 0xae) || last_in("\xe2\x81", 0xa6, 0xa9) ||  // turning around
         text.starts_with("\u200b") || text.starts_with("\u2060");
}

void warn_of_hidden(std::string_view text, Reader& reader) {
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_with_hidden(text.substr(i)))
      return reader.warn(line, "holds characters that a model reads and a person does not see");
    line += text[i] == '\n';
  }
}

int line_of_bad_byte(std::string_view text) {
  int line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const auto one = take_line(text, at);
    if (one.contains('\0') || !base::is_utf8(one)) return line;
  }
  return 1;
}

void warn_of_placeholders(const Skill& skill, std::string_view body, int line, Reader& reader) {
  if (skill.arguments.empty()) return;
  for (std::size_t at = 0; at < body.size(); ++line) {
    const auto one = take_line(body, at);
    for (std::size_t open = one.find("{{"); open != std::string_view::npos;
         open = one.find("{{", open + 2)) {
      const auto close = one.find("}}", open);
      if (close == std::string_view::npos) break;
      const auto name = trimmed(one.substr(open + 2, close - open - 2));
      const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_lower_or_digit(c) || c == '_' || c == '-';
      });
      if (is_name &&
          std::ranges::find(skill.arguments, name, &SkillArgument::name) == skill.arguments.end())
        reader.warn(
            line, "{{" + std::string(name) + "}} is no argument of this skill, and stays as it is");
    }
  }
}

}  // namespace

JsonArray to_json(const std::vector<SkillArgument>& arguments) {
  JsonArray array;
  for (const auto& argument : arguments) {
    JsonObject one{{"name", argument.name},
                   {"description", argument.description},
                   {"required", argument.required}};
    if (argument.fallback) one["default"] = *argument.fallback;
    array.push_back(std::move(one));
  }
  return array;
}

std::string_view name_of(SkillOrigin origin) {
  switch (origin) {
    case SkillOrigin::workspace: return "workspace";
    case SkillOrigin::user: return "user";
    case SkillOrigin::builtin: return "builtin";
  }
  return "";
}

std::string to_text(const SkillFinding& finding, std::string_view folder) {
  return std::string(folder) + (folder.empty() ? "" : "/") + finding.file + ":" +
         std::to_string(finding.line) + ": " +
         (finding.weight == Weight::warning ? "warning: " : "") + finding.sentence;
}

const SkillFinding* ParsedSkill::error() const {
  const auto found = std::ranges::find(findings, Weight::error, &SkillFinding::weight);
  return found == findings.end() ? nullptr : &*found;
}

Status check_skill_name(std::string_view name) {
  const auto wrong = [&](const std::string& why) {
    return fail(Code::invalid_argument, "the name " + quoted(name) + " " + why);
  };
  if (name.empty()) return fail(Code::invalid_argument, "a skill's name is empty");
  if (name.size() > kNameMax)
    return wrong("has " + std::to_string(length_of(name)) + " characters; 64 are allowed");
  if (!std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; }))
    return wrong("holds more than lower-case letters a to z, digits and hyphens");
  if (name.starts_with('-') || name.ends_with('-'))
    return wrong("begins or ends with a hyphen; a letter or a digit must stand there");
  if (name.contains("--")) return wrong("has two hyphens in a row; one is enough");
  return {};
}

std::string tool_name_of(std::string_view spelling) {
  spelling = trimmed(spelling.substr(0, spelling.find('(')));
  std::string name;
  for (const char c : spelling) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && !name.empty() && is_lower_or_digit(name.back())) name += '_';
    if (!capital && !is_lower_or_digit(c) && c != '_' && c != '-' && c != '.' && c != ':')
      return "";
    name += c == '-' ? '_' : capital ? static_cast<char>(c - 'A' + 'a') : c;
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kOthers{{
      {"file_read", "read"},
      {"file_write", "write"},
      {"file_edit", "edit"},
      {"multi_edit", "edit"},
      {"file_glob", "glob"},
      {"file_grep", "grep"},
      {"skill_tool", "skill"},
      {"todo_write", "todo"},
      {"todo_read", "todo"},
  }};
  for (const auto& [theirs, ours] : kOthers)
    if (name == theirs) return std::string(ours);
  return name;
}

std::vector<SkillFinding> check_tools(const ParsedSkill& parsed,
                                      std::span<const std::string_view> known) {
  std::vector<SkillFinding> findings;
  for (std::size_t i = 0; i < parsed.skill.allowed_tools.size(); ++i) {
    const auto& name = parsed.skill.allowed_tools[i];
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto nearest = base::nearest_name(name, known);
    findings.push_back(
        {.line = parsed.tool_lines[i],
         .weight = SkillFinding::Weight::warning,
         .sentence = quoted(name) + " is no tool of this program" +
                     (nearest.empty() ? ": boxagnts tool list shows them"
                                      : "; did you mean " + std::string(nearest) + "?")});
  }
  return findings;
}

ParsedSkill parse_skill(std::string_view bytes, std::string_view folder_name) {
  ParsedSkill parsed;
  Reader reader(folder_name, parsed);
  if (GUARD("workspace.skill-bytes", bytes.size() > kSkillBytesMax)) {
    reader.error(1, "is larger than " + base::human_bytes(kSkillBytesMax) +
                        "; move parts of it to files beside it");
    return parsed;
  }
  if (!base::is_utf8(bytes) || bytes.contains('\0')) {
    reader.error(line_of_bad_byte(bytes), "is no text: it must be UTF-8");
    return parsed;
  }
  const std::string text = normalized(bytes, reader);
  const auto parts = split_parts(text);
  if (!parts) {
    reader.error(parts.error().line, parts.error().sentence);
    return parsed;
  }
  if (GUARD("workspace.front-matter-bytes", parts->front.size() > kFrontMatterBytesMax)) {
    reader.error(2, "the front matter is larger than " + base::human_bytes(kFrontMatterBytesMax));
    return parsed;
  }
  const auto root = parse_front_matter(parts->front, 2);
  if (!root) {
    reader.error(root.error().line, root.error().sentence);
    return parsed;
  }
  reader.read(*root);
  parsed.skill.body = trimmed(parts->body);
  if (parsed.skill.body.empty())
    reader.warn(parts->body_line, "there are no instructions behind the front matter");
  warn_of_placeholders(parsed.skill, parts->body, parts->body_line, reader);
  warn_of_hidden(text, reader);
  return parsed;
}

}  // namespace boxagnts::workspace
