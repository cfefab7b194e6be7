#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "workspace/skill.h"

namespace boxagnts::workspace {
namespace {

constexpr std::string_view kAll = "$ARGUMENTS";
constexpr std::size_t kPlaceholderBytesMax = 128;

const SkillArgument* find_argument(const Skill& skill, std::string_view name) {
  const auto found = std::ranges::find(skill.arguments, name, &SkillArgument::name);
  return found == skill.arguments.end() ? nullptr : &*found;
}

// "city (required), units": what a skill takes.
std::string usage_of(const Skill& skill) {
  if (skill.arguments.empty()) return "it takes a free text";
  std::string text = "it takes ";
  for (const auto& argument : skill.arguments)
    text += (&argument == &skill.arguments.front() ? "" : ", ") + argument.name +
            (argument.required ? " (required)" : "");
  return text;
}

std::unexpected<Error> refuse(const Skill& skill, const std::string& why) {
  return fail(Code::invalid_argument,
              "the skill " + skill.name + ": " + why + "; " + usage_of(skill));
}

// What was given, by name; a free text is that of one argument.
Result<std::map<std::string, std::string>> given_by_name(const Skill& skill,
                                                         const SkillInput& input) {
  if (const auto* named = std::get_if<1>(&input)) {
    for (const auto& [name, value] : *named) {
      if (find_argument(skill, name)) continue;
      std::vector<std::string_view> known;
      for (const auto& argument : skill.arguments) known.push_back(argument.name);
      const auto nearest = base::nearest_name(name, known);
      return refuse(skill,
                    "there is no argument \"" + base::one_line(name, 60) + "\"" +
                        (nearest.empty() ? "" : " (did you mean " + std::string(nearest) + "?)"));
    }
    return *named;
  }
  std::map<std::string, std::string> given;
  const auto& text = std::get<0>(input);
  if (skill.arguments.empty() || base::is_blank(text)) return given;
  const auto required = std::ranges::find(skill.arguments, true, &SkillArgument::required);
  const auto& meant = required == skill.arguments.end() ? skill.arguments.front() : *required;
  given[meant.name] = text;
  return given;
}

// What $ARGUMENTS stands for: the text, the one value, or all of them with their names.
std::string all_of(const Skill& skill, const SkillInput& input,
                   const std::map<std::string, std::string>& given) {
  if (const auto* text = std::get_if<0>(&input)) return *text;
  if (given.size() == 1) return given.begin()->second;
  std::string all;
  for (const auto& argument : skill.arguments)
    if (const auto found = given.find(argument.name); found != given.end())
      all += (all.empty() ? "" : "\n") + argument.name + ": " + found->second;
  return all;
}

class Filler {
 public:
  Filler(const Skill& skill, const std::map<std::string, std::string>& given, std::string all)
      : skill_(skill), given_(given), all_(std::move(all)) {}

  Result<std::string> fill() {
    const std::string_view body = skill_.body;
    for (std::size_t at = 0; at < body.size();) {
      const auto next = std::min(body.find_first_of("{$", at), body.size());
      TRY(put(body.substr(at, next - at)));
      at = next;
      const auto rest = body.substr(at);
      if (rest.starts_with(kAll)) {
        TRY(put(all_));
        told_all_ = true;
        at += kAll.size();
      } else if (!rest.empty()) {
        at += TRY(fill_one(rest));
      }
    }
    TRY(append_untold());
    return std::move(out_);
  }

 private:
  Status put(std::string_view text) {
    if (GUARD("workspace.skill-expanded", out_.size() + text.size() > kExpandedBytesMax))
      return fail(Code::limit_exceeded, "the skill " + skill_.name +
                                            " with its arguments is larger than " +
                                            base::human_bytes(kExpandedBytesMax) + "; give less");
    out_ += text;
    return {};
  }

  // What `rest` begins with: a placeholder, or a character of the text. How long that is.
  Result<std::size_t> fill_one(std::string_view rest) {
    const auto head = rest.substr(0, kPlaceholderBytesMax);
    const auto close = head.starts_with("{{") ? head.find("}}") : std::string_view::npos;
    auto name = close == std::string_view::npos ? std::string_view() : head.substr(2, close - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    const auto* argument = find_argument(skill_, name);
    if (!argument) {  // the text's own, as in a template of another program
      TRY(put(rest.substr(0, 1)));
      return 1;
    }
    const auto found = given_.find(argument->name);
    TRY(put(found != given_.end() ? found->second : argument->fallback.value_or("")));
    told_.push_back(name);
    return close + 2;
  }

  Status append_untold() {
    if (told_all_) return {};
    if (skill_.arguments.empty()) return all_.empty() ? Status() : put("\n\nArguments: " + all_);
    for (const auto& [name, value] : given_)
      if (std::ranges::find(told_, name) == told_.end())
        TRY(put("\n\nArgument " + name + ": " + value));
    return {};
  }

  const Skill& skill_;
  const std::map<std::string, std::string>& given_;
  const std::string all_;
  std::string out_;
  std::vector<std::string_view> told_;
  bool told_all_ = false;
};

}  // namespace

Result<std::string> expand(const Skill& skill, const SkillInput& input) {
  const auto given = TRY(given_by_name(skill, input));
  for (const auto& argument : skill.arguments) {
    const auto found = given.find(argument.name);
    const bool has_value = found != given.end() && !base::is_blank(found->second);
    if (argument.required && !has_value)
      return refuse(skill, "the argument " + argument.name + " is missing");
  }
  return Filler(skill, given, all_of(skill, input, given)).fill();
}

std::string introduce(const Skill& skill, const std::string& expanded) {
  std::string text = "Do this by the skill " + skill.name + " (" +
                     std::string(name_of(skill.origin)) + "):\n\n" + expanded + "\n";
  if (!skill.files.empty()) {
    text += "\nFiles of this skill, each to be read by the tool skill with {\"skill\": \"" +
            skill.name + "\", \"file\": …}:\n";
    for (const auto& file : skill.files) text += "- " + file + "\n";
  }
  if (!skill.allowed_tools.empty()) {
    text += "\nThis skill keeps to these tools:";
    for (const auto& tool : skill.allowed_tools) text += " " + tool;
    text += "\n";
  }
  return text;
}

namespace {

bool is_named(std::string_view word) {
  const auto equals = word.find('=');
  return equals != word.npos && equals > 0 &&
         std::ranges::all_of(word.substr(0, equals), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '_' || c == '-';
         });
}

bool begins_with_argument(const Skill& skill, const std::vector<std::string>& words) {
  if (words.empty() || !is_named(words.front())) return false;
  const auto name = std::string_view(words.front()).substr(0, words.front().find('='));
  return std::ranges::find(skill.arguments, name, &SkillArgument::name) != skill.arguments.end();
}

// As a shell parts them, without its other signs. Errors: a quote without its end.
Result<std::vector<std::string>> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (quote == 0 && blank) {
      in_word = false;
      continue;
    }
    if (!std::exchange(in_word, true)) words.emplace_back();
    if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == quote)
      quote = 0;
    else
      words.back() += c;
  }
  if (quote != 0)
    return fail(Code::invalid_argument,
                "the arguments hold a quote that does not end: " + std::string(1, quote));
  return words;
}

}  // namespace

Result<SkillInput> input_of(const Skill& skill, const std::vector<std::string>& words) {
  if (skill.arguments.empty() || std::ranges::none_of(words, is_named)) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
  }
  std::map<std::string, std::string> values;
  for (const auto& word : words) {
    if (!is_named(word))
      return fail(Code::invalid_argument,
                  "\"" + base::one_line(word, 60) +
                      "\" is no name=value as the other arguments are; put a value with blanks in "
                      "quotes, as in \"name=two words\"");
    const auto equals = word.find('=');
    const auto [at, is_new] = values.try_emplace(word.substr(0, equals), word.substr(equals + 1));
    if (!is_new)
      return fail(Code::invalid_argument, "the argument " + at->first + " is given twice");
  }
  return values;
}

Result<SkillInput> input_of(const Skill& skill, const std::string& text) {
  const auto words = words_of(text);
  if (words && begins_with_argument(skill, *words)) return input_of(skill, *words);
  // A quote that does not end is a quote in a text, unless it stands behind a name.
  if (!words && begins_with_argument(skill, {text.substr(0, text.find(' '))}))
    return std::unexpected(words.error());
  return text;
}

}  // namespace boxagnts::workspace
