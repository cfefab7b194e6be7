// Writing to a terminal or a pipe, and text in colours. Functions on values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace boxagnts::terminal {

enum class Style : std::uint8_t { plain, colour };

// Everything, in order; a reader that is gone loses it.
void write_all(int fd, std::string_view text);

constexpr std::string_view kDim = "\x1b[2m", kRed = "\x1b[31m", kGreen = "\x1b[32m",
                           kCyan = "\x1b[36m", kBold = "\x1b[1m";

// `text` is safe already.
std::string paint(Style style, std::string_view colour, std::string_view text);

}  // namespace boxagnts::terminal
