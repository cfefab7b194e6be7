#include "toolbox/wasm_sections.h"

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::toolbox {
namespace {

constexpr std::string_view kMagic("\0asm", 4);
constexpr std::string_view kModule("\x01\0\0\0", 4);
constexpr std::size_t kHeadBytesMax = 64;  // of a section: its kind, size and name

std::unexpected<Error> no_module(const std::string& why) {
  return fail(Code::invalid_argument, why);
}

// An unsigned number of at most 32 bits, as WebAssembly writes it, taken from the front.
std::optional<std::uint32_t> take_number(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (bytes.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value <= UINT32_MAX ? std::optional(static_cast<std::uint32_t>(value)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> custom_section(const ReadAt& read, std::uint64_t file_bytes,
                                                  std::string_view name, std::size_t bytes_max) {
  const auto start = TRY(read(0, kMagic.size() + kModule.size()));
  if (!start.starts_with(kMagic)) return no_module("is no WebAssembly module");
  const auto version = std::string_view(start).substr(kMagic.size());
  // Two bytes of version, two that say what kind it is: 1 is a component.
  if (version.size() == 4 && version[2] == 1)
    return no_module(
        "is a component, and components are not supported yet; build it as a WASI "
        "preview1 module");
  if (version != kModule) return no_module("is of a version of WebAssembly that is not known here");

  std::optional<std::string> found;
  std::uint64_t at = start.size();
  for (std::size_t sections = 0; at < file_bytes; ++sections) {
    if (GUARD("toolbox.wasm-sections", sections >= kWasmSectionsMax))
      return no_module("has more than " + std::to_string(kWasmSectionsMax) + " sections");
    const std::string head = TRY(read(at, kHeadBytesMax));
    const auto taken_of = [&](std::string_view rest) { return head.size() - rest.size(); };
    std::string_view rest(head);
    if (rest.empty()) return no_module("ends in the middle of a section");
    const bool is_custom = rest.front() == '\0';
    rest.remove_prefix(1);
    const auto size = take_number(rest);
    const std::uint64_t left = file_bytes - at;
    if (GUARD("toolbox.wasm-cut", !size || taken_of(rest) + *size > left))
      return no_module("ends in the middle of a section");
    if (!size) return found;
    const std::uint64_t end = at + taken_of(rest) + *size;
    const auto name_size = take_number(rest);
    if (is_custom && name_size && rest.starts_with(name) && *name_size == name.size()) {
      const std::uint64_t from = at + taken_of(rest) + name.size();
      if (from > end) return no_module("has a section whose name is longer than itself");
      if (found) return no_module("has two sections " + std::string(name));
      if (GUARD("toolbox.wasm-section-size", end - from > bytes_max))
        return no_module("has a section " + std::string(name) + " of more than " +
                         base::human_bytes(bytes_max));
      found = TRY(read(from, static_cast<std::size_t>(end - from)));
      if (found->size() != end - from) return no_module("ends in the middle of a section");
    }
    at = end;
  }
  return found;
}

}  // namespace boxagnts::toolbox
