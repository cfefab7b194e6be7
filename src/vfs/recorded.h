// A file system whose answers are written down, and given again: with it one process sees the same
// world twice.
//
// Recording passes every call on and notes what came back; replaying answers from the tape alone
// and changes nothing. A replay that asks something else than what was asked has diverged: it gets
// EIO from there on, and diverged() says so. A tape belongs to one process at a time: not
// thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "vfs/filesystem.h"

namespace boxagnts::vfs {

// Questions and answers in the order they came, as bytes.
class Tape {
 public:
  Tape() : recording_(true) {}
  explicit Tape(std::string recorded) : bytes_(std::move(recorded)) {}

  bool recording() const { return recording_; }
  const std::string& bytes() const { return bytes_; }
  // Whether the replay asked something else than was recorded, or more.
  bool diverged() const { return diverged_; }
  // Whether everything recorded was asked for.
  bool at_end() const { return at_ == bytes_.size(); }

  // Notes a question, or compares it with the one noted. False: diverged.
  bool ask(std::string_view question);

  template <class T>
    requires std::is_trivially_copyable_v<T>
  void note(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  T recall() {
    T value{};
    if (take(sizeof value)) std::memcpy(&value, bytes_.data() + at_ - sizeof value, sizeof value);
    return value;
  }
  void note_text(std::string_view text);
  std::string recall_text();

 private:
  bool take(std::size_t size);  // moves past the next bytes; false: there are none

  const bool recording_ = false;
  std::string bytes_;
  std::size_t at_ = 0;
  bool diverged_ = false;
};

// Outlives what it made; when `tape` replays, `inner` may be null.
std::shared_ptr<Filesystem> make_recorded(std::shared_ptr<Filesystem> inner, Tape& tape);
// The same for a stream or file alone (stdin).
std::shared_ptr<File> make_recorded(std::shared_ptr<File> inner, Tape& tape);

}  // namespace boxagnts::vfs
