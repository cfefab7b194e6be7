// For this room's tests: a pseudo-terminal and the person who sits at it.
#pragma once

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "terminal/console.h"

namespace boxagnts::terminal {

// Types each text once what is shown holds the words before it.
struct Step {
  std::string once;
  std::string type;
};

class TestTerminal {
 public:
  explicit TestTerminal(Look look = {}, ScreenSize size = {80, 24}) {
    winsize window{static_cast<unsigned short>(size.rows),
                   static_cast<unsigned short>(size.columns), 0, 0};
    int controller = -1, terminal = -1;
    EXPECT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, &window), 0);
    controller_ = base::UniqueFd(controller);
    console = Console::on(base::UniqueFd(terminal), look);
  }
  TestTerminal(const TestTerminal&) = delete;
  TestTerminal& operator=(const TestTerminal&) = delete;
  ~TestTerminal() { console.reset(); }  // which ends the person's reading

  // The person reads until the steps are done and the terminal is closed.
  void sits(std::vector<Step> steps) {
    person_ = std::jthread([this, steps = std::move(steps)] {
      std::size_t read_to = 0;
      for (const auto& [once, type] : steps) {
        std::size_t found;
        while ((found = shown_.find(once, read_to)) == std::string::npos)
          if (!read()) return;
        read_to = found + once.size();
        EXPECT_EQ(::write(controller_.get(), type.data(), type.size()),
                  static_cast<ssize_t>(type.size()));
      }
      while (read()) {
      }
    });
  }
  int controller() const { return controller_.get(); }
  // All that was written; the console is gone afterwards.
  std::string shown() {
    console.reset();
    if (person_.joinable()) person_.join();
    return shown_;
  }

  std::unique_ptr<Console> console;

 private:
  bool read() {
    char part[4096];
    const ssize_t got = ::read(controller_.get(), part, sizeof part);
    if (got <= 0) return false;
    shown_.append(part, static_cast<std::size_t>(got));
    return true;
  }

  base::UniqueFd controller_;
  std::string shown_;
  std::jthread person_;
};

// What would steer a terminal, each by another way.
inline const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> all{"\x1b]0;title\x07",
                                            "\x1b[2J",
                                            "\x1b[?1049h",
                                            "\x1b"
                                            "c",
                                            "\x1bP1$q\x1b\\",
                                            "\xc2\x9b"
                                            "31m",
                                            "\x9b"
                                            "31m",
                                            "a\rb",
                                            "a\bb",
                                            "\x7f",
                                            "\x0e\x0f",
                                            "\xe2\x80\xae",
                                            "\xe2\x81\xa6",
                                            "\xff\xfe",
                                            std::string("a\0b", 3),
                                            "\x1b[6n",
                                            "\xed\xa0\x80",
                                            "\x05"};
  return all;
}

// Whether a text holds nothing but printable characters and newlines.
inline testing::AssertionResult is_harmless(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f || c1)
      return testing::AssertionFailure() << "byte " << static_cast<int>(byte) << " in " << text;
  }
  for (const char* mark : {"\xe2\x80\xae", "\xe2\x81\xa6"})
    if (text.contains(mark)) return testing::AssertionFailure() << "a bidirectional override";
  return testing::AssertionSuccess();
}

}  // namespace boxagnts::terminal
