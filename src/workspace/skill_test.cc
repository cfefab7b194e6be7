// What a SKILL.md says, every way in which it can be wrong, and what its arguments become.
#include "workspace/skill.h"

#include <gtest/gtest.h>

#include "workspace/skills.h"

namespace boxagnts::workspace {
namespace {

std::string file_of(const std::string& front, const std::string& body = "Do it.\n") {
  return "---\n" + front + "---\n" + body;
}

// What is said of a front matter that begins like a good one.
std::string said_of(const std::string& more) {
  const auto parsed = parse_skill(file_of("name: x\ndescription: d\n" + more), "x");
  std::string all;
  for (const auto& finding : parsed.findings) all += to_text(finding) + "\n";
  return all;
}

std::string first_error(const std::string& text, const std::string& folder = "x") {
  const auto parsed = parse_skill(text, folder);
  return parsed.error() ? to_text(*parsed.error()) : "none";
}

Skill skill_of(const std::string& front, const std::string& body) {
  auto parsed = parse_skill(file_of("name: x\ndescription: d\n" + front, body), "x");
  EXPECT_EQ(parsed.error(), nullptr) << to_text(*parsed.error());
  return std::move(parsed.skill);
}

TEST(Skill, AllOfItIsRead) {
  const auto parsed = parse_skill(
      "---\n"
      "name: pdf-tools\n"
      "description: >-\n"
      "  Takes text\n"
      "  out of PDFs.\n"
      "license: MIT\n"
      "compatibility: Needs poppler\n"
      "metadata:\n"
      "  author: me\n"
      "  version: \"1.0\"\n"
      "allowed-tools: Read, Bash(git add:*) WebFetch\n"
      "when_to_use: 'When there: are PDFs'\n"
      "tools: file-read, web-fetch\n"
      "args:\n"
      "  - name: file\n"
      "    description: Which one\n"
      "    required: true\n"
      "  - name: pages\n"
      "    default: 1\n"
      "---\n"
      "\n# Title\n\nBody --- with dashes.\n\n",
      "pdf-tools");
  ASSERT_EQ(parsed.error(), nullptr) << to_text(*parsed.error());
  const auto& skill = parsed.skill;
  EXPECT_EQ(skill.name, "pdf-tools");
  EXPECT_EQ(skill.description, "Takes text out of PDFs.");
  EXPECT_EQ(skill.license, "MIT");
  EXPECT_EQ(skill.compatibility, "Needs poppler");
  EXPECT_EQ(skill.metadata,
            (std::map<std::string, std::string>{{"author", "me"}, {"version", "1.0"}}));
  EXPECT_EQ(skill.allowed_tools, (std::vector<std::string>{"read", "bash", "web_fetch"}));
  EXPECT_EQ(skill.when_to_use, "When there: are PDFs");
  ASSERT_EQ(skill.arguments.size(), 2u);
  EXPECT_EQ(skill.arguments[0].name, "file");
  EXPECT_EQ(skill.arguments[0].description, "Which one");
  EXPECT_TRUE(skill.arguments[0].required);
  EXPECT_EQ(skill.arguments[0].fallback, std::nullopt);
  EXPECT_FALSE(skill.arguments[1].required);
  EXPECT_EQ(skill.arguments[1].fallback, "1");
  EXPECT_EQ(skill.body, "# Title\n\nBody --- with dashes.");
}

TEST(Skill, TheBuiltInOnesAreWithoutFault) {
  const auto embedded = embedded_skills();
  ASSERT_EQ(embedded.size(), 5u);
  for (const auto& [name, text] : embedded) {
    const auto parsed = parse_skill(text, name);
    EXPECT_TRUE(parsed.findings.empty()) << name << "/" << to_text(parsed.findings[0]);
    EXPECT_FALSE(parsed.skill.when_to_use.empty()) << name;
    EXPECT_FALSE(parsed.skill.allowed_tools.empty()) << name;
    EXPECT_FALSE(parsed.skill.arguments.empty()) << name;
    EXPECT_TRUE(parsed.skill.body.contains("{{")) << name;
  }
}

TEST(Skill, NamesOfOthersMeanOurTools) {
  for (const auto& [theirs, ours] :
       std::map<std::string, std::string>{{"Read", "read"},
                                          {"file-read", "read"},
                                          {"file_write", "write"},
                                          {"MultiEdit", "edit"},
                                          {"WebFetch", "web_fetch"},
                                          {"web-fetch", "web_fetch"},
                                          {"Bash(git:*)", "bash"},
                                          {"AskUserQuestion", "ask_user_question"},
                                          {"TodoWrite", "todo"},
                                          {"skill-tool", "skill"},
                                          {"mcp__github__list", "mcp__github__list"},
                                          {"grep", "grep"},
                                          {"a b", ""},
                                          {"<x>", ""}})
    EXPECT_EQ(tool_name_of(theirs), ours) << theirs;
}

TEST(Skill, ItsNameIsThatOfItsFolder) {
  for (const auto* good : {"a", "pdf-2", "0", "a-b-c"}) EXPECT_TRUE(check_skill_name(good)) << good;
  EXPECT_TRUE(check_skill_name(std::string(64, 'a')));
  for (const auto* bad : {"", "A", "a_b", "-a", "a-", "a--b", "a/b", "..", "a b", "ä", "a\n"})
    EXPECT_EQ(check_skill_name(bad).error().code, Code::invalid_argument) << bad;
  EXPECT_TRUE(check_skill_name(std::string(65, 'a')).error().message.contains("65 characters"));
  EXPECT_TRUE(
      first_error(file_of("name: y\ndescription: d\n")).starts_with("SKILL.md:2: the name"));
  EXPECT_TRUE(first_error(file_of("description: d\nname: Y\n"), "Y").starts_with("SKILL.md:3: "));
}

TEST(Skill, WhatIsWrongIsSaidWithItsLine) {
  EXPECT_EQ(first_error("# Title\n"),
            "SKILL.md:1: the first line must be ---, which opens the front matter with name and "
            "description");
  EXPECT_TRUE(first_error("").starts_with("SKILL.md:1: the first line"));
  EXPECT_TRUE(first_error("---\nname: x\n").contains("not closed"));
  EXPECT_TRUE(first_error("---\n---\nx").contains("must hold name and description"));
  EXPECT_EQ(first_error(file_of("name: x\n")), "SKILL.md:2: description is missing");
  EXPECT_EQ(first_error(file_of("description: x\n")), "SKILL.md:2: name is missing");
  EXPECT_EQ(first_error(file_of("name: x\ndescription:\n")), "SKILL.md:3: description is empty");
  EXPECT_EQ(first_error(file_of("name: x\ndescription: ' '\n")),
            "SKILL.md:3: description is empty");
  EXPECT_EQ(first_error(file_of("name: x\ndescription: [a]\n")),
            "SKILL.md:3: description takes a text");
  EXPECT_EQ(first_error(file_of("name: x\ndescription: use when: asked\n")),
            "SKILL.md:3: a colon and a blank inside a value end it: put the value in quotes");
  EXPECT_TRUE(first_error(file_of("- a\n- b\n")).contains("must hold name and description"));
  for (const auto* open :
       {"name: \"x\n", "name: 'x\n\n", "name: \"x\ndescription: d\n", "name: [x\n"})
    EXPECT_TRUE(first_error(file_of(open)).contains(": no YAML: ")) << open;
  EXPECT_EQ(first_error(file_of("name: x\ndescription\n")),
            "SKILL.md:3: behind \"description\" stands no colon");
  EXPECT_TRUE(first_error(file_of("name: x\ndescription: d\n...\nname: y\n")).contains("document"));
}

TEST(Skill, WhatIsSaidOfACutCharacterIsText) {
  EXPECT_TRUE(said_of("a: \"\\ä\"\n").contains("unknown escape character: \xef\xbf\xbd"));
}

TEST(Skill, LengthsAreCountedInCharacters) {
  std::string text;
  for (int i = 0; i < 1024; ++i) text += "ä";
  EXPECT_EQ(first_error(file_of("name: x\ndescription: " + text + "\n")), "none");
  EXPECT_TRUE(first_error(file_of("name: x\ndescription: " + text + "a\n"))
                  .contains("description has 1025 characters; 1024 are allowed"));
  EXPECT_EQ(said_of("compatibility: " + std::string(500, 'c') + "\n"), "");
  EXPECT_TRUE(said_of("compatibility: " + std::string(501, 'c') + "\n").contains("501 characters"));
  EXPECT_TRUE(said_of("compatibility: ''\n").contains("SKILL.md:4: compatibility is empty"));
}

TEST(Skill, WhatIsOnlyOddIsAWarning) {
  EXPECT_EQ(said_of("allowed_tools: read\n"),
            "SKILL.md:4: warning: the key \"allowed_tools\" is not known and does nothing; did you "
            "mean allowed-tools?\n");
  EXPECT_TRUE(said_of("metadata:\n  a: [1]\n").contains("5: warning: metadata.a is no text"));
  EXPECT_TRUE(said_of("metadata: x\n").contains("warning: metadata takes"));
  EXPECT_TRUE(said_of("tools: Bash(git:*)\n").contains("warning: \"Bash(git:*)\""));
  EXPECT_TRUE(said_of("args:\n- name: a\n  x: 1\n").contains("warning: the key \"x\""));
  EXPECT_TRUE(said_of("args:\n- name: a\n  required: true\n  default: 1\n").contains("never used"));
  const auto hidden = parse_skill(file_of("name: x\ndescription: d\n", "a\nb\U000E0041\n"), "x");
  EXPECT_EQ(hidden.error(), nullptr);
  ASSERT_EQ(hidden.findings.size(), 1u);
  EXPECT_TRUE(to_text(hidden.findings[0]).starts_with("SKILL.md:6: warning: holds characters"));
  EXPECT_TRUE(parse_skill(file_of("name: x\ndescription: d\n", ""), "x").findings.size() == 1);
}

TEST(Skill, BadToolsAndArgumentsAreErrors) {
  EXPECT_TRUE(said_of("tools: {a: b}\n").contains("4: tools takes a list"));
  EXPECT_TRUE(said_of("tools: [[a]]\n").contains("takes names of tools"));
  EXPECT_TRUE(said_of("tools: a <b>\n").contains("\"<b>\" can be no tool's name"));
  EXPECT_TRUE(said_of("args: city\n").contains("4: args takes a list"));
  EXPECT_TRUE(said_of("args:\n  - city\n").contains("5: an argument has at least a name"));
  EXPECT_TRUE(said_of("args:\n  - name: a}b\n").contains("holds more than letters"));
  EXPECT_TRUE(
      said_of("args:\n- name: a\n- name: a\n").contains("6: the argument \"a\" is declared"));
  EXPECT_TRUE(said_of("args:\n- name: a\n  required: yes\n").contains("takes true or false"));
  std::string many = "args:\n";
  for (int i = 0; i < 33; ++i) many += "- name: a" + std::to_string(i) + "\n";
  EXPECT_TRUE(said_of(many).contains("more than 32 args"));
}

TEST(Skill, AYamlBombIsRefused) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string last(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [*" + last + ", *" + last + ", *" + last + "]\n";
  }
  EXPECT_TRUE(first_error(file_of("name: x\ndescription: d\n" + bomb))
                  .starts_with("SKILL.md:4: anchors (&name) are not taken here"));
  EXPECT_TRUE(said_of("a: &a [*a]\n").contains("anchors"));
  EXPECT_TRUE(said_of("a: *b\n").contains("no YAML"));
  EXPECT_TRUE(said_of("a: !!binary aGk=\n").contains("tags (!name) are not taken here"));
}

TEST(Skill, DeepAndEndlessFrontMattersAreRefused) {
  EXPECT_TRUE(said_of("a: " + std::string(15, '[') + std::string(15, ']') + "\n")
                  .starts_with("SKILL.md:4: warning: the key \"a\""));
  EXPECT_TRUE(said_of("a: " + std::string(16, '[') + std::string(16, ']') + "\n")
                  .contains("nested more than 16 levels"));
  EXPECT_TRUE(said_of("a: " + std::string(30'000, '[') + "\n").contains("nested more than"));
  EXPECT_TRUE(said_of("a: " + std::string(30'000, '{') + "\n").contains("nested more than"));
  std::string list = "a: [1";
  for (int i = 0; i < 5000; ++i) list += ",1";
  EXPECT_TRUE(said_of(list + "]\n").contains("holds more than 4096 values"));
  EXPECT_TRUE(said_of("# " + std::string(33'000, 'x') + "\n").contains("front matter is larger"));
}

TEST(Skill, AKeyStandsOnce) {
  EXPECT_EQ(said_of("name: y\n"), "SKILL.md:4: the key \"name\" stands here a second time\n");
  EXPECT_TRUE(said_of("metadata:\n  a: 1\n  a: 2\n").contains("6: the key \"a\""));
  EXPECT_TRUE(said_of("[a]: 1\n").contains("a key must be a text"));
}

TEST(Skill, OtherLineEndsAndAByteOrderMarkAreTaken) {
  const auto parsed =
      parse_skill("\xef\xbb\xbf---\r\nname: x\r\ndescription: d\r\n--- \r\na\r\nb\r\n", "x");
  EXPECT_EQ(parsed.error(), nullptr);
  EXPECT_EQ(parsed.skill.description, "d");
  EXPECT_EQ(parsed.skill.body, "a\nb");
  ASSERT_EQ(parsed.findings.size(), 1u);
  EXPECT_TRUE(to_text(parsed.findings[0]).contains("1: warning: begins with a byte order mark"));
}

TEST(Skill, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(first_error("---\nname: \xff\n---\n"), "SKILL.md:2: is no text: it must be UTF-8");
  EXPECT_EQ(first_error(std::string("---\n\n\0", 6)), "SKILL.md:3: is no text: it must be UTF-8");
  EXPECT_TRUE(first_error(file_of("name: x\ndescription: d\n", std::string(kSkillBytesMax, 'a')))
                  .contains("is larger than"));
}

// --- arguments ---------------------------------------------------------------------------------

std::string expanded(const Skill& skill, const SkillInput& input) {
  const auto text = expand(skill, input);
  return text ? *text : "error: " + text.error().message;
}

using Named = std::map<std::string, std::string>;
constexpr const char* kTwo =
    "args:\n- name: city\n  required: true\n- name: units\n  default: metric\n";

TEST(SkillArguments, AreFilledInOnce) {
  const auto skill = skill_of(kTwo, "{{city}} in {{ units }}: {{city}} {{{units}}} {{other}} {{");
  EXPECT_EQ(expanded(skill, Named{{"city", "Bonn"}}), "Bonn in metric: Bonn {metric} {{other}} {{");
  EXPECT_EQ(expanded(skill, Named{{"city", "{{units}} $ARGUMENTS"}, {"units", "{{city}}"}}),
            "{{units}} $ARGUMENTS in {{city}}: {{units}} $ARGUMENTS {{{city}}} {{other}} {{");
}

TEST(SkillArguments, MayComeAsOneText) {
  const auto skill = skill_of("args:\n- name: units\n- name: city\n  required: true\n",
                              "For {{city}} ({{units}}): $ARGUMENTS.");
  EXPECT_EQ(expanded(skill, "New York"), "For New York (): New York.");
  const auto optional = skill_of("args:\n- name: target\n  default: .\n", "At {{target}}");
  EXPECT_EQ(expanded(optional, "src"), "At src");
  EXPECT_EQ(expanded(optional, ""), "At .");
  EXPECT_EQ(expanded(skill_of("", "Say $ARGUMENTS$ARGUMENTS"), "a $ARGUMENTS"),
            "Say a $ARGUMENTSa $ARGUMENTS");
}

TEST(SkillArguments, AllOfThemAreTold) {
  const auto skill = skill_of(kTwo, "$ARGUMENTS");
  EXPECT_EQ(expanded(skill, Named{{"units", "u"}, {"city", "c"}}), "city: c\nunits: u");
  EXPECT_EQ(expanded(skill, Named{{"city", "c"}}), "c");
  EXPECT_EQ(expanded(skill_of("", "Go."), "fast"), "Go.\n\nArguments: fast");
  EXPECT_EQ(expanded(skill_of("", "Go."), ""), "Go.");
  EXPECT_EQ(expanded(skill_of(kTwo, "{{city}}"), Named{{"city", "c"}, {"units", "u"}}),
            "c\n\nArgument units: u");
}

TEST(SkillArguments, MissingAndUnknownOnesAreNamed) {
  const auto skill = skill_of(kTwo, "{{city}}");
  EXPECT_EQ(expanded(skill, ""),
            "error: the skill x: the argument city is missing; it takes city (required), units");
  EXPECT_EQ(expand(skill, Named{{"city", " "}}).error().code, Code::invalid_argument);
  EXPECT_EQ(
      expanded(skill, Named{{"city", "c"}, {"unit", "u"}}),
      "error: the skill x: there is no argument \"unit\" (did you mean units?); it takes city "
      "(required), units");
  EXPECT_EQ(expanded(skill_of("", "x"), Named{{"a", "b"}}),
            "error: the skill x: there is no argument \"a\"; it takes a free text");
}

TEST(SkillArguments, CannotGrowWithoutEnd) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "{{a}}";
  const auto skill = skill_of("args:\n- name: a\n", body);
  EXPECT_EQ(expand(skill, Named{{"a", std::string(1000, 'x')}}).error().code, Code::limit_exceeded);
  EXPECT_EQ(expand(skill, Named{{"a", "x"}}).value().size(), 1000u);
}

TEST(SkillArguments, AModelIsToldWhoseTextItIsAndWhatBelongsToIt) {
  auto skill = skill_of("allowed-tools: read grep\n", "Do.");
  skill.origin = SkillOrigin::user;
  skill.files = {"a.md", "b/c.md"};
  EXPECT_EQ(introduce(skill, "Do."),
            "Do this by the skill x (user):\n\nDo.\n\n"
            "Files of this skill, each to be read by the tool skill with {\"skill\": \"x\", "
            "\"file\": …}:\n- a.md\n- b/c.md\n\nThis skill keeps to these tools: read grep\n");
}

TEST(SkillArguments, APlaceholderThatNothingFillsIsTold) {
  const auto parsed = parse_skill(
      file_of("name: x\ndescription: d\nargs:\n- name: a\n", "{{a}}\n{{ b }} {{ v.w }}\n"), "x");
  ASSERT_EQ(parsed.findings.size(), 1u);
  EXPECT_EQ(to_text(parsed.findings[0]),
            "SKILL.md:8: warning: {{b}} is no argument of this skill, and stays as it is");
}

TEST(SkillTools, ThoseThatAreNoneAreNamedWithTheirLine) {
  constexpr std::string_view kTools[]{"read", "write", "web_fetch"};
  const auto parsed = parse_skill(
      "---\nname: x\ndescription: d\nallowed-tools:\n  - Read\n  - wirte\n  - "
      "Bash(git:*)\n---\nb\n",
      "x");
  const auto findings = check_tools(parsed, kTools);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(to_text(findings[0]),
            "SKILL.md:6: warning: \"wirte\" is no tool of this program; did you mean write?");
  EXPECT_TRUE(to_text(findings[1]).starts_with("SKILL.md:7: warning: \"bash\" is no tool"));
}

TEST(SkillArguments, OneTextIsNamedValuesOrItself) {
  Skill skill{.arguments = {{.name = "what"}, {.name = "how"}}};
  using Named = std::map<std::string, std::string>;
  const auto of = [&](const char* text) { return input_of(skill, std::string(text)).value(); };
  EXPECT_EQ(of("src and a=b"), SkillInput("src and a=b"));
  EXPECT_EQ(of("what=x how=\"two words\""), SkillInput(Named{{"what", "x"}, {"how", "two words"}}));
  EXPECT_EQ(of("what='a \"b\" c'"), SkillInput(Named{{"what", "a \"b\" c"}}));
  EXPECT_EQ(of("what="), SkillInput(Named{{"what", ""}}));
  EXPECT_EQ(of("it's so"), SkillInput("it's so")) << "a quote in a text";
  EXPECT_EQ(of("other=x"), SkillInput("other=x")) << "names no argument";
  for (const auto* bad : {"what=\"x", "what=x y", "what=x what=y"})
    EXPECT_EQ(input_of(skill, std::string(bad)).error().code, Code::invalid_argument) << bad;
  skill.arguments.clear();
  EXPECT_EQ(of("what=x"), SkillInput("what=x"));
}

}  // namespace
}  // namespace boxagnts::workspace
