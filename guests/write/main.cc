// write: makes a file, or replaces what it held, byte for byte as given.
#include "guests/sdk/files.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {

int run() {
  const auto arguments = Arguments::read({"file_path", "content"});
  const Text content = arguments.text("content");
  const Target target = resolve_target(Path::of("file_path", arguments.text("file_path")), "write");
  replace_file(target, {content});
  out.put(target.exists ? "replaced " : "created ").put(target.path.shown()).put(": ");
  out.put_count(count_lines(content), "line").put(", ").put_count(content.size(), "byte");
  if (target.exists) out.put(" (it had ").put_count(target.stat.size, "byte").put(')');
  return kSuccess;
}

}  // namespace boxagnts::guest
