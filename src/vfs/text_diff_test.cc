// The line difference and the merge against other people's programs: what `git merge-file` says of
// generated changes, and the longest common subsequence computed the slow way.
#include "vfs/text_diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

namespace boxagnts::vfs {
namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

// What the edits make of `before`.
std::string patched(const Lines& before, const Lines& after, const std::vector<Edit>& edits) {
  std::string text;
  std::uint32_t at = 0;
  for (const auto& edit : edits) {
    for (; at < edit.before; ++at) text += before[at];
    at += edit.before_count;
    for (std::uint32_t i = 0; i < edit.after_count; ++i) text += after[edit.after + i];
  }
  for (; at < before.size(); ++at) text += before[at];
  return text;
}

std::size_t edited_lines(const std::vector<Edit>& edits) {
  std::size_t count = 0;
  for (const auto& edit : edits) count += edit.before_count + edit.after_count;
  return count;
}

std::size_t shortest(const Lines& a, const Lines& b) {
  std::vector<std::size_t> row(b.size() + 1), next(b.size() + 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j)
      next[j + 1] = a[i] == b[j] ? row[j] + 1 : std::max(row[j + 1], next[j]);
    row = next;
  }
  return a.size() + b.size() - 2 * row[b.size()];
}

std::string random_text(Random& random, std::size_t lines_max, int letters) {
  std::string text;
  for (auto count = below(random, lines_max + 1); count > 0; --count)
    text += std::string(1, static_cast<char>('a' + below(random, std::size_t(letters)))) + "\n";
  if (!text.empty() && below(random, 4) == 0) text.pop_back();
  return text;
}

TEST(TextDiff, LinesKeepTheirEnds) {
  EXPECT_EQ(split_lines(""), Lines{});
  EXPECT_EQ(split_lines("a"), Lines{"a"});
  EXPECT_EQ(split_lines("a\r\n\nb"), (Lines{"a\r\n", "\n", "b"}));
  EXPECT_TRUE(is_text("a\xff\n"));
  EXPECT_FALSE(is_text(std::string_view("a\0b", 3)));
}

TEST(TextDiff, RandomTextsArePatchedIntoEachOtherByTheFewestLines) {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    const int letters = 1 + static_cast<int>(below(random, 6));
    const std::string a = random_text(random, 24, letters), b = random_text(random, 24, letters);
    const Lines before = split_lines(a), after = split_lines(b);
    const auto edits = diff_lines(before, after);
    ASSERT_EQ(patched(before, after, edits), b) << a << "---\n" << b;
    ASSERT_EQ(edited_lines(edits), shortest(before, after)) << a << "---\n" << b;
    for (std::size_t i = 1; i < edits.size(); ++i)
      ASSERT_GT(edits[i].before, edits[i - 1].before + edits[i - 1].before_count);
  }
}

// Far past the effort of one search: a shuffled text has a difference of nearly all its lines.
TEST(TextDiff, ALargeDifferenceIsStillADifference) {
  Random random(2);
  std::vector<std::string> lines;
  for (int i = 0; i < 60'000; ++i) lines.push_back(std::to_string(i) + "\n");
  const std::string a = join(lines);
  std::shuffle(lines.begin(), lines.end(), random);
  const std::string shuffled = join(lines);
  for (auto& line : lines) line = std::to_string(below(random, 50)) + "\n";
  const std::string few = join(lines);
  std::shuffle(lines.begin(), lines.end(), random);
  const std::string few_shuffled = join(lines);
  const auto check = [](const std::string& from, const std::string& to) {
    const Lines before = split_lines(from), after = split_lines(to);
    EXPECT_EQ(patched(before, after, diff_lines(before, after)), to);
  };
  check(a, shuffled);
  check(few, few_shuffled);
  check(a, few);
  check(few, few + a);
}

// A function added between two alike is shown whole, not from the middle of one to the middle of
// the next.
TEST(TextDiff, ARunThatCanStandInSeveralPlacesGoesDown) {
  const Lines before = split_lines("f {\n}\n\ng {\n}\n");
  const Lines after = split_lines("f {\n}\n\nx {\n}\n\ng {\n}\n");
  const auto edits = diff_lines(before, after);
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(edits[0].before, 3u);
  EXPECT_EQ(edits[0].after_count, 3u);
}

TEST(TextMerge, Laws) {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    const int letters = 2 + static_cast<int>(below(random, 5));
    const std::string base = random_text(random, 12, letters), a = random_text(random, 12, letters),
                      b = random_text(random, 12, letters);
    ASSERT_EQ(merge_texts(base, a, base), a);
    ASSERT_EQ(merge_texts(base, base, a), a);
    ASSERT_EQ(merge_texts(base, a, a), a);
    const auto one = merge_texts(base, a, b), other = merge_texts(base, b, a);
    ASSERT_EQ(one.has_value(), other.has_value());
    if (one) ASSERT_EQ(*one, *other);
  }
}

TEST(TextMerge, WhatTouchesOverlaps) {
  const auto merged = merge_texts("1\n2\n3\n4\n", "1\nx\n3\n4\n", "1\n2\ny\n4\n");
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().line, 1u);
  EXPECT_EQ(merged.error().count, 2u);
  EXPECT_EQ(merge_texts("1\n2\n3\n4\n", "x\n2\n3\n4\n", "1\n2\n3\n4"), "x\n2\n3\n4");
  EXPECT_EQ(merge_texts("1\r\n2\r\n3\r\n", "0\r\n1\r\n2\r\n3\r\n", "1\r\n2\r\n3\r\n4\r\n"),
            "0\r\n1\r\n2\r\n3\r\n4\r\n");
  EXPECT_FALSE(merge_texts("", "a\n", "b\n"));
  EXPECT_EQ(merge_texts("", "a\n", "a\n"), "a\n");
  EXPECT_FALSE(merge_texts("1\n", "", "1\n2\n"));
}

class MergeFile {
 public:
  MergeFile() {
    char folder[] = "/tmp/text_diff_test.XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~MergeFile() { std::filesystem::remove_all(folder_); }
  // What git makes of it; nothing = a conflict.
  std::optional<std::string> operator()(const std::string& base, const std::string& ours,
                                        const std::string& theirs) {
    write("base", base);
    write("ours", ours);
    write("theirs", theirs);
    const std::string command = "cd " + folder_ + " && git merge-file -q ours base theirs";
    if (std::system(command.c_str()) != 0) return std::nullopt;
    std::ifstream file(folder_ + "/ours", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  std::string folder_;
};

// Lines that occur once, so that there is one right alignment and one right answer.
std::string edited(Random& random, const std::vector<std::string>& base, const std::string& mark) {
  std::vector<std::string> lines;
  int made = 0;
  for (const auto& line : base) {
    switch (below(random, 14)) {
      case 0: break;  // gone
      case 1: lines.push_back(mark + std::to_string(made++) + "\n"); break;
      case 2: lines.push_back(mark + std::to_string(made++) + "\n"), lines.push_back(line); break;
      case 3: lines.push_back("both\n"), lines.push_back(line); break;
      default: lines.push_back(line);
    }
  }
  std::string text = join(lines);
  if (!text.empty() && below(random, 8) == 0) text.pop_back();
  return text;
}

TEST(TextMerge, AgreesWithGit) {
  MergeFile git;
  Random random(4);
  int clean = 0, conflicts = 0;
  for (int round = 0; round < 160; ++round) {
    std::vector<std::string> base;
    for (std::size_t i = 0, count = below(random, 16); i < count; ++i)
      base.push_back("line " + std::to_string(i) + "\n");
    const auto ours = edited(random, base, "ours "), theirs = edited(random, base, "theirs ");
    const auto wanted = git(join(base), ours, theirs);
    const auto merged = merge_texts(join(base), ours, theirs);
    ASSERT_EQ(merged.has_value(), wanted.has_value()) << join(base) << "--- ours\n"
                                                      << ours << "--- theirs\n"
                                                      << theirs;
    if (wanted) ASSERT_EQ(*merged, *wanted);
    ++(wanted ? clean : conflicts);
  }
  EXPECT_GT(clean, 20);
  EXPECT_GT(conflicts, 20);
}

}  // namespace
}  // namespace boxagnts::vfs
