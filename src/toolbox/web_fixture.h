// For the tests of web_fetch: the real guest in the real sandbox, with a network that is a table.
#pragma once

#include <map>

#include "toolbox/guest_tool_fixture.h"
#include "vfs/streams.h"

namespace boxagnts::toolbox {

// What stands behind an address.
struct Page {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Code error{};  // with `refusal`
  std::string refusal, rule;
  std::shared_ptr<vfs::File> stream;  // in place of `body`
};

class TableNetwork final : public sandbox::Network {
 public:
  explicit TableNetwork(const std::map<std::string, Page>& pages,
                        std::vector<sandbox::NetworkRequest>& asked)
      : pages_(pages), asked_(asked) {}

  Result<sandbox::NetworkAnswer> open(const sandbox::NetworkRequest& request, base::Steady,
                                      std::stop_token) override {
    asked_.push_back(request);
    const auto found = pages_.find(request.url);
    if (found == pages_.end())
      return fail(Code::unavailable, "there is no server at " + request.url);
    const Page& page = found->second;
    if (!page.refusal.empty()) return fail(page.error, page.refusal, page.rule);
    return sandbox::NetworkAnswer{
        .status = page.status,
        .url = request.url,
        .protocol = "http/1.1",
        .headers = page.headers,
        .body = page.stream ? page.stream : vfs::make_text_stream(page.body)};
  }

 private:
  const std::map<std::string, Page>& pages_;
  std::vector<sandbox::NetworkRequest>& asked_;
};

class WebTest : public GuestToolTest {
 protected:
  void SetUp() override {
    GuestToolTest::SetUp();
    ASSERT_TRUE(
        add_embedded(registry_, *shared_->sandbox, shared_->clock, [this](const tools::Execution&) {
          return std::make_unique<TableNetwork>(pages_, asked_);
        }));
  }

  tools::ToolOutput fetch(const Json& arguments) {
    auto output = execute(*registry_.find("web_fetch"), arguments);
    EXPECT_TRUE(output) << (output ? "" : output.error().message);
    return output.value_or(tools::ToolOutput{core::ResultStatus::failed, "(no output)"});
  }
  std::string fetched(const Json& arguments) {
    auto output = fetch(arguments);
    EXPECT_EQ(output.status, core::ResultStatus::ok) << output.text;
    return output.text;
  }
  std::string refused(const Json& arguments) {
    auto output = fetch(arguments);
    EXPECT_EQ(output.status, core::ResultStatus::failed) << output.text;
    return output.text;
  }

  static Page html(std::string body) {
    return {.headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = std::move(body)};
  }

  // A page's text, without the lines of the tool's own, which end with the first empty one.
  static std::string text_of(const std::string& output) {
    const auto end = output.find("\n\n");
    return end == output.npos ? "(no text)" : output.substr(end + 2);
  }
  // The text that is made of this HTML.
  std::string made(std::string body, std::string_view mode = "markdown", bool whole = true) {
    pages_["http://a.test/dir/page"] = html(std::move(body));
    return text_of(fetched(
        {{"url", "http://a.test/dir/page"}, {"extract_mode", mode}, {"readability", !whole}}));
  }

  std::map<std::string, Page> pages_;
  std::vector<sandbox::NetworkRequest> asked_;
  tools::Registry registry_;
};

}  // namespace boxagnts::toolbox
