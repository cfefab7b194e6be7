// Every event kind survives being stored; what is damaged or newer is refused.
#include "core/event.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

namespace boxagnts::core {
namespace {

std::vector<EventBody> one_of_each_kind() {
  const Error error{Code::unavailable, "gone", "errno 111", 1500};
  const Usage usage{10, 20, 5, 7};
  return {
      RunStarted{"scripted/x", Mode::edits, 50},
      UserMessage{"hello\n\"é\""},
      UserMessage{"look",
                  {{"a.png", "docs/a.png", "image/png", 1234, "blob1", 640, 480},
                   {"b.txt", "", "text/plain", 0, "blob2", 0, 0}}},
      AssistantBlock{TextBlock{"text"}},
      AssistantBlock{ThinkingBlock{"hm", "sig"}},
      AssistantBlock{ToolCall{"c1", "read", "{not json"}},
      TurnEnded{StopReason::tool_use, usage, 1234},
      CallDecided{"c1", {Verdict::ask, Level::write, "table:ask/write", "why", Access::read_write}},
      ApprovalAsked{{.id = {"a1"},
                     .call_id = "c1",
                     .tool = "write",
                     .level = Level::write,
                     .kind = QuestionKind::changes,
                     .question = "Write x?",
                     .text = "at length",
                     .files = {"/w/x", "/w/y"},
                     .blob = "blob",
                     .changes = {"s1"},
                     .connection = "https://example.com:443",
                     .connected = {"https://example.org:443"},
                     .choices = {{"a", "the first"}, {"b", ""}},
                     .several = true,
                     .for_this_run = "all below /w",
                     .always = "write /w/**",
                     .expires = 1'700'000'000'000'000,
                     .waits = false}},
      ApprovalAnswered{{"a1"}, {Answer::always, "but mind the gap", {"a", "b"}}, "terminal"},
      ChangesKept{
          {"s1"},
          "c1",
          "/w",
          {{"/w/x", FileChangeKind::added, 3, 0}, {"/w/y", FileChangeKind::removed, 0, 0, true}},
          "b9"},
      ChangesSettled{{"s1"},
                     ChangesAct::undone,
                     {{"/w/x", FileOutcome::merged, ""}, {"/w/y", FileOutcome::conflict, "why"}},
                     "http"},
      RuleAdded{"write /w/**", "rules.toml:3"},
      ModeChanged{Mode::plan, "enter_plan_mode", "to look first"},
      InstructionsLoaded{"/w/AGENTS.md", "workspace", "Be brief."},
      SkillUsed{"code-review", "builtin", {"read", "grep"}},
      TodosSet{{{"one", TodoStatus::completed}, {"two", TodoStatus::in_progress}}},
      BriefSent{"half done", "proactive", {{"/w/x", 12, "b1"}}},
      SessionForked{{"other"}, 17},
      ToolFinished{{"c1", ResultStatus::failed, "no", "b1", 70'000, 55}},
      ToolFinished{{.call_id = "c2", .text = "two images"},
                   {{"c2", "image/png", "b2", 640, 480, 12'345},
                    {"c2", "image/webp", "b3", 1, 16'383, 5'000'000}}},
      TurnRetried{2, 750, error},
      RunEnded{Outcome::failed, 3, usage, error},
      RunEnded{Outcome::interrupted, 0, {}, error, {"run1"}},
  };
}

TEST(Event, EveryKindRoundTripsThroughItsStoredForm) {
  std::set<std::string_view> kinds;
  for (const auto& body : one_of_each_kind()) {
    const std::string stored = base::to_text(body_to_json(body));
    const auto read = body_from_json(*base::parse_json(stored));
    ASSERT_TRUE(read) << stored << read.error().message;
    EXPECT_EQ(base::to_text(body_to_json(*read)), stored);
    const auto* finished = std::get_if<ToolFinished>(&body);
    if (finished) {
      EXPECT_EQ(std::get<ToolFinished>(*read).result, finished->result);
      EXPECT_EQ(std::get<ToolFinished>(*read).images, finished->images);
    }
    kinds.insert(kind_of(body));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<EventBody>) << "a kind is missing above";
}

// As written before there were kinds of questions.
TEST(Event, QuestionsOfOlderLogsAreAboutCalls) {
  const auto body = body_from_json(*base::parse_json(
      R"({"v":1,"kind":"approval_asked","approval":"a","call_id":"c","tool":"write",)"
      R"("level":"write","question":"q","files":["/w/x"],"blob":""})"));
  ASSERT_TRUE(body) << body.error().message;
  const auto& approval = std::get<ApprovalAsked>(*body).approval;
  EXPECT_EQ(approval.kind, QuestionKind::call);
  EXPECT_TRUE(approval.waits);
  EXPECT_EQ(approval.files, std::vector<std::string>{"/w/x"});
}

// As written before images were events' own: no field for them at all.
TEST(Event, ResultsOfOlderLogsHaveNoImages) {
  const auto body = body_from_json(*base::parse_json(
      R"({"v":1,"kind":"tool_finished","result":{"type":"tool_result","call_id":"c1",)"
      R"("status":"ok","text":"x","blob":"","total_bytes":1,"duration_us":2}})"));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(std::get<ToolFinished>(*body).result.text, "x");
  EXPECT_TRUE(std::get<ToolFinished>(*body).images.empty());
}

TEST(Event, NewerDamagedAndUnknownAreRefused) {
  const auto code_of = [](const char* text) {
    return body_from_json(*base::parse_json(text)).error().code;
  };
  EXPECT_EQ(code_of(R"({"v":2,"kind":"user_message","text":"x"})"), Code::unsupported);
  EXPECT_EQ(code_of(R"({"v":1,"kind":"user_massage"})"), Code::corrupt);
  EXPECT_EQ(code_of(R"({"v":1,"kind":"run_ended","outcome":"who knows"})"), Code::invalid_argument);
  EXPECT_FALSE(body_from_json(*base::parse_json("[]")));
  EXPECT_FALSE(body_from_json(*base::parse_json(R"({"v":1,"kind":"tool_finished"})")));
  EXPECT_EQ(code_of(R"({"v":1,"kind":"tool_finished","result":{"type":"tool_result",)"
                    R"("status":"ok"},"images":[{"type":"text","text":"x"}]})"),
            Code::corrupt);
}

TEST(EnumNames, UnknownNamesAreAnsweredWithTheKnownOnes) {
  EXPECT_EQ(parse_enum<Mode>("edits").value(), Mode::edits);
  EXPECT_EQ(parse_enum<Mode>("edit").error().message,
            "\"edit\" is not known here: it takes plan, ask, edits, autonomous or unattended");
}

}  // namespace
}  // namespace boxagnts::core
