// Scripts of calls on an overlay and on a plain copy of the same folder: both must say the same
// (src/vfs/overlay_model.h). Each call reads 8 bytes: which, then its arguments.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "vfs/overlay_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using boxagnts::vfs::OverlayModel;
  OverlayModel model(OverlayModel::fast_folder());
  const std::string wrong = model.play({data, size});
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n%s\n", model.trace().c_str(), wrong.c_str());
    std::abort();
  }
  return 0;
}
