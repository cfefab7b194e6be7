// Asking for a line on a terminal, and the lines of a pipe.
#include "terminal/line_editor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "terminal/script_lines.h"
#include "terminal/test_terminal.h"

namespace boxagnts::terminal {
namespace {

namespace fs = std::filesystem;

constexpr Look kDumb{}, kRich{Style::colour, Cursor::moves};

Line line_typed(Look look, std::string typed, LineRequest request = {}) {
  TestTerminal terminal(look);
  request.prompt = "say> ";
  terminal.sits({{"say> ", std::move(typed)}});
  return read_line(*terminal.console, request);
}

TEST(LineEditor, EndsAsThePersonEndsIt) {
  struct Row {
    std::string typed;
    LineEnd end;
    std::string text;
  };
  for (const auto& [typed, end, text] : {Row{"hello\r", LineEnd::line, "hello"},
                                         {"one\\\rtwo\r", LineEnd::line, "one\ntwo"},
                                         {"one\x1b\rtwo\r", LineEnd::line, "one\ntwo"},
                                         {"日本\x7f\r", LineEnd::line, "日"},
                                         {"\x1b[200~a\nb\n\x1b[201~c\r", LineEnd::line, "a\nb\nc"},
                                         {"half\x03", LineEnd::interrupted, "half"},
                                         {"\x04", LineEnd::end_of_input, ""},
                                         {"x\x04\x7f\x04", LineEnd::end_of_input, ""}}) {
    const auto line = line_typed(kRich, typed);
    EXPECT_EQ(line.end, end) << typed;
    EXPECT_EQ(line.text, text) << typed;
  }
  EXPECT_EQ(line_typed(kDumb, "hello\n").text, "hello");
  EXPECT_EQ(line_typed(kDumb, "one\\\ntwo\n").text, "one\ntwo");
  EXPECT_EQ(line_typed(kDumb, "\x04").end, LineEnd::end_of_input);
}

TEST(LineEditor, WhatIsTypedBehindALineIsTheNextOne) {
  TestTerminal terminal(kRich);
  terminal.sits({{"a> ", "one\rtwo\r"}});
  EXPECT_EQ(read_line(*terminal.console, {.prompt = "a> "}).text, "one");
  EXPECT_EQ(read_line(*terminal.console, {.prompt = "b> "}).text, "two");
}

TEST(LineEditor, ATerminalWithAFixedCursorIsNotSteered) {
  TestTerminal terminal(kDumb);
  terminal.sits({{"> ", "hello\n"}});
  EXPECT_EQ(read_line(*terminal.console, {.prompt = "> "}).text, "hello");
  EXPECT_FALSE(terminal.shown().contains('\x1b'));
}

TEST(LineEditor, NoticesAndStopsAreAnswers) {
  for (const auto look : {kDumb, kRich}) {
    TestTerminal terminal(look);
    terminal.console->notify(Notice::resized);
    terminal.console->notify(Notice::resumed);
    terminal.console->notify(Notice::interrupt);
    EXPECT_EQ(read_line(*terminal.console, {}).end, LineEnd::interrupted);
    terminal.console->notify(Notice::end);
    EXPECT_EQ(read_line(*terminal.console, {}).end, LineEnd::ended);
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_EQ(read_line(*terminal.console, {.stop = source.get_token()}).end, LineEnd::stopped);
    int asked = 0;
    EXPECT_EQ(read_line(*terminal.console, {.still_wanted = [&] { return ++asked < 2; }}).end,
              LineEnd::stopped);
  }
}

TEST(LineEditor, ATerminalThatIsGoneEndsTheInput) {
  for (const auto look : {kDumb, kRich}) {
    int controller = -1, terminal = -1;
    ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
    const auto console = Console::on(base::UniqueFd(terminal), look);
    ::close(controller);
    EXPECT_EQ(read_line(*console, {.prompt = "> "}).end, LineEnd::end_of_input);
  }
}

TEST(LineEditor, LeavesTheTerminalAsItWas) {
  TestTerminal terminal(kRich);
  termios before{}, during{}, after{};
  ::tcgetattr(terminal.controller(), &before);
  terminal.console->set_mode(Console::Mode::quiet);
  ::tcgetattr(terminal.controller(), &during);
  EXPECT_EQ(during.c_lflag & (ECHO | ICANON), 0u);
  EXPECT_NE(during.c_lflag & ISIG, 0u) << "Ctrl-C is a signal";
  terminal.sits({{"> ", "x\r"}});
  (void)read_line(*terminal.console, {.prompt = "> "});
  EXPECT_EQ(terminal.console->mode(), Console::Mode::quiet);
  terminal.console->set_mode(Console::Mode::found);
  ::tcgetattr(terminal.controller(), &after);
  EXPECT_EQ(before.c_lflag, after.c_lflag);
  EXPECT_EQ(before.c_iflag, after.c_iflag);
}

TEST(LineEditor, TheHistoryIsAtHand) {
  InputHistory history;
  for (const char* entry : {"apples", "pears", "plums"}) ASSERT_TRUE(history.add(entry));
  const LineRequest request{.history = &history};
  for (const auto& [typed, text] : {std::pair{"\x1b[A\r", "plums"},
                                    {"\x10\x10\x10\x10\r", "apples"},
                                    {"draft\x1b[A\x1b[A\x1b[B\x1b[B\r", "draft"},
                                    {"\x12pea\r", "pears"},
                                    {"\x12p\x12\r", "pears"},
                                    {"\x12p\x12\x12\x12\r", "apples"},
                                    {"\x12nothing\x7f\x7f\r", ""},
                                    {"x\x12pea\x03y\r", "xy"},
                                    {"\x12zz\x7f\x7fpl\x1b[Ds\r", "plumss"},
                                    {"\x1b[B\r", ""}})
    EXPECT_EQ(line_typed(kRich, typed, request).text, text) << typed;
}

TEST(LineEditor, TabCompletes) {
  const LineRequest request{.completer = [](std::string_view text) {
    Completion completion{.begin = text.rfind(' ') + 1};
    for (const char* word : {"apple/", "apricot", "banana"})
      if (std::string_view(word).starts_with(text.substr(completion.begin)))
        completion.candidates.emplace_back(word);
    return completion;
  }};
  EXPECT_EQ(line_typed(kRich, "x b\t.\r", request).text, "x banana .");
  EXPECT_EQ(line_typed(kRich, "a\tp\t.\r", request).text, "apple/.");
  EXPECT_EQ(line_typed(kRich, "appl\t.\r", request).text, "apple/.");
  TestTerminal terminal(kRich);
  terminal.sits({{"> ", "a\t\t"}, {"apricot", "r\t\r"}});
  auto shows = request;
  shows.prompt = "> ";
  EXPECT_EQ(read_line(*terminal.console, shows).text, "apricot ");
}

TEST(LineEditor, AMessageHasALimit) {
  EXPECT_EQ(line_typed(kRich, "a\x1b[200~" + std::string((1 << 20), 'x') + "\x1b[201~b\r").text,
            "ab");
}

// --- the history's file --------------------------------------------------------------------------

class HistoryFile : public testing::Test {
 protected:
  HistoryFile() {
    char made[] = "/tmp/terminal_test.XXXXXX";
    folder_ = ::mkdtemp(made);
    path_ = folder_ + "/history";
  }
  ~HistoryFile() override { fs::remove_all(folder_); }
  std::string folder_, path_;
};

TEST_F(HistoryFile, KeepsWhatWasWrittenForItsOwnerAlone) {
  {
    auto history = InputHistory::open(path_).value();
    for (const char* text : {"one", "two\nlines", "a \\ and \\n", "", " \n", "a \\ and \\n"})
      ASSERT_TRUE(history.add(text));
    ASSERT_TRUE(history.add(std::string(InputHistory::kEntryBytesMax + 1, 'x')));
  }
  auto history = InputHistory::open(path_).value();
  EXPECT_EQ(history.entries(), (std::vector<std::string>{"one", "two\nlines", "a \\ and \\n"}));
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  ASSERT_TRUE(InputHistory::open(path_));
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(HistoryFile, IsSharedAndBounded) {
  auto one = InputHistory::open(path_).value(), two = InputHistory::open(path_).value();
  ASSERT_TRUE(one.add("of one"));
  ASSERT_TRUE(two.add("of two"));
  EXPECT_EQ(InputHistory::open(path_)->entries().size(), 2u);
  {
    std::ofstream more(path_, std::ios::app);
    for (int i = 0; i < 3000; ++i) more << "entry " << i << "\n";
  }
  const auto history = InputHistory::open(path_).value();
  EXPECT_EQ(history.entries().size(), InputHistory::kEntriesMax);
  EXPECT_EQ(history.entries().back(), "entry 2999");
  EXPECT_EQ(InputHistory::open(path_)->entries(), history.entries());
  EXPECT_LT(fs::file_size(path_), 20'000u) << "the oldest are gone";
}

TEST_F(HistoryFile, ALinkInItsPlaceIsNotFollowed) {
  std::ofstream(folder_ + "/target") << "theirs\n";
  fs::create_symlink(folder_ + "/target", path_);
  const auto history = InputHistory::open(path_);
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().code, Code::permission_denied) << history.error().message;
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(InputHistory::open(path_));
}

// --- lines of a pipe -----------------------------------------------------------------------------

TEST(ScriptLines, ComeOneByOneHoweverTheyAreWritten) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd reads(ends[0]);
  auto lines = ScriptLines::open(ends[0]).value();
  std::jthread writer([&] {
    for (const char* part : {"one\ntw", "o\n", "\nlast"})
      EXPECT_GT(::write(ends[1], part, std::strlen(part)), 0);
    ::close(ends[1]);
  });
  for (const char* line : {"one", "two", "", "last"}) EXPECT_EQ(lines.next({}).value(), line);
  EXPECT_EQ(lines.next({}).value(), std::nullopt);
}

TEST(ScriptLines, AStopAndALongLineEndThem) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd reads(ends[0]), writes(ends[1]);
  auto lines = ScriptLines::open(ends[0]).value();
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(lines.next(source.get_token()).value(), std::nullopt);
  std::jthread writer([&] {
    const std::string part(64 << 10, 'x');
    for (std::size_t bytes = 0; bytes <= ScriptLines::kLineBytesMax; bytes += part.size())
      (void)!::write(ends[1], part.data(), part.size());
  });
  EXPECT_EQ(lines.next({}).error().code, Code::limit_exceeded);
}

}  // namespace
}  // namespace boxagnts::terminal
