// Row 11: grep and glob on a large tree.
#pragma once

#include <string>

namespace boxagnts::bench {

// Makes 20,000 files below `folder`, and searches them beside ripgrep and fd.
void bench_search(const std::string& folder);

}  // namespace boxagnts::bench
