// Prints lines with their numbers into `out`, from pieces of a file, one pass over each.
//
// Bounds: a line shows at most 2,000 characters, all together at most 128 KiB.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

class LinePrinter {
 public:
  enum class Piece : std::uint8_t { more_follows, last };

  LinePrinter(std::uint64_t first, std::uint64_t lines_max);

  // Prints what of the piece is wanted and counts the rest. Returns how many bytes are done; what
  // is left over (an unfinished line's end, a part of a character) belongs before the next piece.
  // The byte after the piece must be writable.
  std::size_t print(Text piece, Piece kind);

  // No further line will be shown.
  bool done() const { return shown_ == lines_max_ || full_; }
  std::uint64_t first() const { return first_; }
  std::uint64_t shown() const { return shown_; }
  std::uint64_t last_shown() const { return first_ + shown_ - 1; }
  // Of the pieces so far.
  std::uint64_t lines() const { return lines_; }

  // Of what was shown.
  std::uint64_t cut_lines() const { return cut_lines_; }
  std::uint64_t crlf_lines() const { return crlf_lines_; }
  std::uint64_t ended_lines() const { return ended_lines_; }
  std::uint64_t repaired_bytes() const { return repaired_bytes_; }
  bool begins_with_mark() const { return begins_with_mark_; }

 private:
  static constexpr std::size_t kDigitsMax = 20;
  static constexpr std::size_t kNumberBytesMax = kDigitsMax + 1;

  // Each takes the rest of the piece and returns where the next line begins, or nullptr when the
  // line at `at` is unfinished and must wait for the next piece.
  const char* skip_line(const char* at, const char* end);
  const char* print_line(const char* at, const char* end, Piece kind);
  // A line of at most 2,000 bytes that ends in the piece (the byte at `end` is a newline).
  const char* print_short_line(const char* at, const char* end, Piece kind);
  // By characters: cuts long lines, repairs what is no UTF-8.
  void put_characters(Text line);
  // Writes the next line's number and a tab, number_bytes() in all; returns where they end.
  char* number_in(char* to) const;
  std::size_t number_bytes() const;
  void end_line(bool crlf, bool ended);

  const std::uint64_t first_;
  const std::uint64_t lines_max_;
  std::uint64_t lines_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t cut_lines_ = 0;
  std::uint64_t crlf_lines_ = 0;
  std::uint64_t ended_lines_ = 0;
  std::uint64_t repaired_bytes_ = 0;
  bool begins_with_mark_ = false;
  bool begun_ = false;
  bool full_ = false;
  bool inside_line_ = false;  // its beginning was in a piece before: shown and cut, or skipped
  char digits_[kDigitsMax];   // the next line's number, right-aligned
  std::size_t digits_from_;
};

}  // namespace boxagnts::guest
