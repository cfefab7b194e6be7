// Random sequences of all calls on an overlay and a plain copy (vfs/overlay_model.h).
#include "vfs/overlay_model.h"

#include <gtest/gtest.h>

#include <random>

namespace boxagnts::vfs {
namespace {

TEST(OverlayModel, AgreesWithAPlainCopyOnRandomSequences) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> script(8 * (seed % 10 == 0 ? 400 : 60));
    for (auto& byte : script) byte = static_cast<std::uint8_t>(random());
    // Most of them in memory: there a thousand small files cost nothing.
    OverlayModel model(seed % 20 == 0 ? "/tmp" : OverlayModel::fast_folder());
    const std::string wrong = model.play(script);
    ASSERT_EQ(wrong, "") << "seed " << seed << "\n" << model.trace();
  }
}

}  // namespace
}  // namespace boxagnts::vfs
