// Manifests that nobody of ours wrote: each field with each fault is refused, by name; and what a
// module's head tells of it, cut at every byte.
#include "toolbox/foreign_manifest.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "toolbox/help_manifest.h"
#include "toolbox/wasm_sections.h"
#include "tools/json_schema.h"

namespace boxagnts::toolbox {
namespace {

const Json& good() {
  static const Json json = base::parse_json(R"({
    "contract": "boxagnts:tool/1", "name": "count_2", "version": "1.0.0-a+b",
    "description": "Counts.\nAnd more.", "keywords": ["words", "größe"],
    "permission_level": "write", "output": "text", "capabilities": ["network"],
    "environment": ["API_KEY"], "network": {"connects": ["url"]},
    "paths": {"reads": ["file"], "writes": ["out"], "globs": ["pattern"]},
    "input_schema": {"type": "object", "required": ["file"], "additionalProperties": false,
      "properties": {"file": {"type": "string"}, "out": {"type": "string"},
        "pattern": {"type": "string"}, "url": {"type": "string"}, "n": {"type": "integer"}}}})")
                               .value();
  return json;
}

// The good one with another value at a place; a Json that is absent removes it.
Json with(std::string_view place, std::optional<Json> value) {
  Json json = good();
  auto* object = &json.as_object();
  for (auto slash = place.find('/'); slash != place.npos; slash = place.find('/')) {
    object = &object->at(place.substr(0, slash)).as_object();
    place.remove_prefix(slash + 1);
  }
  if (value)
    (*object)[place] = *value;
  else
    object->erase(place);
  return json;
}

Result<Manifest> parse(const Json& json) { return parse_foreign_manifest(base::to_text(json)); }

std::string refusal(const Json& json) {
  const auto manifest = parse(json);
  return manifest ? "" : manifest.error().message;
}

Json nested(int depth) {
  Json json = JsonObject{{"type", "string"}};
  for (int i = 0; i < depth; ++i) json = JsonObject{{"not", json}};
  return json;
}

Json properties(Json value) {
  return JsonObject{{"type", "object"}, {"properties", JsonObject{{"a", std::move(value)}}}};
}

Json repeated(std::size_t count, char c) { return Json(std::string(count, c)); }

TEST(ForeignManifest, AGoodOneIsTakenAndIsAtLeastExecute) {
  const auto manifest = parse(good());
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->spec.name, "count_2");
  EXPECT_EQ(manifest->version, "1.0.0-a+b");
  EXPECT_EQ(manifest->keywords, (std::vector<std::string>{"words", "größe"}));
  EXPECT_EQ(manifest->environment, std::vector<std::string>{"API_KEY"});
  EXPECT_TRUE(manifest->wants_network);
  EXPECT_EQ(manifest->claimed, core::Level::write);
  EXPECT_EQ(manifest->spec.level, core::Level::execute);
  for (const auto* level : {"none", "read-only", "write", "execute"}) {
    auto json = with("permission_level", level);
    json.as_object().erase("paths");
    const auto other = parse(json);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->spec.level, core::Level::execute) << level;
  }
}

TEST(ForeignManifest, EachOptionalFieldMayBeAbsent) {
  for (const auto* field : {"keywords", "environment", "network", "paths"})
    EXPECT_TRUE(parse(with(field, std::nullopt))) << field;
}

TEST(ForeignManifest, EachNeededFieldIsMissed) {
  for (const auto* field :
       {"contract", "name", "version", "description", "permission_level", "output", "input_schema"})
    EXPECT_TRUE(refusal(with(field, std::nullopt)).contains(field)) << field;
}

// Field x value of another type: nothing is passed over in silence.
TEST(ForeignManifest, EachFieldIsOfItsType) {
  const std::vector<Json> values{nullptr,
                                 true,
                                 7,
                                 1.5,
                                 "\x01",
                                 "",
                                 JsonArray{7},
                                 JsonArray{JsonObject{}},
                                 JsonObject{{"x", 1}}};
  const std::vector<std::string> places{
      "contract",    "name",        "version",          "description",  "keywords",
      "output",      "environment", "permission_level", "capabilities", "network",
      "paths",       "paths/reads", "paths/writes",     "paths/globs",  "network/connects",
      "input_schema"};
  for (const auto& place : places)
    for (const auto& value : values) {
      const auto sentence = refusal(with(place, value));
      const auto field = place.substr(0, place.find('/'));
      EXPECT_TRUE(sentence.contains(field))
          << place << " = " << base::to_text(value) << ": " << sentence;
    }
}

struct Fault {
  const char* name;
  const char* place;
  Json value;
  const char* says;
};
class ForeignManifestFault : public testing::TestWithParam<Fault> {};

TEST_P(ForeignManifestFault, IsRefusedByName) {
  const auto& fault = GetParam();
  const auto sentence = refusal(with(fault.place, fault.value));
  EXPECT_TRUE(sentence.contains(fault.says)) << sentence;
  for (const char c : sentence) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ForeignManifestFault,
    testing::Values(
        Fault{"NameLong", "name", repeated(65, 'a'), "name"},
        Fault{"NameCapital", "name", "Count", "name"}, Fault{"NameDigit", "name", "2a", "name"},
        Fault{"NamePath", "name", "../../x", "name"}, Fault{"NameBlank", "name", "a b", "name"},
        Fault{"NameLetter", "name", "größe", "name"},
        Fault{"NameEscape", "name", "a\x1b[1m", "name"},
        Fault{"VersionLong", "version", repeated(33, '1'), "version"},
        Fault{"VersionLine", "version", "1\n2", "version"},
        Fault{"DescriptionLong", "description", repeated(4'001, 'x'), "description"},
        Fault{"DescriptionBlank", "description", " \n ", "description"},
        Fault{"DescriptionEscape", "description", "a\x1b[31m", "control"},
        Fault{"DescriptionBell", "description", "a\x07", "control"},
        Fault{"DescriptionDelete", "description", "a\x7f", "control"},
        Fault{"DescriptionC1", "description", "a\u009b31m", "control"},
        Fault{"DescriptionBidi", "description", "a\u202eb", "control"},
        Fault{"DescriptionTag", "description", "a\U000e0041b", "nobody sees"},
        Fault{"DescriptionZeroWidth", "description", "a\u200bb", "nobody sees"},
        Fault{"DescriptionWordJoiner", "description", "a\u2060b", "nobody sees"},
        Fault{"DescriptionMark", "description", "a\ufeffb", "nobody sees"},
        Fault{"LevelUnknown", "permission_level", "careless", "permission_level"},
        Fault{"LevelDangerous", "permission_level", "dangerous", "permission_level"},
        Fault{"LevelForbidden", "permission_level", "forbidden", "permission_level"},
        Fault{"LevelNoneReads", "permission_level", "none", "sees no files"},
        Fault{"LevelReadOnlyWrites", "permission_level", "read-only", "paths.writes"},
        Fault{"OutputUnknown", "output", "guess", "output"},
        Fault{"ContractOther", "contract", "boxagnts:tool/2", "contract"},
        Fault{"CapabilityUnknown", "capabilities", JsonArray{"sockets"}, "capabilities"},
        Fault{"CapabilityMissing", "capabilities", JsonArray{}, "network.connects"},
        Fault{"KeywordsMany", "keywords", JsonArray(33, "k"), "keywords"},
        Fault{"KeywordLong", "keywords", JsonArray{std::string(41, 'k')}, "keywords"},
        Fault{"KeywordLines", "keywords", JsonArray{"a\nb"}, "keywords"},
        Fault{"VariableDigit", "environment", JsonArray{"1A"}, "environment"},
        Fault{"VariableValue", "environment", JsonArray{"A=b"}, "environment"},
        Fault{"Programs", "programs", JsonArray{"read_pdf"}, "programs"},
        Fault{"FieldUnknown", "descripton", "x", "did you mean \"description\"?"},
        Fault{"FieldSteers", "a\x1b]0;x\x07", "x", "no field"},
        Fault{"PathsUnknown", "paths/deletes", JsonArray{"file"}, "paths: "},
        Fault{"PathsNoArgument", "paths/reads", JsonArray{"nothing"}, "paths.reads"},
        Fault{"PathsNoText", "paths/writes", JsonArray{"n"}, "type string"},
        Fault{"PathsMany", "paths/reads", JsonArray(33, "file"), "paths.reads"},
        Fault{"ConnectsNoArgument", "network/connects", JsonArray{"n"}, "network.connects"},
        Fault{"SchemaOfText", "input_schema", JsonObject{{"type", "string"}}, "object"},
        Fault{"SchemaDeep", "input_schema", properties(nested(20)), "deep"},
        Fault{"SchemaLarge", "input_schema",
              properties(JsonObject{{"description", std::string(33 << 10, 'x')}}), "larger"},
        Fault{"SchemaSteers", "input_schema", properties(JsonObject{{"description", "\x1b[2J"}}),
              "control"},
        Fault{"SchemaUnseen", "input_schema",
              properties(JsonObject{{"enum", JsonArray{"a\U000e0041"}}}), "nobody sees"},
        Fault{"SchemaKeySteers", "input_schema",
              JsonObject{{"type", "object"}, {"\x1b", JsonObject{}}}, "control"},
        Fault{"SchemaArgument", "input_schema",
              JsonObject{{"type", "object"}, {"properties", JsonObject{{"a b", JsonObject{}}}}},
              "argument's name"},
        Fault{"SchemaPattern", "input_schema",
              properties(JsonObject{{"type", "string"}, {"pattern", "("}}), "input_schema"},
        Fault{"SchemaElsewhere", "input_schema",
              properties(JsonObject{{"$ref", "https://a.test/x"}}), "input_schema"}),
    [](const auto& info) { return info.param.name; });

TEST(ForeignManifest, WhatIsNoJsonOrTooLargeIsRefused) {
  const auto refused = [](std::string_view text, std::string_view says) {
    const auto manifest = parse_foreign_manifest(text);
    ASSERT_FALSE(manifest);
    EXPECT_TRUE(manifest.error().message.contains(says)) << manifest.error().message;
  };
  refused("", "JSON");
  refused("{", "JSON");
  refused("[]", "object");
  refused("{\"name\":\"\xff\"}", "JSON");
  refused(std::string(100'000, '['), "larger");
  refused(std::string(60'000, '['), "JSON");
  refused(base::to_text(good()) + std::string(64 << 10, ' '), "larger");
}

TEST(ForeignManifest, NothingOfAGoodOneCutAnywhereIsTaken) {
  const auto text = base::to_text(good());
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_foreign_manifest(std::string_view(text).substr(0, size))) << size;
}

// --- without one ---------------------------------------------------------------------------------

TEST(HelpManifest, TakesTheFilesNameAndWhatAPersonSees) {
  const auto manifest = manifest_from_help("Word-Count.2", "Usage\x1b[2J:\ta\u202eb\u200bc\n\xff");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->spec.name, "word_count_2");
  EXPECT_TRUE(manifest->spec.description.ends_with("Usage[2J: abc\n\ufffd"))
      << manifest->spec.description;
  EXPECT_TRUE(tools::JsonSchema::compile(manifest->spec.input_schema));
  EXPECT_EQ(manifest->claimed, core::Level::execute);
  EXPECT_FALSE(manifest->wants_network);
  EXPECT_LE(manifest_from_help("a", std::string(100'000, 'x'))->spec.description.size(), 3'100u);
  for (const auto* name : {"", "2a", "-a", "\xc3\xb6"})
    EXPECT_FALSE(manifest_from_help(name, "help")) << name;
  EXPECT_FALSE(manifest_from_help(std::string(65, 'a'), "help"));
  EXPECT_FALSE(manifest_from_help("a", " \n\x1b"));
}

TEST(HelpManifest, ArgumentsBecomeWords) {
  const auto words = [](const char* json) {
    return command_line_of(base::parse_json(json).value());
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(words("{}"), Words{});
  EXPECT_EQ(words(R"({"options":{"max_count":3,"quiet":true,"loud":false,"name":"a b"},
                      "arguments":["x","--y"],"input":"z"})"),
            (Words{"--max-count=3", "--quiet", "--name=a b", "x", "--y"}));
}

// --- the module's head ---------------------------------------------------------------------------

std::string number(std::size_t value) {
  std::string bytes;
  do {
    bytes += static_cast<char>((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>= 7;
  } while (value > 0);
  return bytes;
}
std::string section(char kind, const std::string& content) {
  return kind + number(content.size()) + content;
}
std::string custom(const std::string& name, const std::string& content) {
  return section('\0', number(name.size()) + name + content);
}
const std::string kHead("\0asm\1\0\0\0", 8);

Result<std::optional<std::string>> find_in(const std::string& wasm, std::size_t bytes_max = 100) {
  return custom_section(
      [&](std::uint64_t offset, std::size_t bytes) -> Result<std::string> {
        return offset < wasm.size() ? wasm.substr(offset, bytes) : "";
      },
      wasm.size(), "our.section", bytes_max);
}
std::string why_not(const std::string& wasm) {
  const auto found = find_in(wasm);
  return found ? "" : found.error().message;
}

TEST(WasmSections, OneIsFoundAmongOthersWhereverItStands) {
  const auto ours = custom("our.section", "content");
  const auto others = section(1, "types") + custom("name", std::string(5'000, 'n')) +
                      custom("our.section.not", "x") + section(10, std::string(70'000, 'c'));
  EXPECT_EQ(find_in(kHead + ours + others).value(), "content");
  EXPECT_EQ(find_in(kHead + others + ours).value(), "content");
  EXPECT_EQ(find_in(kHead + others).value(), std::nullopt);
  EXPECT_EQ(find_in(kHead).value(), std::nullopt);
  EXPECT_EQ(find_in(kHead + custom("our.section", "")).value(), "");
  EXPECT_EQ(find_in(kHead + custom("our.section", std::string(100, 'x'))).value()->size(), 100u);
}

TEST(WasmSections, WhatIsNoGoodModuleIsSaidInWords) {
  EXPECT_EQ(why_not(""), "is no WebAssembly module");
  EXPECT_EQ(why_not("#!/bin/sh\n"), "is no WebAssembly module");
  EXPECT_TRUE(why_not(std::string("\0asm\x0d\0\1\0", 8)).contains("components are not supported"));
  EXPECT_TRUE(why_not(std::string("\0asm\2\0\0\0", 8)).contains("version"));
  const auto ours = custom("our.section", "content");
  EXPECT_TRUE(why_not(kHead + ours + ours).contains("two sections"));
  EXPECT_TRUE(why_not(kHead + custom("our.section", std::string(101, 'x'))).contains("more than"));
  // A name that reaches past its section, and sizes of more than 32 bits or without an end.
  EXPECT_TRUE(why_not(kHead + section('\0', number(11) + "our") + section(1, "section")) == "");
  EXPECT_TRUE(why_not(kHead + "\1\xff\xff\xff\xff\x7f").contains("middle"));
  EXPECT_TRUE(why_not(kHead + "\1\xff\xff\xff\xff\xff\xff").contains("middle"));
  EXPECT_TRUE(why_not(kHead + "\1\xff\xff\xff\xff\x0f").contains("middle"));
  std::string many = kHead;
  for (std::size_t i = 0; i <= kWasmSectionsMax; ++i) many += custom("n", "");
  EXPECT_TRUE(why_not(many).contains("sections"));
}

TEST(WasmSections, CutAnywhereItIsFoundWholeOrNotAtAll) {
  const auto wasm =
      kHead + section(1, "types") + custom("our.section", "content") + section(3, "x");
  for (std::size_t size = 0; size < wasm.size(); ++size) {
    const auto found = find_in(wasm.substr(0, size));
    EXPECT_TRUE(!found || !*found || **found == "content") << size;
  }
}

TEST(WasmSections, AnErrorOfReadingIsItsOwn) {
  const auto broken = custom_section(
      [](std::uint64_t, std::size_t) -> Result<std::string> { return fail(Code::io, "disk"); }, 100,
      "our.section", 100);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::io);
}

}  // namespace
}  // namespace boxagnts::toolbox
