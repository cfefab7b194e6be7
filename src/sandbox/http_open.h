// The import module `boxagnts`: what guests have beyond WASI preview1 (docs/tools.md).
//
//   http_open(method, url, headers, body: (pointer, size) each, timeout_ms, fd_out) -> errno
//
// makes one request through the process's Network and gives a descriptor, a stream: first 4 bytes
// (little endian) with the size of a head in JSON, the head, then the body. What is refused or
// fails is a head with "error"; an errno is given only for pointers, sizes and full tables.
#pragma once

#include <wasmtime.h>

namespace boxagnts::sandbox {

inline constexpr const char* kBoxagnts = "boxagnts";

void define_http_open(wasmtime_linker_t& linker);

}  // namespace boxagnts::sandbox
