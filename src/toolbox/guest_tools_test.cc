// What holds for every guest: its manifest, its facts, what the grant lets it see, how it ends.
#include "toolbox/guest_tools.h"

#include <sys/stat.h>

#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"
#include "toolbox/manifest.h"
#include "tools/json_schema.h"
#include "tools/mount_masks.h"

namespace boxagnts::toolbox {
namespace {

using core::ResultStatus;
using Strings = std::vector<std::string>;

class GuestTools : public GuestToolTest {};

TEST_F(GuestTools, AreShownInOrderWithTheirSchemas) {
  Strings names;
  for (const auto& spec : shared_->registry.specs(core::AgentAccess::full)) {
    names.push_back(spec.name);
    EXPECT_TRUE(tools::JsonSchema::compile(spec.input_schema)) << spec.name;
    EXPECT_FALSE(base::find(spec.input_schema, "additionalProperties")->as_bool()) << spec.name;
    for (const auto& property : base::find(spec.input_schema, "properties")->as_object())
      EXPECT_TRUE(base::get_string(property.value(), "description")) << spec.name;
  }
  EXPECT_EQ(names, (Strings{"read", "write", "edit", "glob", "grep"}));
  EXPECT_EQ(tool("read").spec().level, core::Level::read_only);
  EXPECT_EQ(tool("write").spec().level, core::Level::write);
  EXPECT_EQ(tool("edit").spec().level, core::Level::write);
  EXPECT_EQ(tool("glob").spec().level, core::Level::read_only);
  EXPECT_EQ(tool("grep").spec().level, core::Level::read_only);
}

TEST_F(GuestTools, TakeLittleOfTheProgram) {
  std::size_t bytes = 0;
  for (const auto& guest : embedded_guests())
    bytes += guest.cwasm.bytes.size() + guest.wasm.bytes.size();
  EXPECT_LT(bytes, 6u << 20);
}

TEST_F(GuestTools, CarryTheirManifestInThemselves) {
  for (const auto& guest : embedded_guests()) {
    const auto wasm = guest.wasm.expand().value();
    EXPECT_TRUE(wasm.starts_with(std::string_view("\0asm", 4))) << guest.name;
    // A program that a tool's call goes on in is no tool itself.
    EXPECT_EQ(wasm.contains("boxagnts.tool"), !guest.manifest.empty()) << guest.name;
    EXPECT_TRUE(wasm.contains(guest.manifest)) << guest.name;
    // grep carries ripgrep's engine and the tables of Unicode, read_pdf the libraries of its name,
    // web_fetch the tables of charsets.
    const bool large = guest.name == "grep" || guest.name == "read_pdf";
    const bool medium = guest.name == "web_fetch";
    const std::size_t bytes_max = large ? 2u << 20 : medium ? 768u << 10 : 64u << 10;
    EXPECT_LT(wasm.size(), bytes_max) << guest.name;
  }
}

TEST_F(GuestTools, RunAlsoWhereTheCompiledFormDoesNotFit) {
  put("a.txt", "one\n");
  for (const auto& guest : embedded_guests()) {
    if (guest.name != "read") continue;
    const auto program = shared_->sandbox->compile(guest.wasm.expand().value());
    ASSERT_TRUE(program) << program.error().message;
  }
  EXPECT_FALSE(shared_->sandbox->load_compiled("no module"));
}

// --- facts
// ------------------------------------------------------------------------------------------

struct FactsCase {
  const char* name;
  const char* tool;
  const char* arguments;
  Strings reads;  // seen from /w
  Strings writes;
};

class GuestFacts : public GuestToolTest, public testing::WithParamInterface<FactsCase> {};

TEST_P(GuestFacts, AreAbsoluteAndNormal) {
  const auto& expected = GetParam();
  const auto facts =
      tool(expected.tool).facts(base::parse_json(expected.arguments).value(), {.workspace = "/w"});
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->reads, expected.reads);
  EXPECT_EQ(facts->writes, expected.writes);
  EXPECT_FALSE(facts->opaque);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GuestFacts,
    testing::Values(
        FactsCase{"Read", "read", R"({"file_path":"a/b"})", {"/w/a/b"}, {}},
        FactsCase{"ReadUp", "read", R"({"file_path":"a/../../x/./y"})", {"/x/y"}, {}},
        FactsCase{"ReadAbsolute", "read", R"({"file_path":"/e//f/"})", {"/e/f"}, {}},
        FactsCase{"ReadPastRoot", "read", R"({"file_path":"../../../.."})", {"/"}, {}},
        FactsCase{"Write", "write", R"({"file_path":"a","content":""})", {}, {"/w/a"}},
        FactsCase{"Edit",
                  "edit",
                  R"({"file_path":"a","old_string":"","new_string":""})",
                  {"/w/a"},
                  {"/w/a"}},
        FactsCase{"Glob", "glob", R"({"pattern":"*"})", {"/w"}, {}},
        FactsCase{"GlobPath", "glob", R"({"pattern":"*","path":"s"})", {"/w/s"}, {}},
        FactsCase{"GlobFolders", "glob", R"({"pattern":"s/t/*.c","path":"r"})", {"/w/r/s/t"}, {}},
        FactsCase{"GlobAbsolute", "glob", R"({"pattern":"/etc/*"})", {"/etc"}, {}},
        FactsCase{"GlobUp", "glob", R"({"pattern":"../x/**/y"})", {"/x"}, {}},
        FactsCase{"GlobBraces", "glob", R"({"pattern":"s/{a,b}/*"})", {"/w/s"}, {}}),
    [](const auto& info) { return info.param.name; });

TEST_F(GuestTools, APathWithNulIsNoPath) {
  const auto facts = tool("read").facts(Json{{"file_path", std::string("a\0b", 3)}}, context_);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, Code::invalid_argument);
  expect_has(facts.error().message, "NUL");
}

TEST(Manifest, MalformedOnesAreRefusedByField) {
  const auto refused = [](std::string_view from, std::string_view to, std::string_view named) {
    std::string text(embedded_guests()[0].manifest);
    text.replace(text.find(from), from.size(), to);
    const auto manifest = parse_manifest(text);
    ASSERT_FALSE(manifest) << to;
    expect_has(manifest.error().message, named);
  };
  refused("boxagnts:tool/1", "boxagnts:tool/9", "contract");
  refused("\"name\": \"read\"", "\"name\": \"\"", "name");
  refused("\"read-only\"", "\"careless\"", "careless");
  refused("\"output\": \"result\"", "\"output\": \"guess\"", "output");
  refused("\"input_schema\": {", "\"input_schema\": [], \"x\": {", "input_schema");
  refused("\"reads\": [\"file_path\"]", "\"reads\": [\"nothing\"]", "paths.reads");
  refused("\"paths\"", "\"network\": {\"connects\": [\"nothing\"]}, \"paths\"", "network.connects");
  refused("\"paths\"", "\"capabilities\": [\"sockets\"], \"paths\"", "capability");
}

// --- the grant
// ----------------------------------------------------------------------------------------

TEST_F(GuestTools, SeeNothingThatAMaskHides) {
  put("keys/secret.pem", "secret");
  put("keys/public.txt", "public");
  put(".env", "secret");
  put("deep/down/.env.local", "secret");
  grant_.masks = {{"/**/.env*", workspace_.string() + "/keys/*.{pem,key}"}};
  for (const auto* path : {"keys/secret.pem", ".env", "deep/down/.env.local"}) {
    expect_has(be_refused("read", {{"file_path", path}}), "does not exist");
    EXPECT_FALSE(succeed("glob", {{"pattern", "**/*"}}).contains("secret.pem"));
    EXPECT_FALSE(succeed("glob", {{"pattern", "**/*"}}).contains(".env"));
    be_refused("write", {{"file_path", path}, {"content", "x"}});
    EXPECT_EQ(get(path), "secret");
  }
  expect_has(succeed("read", {{"file_path", "keys/public.txt"}}), "public");
  EXPECT_EQ(names("keys"), (Strings{"public.txt", "secret.pem"}));
}

struct MaskCase {
  const char* mask;
  const char* mount;
  const char* path;  // below the mount
  bool hidden;
};

class MountMasks : public testing::TestWithParam<MaskCase> {};

TEST_P(MountMasks, HideBelowTheMount) {
  const auto& [mask, mount, path, hidden] = GetParam();
  EXPECT_EQ(tools::masks_of_mount({{mask}}, mount).value().hides(path), hidden)
      << mask << " on " << mount << " for " << path;
}

INSTANTIATE_TEST_SUITE_P(
    Table, MountMasks,
    testing::Values(MaskCase{"/w/a", "/w", "a", true}, MaskCase{"/w/a", "/w", "a/b", true},
                    MaskCase{"/w/a", "/w", "b/a", false}, MaskCase{"/x/a", "/w", "a", false},
                    MaskCase{"/**/a", "/w", "a", true}, MaskCase{"/**/a", "/w/v", "b/a", true},
                    MaskCase{"**/a", "/w", "b/a", true}, MaskCase{"/*/v/a", "/w/v", "a", true},
                    MaskCase{"/*/u/a", "/w/v", "a", false}, MaskCase{"/w", "/w/v", "a", true},
                    MaskCase{"/w/v", "/w/v", "a", true}, MaskCase{"/**/v/*.k", "/w/v", "a.k", true},
                    MaskCase{"/**/v/*.k", "/w/v", "b/a.k", false},
                    MaskCase{"/w/**", "/w/v", "a/b", true}, MaskCase{"/{x,w}/a", "/w", "a", true},
                    MaskCase{"/{x,w/v}/a", "/w/v", "a", true},
                    MaskCase{"/w/**/v/x", "/w/v", "x", true},
                    MaskCase{"/w/a", "/w", ".boxagnts", true}));

TEST(MountMask, MalformedOnesStopTheCall) {
  EXPECT_FALSE(tools::masks_of_mount({{"/w/[a"}}, "/w"));
  EXPECT_FALSE(tools::masks_of_mount({{"/w/{a"}}, "/w"));
}

TEST_F(GuestTools, ScratchLastsAsLongAsTheRun) {
  succeed("write", {{"file_path", "/tmp/run/a/note"}, {"content", "kept\n"}});
  expect_has(succeed("read", {{"file_path", "/tmp/run/a/note"}}), "kept");
  expect_has(succeed("glob", {{"pattern", "/tmp/run/**"}}), "/tmp/run/a/note");
  context_.scratch = vfs::make_memory_filesystem(shared_->clock, 1 << 20);
  expect_has(be_refused("read", {{"file_path", "/tmp/run/a/note"}}), "does not exist");
}

TEST_F(GuestTools, NoStateFolderExists) {
  put(".boxagnts/log", "private");
  expect_has(be_refused("read", {{"file_path", ".boxagnts/log"}}), "does not exist");
  EXPECT_FALSE(succeed("glob", {{"pattern", "**"}}).contains("boxagnts/"));
}

// --- paths: way in x tool
// --------------------------------------------------------------------------

struct PathCase {
  const char* name;
  std::string path;
  const char* says;
};

class GuestPaths : public GuestToolTest, public testing::WithParamInterface<PathCase> {
 protected:
  void SetUp() override {
    GuestToolTest::SetUp();
    put("folder/inner.txt", "inside\n");
    put("../outside.txt", "outside\n");
    std::filesystem::create_symlink("loop", workspace_ / "loop");
    std::filesystem::create_symlink(root_ / "outside.txt", workspace_ / "leak");
    std::filesystem::create_symlink("../outside.txt", workspace_ / "relative_leak");
    ASSERT_EQ(::mkfifo((workspace_ / "fifo").c_str(), 0600), 0);
  }
};

TEST_P(GuestPaths, EachToolSaysWhatIsWrongAndTouchesNothing) {
  const auto& [name, path, says] = GetParam();
  for (const auto* which : {"read", "write", "edit"}) {
    SCOPED_TRACE(which);
    Json arguments{{"file_path", path}};
    if (which == std::string_view("write")) arguments.as_object()["content"] = "new";
    if (which == std::string_view("edit")) {
      arguments.as_object()["old_string"] = "outside";
      arguments.as_object()["new_string"] = "changed";
    }
    expect_has(be_refused(which, arguments), says);
  }
  EXPECT_EQ(get("../outside.txt"), "outside\n");
  EXPECT_EQ(names(), (Strings{"fifo", "folder", "leak", "loop", "relative_leak"}));
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, GuestPaths,
    testing::Values(PathCase{"Empty", "", "empty"}, PathCase{"Nul", std::string("a\0b", 3), "NUL"},
                    PathCase{"Folder", "folder", "folder"},
                    PathCase{"FolderSlash", "folder/", "folder"},
                    PathCase{"Workspace", ".", "folder"}, PathCase{"Root", "/", "folder"},
                    PathCase{"Up", "../outside.txt", "outside of the folders"},
                    PathCase{"UpAndDown", "folder/../../outside.txt", "outside of the folders"},
                    PathCase{"Absolute", "/etc/hostname", "outside of the folders"},
                    PathCase{"AbsoluteNew", "/new/file", "outside of the folders"},
                    PathCase{"Link", "leak", "outside of the folders"},
                    PathCase{"RelativeLink", "relative_leak", "outside of the folders"},
                    PathCase{"Loop", "loop", "too many links"}, PathCase{"Fifo", "fifo", "FIFO"},
                    PathCase{"BelowAFile", "folder/inner.txt/x", "is a file"},
                    PathCase{"LongName", std::string(300, 'n'), "too long"},
                    PathCase{"LongPath", std::string(5000, 'n'), "too long"}),
    [](const auto& info) { return info.param.name; });

TEST_F(GuestTools, AnErrorOutsideNamesTheMounts) {
  const auto said = be_refused("read", {{"file_path", "/etc/hostname"}});
  expect_has(said, workspace_.string());
  expect_has(said, (root_ / "library").string());
  expect_has(said, "/tmp/run");
}

TEST_F(GuestTools, ARelativePathMayLeadIntoAnotherMount) {
  put("../library/book.txt", "chapter\n");
  std::filesystem::create_symlink(root_ / "library" / "book.txt", workspace_ / "link");
  expect_has(succeed("read", {{"file_path", "../library/book.txt"}}), "1\tchapter");
  expect_has(succeed("read", {{"file_path", "link"}}), "1\tchapter");
  EXPECT_EQ(succeed("glob", {{"pattern", "*.txt"}, {"path", "../library"}}),
            (root_ / "library/book.txt\n").string());
}

TEST_F(GuestTools, TouchThePathThatWasJudged) {
  put("x", "not asked about\n");
  std::filesystem::create_directories(workspace_ / "b/c");
  put("b/x", "elsewhere\n");
  std::filesystem::create_directory_symlink("b/c", workspace_ / "link");
  for (const std::string path : {"link/../x", "./link/./../x"}) {
    const Json arguments{{"file_path", path}, {"content", "new\n"}};
    const auto facts = tool("write").facts(arguments, context_).value();
    EXPECT_EQ(facts.writes, std::vector<std::string>{workspace_ / "x"});
    succeed("write", arguments);
    EXPECT_EQ(get("x"), "new\n") << path;
    EXPECT_EQ(get("b/x"), "elsewhere\n") << path;
    expect_has(succeed("read", {{"file_path", path}}), "new");
    put("x", "not asked about\n");
  }
  succeed("write", {{"file_path", "link/x"}, {"content", "new\n"}});
  EXPECT_EQ(get("b/c/x"), "new\n") << "a link that the path names is followed";
}

TEST_F(GuestTools, AReadOnlyMountIsSaidToBeOne) {
  put("../library/book.txt", "chapter\n");
  const auto path = (root_ / "library/book.txt").string();
  const auto fresh = (root_ / "library/new/x.txt").string();
  expect_has(be_refused("write", {{"file_path", path}, {"content", "x"}}), "only read");
  expect_has(be_refused("write", {{"file_path", fresh}, {"content", "x"}}), "only read");
  expect_has(
      be_refused("edit", {{"file_path", path}, {"old_string", "chapter"}, {"new_string", "x"}}),
      "only read");
  EXPECT_EQ(get("../library/book.txt"), "chapter\n");
}

// --- ends
// ---------------------------------------------------------------------------------------------

TEST_F(GuestTools, ALimitIsNamed) {
  put("big.txt", std::string(8 << 20, 'x'));
  grant_.limits.memory_bytes = 1 << 20;
  const auto said =
      be_refused("edit", {{"file_path", "big.txt"}, {"old_string", "y"}, {"new_string", "z"}});
  expect_has(said, "wasm_max_memory_size");
}

TEST_F(GuestTools, AStopIsACancelledCall) {
  put("a.txt", "x\n");
  std::stop_source source;
  source.request_stop();
  context_.stop = source.get_token();
  const auto output = execute(tool("read"), Json{{"file_path", "a.txt"}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::cancelled);
}

// --- stdin as bytes: a guest trusts nothing, not even its host
// ------------------------------------------

class GuestInput : public GuestToolTest {
 protected:
  sandbox::ProcessResult run(std::string_view guest_name, std::string_view input) {
    for (const auto& guest : embedded_guests()) {
      if (guest.name != guest_name) continue;
      const auto program = shared_->sandbox->load_compiled(guest.cwasm.expand().value()).value();
      const auto name_space = vfs::NameSpace::make({{"/w", context_.scratch}}).value();
      return shared_->sandbox
          ->run(*program,
                {.name_space = name_space,
                 .working_directory = "/w",
                 .arguments = {std::string(guest_name)},
                 .environment = {},
                 .input = input,
                 .limits = {}},
                {})
          .value();
    }
    return {};
  }
};

TEST_F(GuestInput, WhatIsNoJsonObjectOfScalarsIsRefused) {
  for (const std::string_view input : {"",
                                       " ",
                                       "{",
                                       "[]",
                                       "null",
                                       "3",
                                       "\"x\"",
                                       "{\"file_path\"}",
                                       "{\"file_path\":}",
                                       "{\"file_path\":\"a\"",
                                       "{\"file_path\":\"a\"}x",
                                       "{\"file_path\":\"a\",}",
                                       "{file_path:\"a\"}",
                                       "{\"file_path\":'a'}",
                                       "{\"file_path\":\"a\"} {}",
                                       "{\"file_path\":\"a\n\"}",
                                       "{\"file_path\":\"\\x\"}",
                                       "{\"file_path\":\"\\u12\"}",
                                       "{\"file_path\":\"\\ud800\"}",
                                       "{\"file_path\":\"\\udc00\\ud800\"}",
                                       "{\"file_path\":\"\\ud83cx\"}",
                                       "{\"file_path\":{\"a\":1}}",
                                       "{\"file_path\":[1]}",
                                       "{\"file_path\":\"a\",\"file_path\":\"b\"}",
                                       "{\"file_path\":\"a\",\"limit\":01}",
                                       "{\"file_path\":\"a\",\"limit\":1.}",
                                       "{\"file_path\":\"a\",\"limit\":1e}",
                                       "{\"file_path\":\"a\",\"limit\":-}",
                                       "{\"file_path\":\"a\",\"limit\":+1}",
                                       "{\"file_path\":\"a\",\"limit\":nul}",
                                       "{\"file_path\":\"a\",\"limit\":1e-1}",
                                       "{\"file_path\":\"a\",\"limit\":99999999999999999999}"}) {
    const auto result = run("read", input);
    EXPECT_EQ(result.end, sandbox::End::exited) << input << ": " << result.reason;
    EXPECT_EQ(result.exit_code, 2) << input << ": " << result.output;
    EXPECT_FALSE(result.output.empty()) << input;
  }
}

TEST_F(GuestInput, CutAtEveryByteItIsNeverTakenForWhole) {
  const std::string whole =
      R"({ "file_path" : "a\u00e9\ud83c\udf89" , "content" : "x\"y\\z" , "content2": true })";
  for (const auto* guest : {"read", "write", "edit", "glob"})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto result = run(guest, std::string_view(whole).substr(0, size));
      EXPECT_EQ(result.end, sandbox::End::exited) << guest << " at " << size << result.reason;
      EXPECT_EQ(result.exit_code, 2) << guest << " at " << size;
    }
}

TEST_F(GuestInput, EveryEscapeIsDecoded) {
  const auto written = run("write",
                           "\t{\"content\":\"\\u0041\\u00e9\\u4F60\\ud83C\\uDF89\\/"
                           "\\\\ \\\"\\b\\f\\n\\r\\t.\\u0000\",\r\n\"file_path\":\"f\"} \n");
  EXPECT_EQ(written.exit_code, 0) << written.output;
  auto file = context_.scratch->root()->open_file("f", {.read = true}).value();
  std::string content(64, '?');
  content.resize(file->read_at(std::as_writable_bytes(std::span(content)), 0).value());
  EXPECT_EQ(content, std::string("Aé你🎉/\\ \"\b\f\n\r\t.\0", 21));
}

// The host checks arguments first; a guest that is asked anything else still answers in a sentence.
TEST_F(GuestTools, InputOfAnotherShapeIsRefusedByTheGuestToo) {
  put("a.txt", "x\n");
  expect_has(be_refused("read", Json(JsonObject())), "file_path is missing");
  expect_has(be_refused("read", {{"file_path", 3}}), "file_path takes a text");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"offset", "1"}}), "whole number");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"offset", 1.5}}), "whole number");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"offset", 0}}), "begins at 1");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"limit", -5}}), "begins at 1");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"limit", 1e300}}), "too large");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"colour", "red"}}),
             "no argument \"colour\"");
  expect_has(be_refused("read", {{"file_path", Json{"a.txt"}}}), "no JSON object");
  expect_has(be_refused("edit", {{"file_path", "a.txt"},
                                 {"old_string", "a"},
                                 {"new_string", "b"},
                                 {"replace_all", "yes"}}),
             "true or false");
  expect_has(succeed("read", {{"file_path", "a.txt"}, {"offset", nullptr}, {"limit", 10.0}}),
             "1\tx");
}

}  // namespace
}  // namespace boxagnts::toolbox
