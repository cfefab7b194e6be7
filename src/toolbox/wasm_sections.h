// What the head of a WebAssembly file tells, without reading the rest: whether it is a module, and
// one custom section of it. The bytes are untrusted: every number is checked, and the work is
// bounded by the number of sections. Thread-safe: functions on values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::toolbox {

constexpr std::size_t kWasmSectionsMax = 1'000;

// Up to so many bytes from there on; fewer at the end.
using ReadAt = std::function<Result<std::string>(std::uint64_t offset, std::size_t bytes)>;

// nullopt: a module without it. Errors: invalid_argument, one sentence that goes on after "it"
// (no module, a component, cut short, two of that name, too many sections or too large a one);
// those of `read`.
Result<std::optional<std::string>> custom_section(const ReadAt& read, std::uint64_t file_bytes,
                                                  std::string_view name, std::size_t bytes_max);

}  // namespace boxagnts::toolbox
