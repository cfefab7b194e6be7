// Row 12: HTML to Markdown by web_fetch's guest, beside html2text.
#pragma once

#include <string>

namespace boxagnts::bench {

// Makes pages below `folder` and converts them.
void bench_pages(const std::string& folder);

}  // namespace boxagnts::bench
