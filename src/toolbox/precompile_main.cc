// precompile IN.wasm OUT.cwasm: compiles a built-in guest for the baseline CPU, and makes both
// ready to be embedded (IN.wasm.embed, OUT.cwasm.embed). Part of the build only.
#include <cstdio>

#include "base/compression.h"
#include "base/file.h"
#include "sandbox/sandbox.h"

namespace {

constexpr std::size_t kPlainBytesMax = 512 << 10;

boxagnts::Status precompile_file(const std::string& from, const std::string& to) {
  const auto wasm = TRY(boxagnts::base::read_file(from));
  const auto cwasm = TRY(boxagnts::sandbox::precompile(wasm, boxagnts::sandbox::Target::baseline,
                                                       boxagnts::sandbox::Fuel::off));
  TRY(boxagnts::base::write_file_atomically(to, cwasm, 0644));
  // Expanding costs about a millisecond a megabyte at the first call: not for what is small anyway.
  const bool is_small = cwasm.size() <= kPlainBytesMax;
  TRY(boxagnts::base::write_file_atomically(
      to + ".embed", is_small ? cwasm : boxagnts::base::compress(cwasm), 0644));
  return boxagnts::base::write_file_atomically(from + ".embed", boxagnts::base::compress(wasm),
                                               0644);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::fputs("usage: precompile IN.wasm OUT.cwasm\n", stderr);
    return 2;
  }
  if (const auto done = precompile_file(arguments[1], arguments[2]); !done) {
    std::fprintf(stderr, "precompile %s: %s\n", arguments[1], done.error().message.c_str());
    return 1;
  }
  return 0;
}
