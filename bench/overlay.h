// What a copy-on-write view costs where nothing was written, and to open.
#pragma once

#include <string>

namespace boxagnts::bench {

void bench_overlay(const std::string& workspace);

}  // namespace boxagnts::bench
