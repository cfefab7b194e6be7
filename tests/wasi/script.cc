#include "tests/wasi/script.h"

#include <algorithm>

#include "tests/wasi/matrix.h"

namespace boxagnts::wasi_test {
namespace {

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Script& Script::call(const std::string& function, std::vector<std::uint64_t> arguments) {
  const auto& names = functions();
  return call(static_cast<std::size_t>(std::ranges::find(names, function) - names.begin()),
              std::move(arguments));
}

Script& Script::call(std::size_t function, std::vector<std::uint64_t> arguments) {
  bytes_ += static_cast<char>(function);
  arguments.resize(9);
  for (const auto argument : arguments) bytes_ += raw(argument);
  return *this;
}

Script& Script::poke(std::uint32_t at, const std::string& bytes) {
  bytes_ += '\xff';
  bytes_ += raw(at) + raw(static_cast<std::uint32_t>(bytes.size())) + bytes;
  return *this;
}

}  // namespace boxagnts::wasi_test
