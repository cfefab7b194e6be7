// What every guest begins and ends with: memory, the call's arguments, the result, giving up.
//
// A guest is one call long: memory is taken from the end of linear memory and never given back.
// Nothing here has a constructor that runs at start. A tool defines `int run()`; what it put into
// `out` is the result. Contract `boxagnts:tool/1`: exit 0 success, 1 failed call, 2 bad input.
#pragma once

#include <initializer_list>
#include <string_view>

#include "guests/sdk/wasi.h"

namespace boxagnts::guest {

using Text = std::string_view;

constexpr int kSuccess = 0, kFailed = 1, kBadInput = 2;

// The tool. Returns the exit code.
int run();

// --- memory
// --------------------------------------------------------------------------------------- Blocks
// sit 16 bytes apart, so that vector loads and stores may run over a block's end by 15 bytes. Ends
// the program with a sentence when there is no more.
char* allocate(std::size_t bytes);
// The same block with room for `bytes`, moved only when something was allocated after it.
char* extend(char* block, std::size_t old_bytes, std::size_t bytes);
Text join(std::initializer_list<Text> parts);

// --- the result
// -----------------------------------------------------------------------------------
class Output {
 public:
  Output& put(Text text);
  Output& put(char c) {
    reserve(1)[0] = c;
    ++size_;
    return *this;
  }
  Output& put_number(std::uint64_t value);
  // "12.3 KB"
  Output& put_size(std::uint64_t bytes);
  // "1 line", "2 lines"
  Output& put_count(std::uint64_t count, Text what);
  // The text, at most `bytes_max` of it, cut between characters and marked.
  Output& put_cut(Text text, std::size_t bytes_max);

  // Room for `bytes` more (and 16 to run over); commit() says how many were used.
  char* reserve(std::size_t bytes);
  void commit(std::size_t bytes) { size_ += bytes; }
  std::size_t size() const { return size_; }
  Text text() const { return {data_, size_}; }
  void shorten(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  void flush();

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};
extern constinit Output out;

// Writes to standard output at once.
void write_output(Text bytes);
// Ends the call with one sentence instead of what was put into `out` so far.
[[noreturn]] void fail(int exit_code, std::initializer_list<Text> sentence);
// Ends the call with what stands in `out`.
[[noreturn]] void finish(int exit_code);

// --- the call's arguments
// --------------------------------------------------------------------------- All of stdin as one
// flat JSON object. The host has checked it against the schema; anything that is not of the asked
// shape still ends the call with exit 2 and a sentence.
class Arguments {
 public:
  // Fields other than `known` are refused.
  static Arguments read(std::initializer_list<Text> known);

  Text text(Text name) const;  // must be there
  Text text_or(Text name, Text other) const;
  std::uint64_t number_or(Text name, std::uint64_t other, std::uint64_t low) const;
  bool flag_or(Text name, bool other) const;

 private:
  enum class Kind : std::uint8_t { absent, text, number, flag };
  struct Field {
    Text name;
    Kind kind;
    Text text;
    std::uint64_t number;  // and flag
    bool negative;
  };
  class Parser;
  static constexpr std::size_t kFieldsMax = 8;

  const Field* find(Text name, Kind kind, Text wanted) const;

  Field fields_[kFieldsMax];
  std::size_t count_ = 0;
};

// The value of an environment variable, "" when it is not set.
Text environment(Text name);

}  // namespace boxagnts::guest
