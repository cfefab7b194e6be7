// edit: all or nothing, and it says where.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;

class EditTool : public GuestToolTest {
 protected:
  static Json arguments(const std::string& from, const std::string& to, bool all = false) {
    JsonObject object{{"file_path", "file"}, {"old_string", from}, {"new_string", to}};
    if (all) object["replace_all"] = true;
    return Json(std::move(object));
  }
  std::string edit(const std::string& from, const std::string& to) {
    return succeed("edit", arguments(from, to));
  }
  std::string edit_all(const std::string& from, const std::string& to) {
    return succeed("edit", arguments(from, to, true));
  }
  // Refused, and the file is what it was.
  std::string refuse(const std::string& content, const std::string& from, const std::string& to) {
    put("file", content);
    auto said = be_refused("edit", arguments(from, to));
    EXPECT_EQ(get("file"), content);
    EXPECT_EQ(names(), std::vector<std::string>{"file"});
    return said;
  }
};

struct EditCase {
  const char* name;
  std::string before, from, to, after;
};

class EditMakes : public EditTool, public testing::WithParamInterface<EditCase> {};

TEST_P(EditMakes, Exactly) {
  const auto& c = GetParam();
  put("file", c.before);
  edit(c.from, c.to);
  EXPECT_EQ(get("file"), c.after);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EditMakes,
    testing::Values(
        EditCase{"Word", "a b c\n", "b", "x", "a x c\n"}, EditCase{"Whole", "abc", "abc", "x", "x"},
        EditCase{"Removal", "a b c", " b", "", "a c"}, EditCase{"ToNothing", "abc", "abc", "", ""},
        EditCase{"SeveralLines", "a\nb\nc\nd\n", "b\nc\n", "x\ny\nz\n", "a\nx\ny\nz\nd\n"},
        EditCase{"NoFinalNewlineKept", "a\nb", "b", "c", "a\nc"},
        EditCase{"MarkKept",
                 "\xef\xbb\xbf"
                 "a\n",
                 "a", "b",
                 "\xef\xbb\xbf"
                 "b\n"},
        EditCase{"MarkInOldString",
                 "\xef\xbb\xbf"
                 "a\n",
                 "\xef\xbb\xbf"
                 "a",
                 "b",
                 "\xef\xbb\xbf"
                 "b\n"},
        EditCase{"Crlf", "a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\nz\n", "x\r\ny\r\nz\r\nc\r\n"},
        EditCase{"CrlfOneLine", "a\r\nb\r\n", "a", "x\ny", "x\r\ny\r\nb\r\n"},
        EditCase{"CrlfGivenAsSuch", "a\r\nb\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\n"},
        EditCase{"MixedLf", "a\r\nb\nc\n", "b\nc", "x\ny", "a\r\nx\ny\n"},
        EditCase{"MixedCrlf", "a\r\nb\r\nc\n", "a\nb", "x\ny", "x\r\ny\r\nc\n"},
        EditCase{"Latin1Around", "caf\xe9 x\n", "x", "y", "caf\xe9 y\n"},
        EditCase{"OverlapAtTheEnd", "aab", "ab", "x", "ax"},
        EditCase{"SpecialCharacters", "a.*(b)[c]$1\\n\n", ".*(b)[c]$1\\n", "$&\\1", "a$&\\1\n"}),
    [](const auto& info) { return info.param.name; });

TEST_F(EditTool, TheAnswerShowsTheLinesAround) {
  put("file", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  EXPECT_EQ(
      edit("5", "five\nfive and a half"),
      "replaced 1 match in file; it now reads:\n     2\t2\n     3\t3\n     4\t4\n     5\tfive\n"
      "     6\tfive and a half\n     7\t6\n     8\t7\n     9\t8\n");
  EXPECT_EQ(edit("1\n", "one\n").substr(0, 60),
            "replaced 1 match in file; it now reads:\n     1\tone\n     2\t2\n");
}

TEST_F(EditTool, LongChangesAreShownInPart) {
  put("file", "start\nend\n");
  std::string text;
  for (int i = 0; i < 500; ++i) text += "new line\n";
  EXPECT_LT(edit("start\n", text).size(), 1000u);
  put("file", std::string(50'000, 'x') + "middle" + std::string(50'000, 'y'));
  EXPECT_LT(edit("middle", "center").size(), 1000u);
}

TEST_F(EditTool, ReplaceAllReplacesEveryMatch) {
  put("file", "a a\nb a\n");
  expect_has(edit_all("a", "aa"), "replaced 3 matches in file");
  EXPECT_EQ(get("file"), "aa aa\nb aa\n");
  put("file", "aaa");
  edit_all("aa", "b");
  EXPECT_EQ(get("file"), "ba");
  put("file", "one\n");
  expect_has(edit_all("one", "two"), "replaced 1 match");
}

TEST_F(EditTool, AmbiguousMatchesAreListed) {
  expect_has(refuse("x\ny\nx\nx x\n", "x", "z"), "begins in lines 1, 3, 4, 4; nothing was changed");
  expect_has(refuse("x\nx\n", "x", "z"), "replace_all");
  expect_has(refuse("aaa", "aa", "b"), "lines 1, 1");
  std::string many;
  for (int i = 0; i < 25; ++i) many += "x\n";
  expect_has(refuse(many, "x", "z"), "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more places");
}

TEST_F(EditTool, AMissingMatchSaysWhereTheNearestIs) {
  auto said = refuse("int a;\nif (x) {\n    call();\n}\n", "if (x) {\n  call();\n}", "y");
  expect_has(said, "old_string does not stand in file; nothing was changed. But for blanks");
  expect_has(said, "     2\tif (x) {\n     3\t    call();\n     4\t}\n");
  said = refuse("alpha\nThe Title Of It\n", "the title of it", "y");
  expect_has(said, "upper and lower case it stands here:\n     2\tThe Title Of It\n");
  said = refuse("alpha\nreturn compute(a, b);\nbeta\n", "return compute(a, c);", "y");
  expect_has(said, "most like its first is:\n     2\treturn compute(a, b);\n");
  said = refuse("alpha\nbeta\n", "something entirely else", "y");
  expect_has(said, "nothing in it is much like");
  said = refuse("a\nb", "b\n", "c\n");
  expect_has(said, "     2\tb\n");
  said = refuse("alpha\nbeta\n", "     1\talpha\n     2\tbeta", "y");
  expect_has(said, "line numbers that read prints");
  said = refuse("alpha\nnew text\n", "old text that was here", "new text");
  expect_has(said, "already stands in line 2");
}

TEST_F(EditTool, WhatMakesNoSenseIsRefused) {
  expect_has(refuse("a\n", "a", "a"), "the same");
  expect_has(refuse("a\n", "", "x"), "old_string is empty");
  expect_has(refuse("", "", "x"), "use write");
  expect_has(refuse("", "a", "x"), "is empty; to fill it use write");
  expect_has(refuse("a\0b"s, "a", "x"), "binary");
  std::filesystem::remove(workspace_ / "file");
  expect_has(be_refused("edit", arguments("", "x")), "use write");
  expect_has(be_refused("edit", arguments("a", "x")), "does not exist");
  EXPECT_TRUE(names().empty());
}

TEST_F(EditTool, LinksAreEditedThrough) {
  put("real", "old\n");
  std::filesystem::create_symlink("real", workspace_ / "file");
  edit("old", "new");
  EXPECT_EQ(get("real"), "new\n");
  EXPECT_TRUE(std::filesystem::is_symlink(workspace_ / "file"));
}

TEST_F(EditTool, LargeFilesAreEditedAndOversizeRefused) {
  std::string content(3 << 20, 'x');
  put("file", content + "needle" + content);
  edit("needle", "pin");
  EXPECT_EQ(get("file"), content + "pin" + content);
  std::filesystem::resize_file(workspace_ / "file", 65ull << 20);
  expect_has(be_refused("edit", arguments("pin", "x")), "larger than 64 MiB");
}

}  // namespace
}  // namespace boxagnts::toolbox
