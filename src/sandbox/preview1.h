// WASI preview1 over the vfs: the functions of `wasi_snapshot_preview1` (the witx is the
// reference).
//
// Split as the specification's name prefixes: preview1_fd.cc (open descriptors), preview1_path.cc
// (paths), preview1_poll.cc (waiting), preview1_process.cc (arguments, clocks, random, exit,
// sockets). Host functions are defined once a linker and find their process in the store.
#pragma once

#include <wasmtime.h>

namespace boxagnts::sandbox {

void define_preview1(wasmtime_linker_t& linker);

// Parts of it.
void define_preview1_fd(wasmtime_linker_t& linker);
void define_preview1_path(wasmtime_linker_t& linker);
void define_preview1_poll(wasmtime_linker_t& linker);
void define_preview1_process(wasmtime_linker_t& linker);

inline constexpr const char* kPreview1 = "wasi_snapshot_preview1";

}  // namespace boxagnts::sandbox
