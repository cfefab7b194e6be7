// Streams as files: pipes, the program's own stdin and stdout, bytes at hand, and /dev.
//
// All are File with is_stream(): offsets are ignored; read_at at the end gives 0; what would have
// to wait is EAGAIN. Thread-safe as pipes are.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "vfs/filesystem.h"

namespace boxagnts::vfs {

// A descriptor of this process that can be read or written in order: a pipe, a terminal, a socket,
// a file that was redirected. Others share it, so it is not made non-blocking but opened again;
// where that cannot be, readiness is asked first and little is written at once.
std::shared_ptr<File> make_host_stream(base::UniqueFd fd);

// A pipe of the kernel, 64 KiB. The reader's end comes when the last writer is gone; writing
// without a reader is EPIPE (the program ignores SIGPIPE).
struct Pipe {
  std::shared_ptr<File> reader;
  std::shared_ptr<File> writer;
};
Result<Pipe> make_pipe();

// Reads `bytes` once, in order; stat().size is what is left. `bytes` outlives it.
std::shared_ptr<File> make_text_stream(std::string_view bytes);

// What /dev of a guest holds: full, null, random, urandom, zero. `random` fills what it is given
// and is called from any thread.
struct NamedStream {
  std::string name;
  std::shared_ptr<File> stream;
};
using FillRandom = std::function<void(std::span<std::byte>)>;
std::vector<NamedStream> make_devices(FillRandom random);

// A folder of streams, to be mounted: devices, pipes, stdio. Opening one gives the stream itself;
// nothing can be made, changed or removed there.
std::shared_ptr<Filesystem> make_stream_folder(std::vector<NamedStream> streams);

}  // namespace boxagnts::vfs
