#include "bench/pages.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <random>

#include "bench/programs.h"
#include "bench/timing.h"
#include "toolbox/guest_tools.h"
#include "tools/test_execution.h"
#include "vfs/streams.h"

namespace boxagnts::bench {
namespace {

// An article as pages are: navigation, headings, paragraphs with links and emphasis, lists, tables,
// code, scripts and styles.
std::string make_page(std::size_t bytes) {
  std::mt19937 random(2026);
  const auto words = [&random](int count) {
    std::string text;
    for (; count > 0; --count) {
      for (unsigned n = 2 + random() % 9; n > 0; --n)
        text += static_cast<char>('a' + random() % 26);
      text += random() % 12 == 0 ? ", " : " ";
    }
    return text;
  };
  std::string page = "<!doctype html><html><head><title>Page</title><style>" +
                     std::string(4000, 'x') + "</style></head><body><nav><ul>";
  for (int i = 0; i < 60; ++i)
    page += "<li class=\"item\"><a href=\"/to/" + words(1) + "\">" + words(2) + "</a></li>\n";
  page += "</ul></nav><main class=\"content wide\"><h1>" + words(4) + "</h1>\n";
  while (page.size() < bytes) {
    page += "<h2 id=\"part\">" + words(4) + "</h2>\n";
    for (int i = 0; i < 6; ++i)
      page += "<p class=\"text\">" + words(25) + "<a href=\"../x?y=" + words(1) + "\">" + words(3) +
              "</a> " + words(20) + "<em>" + words(2) + "</em> &amp; <code>" + words(1) +
              "</code>.</p>\n";
    page += "<ul>";
    for (int i = 0; i < 6; ++i) page += "<li>" + words(9) + "</li>\n";
    page += "</ul><table><tr><th>A</th><th>B</th><th>C</th></tr>";
    for (int i = 0; i < 10; ++i)
      page += "<tr><td>" + words(2) + "</td><td>" + words(3) + "</td><td>7</td></tr>\n";
    page += "</table><pre><code class=\"language-c\">" + words(30) + "</code></pre><script>" +
            words(40) + "</script>\n";
  }
  return page + "</main><footer>" + words(30) + "</footer></body></html>";
}

class OnePage final : public sandbox::Network {
 public:
  explicit OnePage(std::string_view body) : body_(body) {}
  Result<sandbox::NetworkAnswer> open(const sandbox::NetworkRequest& request, base::Steady,
                                      std::stop_token) override {
    return sandbox::NetworkAnswer{.status = 200,
                                  .url = request.url,
                                  .protocol = "http/1.1",
                                  .headers = {{"content-type", "text/html; charset=utf-8"}},
                                  .body = vfs::make_text_stream(body_)};
  }

 private:
  const std::string_view body_;
};

// html2text, of the rivals' folder or the system; the rival as people call it from Python, timed
// inside of its process: importing is not converting.
double html2text_us(const std::string& file) {
  const std::string python = find_program("rival-python");
  if (python.empty()) return 0;
  const std::string command =
      python +
      " -c 'import html2text,sys,time\n"
      "page=open(sys.argv[1]).read()\n"
      "def once():\n t=time.perf_counter();html2text.html2text(page,\"http://a.test/\");"
      "return time.perf_counter()-t\n"
      "print(sorted(once() for _ in range(3))[1]*1e6)' '" +
      file + "' 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  double us = 0;
  if (!pipe || std::fscanf(pipe, "%lf", &us) != 1) us = 0;
  if (pipe) ::pclose(pipe);
  return us;
}

}  // namespace

void bench_pages(const std::string& folder) {
  base::SystemClock clock;
  const auto sandbox = sandbox::Sandbox::make(clock);
  std::string page;
  tools::Registry registry;
  if (!toolbox::add_embedded(registry, *sandbox, clock, [&page](const tools::Execution&) {
        return std::make_unique<OnePage>(page);
      }))
    die("no tools");
  const auto convert = [&] {
    const Json arguments{{"url", "http://a.test/"}, {"max_chars", 400'000}};
    const core::Grant grant;
    const tools::ToolContext context{.workspace = folder};
    const auto output =
        tools::TestExecution(grant, context, clock).run(*registry.find("web_fetch"), arguments);
    if (!output || output->status != core::ResultStatus::ok) die("web_fetch failed");
  };
  print_header("12. HTML to Markdown, the whole call of web_fetch but its network");
  for (const std::size_t bytes : {20'000, 200'000, 2'000'000}) {
    page = make_page(bytes);
    const std::string file = folder + "/page.html";
    std::ofstream(file) << page;
    std::vector<Row> rows{
        {"web_fetch, a page of " + std::to_string(bytes / 1000) + " KB", convert}};
    measure(rows, 5, 4);
    print(rows[0]);
    const double size = static_cast<double>(page.size());
    std::printf("  %-56s %10.1f\n", "MB/s", size / rows[0].percentile(0.5));
    const double rival = html2text_us(file);
    if (rival == 0) continue;
    std::printf("  %-56s %10.1f\n", "html2text (Python), MB/s", size / rival);
    target("times html2text's time", rows[0].percentile(0.5) / rival, 1);
  }
}

}  // namespace boxagnts::bench
