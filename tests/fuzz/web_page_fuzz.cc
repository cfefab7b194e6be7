// HTML -> Markdown, by the guest in its sandbox: every page ends within small limits as UTF-8 text,
// nothing unseen is in it, and text alone makes no structure. The first byte says which.
#include <algorithm>
#include <boost/json.hpp>
#include <memory>

#include "base/text.h"
#include "base/thread.h"
#include "tests/fuzz/fuzz.h"
#include "toolbox/guest_tools.h"
#include "tools/test_execution.h"
#include "vfs/streams.h"

namespace boxagnts {
namespace {

constexpr std::string_view kUrl = "http://a.test/";

class OnePage final : public sandbox::Network {
 public:
  explicit OnePage(std::string_view body) : body_(body) {}
  Result<sandbox::NetworkAnswer> open(const sandbox::NetworkRequest&, base::Steady,
                                      std::stop_token) override {
    return sandbox::NetworkAnswer{.status = 200,
                                  .url = std::string(kUrl),
                                  .protocol = "http/1.1",
                                  .headers = {{"content-type", "text/html; charset=utf-8"}},
                                  .body = vfs::make_text_stream(body_)};
  }

 private:
  const std::string_view body_;
};

class Guest {
 public:
  Guest() {
    FUZZ_CHECK(toolbox::add_embedded(registry_, *sandbox_, clock_, [this](const tools::Execution&) {
      return std::make_unique<OnePage>(page_);
    }));
    grant_.limits.wall_time = std::chrono::seconds(10);
    grant_.limits.memory_bytes = 64 << 20;
  }

  // The page's text; runs on a thread with room for the guest's stack.
  std::string made(std::string_view page, bool markdown, bool readability) {
    page_ = page;
    const Json arguments{{"url", kUrl},
                         {"extract_mode", markdown ? "markdown" : "text"},
                         {"readability", readability}};
    Result<tools::ToolOutput> output = fail(Code::internal, "not run");
    auto thread = base::Thread::start("guest", core::calling_thread_bytes(grant_.limits), [&] {
      const tools::ToolContext context{.workspace = "/"};
      output = tools::TestExecution(grant_, context, clock_)
                   .run(*registry_.find("web_fetch"), arguments);
    });
    FUZZ_CHECK(thread);
    thread->join();
    FUZZ_CHECK(output);
    if (output->status != core::ResultStatus::ok)
      std::fprintf(stderr, "%s\n", output->text.c_str());
    FUZZ_CHECK(output->status == core::ResultStatus::ok);
    const auto begin = output->text.find("\n\n");
    FUZZ_CHECK(begin != std::string::npos);
    return output->text.substr(begin + 2);
  }

 private:
  base::SystemClock clock_;
  std::unique_ptr<sandbox::Sandbox> sandbox_ = sandbox::Sandbox::make(clock_, {.instances_max = 1});
  tools::Registry registry_;
  core::Grant grant_;
  std::string_view page_;
};

// What no element stands in: the text as a page that shows it.
std::string as_page(std::string_view text) {
  std::string page = "<p>";
  for (const char c : text) page += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return page;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether a block of Markdown other than a paragraph could begin with this line.
bool begins_a_block(std::string_view line) {
  const auto first = line.find_first_not_of('#');
  const bool ends = first == line.npos || line[first] == ' ';
  if (line.starts_with('#') && std::min(first, line.size()) <= 6 && ends) return true;
  if (line.starts_with('>') || line.starts_with("```") || line.starts_with("~~~")) return true;
  const auto mark = [](std::string_view rest) { return rest.size() == 1 || rest[1] == ' '; };
  if (!line.empty() && (line[0] == '-' || line[0] == '+' || line[0] == '*') && mark(line))
    return true;
  const auto digits = std::ranges::find_if_not(line, is_digit) - line.begin();
  const auto rest = line.substr(static_cast<std::size_t>(digits));
  if (digits > 0 && digits < 10 && !rest.empty() && (rest[0] == '.' || rest[0] == ')') &&
      mark(rest))
    return true;
  const auto all = [&](std::string_view set) {
    return !line.empty() && line.find_first_not_of(set) == line.npos;
  };
  return all("=") || all("-") || all("- ") || all("* ") || all("_ ") || all("|:- ");
}

// A character that is not escaped, and could mark emphasis, code or a link.
bool has_bare_mark(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size())
      ++i;
    else if (line[i] == '`' || line[i] == '[' || line[i] == ']')
      return true;
  }
  return false;
}

}  // namespace
}  // namespace boxagnts

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts;
  static Guest guest;
  if (size == 0 || size > 100'000) return 0;
  const auto bytes = as_text(data + 1, size - 1);
  const bool text_alone = data[0] & 1, markdown = data[0] & 2, readability = data[0] & 4;
  const std::string page = text_alone ? as_page(bytes) : std::string(bytes);
  const std::string made = guest.made(page, markdown || text_alone, readability);
  FUZZ_CHECK(base::is_utf8(made));
  FUZZ_CHECK(std::ranges::none_of(
      made, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }));
  if (!text_alone) return 0;
  for (const auto line : base::split(made, '\n')) {
    FUZZ_CHECK(!begins_a_block(line));
    FUZZ_CHECK(!has_bare_mark(line));
  }
  return 0;
}
