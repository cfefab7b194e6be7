// read, as a demanding user of coding agents expects it.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;

class ReadTool : public GuestToolTest {
 protected:
  std::string read(const std::string& content, JsonObject more = {}) {
    put("file", content);
    more["file_path"] = "file";
    return succeed("read", Json(std::move(more)));
  }
  static std::string numbered_lines(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
  }
};

struct ShownCase {
  const char* name;
  std::string content;
  std::string shown;
};

class ReadShows : public ReadTool, public testing::WithParamInterface<ShownCase> {};

TEST_P(ReadShows, Exactly) { EXPECT_EQ(read(GetParam().content), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(
    Table, ReadShows,
    testing::Values(
        ShownCase{"Empty", "", "file is empty"}, ShownCase{"OneLine", "a\n", "     1\ta\n"},
        ShownCase{"BlankLines", "\n\nb\n", "     1\t\n     2\t\n     3\tb\n"},
        ShownCase{"NoFinalNewline", "a\nb", "     1\ta\n     2\tb\n[no newline at the end]\n"},
        ShownCase{"Crlf", "a\r\nb\r\n", "     1\ta\n     2\tb\n[the lines end in CRLF]\n"},
        ShownCase{"MixedEnds", "a\r\nb\n",
                  "     1\ta\n     2\tb\n[some lines end in CRLF, some in LF]\n"},
        ShownCase{"Mark", "\xef\xbb\xbfx\n", "     1\tx\n[begins with a byte order mark]\n"},
        ShownCase{"MarkAlone", "\xef\xbb\xbf", "file is empty"},
        ShownCase{"Unicode", "žluťoučký 你好 🎉\n", "     1\tžluťoučký 你好 🎉\n"},
        ShownCase{"Latin1", "caf\xe9 \xfc\n",
                  "     1\tcaf\ufffd \ufffd\n[not valid UTF-8 (perhaps Latin-1): 2 bytes shown as "
                  "\ufffd]\n"},
        ShownCase{"CutCharacter", "ab\xe4\xbd\n",
                  "     1\tab\ufffd\ufffd\n[not valid UTF-8 (perhaps Latin-1): 2 bytes shown as "
                  "\ufffd]\n"},
        ShownCase{"Overlong", "\xc0\xaf\n",
                  "     1\t\ufffd\ufffd\n[not valid UTF-8 (perhaps Latin-1): 2 bytes shown as "
                  "\ufffd]\n"},
        ShownCase{"Tabs", "\tx\n", "     1\t\tx\n"},
        ShownCase{"CarriageReturnInside", "a\rb\n", "     1\ta\rb\n"}),
    [](const auto& info) { return info.param.name; });

// Every length around the 16 bytes that are looked at in one step, and where a line is cut.
TEST_F(ReadTool, LinesOfEveryLengthAreWhole) {
  std::string content, shown;
  int number = 0;
  for (std::size_t size : {0, 1, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1983, 1999, 2000}) {
    std::string line;
    for (std::size_t i = 0; i < size; ++i) line += static_cast<char>('a' + i % 26);
    content += line + "\n";
    char digits[16];
    std::snprintf(digits, sizeof digits, "%6d\t", ++number);
    shown += digits + line + "\n";
  }
  EXPECT_EQ(read(content), shown);
}

TEST_F(ReadTool, LongLinesAreCutByCharactersAndSaid) {
  std::string wide;
  for (int i = 0; i < 2000; ++i) wide += "é";
  EXPECT_EQ(read(wide + "\n"), "     1\t" + wide + "\n");
  const auto cut = read(wide + "é\n" + std::string(2001, 'x') + "\nshort\n");
  EXPECT_EQ(cut, "     1\t" + wide + " … [line cut]\n     2\t" + std::string(2000, 'x') +
                     " … [line cut]\n     3\tshort\n[2 lines cut at 2000 characters]\n");
  EXPECT_EQ(read(std::string(1 << 20, 'y')),
            "     1\t" + std::string(2000, 'y') +
                " … [line cut]\n[1 line cut at 2000 characters; no "
                "newline at the end]\n");
}

TEST_F(ReadTool, OffsetAndLimitShowAPartAndHowToGoOn) {
  const auto content = numbered_lines(1, 10);
  EXPECT_EQ(read(content, {{"offset", 3}, {"limit", 2}}),
            "     3\tline 3\n     4\tline 4\n[lines 3-4 of 10; continue with offset 5]\n");
  EXPECT_EQ(read(content, {{"offset", 9}}),
            "     9\tline 9\n    10\tline 10\n[lines 9-10 of 10]\n");
  EXPECT_EQ(read(content, {{"limit", 10}}).find('['), std::string::npos);
  put("file", "a\nb");
  expect_has(be_refused("read", {{"file_path", "file"}, {"offset", 3}}),
             "file has only 2 lines; offset 3 is past its end");
  EXPECT_EQ(read("a\nb", {{"offset", 2}}), "     2\tb\n[lines 2-2 of 2; no newline at the end]\n");
}

TEST_F(ReadTool, TwoThousandLinesAreTheDefault) {
  const auto text = read(numbered_lines(1, 5321));
  EXPECT_TRUE(
      text.ends_with("  2000\tline 2000\n[lines 1-2000 of 5321; continue with offset 2001]\n"))
      << text.substr(text.size() - 200);
}

TEST_F(ReadTool, NumbersGrowPastTheirColumn) {
  const auto text = read(std::string(1'000'002, '\n'), {{"offset", 999'998}});
  EXPECT_EQ(text,
            "999998\t\n999999\t\n1000000\t\n1000001\t\n1000002\t\n[lines 999998-1000002 of "
            "1000002]\n");
}

TEST_F(ReadTool, ManyWideLinesAreCappedAltogether) {
  std::string content;
  for (int i = 0; i < 1000; ++i) content += std::string(1500, 'x') + "\n";
  const auto text = read(content);
  EXPECT_LT(text.size(), 140'000u);
  const auto note = text.substr(text.rfind('['));
  EXPECT_TRUE(note.starts_with("[lines 1-8")) << note;
  expect_has(note, " of 1000; continue with offset 8");
}

// Larger than what is read at once: the pieces must join without a seam.
TEST_F(ReadTool, LargeFilesGoThroughInPieces) {
  std::string content = "\xef\xbb\xbf";
  for (int i = 1; content.size() < (3u << 20); ++i)
    content += "line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 61), '-') +
               (i % 7 == 0 ? "é你🎉\r\n" : "\n");
  const auto count = std::ranges::count(content, '\n');
  for (std::int64_t offset = 1; offset + 500 < count; offset += 4999) {
    const auto text = read(content, {{"offset", offset}, {"limit", 500}});
    std::string_view rest = text;
    for (std::int64_t i = offset; i < offset + 500; ++i) {
      auto expected = std::to_string(i) + "\tline " + std::to_string(i) +
                      std::string(static_cast<std::size_t>(i % 61), '-') +
                      (i % 7 == 0 ? "é你🎉\n" : "\n");
      while (rest.starts_with(' ')) rest.remove_prefix(1);
      ASSERT_TRUE(rest.starts_with(expected)) << "at line " << i << ": " << rest.substr(0, 100);
      rest.remove_prefix(expected.size());
    }
    expect_has(std::string(rest), " of " + std::to_string(count) + "; continue with offset");
  }
}

TEST_F(ReadTool, HugeFilesAreReadOnlyAsFarAsNeeded) {
  put("file", numbered_lines(1, 3000));
  std::filesystem::resize_file(workspace_ / "file", 40ull << 30);  // sparse: 40 GB of NUL
  grant_.limits.memory_bytes = 2 << 20;
  const auto text = succeed("read", {{"file_path", "file"}, {"offset", 2000}, {"limit", 1}});
  EXPECT_EQ(
      text,
      "  2000\tline 2000\n[lines 2000-2000 of a file of 42.9 GB; continue with offset 2001]\n");
}

TEST_F(ReadTool, AHugeLineNeedsNoHugeMemory) {
  grant_.limits.memory_bytes = 2 << 20;
  EXPECT_EQ(read(std::string(5 << 20, 'z') + "\nnext\n"),
            "     1\t" + std::string(2000, 'z') +
                " … [line cut]\n     2\tnext\n[1 line cut at 2000 characters]\n");
}

struct TypeCase {
  const char* name;
  std::string content;
  const char* says;
};

class ReadNames : public ReadTool, public testing::WithParamInterface<TypeCase> {};

TEST_P(ReadNames, WhatIsNoText) {
  const auto& [name, content, says] = GetParam();
  const auto padded = content + std::string(2000, '\1');
  const auto text = read(padded);
  expect_has(text, "file is "s + says);
  expect_has(text, std::to_string(padded.size()) + " bytes");
  EXPECT_LT(text.size(), 120u);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ReadNames,
    testing::Values(TypeCase{"Png", "\x89PNG\r\n\x1a\n", "a PNG image"},
                    TypeCase{"Jpeg", "\xff\xd8\xff\xe0", "a JPEG image"},
                    TypeCase{"Gif", "GIF89a", "a GIF image"},
                    TypeCase{"Webp", "RIFF\1\2\3\4WEBP", "a WebP image"},
                    TypeCase{"Bmp", "BM\1\0\0\0"s, "a BMP image"},
                    TypeCase{"Tiff", "II*\0"s, "a TIFF image"},
                    TypeCase{"Zip", "PK\3\4", "a ZIP archive"},
                    TypeCase{"Gzip", "\x1f\x8b\x08", "gzip"},
                    TypeCase{"Elf",
                             "\x7f"
                             "ELF\2",
                             "an ELF program"},
                    TypeCase{"Wasm", "\0asm\1\0\0\0"s, "a WebAssembly module"},
                    TypeCase{"Sqlite", "SQLite format 3\0"s, "an SQLite database"},
                    TypeCase{"Tar", std::string(257, 'n') + "ustar", "a tar archive"},
                    TypeCase{"Mp4",
                             "\0\0\0\x20"
                             "ftypisom"s,
                             "an MPEG-4 video"},
                    TypeCase{"Utf16",
                             "\xff\xfe"
                             "a\0b\0"s,
                             "UTF-16 text"},
                    TypeCase{"Unknown", "some text and then \0"s, "a binary file"}),
    [](const auto& info) { return info.param.name; });

TEST_F(ReadTool, ATextThatBeginsLikeAnotherTypeIsText) {
  for (const auto* text : {"BM is short for benchmark\n", "MZ\n", "PK\n", "ID3 tags\n", "ustar\n"})
    EXPECT_EQ(read(text), "     1\t"s + text);
}

TEST_F(ReadTool, AFolderSaysWhatToDo) {
  put("folder/x", "");
  const auto said = be_refused("read", {{"file_path", "folder"}});
  expect_has(said, "glob");
  expect_has(said, "\"folder\"");
}

TEST_F(ReadTool, LinksAndAbsolutePathsLeadToTheFile) {
  put("a/file", "x\n");
  std::filesystem::create_symlink("a", workspace_ / "link");
  std::filesystem::create_symlink(workspace_ / "a/file", workspace_ / "absolute");
  for (const std::string path : {"link/file", "absolute", "a/../a/./file", "link/../a/file"})
    EXPECT_EQ(succeed("read", {{"file_path", path}}), "     1\tx\n") << path;
  EXPECT_EQ(succeed("read", {{"file_path", (workspace_ / "a/file").string()}}), "     1\tx\n");
  EXPECT_EQ(succeed("read", {{"file_path", (workspace_ / "link/file").string()}}), "     1\tx\n");
}

}  // namespace
}  // namespace boxagnts::toolbox
