// grep against ripgrep itself, on random trees of all kinds of files and ignore rules.
#include <sys/wait.h>

#include <boost/json.hpp>
#include <random>

#include "base/text.h"
#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using Words = std::vector<std::string>;

constexpr int kTrees = 15, kQueries = 24;

class GrepOracle : public GuestToolTest {
 protected:
  template <class T>
  const T& any(const std::vector<T>& of) {
    return of[random_() % of.size()];
  }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  std::string any_content() {
    static const Words kLines{"alpha beta", "Alpha",   "beta42 gamma", "  fn main() {",
                              "x",          "",        "\t}",          "über straße",
                              "a.b(c)[d]",  "ALPHA 7", "caf\xe9",      "42 42 42"};
    const std::string end = chance(5) ? "\r\n" : "\n";
    std::string text;
    for (auto n = random_() % 12; n > 0; --n)
      text += any(kLines) + (n == 1 && chance(3) ? "" : end);
    if (chance(12)) text.insert(random_() % (text.size() + 1), 1, '\0');
    if (chance(15)) text = "\xef\xbb\xbf" + text;
    if (!chance(15)) return text;
    std::string wide = "\xff\xfe";
    for (const char c : text) wide += std::string{c, '\0'};
    return wide;
  }

  std::string any_rules() {
    static const Words kRules{"*.py",  "/a",     "b/",     "!keep*", "**/c",     "a/*",  "d?",
                              "[ab]*", "# a",    "",       "sub/b",  "/sub/**",  "*.md", "!*.md",
                              "keep*", "a/**/b", "\\#odd", "c d",    "*.{h,cc}", "!b/",  "/*.h"};
    std::string text;
    for (auto n = 1 + random_() % 4; n > 0; --n) text += any(kRules) + "\n";
    return text;
  }

  void grow(const std::string& folder, int depth) {
    static const Words kNames{"a", "b", "c", "d1", "sub", "c d", "keep", ".dot", "Ü", "#odd"};
    static const Words kEnds{"", ".py", ".md", ".h", ".cc", ".txt", ".rs"};
    for (auto n = 2 + random_() % 5; n > 0; --n) {
      const auto path = folder + any(kNames) + any(kEnds);
      if (std::filesystem::exists(workspace_ / path)) continue;
      put(path, any_content());
      files_.push_back(path);
    }
    if (chance(4)) put(folder + ".gitignore", any_rules());
    if (chance(5)) put(folder + ".ignore", any_rules());
    if (chance(20)) std::filesystem::create_directories(workspace_ / (folder + ".git"));
    for (auto n = depth == 0 ? 0 : random_() % 4; n > 0; --n) {
      const auto path = folder + any(kNames);
      if (std::filesystem::exists(workspace_ / path)) continue;
      std::filesystem::create_directories(workspace_ / path);
      folders_.push_back(path);
      grow(path + "/", depth - 1);
    }
  }

  struct Query {
    JsonObject ours;
    Words theirs{"rg",     "--no-config", "--no-ignore-global", "--crlf", "--no-mmap",
                 "--sort", "path"};
    void both(const char* name, const char* value, Words flags) {
      ours[name] = value;
      theirs.insert(theirs.end(), flags.begin(), flags.end());
    }
  };

  Query any_query() {
    static const Words kPatterns{"alpha",  "^alpha",  "a$", "42",    "\\bx\\b", "^$",  "[0-9]+",
                                 "beta|x", "\\w{6,}", ".",  "fn\\s", "ß",       "\\}", "(a|b)\\.b"};
    Query query;
    if (chance(3)) query.both("type", "py", {"-tpy"});
    const auto glob = any(Words{"*.py", "!*.md", "**/a*", "sub/**", "*.{h,cc}", "/a", "b", "!c d"});
    if (chance(3) && !glob.contains(' ')) query.both("glob", glob.c_str(), {"-g", glob});
    if (chance(3)) query.ours["case_insensitive"] = true, query.theirs.emplace_back("-i");
    if (chance(4)) {
      query.ours["multiline"] = true;
      query.theirs.insert(query.theirs.end(), {"-U", "--multiline-dotall"});
    }
    std::string path;
    if (chance(3) && !folders_.empty()) path = any(folders_);
    // A binary file that was named is told of in other words, and by ripgrep 13 not always.
    if (const auto& file = any(files_); chance(6) && !get(file).contains('\0')) path = file;
    const bool named = std::filesystem::is_regular_file(workspace_ / path);
    const auto mode = random_() % 3;
    if (mode == 0) query.both("output_mode", "files_with_matches", {"-l"});
    if (mode == 1) query.both("output_mode", "count", {"-c", "-H"});
    if (mode == 2) query.both("output_mode", "content", {"-n", named ? "-I" : "-H"});
    if (mode == 2 && chance(2)) query.both("context", "", {"-C2"}), query.ours["context"] = 2;
    query.ours["head_limit"] = 0;
    query.theirs.emplace_back("-e");
    query.both("pattern", any(kPatterns).c_str(), {});
    query.theirs.emplace_back(query.ours["pattern"].as_string());
    query.theirs.emplace_back("--");
    query.theirs.emplace_back(path.empty() ? "." : path);
    if (!path.empty()) query.ours["path"] = path;
    return query;
  }

  // What ripgrep prints in the workspace; nullopt: there is none.
  std::optional<std::string> ripgrep(const Words& words) {
    std::string command = "cd '" + workspace_.string() + "' &&";
    for (const auto& word : words) command += " '" + word + "'";
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::string text;
    for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
    const int status = ::pclose(pipe);
    if (WEXITSTATUS(status) == 127) return std::nullopt;
    return text;
  }

  std::mt19937 random_{20'260};
  Words files_, folders_;
};

// Both without what each says in its own words: notes, and "./" and carriage returns there.
std::string comparable(std::string_view text) {
  std::string same;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("./")) line.remove_prefix(2);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool note = line.starts_with("[") && line.ends_with("]");
    const bool binary = line.contains(": [binary from") || line.contains(": WARNING: stopped");
    if (!note && !binary) same.append(line).append("\n");
  }
  return same;
}

TEST_F(GrepOracle, RipgrepFindsTheSame) {
  if (!ripgrep({"rg", "--version"})) GTEST_SKIP() << "ORACLE MISSING: install Debian's ripgrep";
  std::size_t found = 0;
  for (int tree = 0; tree < kTrees; ++tree) {
    std::filesystem::remove_all(workspace_);
    std::filesystem::create_directories(workspace_);
    files_.clear(), folders_.clear();
    if (!chance(3)) std::filesystem::create_directories(workspace_ / ".git");
    grow("", 3);
    for (int i = 0; i < kQueries; ++i) {
      const auto query = any_query();
      const auto ours = comparable(succeed("grep", query.ours));
      const auto theirs = comparable(base::repair_utf8(*ripgrep(query.theirs)));
      found += !theirs.empty();
      std::string command;
      for (const auto& word : query.theirs) command += word + " ";
      ASSERT_EQ(ours, theirs) << "tree " << tree << ", " << base::to_text(query.ours) << "\n"
                              << command;
    }
  }
  EXPECT_GT(found, kTrees * kQueries / 5u) << "most queries find nothing: they compare little";
}

}  // namespace
}  // namespace boxagnts::toolbox
