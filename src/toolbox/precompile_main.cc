// precompile IN.wasm OUT.cwasm: compiles a built-in guest for the baseline CPU. Part of the build
// only.
#include <cstdio>

#include "base/file.h"
#include "sandbox/sandbox.h"

namespace {

boxagnts::Status precompile_file(const std::string& from, const std::string& to) {
  const auto wasm = TRY(boxagnts::base::read_file(from));
  const auto cwasm = TRY(boxagnts::sandbox::precompile(wasm, boxagnts::sandbox::Target::baseline,
                                                       boxagnts::sandbox::Fuel::off));
  return boxagnts::base::write_file_atomically(to, cwasm, 0644);
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
