// Text: UTF-8 checks, cutting at character borders, making untrusted text safe for a terminal.
// Thread-safe: functions on values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace boxagnts::base {

bool is_utf8(std::string_view text);
// Every byte that is no part of a well-formed character becomes U+FFFD.
std::string repair_utf8(std::string_view text);
// Appends the character at `at`, repaired likewise; where the next one begins.
std::size_t append_character(std::string_view text, std::size_t at, std::string& out);
// The longest prefix of at most `bytes_max` bytes that does not cut a character.
std::string_view prefix_at_character(std::string_view text, std::size_t bytes_max);
// The longest suffix of at most `bytes_max` bytes that does not cut a character.
std::string_view suffix_at_character(std::string_view text, std::size_t bytes_max);

// Control characters (C0 but tab and newline, C1, DEL, and bidirectional overrides) are shown as
// visible escapes: nothing a model, a guest or a file name says may steer the terminal.
std::string terminal_safe(std::string_view text);
// One line of at most `columns` display columns, newlines shown as spaces, "…" where it was cut.
std::string one_line(std::string_view text, std::size_t columns);
// Display columns of a text without control characters.
std::size_t display_width(std::string_view text);

// The candidate nearest in spelling, or "" if none is near enough to be what was meant.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

std::vector<std::string_view> split(std::string_view text, char separator);
bool is_blank(std::string_view text);
// ASCII letters only: names of protocols and files, whatever the locale.
std::string lower_case(std::string_view text);
// For comparing in any letter case: Unicode's folding, composed. What is no UTF-8 is as lower_case.
std::string fold_case(std::string_view text);

// RFC 4648, section 4: with padding.
std::string base64(std::string_view bytes);
// Errors: invalid_argument for anything else.
Result<std::string> from_base64(std::string_view text);

// "1.5 KB", "3.0 MB" (powers of 1000) and "850 ms", "12.3 s", "4 min 05 s".
std::string human_bytes(std::uint64_t bytes);
std::string human_duration_ms(std::int64_t milliseconds);

}  // namespace boxagnts::base
