// Names of enumerators, for JSON, flags and error sentences: one table an enum, both directions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::core {

// Specialised beside each enum: names in the order of the enumerators.
template <class Enum>
struct EnumNames;

template <class Enum>
constexpr std::string_view name_of(Enum value) {
  return EnumNames<Enum>::kNames[static_cast<std::size_t>(value)];
}

template <class Enum>
Result<Enum> parse_enum(std::string_view name) {
  const auto& names = EnumNames<Enum>::kNames;
  std::string known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
    known += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names[i]);
  }
  return fail(Code::invalid_argument,
              "\"" + std::string(name.substr(0, 80)) + "\" is not known here: it takes " + known);
}

}  // namespace boxagnts::core

#define BOXAGNTS_ENUM_NAMES(Enum, ...)                                             \
  template <>                                                                      \
  struct EnumNames<Enum> {                                                         \
    static constexpr auto kNames = std::to_array<std::string_view>({__VA_ARGS__}); \
  }
