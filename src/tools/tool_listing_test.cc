// What people are told of tools: the sentences are those of the grant that a call would get.
#include "tools/tool_listing.h"

#include <gmock/gmock.h>

#include "tools/pipeline_fixture.h"

namespace boxagnts::tools {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class GuestLike final : public Tool {
 public:
  explicit GuestLike(core::Level level) : spec_{"guest", "a guest", JsonObject{}, level} {}
  const core::ToolSpec& spec() const override { return spec_; }
  About about() const override {
    return {.origin = Origin::user,
            .kind = Kind::guest,
            .version = "2",
            .path = "/c/tools/guest.wasm",
            .keywords = {"k"}};
  }
  Result<core::CallFacts> facts(const Json&, const ToolContext&) const override {
    return core::CallFacts{};
  }
  Result<ToolOutput> execute(const Json&, const Execution&) const override {
    return fail(Code::internal, "not here");
  }

 private:
  const core::ToolSpec spec_;
};

Standing standing() {
  return {.envelope = {.mounts = {{"/w", "/w", core::Access::read_write},
                                  {"", "/tmp", core::Access::read_write},
                                  {"/ref", "/ref", core::Access::read_only}},
                       .working_directory = "/w",
                       .environment = {"PWD=/w", "KEY=secret"},
                       .network = {.allowed = {{"a.test:443", "config.toml:1"}}}}};
}

TEST(ToolListing, TheGrantIsSaidInSentences) {
  const auto writes = grant_sentences(GuestLike(core::Level::write), standing());
  EXPECT_THAT(writes, Contains(HasSubstr("reads and writes files in /w (the workspace)")));
  EXPECT_THAT(writes, Contains(HasSubstr("reads files in /ref")));
  EXPECT_THAT(writes, Contains(HasSubstr("/tmp, in memory")));
  EXPECT_THAT(writes, Contains(HasSubstr("connect to a.test:443")));
  EXPECT_THAT(writes, Contains(HasSubstr("PWD, KEY")));
  EXPECT_THAT(writes, Not(Contains(HasSubstr("secret")))) << "names of variables, no values";
  EXPECT_THAT(writes, Contains(HasSubstr(".boxagnts")));
  const auto reads = grant_sentences(GuestLike(core::Level::read_only), standing());
  EXPECT_THAT(reads, Contains(HasSubstr("reads files in /w (the workspace), /ref")));
  EXPECT_THAT(reads, Not(Contains(HasSubstr("writes"))));
}

TEST(ToolListing, RulesAndTheToolsOwnWordNarrowIt) {
  policy::Rules rules({.workspace = "/w", .home = "/h"});
  auto some = standing();
  some.rules = &rules;
  EXPECT_THAT(grant_sentences(GuestLike(core::Level::execute), some),
              Contains(HasSubstr("keep from it: .env,")));
  FakeTool fake("fake", core::Level::execute);
  fake.narrows = [](core::Grant& grant) {
    grant.mounts.clear();
    grant.network = {.offline = true};
    grant.environment.clear();
  };
  EXPECT_THAT(grant_sentences(fake, some), Contains(HasSubstr("sees no file")));
  EXPECT_EQ(most_granted(fake, some).mounts.size(), 0u);
}

TEST(ToolListing, UsableOnesComeFirstAndBrokenOnesWithTheirReason) {
  base::ManualClock clock;
  auto registry = std::make_shared<Registry>();
  ASSERT_TRUE(registry->add(std::make_unique<FakeTool>("native", core::Level::none)));
  ASSERT_TRUE(registry->add(std::make_unique<GuestLike>(core::Level::execute)));
  const Toolset set{.registry = registry,
                    .pipeline = CallPipeline::make(*registry, clock).value(),
                    .broken = {{.spec = {"native", "", JsonObject{}, core::Level::execute},
                                .about = {.path = "/c/native.wasm"},
                                .reason = "its name is taken"},
                               {.spec = {"lost", "", JsonObject{}, core::Level::execute},
                                .reason = "it is gone"}},
                    .unchecked = {"guest"}};
  const auto all = list_all(set);
  ASSERT_EQ(all.size(), 4u);
  const auto native = to_json(all[0], standing());
  EXPECT_EQ(base::get_string(native, "state"), "ready");
  EXPECT_EQ(base::get_string(native, "kind"), "native");
  EXPECT_EQ(base::get_array(native, "limits")->size(), 0u);
  const auto guest = to_json(all[1], standing());
  EXPECT_EQ(base::get_string(guest, "state"), "checking");
  EXPECT_EQ(base::get_string(guest, "origin"), "user");
  EXPECT_EQ(base::get_string(guest, "version"), "2");
  EXPECT_EQ(base::get_string((*base::get_array(guest, "limits"))[0], "value"), "30.0 s");
  const auto broken = to_json(all[2], standing());
  EXPECT_EQ(base::get_string(broken, "state"), "broken");
  EXPECT_EQ(base::get_string(broken, "reason"), "its name is taken");
  EXPECT_FALSE(base::find(broken, "grant"));
  EXPECT_EQ(find_listed(set, "native")->state, "ready") << "before the broken one";
  EXPECT_EQ(find_listed(set, "lost")->reason, "it is gone");
  EXPECT_EQ(find_listed(set, "gest").error().code, Code::not_found);
}

}  // namespace
}  // namespace boxagnts::tools
