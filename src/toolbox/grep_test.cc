// grep: what is found and how it is said, in the real sandbox.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

class GrepTool : public GuestToolTest {
 protected:
  std::string grep(const JsonObject& arguments) { return succeed("grep", arguments); }
  std::string content(JsonObject arguments) {
    arguments["output_mode"] = "content";
    return grep(arguments);
  }
  // Refused as bad input, which says so before the sentence or in it.
  std::string refused(const JsonObject& arguments) { return be_refused("grep", arguments); }
  void make_repository() { std::filesystem::create_directories(workspace_ / ".git"); }
};

// Every kind of file in every mode, line by line and across lines.
struct KindCase {
  const char* name;
  std::string bytes;
  std::string lines;      // content, as a file that was named
  int count;              // of "needle"
  bool walked = true;     // found when its folder is searched
  std::string in_walk{};  // content then, where it differs
};

std::string utf16(std::string_view ascii, bool big_endian) {
  std::string text = big_endian ? "\xfe\xff" : "\xff\xfe";
  for (const char c : ascii) text += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return text;
}

const std::string kLong(3000, 'x');

class GrepKinds : public GrepTool, public testing::WithParamInterface<KindCase> {};

TEST_P(GrepKinds, InEveryMode) {
  const auto& kind = GetParam();
  put("d/f", kind.bytes);
  for (const bool multiline : {false, true}) {
    const auto ask = [&](const char* path, const char* mode) {
      return grep({{"pattern", "needle"},
                   {"path", path},
                   {"output_mode", mode},
                   {"multiline", multiline},
                   {"show_line_numbers", false}});
    };
    SCOPED_TRACE(multiline ? "multiline" : "by line");
    const auto count = std::to_string(kind.count);
    if (kind.count == 0) {
      expect_has(ask("d/f", "content"), "no match");
      expect_has(ask("d/f", "count"), "no match");
      expect_has(ask("d", "files_with_matches"), "no match");
      continue;
    }
    EXPECT_EQ(ask("d/f", "content"), kind.lines);
    EXPECT_EQ(ask("d/f", "count"), "d/f:" + count + "\n");
    EXPECT_EQ(ask("d/f", "files_with_matches"), "d/f\n");
    if (!kind.walked) {
      for (const auto* mode : {"content", "count", "files_with_matches"})
        expect_has(ask("d", mode), "(1 file searched, 1 of them binary)");
      continue;
    }
    std::string walked;
    for (std::size_t at = 0; at < kind.lines.size();) {
      const auto end = kind.lines.find('\n', at) + 1;
      walked += "d/f:" + kind.lines.substr(at, end - at);
      at = end;
    }
    EXPECT_EQ(ask("d", "content"), walked);
    EXPECT_EQ(ask("d", "count"), "d/f:" + count + "\n");
    EXPECT_EQ(ask("d", "files_with_matches"), "d/f\n");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, GrepKinds,
    testing::Values(
        KindCase{"plain", "a needle\nother\nneedle two\n", "a needle\nneedle two\n", 2},
        KindCase{"no_end", "other\na needle", "a needle\n", 1}, KindCase{"empty", "", "", 0},
        KindCase{"none", "other\n", "", 0},
        KindCase{"crlf", "a needle\r\nother\r\nneedle\r\n", "a needle\nneedle\n", 2},
        KindCase{"bom", "\xef\xbb\xbfneedle\nx\n", "needle\n", 1},
        KindCase{"utf16_le", utf16("a needle\nx\nneedle\n", false), "a needle\nneedle\n", 2},
        KindCase{"utf16_be", utf16("a needle\nx\nneedle\n", true), "a needle\nneedle\n", 2},
        KindCase{"latin1", "caf\xe9 needle\n", "caf\xef\xbf\xbd needle\n", 1},
        KindCase{"binary", std::string("needle\0x\nneedle\n", 16),
                 "d/f: [a binary file (a NUL at byte 6) with matches that are not shown]\n", 2,
                 false},
        KindCase{"long", kLong + "needle" + kLong + "\n",
                 "… " + std::string(100, 'x') + "needle" + std::string(394, 'x') +
                     " … [cut: the line has 6006 bytes]\n",
                 1}),
    [](const auto& one) { return std::string(one.param.name); });

// --- what is looked into

struct TreeCase {
  JsonObject arguments;
  std::string found;  // one path a line, "" for none
};

class GrepFinds : public GrepTool, public testing::WithParamInterface<TreeCase> {};

TEST_P(GrepFinds, InTheTree) {
  make_repository();
  for (const auto* path :
       {"a.cc", "a.py", "b/a.cc", "b/c/d.cc", "b/c/d.md", ".hidden", ".github/ci.yml", "b/out/x.cc",
        "gen/keep.cc", "gen/x.cc", "b/skip.cc", "b/c/skip.cc", ".git/config"})
    put(path, "x\n");
  put(".gitignore", "out/\ngen/*\n!gen/keep.cc\n");
  put("b/.ignore", "/skip.cc\n");
  auto arguments = GetParam().arguments;
  arguments["pattern"] = "^x$";
  const auto text = grep(arguments);
  if (GetParam().found.empty())
    expect_has(text, "no match");
  else
    EXPECT_EQ(text, GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GrepFinds,
    testing::Values(
        TreeCase{{}, "a.cc\na.py\nb/a.cc\nb/c/d.cc\nb/c/d.md\nb/c/skip.cc\ngen/keep.cc\n"},
        TreeCase{{{"path", "."}},
                 "a.cc\na.py\nb/a.cc\nb/c/d.cc\nb/c/d.md\nb/c/skip.cc\ngen/keep.cc\n"},
        TreeCase{{{"path", "b"}}, "b/a.cc\nb/c/d.cc\nb/c/d.md\nb/c/skip.cc\n"},
        TreeCase{{{"path", "b/c/"}}, "b/c/d.cc\nb/c/d.md\nb/c/skip.cc\n"},
        TreeCase{{{"path", "./b/../b/c"}}, "b/c/d.cc\nb/c/d.md\nb/c/skip.cc\n"},
        // Rules of the folders above count; a path that is named outright is searched all the same.
        TreeCase{{{"path", "gen"}}, "gen/keep.cc\n"}, TreeCase{{{"path", "b/out"}}, "b/out/x.cc\n"},
        TreeCase{{{"path", "gen/x.cc"}}, "gen/x.cc\n"},
        TreeCase{{{"path", ".hidden"}}, ".hidden\n"},
        TreeCase{{{"path", ".github"}}, ".github/ci.yml\n"},
        TreeCase{{{"glob", ".github/**"}}, ".github/ci.yml\n"},
        TreeCase{{{"glob", "*.py"}}, "a.py\n"},
        TreeCase{{{"glob", "b/*.cc"}}, "b/a.cc\nb/skip.cc\n"},
        TreeCase{{{"glob", "**/c/*"}}, "b/c/d.cc\nb/c/d.md\nb/c/skip.cc\n"},
        TreeCase{{{"glob", "*.{py,md}"}}, "a.py\nb/c/d.md\n"},
        TreeCase{{{"glob", "*.py *.md"}}, "a.py\nb/c/d.md\n"},
        TreeCase{{{"glob", "*.py,*.md"}}, "a.py\nb/c/d.md\n"},
        TreeCase{{{"glob", "!*.cc"}}, "a.py\nb/c/d.md\n"}, TreeCase{{{"glob", "*.none"}}, ""},
        TreeCase{{{"type", "py"}}, "a.py\n"}, TreeCase{{{"type", "py,md"}}, "a.py\nb/c/d.md\n"},
        TreeCase{{{"type", "cpp"}, {"path", "b"}}, "b/a.cc\nb/c/d.cc\nb/c/skip.cc\n"},
        TreeCase{{{"type", "cpp"}, {"glob", "!skip.cc"}},
                 "a.cc\nb/a.cc\nb/c/d.cc\ngen/keep.cc\n"}));

// Without a repository .gitignore says nothing, as for ripgrep; .ignore always does.
TEST_F(GrepTool, GitsRulesNeedARepository) {
  put("a", "x\n");
  put("b", "x\n");
  put(".gitignore", "a\n");
  EXPECT_EQ(grep({{"pattern", "x"}}), "a\nb\n");
  put(".ignore", "b\n");
  EXPECT_EQ(grep({{"pattern", "x"}}), "a\n");
  make_repository();
  expect_has(grep({{"pattern", "x"}}), "no match for x in");
}

TEST_F(GrepTool, LinksAreNotFollowedUnlessNamed) {
  put("real/f", "x\n");
  std::filesystem::create_symlink("..", workspace_ / "real/cycle");
  std::filesystem::create_symlink("real", workspace_ / "link");
  std::filesystem::create_symlink("real/f", workspace_ / "file");
  EXPECT_EQ(grep({{"pattern", "x"}}), "real/f\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", "link"}}), "link/f\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", "file"}}), "file\n");
}

TEST_F(GrepTool, PathsInOtherMountsAreAbsolute) {
  put("../library/f", "x\n");
  const auto library = (root_ / "library").string();
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", library}}), library + "/f\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", "../library"}}), library + "/f\n");
  put("f", "x\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", workspace_.string()}}), "f\n");
  std::filesystem::create_symlink(library, workspace_ / "link");
  EXPECT_EQ(grep({{"pattern", "x"}, {"path", "link"}}), library + "/f\n");
}

TEST_F(GrepTool, AFolderThatCannotBeSearchedIsSaid) {
  expect_has(refused({{"pattern", "x"}, {"path", "none"}}), "does not exist");
  expect_has(refused({{"pattern", "x"}, {"path", "/etc"}}), "outside of the folders");
  expect_has(refused({{"pattern", "x"}, {"path", "../.."}}), workspace_.string());
  std::filesystem::create_symlink("/etc", workspace_ / "out");
  expect_has(refused({{"pattern", "x"}, {"path", "out"}}), "outside of the folders");
  expect_has(refused({{"pattern", "x"}, {"path", ""}}), "empty");
  expect_has(refused({{"pattern", "x"}, {"path", std::string("a\0b", 3)}}), "NUL");
}

// --- what is shown

TEST_F(GrepTool, NumbersContextAndSeparators) {
  put("a", "1\nx2\n3\n4\n5\n6\nx7\n8\n");
  put("b", "x\n");
  EXPECT_EQ(content({{"pattern", "x"}}), "a:2:x2\na:7:x7\nb:1:x\n");
  EXPECT_EQ(content({{"pattern", "x"}, {"-n", false}}), "a:x2\na:x7\nb:x\n");
  EXPECT_EQ(content({{"pattern", "x"}, {"path", "a"}}), "2:x2\n7:x7\n");
  const std::string around = "a-1-1\na:2:x2\na-3-3\n--\na-6-6\na:7:x7\na-8-8\n--\nb:1:x\n";
  EXPECT_EQ(content({{"pattern", "x"}, {"context", 1}}), around);
  EXPECT_EQ(content({{"pattern", "x"}, {"-C", 1}}), around);
  EXPECT_EQ(content({{"pattern", "x"}, {"-A", 1}, {"-B", 1}}), around);
  EXPECT_EQ(content({{"pattern", "x"}, {"-A", 1}}),
            "a:2:x2\na-3-3\n--\na:7:x7\na-8-8\n--\nb:1:x\n");
  EXPECT_EQ(content({{"pattern", "x"}, {"-B", 1}, {"path", "a"}}), "1-1\n2:x2\n--\n6-6\n7:x7\n");
  EXPECT_EQ(content({{"pattern", "x"}, {"context", 2}, {"path", "a"}}),
            "1-1\n2:x2\n3-3\n4-4\n5-5\n6-6\n7:x7\n8-8\n");
}

TEST_F(GrepTool, CountsHaveATotal) {
  put("a", "x x\nx\n");
  put("b", "x\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"output_mode", "count"}}),
            "a:2\nb:1\n[3 in all, in 2 files]\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"output_mode", "count"}, {"multiline", true}}),
            "a:2\nb:1\n[3 in all, in 2 files]\n");
  EXPECT_EQ(
      grep({{"pattern", "x\\s"}, {"path", "a"}, {"output_mode", "count"}, {"multiline", true}}),
      "a:3\n")
      << "matches are counted where one could span lines";
}

TEST_F(GrepTool, CaseAndMultipleLines) {
  put("a", "One\ntwo\nTHREE\n");
  EXPECT_EQ(content({{"pattern", "one|three"}, {"case_insensitive", true}}),
            "a:1:One\na:3:THREE\n");
  EXPECT_EQ(content({{"pattern", "(?i)ONE"}}), "a:1:One\n");
  EXPECT_EQ(content({{"pattern", "ONE"}, {"-i", true}}), "a:1:One\n");
  expect_has(content({{"pattern", "ONE"}}), "no match");
  EXPECT_EQ(content({{"pattern", "One.two"}, {"multiline", true}}), "a:1:One\na:2:two\n");
  EXPECT_EQ(content({{"pattern", "One\\ntwo"}, {"multiline", true}}), "a:1:One\na:2:two\n");
  expect_has(content({{"pattern", "One.two"}}), "no match");
  EXPECT_EQ(content({{"pattern", "^two$"}, {"multiline", true}}), "a:2:two\n");
}

// Line ends of Windows belong to the line end, not to the line.
TEST_F(GrepTool, TheEndOfALineIsBeforeItsCarriageReturn) {
  put("a", "one\r\ntwo\r\n");
  EXPECT_EQ(content({{"pattern", "one$"}}), "a:1:one\n");
  EXPECT_EQ(content({{"pattern", "^two$"}}), "a:2:two\n");
}

TEST_F(GrepTool, LimitsAndOffsetsSayThatThereIsMore) {
  for (int i = 0; i < 300; ++i) put("f" + std::to_string(1000 + i), "x\nx\n");
  const auto first = grep({{"pattern", "x"}});
  EXPECT_EQ(std::ranges::count(first, '\n'), 251);
  expect_has(first,
             "[the first 250 files; there are more: narrow the search, or go on with offset 250]");
  EXPECT_TRUE(first.starts_with("f1000\nf1001\n"));
  const auto rest = grep({{"pattern", "x"}, {"offset", 250}});
  EXPECT_TRUE(rest.starts_with("f1250\n") && rest.ends_with("f1299\n")) << rest;
  EXPECT_EQ(std::ranges::count(rest, '\n'), 50);
  const auto all = grep({{"pattern", "x"}, {"head_limit", 0}});
  EXPECT_EQ(std::ranges::count(all, '\n'), 300);
  expect_has(grep({{"pattern", "x"}, {"offset", 300}}), "[there is nothing after offset 300]");
  EXPECT_EQ(content({{"pattern", "x"}, {"offset", 3}, {"head_limit", 2}}),
            "f1001:2:x\nf1002:1:x\n[the first 2 lines; there are more: narrow the search, or go on "
            "with offset 5]\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"output_mode", "count"}, {"head_limit", 1}}),
            "f1000:2\n[the first 1 files; there are more: narrow the search, or go on with offset "
            "1]\n");
  // Exactly as many as there are is no reason for a note.
  EXPECT_EQ(content({{"pattern", "x"}, {"path", "f1000"}, {"head_limit", 2}}), "1:x\n2:x\n");
}

TEST_F(GrepTool, AnAnswerWithoutLimitHasAnEnd) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += std::string(400, 'x') + "\n";
  put("a", lines);
  const auto text = content({{"pattern", "x"}, {"head_limit", 0}});
  EXPECT_LT(text.size(), 1'100'000u);
  expect_has(text, "there are more");
}

// --- what is refused

TEST_F(GrepTool, PatternsThatAreNoneAreShownWithTheirPlace) {
  put("a", "x\n");
  const auto text = refused({{"pattern", "a(b"}});
  expect_has(text, "a(b\n     ^");
  expect_has(text, "unclosed group");
  expect_has(refused({{"pattern", "(?=x)"}}), "look-around");
  expect_has(refused({{"pattern", "a\\nb"}}), "set multiline");
  expect_has(refused({{"pattern", "x{100000}{100000}"}}), "size limit");
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "(";
  expect_has(refused({{"pattern", deep + "x" + std::string(5000, ')')}}), "nest");
}

TEST_F(GrepTool, ArgumentsAreChecked) {
  put("a", "x\n");
  expect_has(refused({{"pattern", "x"}, {"type", "klingon"}}), "klingon");
  expect_has(refused({{"pattern", "x"}, {"glob", "{a"}}), "glob is malformed");
  expect_has(refused({{"pattern", "x"}, {"glob", " , "}}), "glob is empty");
  expect_has(refused({{"pattern", "x"}, {"output_mode", "lines"}}), "\"lines\"");
  expect_has(refused({{"pattern", "x"}, {"-C", 1}, {"context", 2}}), "differ");
  expect_has(refused({{"pattern", "x"}, {"-A", -1}}), "-A takes a whole number");
  expect_has(refused({{"pattern", "x"}, {"head_limit", "9"}}), "head_limit takes");
  expect_has(refused({{"pattern", "x"}, {"multiline", 1}}), "multiline takes true or false");
  expect_has(refused({{"pattern", 1}}), "pattern takes a text");
  expect_has(refused({{"path", "."}}), "pattern is missing");
  expect_has(refused({{"pattern", "x"}, {"colour", true}}), "no argument \"colour\"");
  EXPECT_EQ(grep({{"pattern", "x"}, {"-C", nullptr}, {"head_limit", 1.0}}), "a\n");
}

// Patterns that are deep or large, and texts that are bad for them, stay inside stack and memory.
TEST_F(GrepTool, HardPatternsComeBack) {
  put("a", std::string(20'000, 'a') + "\n");
  std::string deep = "b";
  for (int i = 0; i < 48; ++i) deep = "(a|" + deep + "c)*";
  expect_has(grep({{"pattern", deep}}), "a");
  expect_has(grep({{"pattern", "(a*)*(a*)*(a*)*b"}}), "no match");
  expect_has(grep({{"pattern", "(x+x+)+y"}}), "no match");
  expect_has(grep({{"pattern", "[\\p{L}--\\p{Greek}]{200}b"}}), "no match");
  std::string words;
  for (int i = 0; i < 2000; ++i) words += "word" + std::to_string(i) + "|";
  expect_has(grep({{"pattern", words + "none"}}), "no match");
}

TEST_F(GrepTool, ALineLongerThanMemoryIsSaid) {
  put("a", std::string(70 << 20, 'a'));
  put("b", "x\n");
  const auto text = grep({{"pattern", "x"}});
  EXPECT_TRUE(text.starts_with("b\n")) << text;
  expect_has(text, "[1 place could not be searched: a: ");
}

TEST_F(GrepTool, TheOrderIsThatOfPaths) {
  for (const auto* path : {"b/z", "b/a/x", "a", "b.c", "B", "c/x"}) put(path, "x\n");
  EXPECT_EQ(grep({{"pattern", "x"}}), "B\na\nb/a/x\nb/z\nb.c\nc/x\n");
}

TEST_F(GrepTool, TheProgramsStateIsNotSearched) {
  put(".boxagnts/log", "x\n");
  put("a", "x\n");
  EXPECT_EQ(grep({{"pattern", "x"}, {"glob", "**"}}), "a\n");
  expect_has(refused({{"pattern", "x"}, {"path", ".boxagnts"}}), "does not exist");
}

}  // namespace
}  // namespace boxagnts::toolbox
