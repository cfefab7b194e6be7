// The validator against the JSON Schema Test Suite (Debian: json-schema-test-suite), and what its
// sentences say.
#include "tools/json_schema.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"

namespace boxagnts::tools {
namespace {

namespace fs = std::filesystem;

Json json(std::string_view text) { return base::parse_json(text).value(); }

// --- the oracle
// -----------------------------------------------------------------------------------

constexpr const char* kSuite = "/usr/share/json-schema-test-suite/tests";

// Groups that are left out, and why; the whole of refRemote.json is, since nothing is fetched.
const std::map<std::string, std::string> kLeftOut{
    {"valid definition", "$ref to the metaschema: nothing is fetched"},
    {"invalid definition", "$ref to the metaschema: nothing is fetched"},
    {"remote ref, containing refs itself", "$ref to the metaschema: nothing is fetched"},
    {"Recursive references between schemas",
     "relative to another base URI: those are not followed"},
    {"ref overrides any sibling keywords", "since 2019-09 what stands beside $ref counts; so here"},
};

void run_draft(const std::string& draft) {
  const fs::path folder = fs::path(kSuite) / draft;
  if (!fs::exists(folder))
    GTEST_SKIP() << "ORACLE MISSING: install Debian's json-schema-test-suite to run " << draft;
  int cases = 0;
  std::set<std::string> left_out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "refRemote.json") continue;
    const Json file = json(base::read_file(entry.path().string()).value());
    for (const auto& group : file.get_array()) {
      const std::string name(*base::get_string(group, "description"));
      if (kLeftOut.contains(name)) {
        left_out.insert(name);
        continue;
      }
      const auto schema = JsonSchema::compile(*base::find(group, "schema"));
      EXPECT_TRUE(schema) << entry.path() << ": " << name << ": " << schema.error().message;
      if (!schema) continue;
      for (const auto& test : *base::get_array(group, "tests")) {
        const auto status = schema->check(*base::find(test, "data"));
        EXPECT_EQ(status.has_value(), *base::get_bool(test, "valid"))
            << entry.path().filename() << ": " << name << ": "
            << *base::get_string(test, "description")
            << (status ? "" : ": " + status.error().message);
        ++cases;
      }
    }
  }
  EXPECT_GT(cases, 250) << draft;
  EXPECT_EQ(left_out.size(), kLeftOut.size()) << draft << ": the list names a group that is gone";
}

TEST(JsonSchemaSuite, Draft7) { run_draft("draft7"); }
TEST(JsonSchemaSuite, Draft6) { run_draft("draft6"); }
TEST(JsonSchemaSuite, Draft4) { run_draft("draft4"); }

// --- sentences
// ------------------------------------------------------------------------------------

const char* const kEdit = R"({"type":"object","properties":{
  "path":{"type":"string","minLength":1},
  "limit":{"type":"integer","minimum":1,"maximum":2000},
  "mode":{"enum":["text","binary"]},
  "name":{"type":"string","pattern":"^[a-z]+$"},
  "edits":{"type":"array","minItems":1,"items":{"type":"object",
     "properties":{"old_string":{"type":"string"}},"required":["old_string"]}}},
  "required":["path"],"additionalProperties":false})";

TEST(JsonSchema, SentencesNameTheFieldWhatWasWantedAndWhatCame) {
  const auto schema = JsonSchema::compile(json(kEdit)).value();
  const std::pair<const char*, const char*> rows[] = {
      {R"({"path":7})", "\"path\" takes a string, but the number 7 came"},
      {R"({"path":"a","limit":"10"})",
       "\"limit\" takes a whole number, but a string (\"10\") came"},
      {R"({"path":"a","limit":0})", "\"limit\" takes a number of at least 1, but 0 came"},
      {R"({"path":"a","limit":9999})", "\"limit\" takes a number of at most 2000, but 9999 came"},
      {R"({"path":""})", "\"path\" takes at least 1 characters, but 0 came"},
      {R"({"path":"a","mode":"img"})",
       "\"mode\" takes one of \"text\", \"binary\", but a string (\"img\") came"},
      {R"({"path":"a","name":"A"})",
       "\"name\" takes a string that matches ^[a-z]+$, but a string (\"A\") came"},
      {R"({"path":"a","edits":[{"old_string":"x"},{"old_string":null}]})",
       "\"edits[1].old_string\" takes a string, but null came"},
      {R"({"path":"a","edits":[{}]})",
       "\"edits[0]\" needs the field \"old_string\", which is missing"},
      {R"({"path":"a","edits":[]})", "\"edits\" takes at least 1 items, but 0 came"},
      {R"({})", "the input needs the field \"path\", which is missing"},
      {R"({"pth":"a"})",
       "the input has no field \"pth\"; did you mean \"path\"? It takes path, limit, mode, name, "
       "edits"},
      {R"([])", "the input takes an object, but an array ([]) came"},
  };
  for (const auto& [input, sentence] : rows) {
    const auto status = schema.check(json(input));
    ASSERT_FALSE(status) << input;
    EXPECT_EQ(status.error().code, Code::invalid_argument);
    EXPECT_EQ(status.error().message, sentence);
  }
  EXPECT_TRUE(schema.check(json(R"({"path":"a","limit":3.0,"edits":[{"old_string":"x"}]})")));
}

TEST(JsonSchema, LaterDraftsKeywords) {
  struct Row {
    const char* schema;
    const char* good;
    const char* bad;
  };
  constexpr Row kRows[] = {
      {R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["a"])", R"(["a",1])"},
      {R"({"contains":{"type":"string"},"minContains":2,"maxContains":2})", R"(["a","b",1])",
       R"(["a"])"},
      {R"({"dependentRequired":{"a":["b"]}})", R"({"a":1,"b":1})", R"({"a":1})"},
      {R"({"dependentSchemas":{"a":{"required":["b"]}}})", R"({"b":1})", R"({"a":1})"},
      {R"({"$defs":{"s":{"$anchor":"text","type":"string"}},"$ref":"#text"})", R"("a")", "1"},
      {R"({"$defs":{"s":{"type":"string"}},"$ref":"#/$defs/s","maxLength":1})", R"("a")",
       R"("ab")"},
  };
  for (const auto& row : kRows) {
    const auto schema = JsonSchema::compile(json(row.schema)).value();
    EXPECT_TRUE(schema.check(json(row.good))) << row.schema;
    EXPECT_FALSE(schema.check(json(row.bad))) << row.schema;
  }
}

TEST(JsonSchema, MalformedSchemasAreRefusedWithTheirPlace) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"properties":{"a":{"type":"text"}}})", "#/properties/a: type"},
      {R"({"properties":{"a":7}})", "#/properties/a: it takes an object"},
      {R"({"items":{"pattern":"("}})", "#/items: pattern"},
      {R"j({"pattern":"(?=x)"})j", "#: pattern"},
      {R"({"$ref":"#/nothing"})", "leads to nothing"},
      {R"({"$ref":"other.json"})", "leads out of the document"},
      {R"({"allOf":{}})", "allOf takes an array"},
      {R"({"required":"a"})", "required takes"},
      {R"({"minLength":-1})", "minLength takes"},
      {R"({"multipleOf":0})", "multipleOf takes"},
      {R"({"enum":1})", "enum takes"},
      {R"("x")", "#: it takes an object"},
  };
  for (const auto& [text, part] : rows) {
    const auto schema = JsonSchema::compile(json(text));
    ASSERT_FALSE(schema) << text;
    EXPECT_NE(schema.error().message.find(part), std::string::npos) << schema.error().message;
  }
}

TEST(JsonSchema, HostileSchemasCostABoundedAmount) {
  const auto circle = JsonSchema::compile(json(R"({"$ref":"#"})")).value();
  EXPECT_FALSE(circle.check(json("1")));
  const auto doubling =
      JsonSchema::compile(json(R"({"allOf":[{"not":{"$ref":"#"}},{"not":{"$ref":"#"}}]})")).value();
  EXPECT_FALSE(doubling.check(json("1")) && doubling.check(json("2")));
  std::string many = "[0";
  for (int i = 1; i < 3000; ++i) many += "," + std::to_string(i);
  const auto unique = JsonSchema::compile(json(R"({"uniqueItems":true})")).value();
  EXPECT_FALSE(unique.check(json(many + "]")));
}

}  // namespace
}  // namespace boxagnts::tools
