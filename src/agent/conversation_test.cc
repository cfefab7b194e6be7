#include "agent/conversation.h"

#include <gtest/gtest.h>

#include "agent/prompt.h"
#include "agent/settings.h"

namespace boxagnts::agent {
namespace {

using core::AssistantBlock;
using core::TextBlock;
using core::ToolCall;
using core::ToolFinished;
using core::TurnEnded;
using core::UserMessage;

Conversation conversation_of(std::vector<core::EventBody> bodies) {
  Conversation conversation;
  for (auto& body : bodies) conversation.apply({.body = std::move(body)});
  return conversation;
}

core::ToolFinished result(const char* id, const char* text = "ok") {
  return {{.call_id = id, .text = text}};
}

TEST(Conversation, TurnsAlternateAndResultsFollowTheirCalls) {
  const auto conversation = conversation_of(
      {UserMessage{"do it"}, AssistantBlock{TextBlock{"I look"}},
       AssistantBlock{ToolCall{"c1", "read", "{}"}}, AssistantBlock{ToolCall{"c2", "read", "{}"}},
       TurnEnded{}, result("c1"), result("c2"), AssistantBlock{TextBlock{"done"}}, TurnEnded{},
       UserMessage{"more"}});
  const auto& messages = conversation.messages();
  ASSERT_EQ(messages.size(), 5u);
  for (std::size_t i = 0; i < messages.size(); ++i)
    EXPECT_EQ(messages[i].role, i % 2 == 0 ? core::Role::user : core::Role::assistant) << i;
  EXPECT_EQ(messages[1].blocks.size(), 3u);
  EXPECT_EQ(std::get<core::ToolResult>(messages[2].blocks[1]).call_id, "c2");
  EXPECT_TRUE(conversation.open_calls().empty());
}

TEST(Conversation, WordsAfterResultsJoinThem) {
  const auto conversation =
      conversation_of({UserMessage{"a"}, AssistantBlock{ToolCall{"c1", "t", ""}}, TurnEnded{},
                       result("c1"), UserMessage{"b"}});
  ASSERT_EQ(conversation.messages().size(), 3u);
  EXPECT_EQ(conversation.messages()[2].blocks.size(), 2u);
}

TEST(Conversation, ImagesStandBehindTheirResult) {
  auto finished = result("c1");
  finished.images = {{"c1", "image/png", "b1", 2, 3, 70}, {"c1", "image/gif", "b2", 4, 5, 80}};
  const auto conversation = conversation_of(
      {UserMessage{"look"}, AssistantBlock{ToolCall{"c1", "read", "{}"}},
       AssistantBlock{ToolCall{"c2", "read", "{}"}}, TurnEnded{}, finished, result("c2")});
  const auto& blocks = conversation.messages().at(2).blocks;
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(std::get<core::ToolResult>(blocks[0]).call_id, "c1");
  EXPECT_EQ(std::get<core::ImageBlock>(blocks[1]), finished.images[0]);
  EXPECT_EQ(std::get<core::ImageBlock>(blocks[2]), finished.images[1]);
  EXPECT_EQ(std::get<core::ToolResult>(blocks[3]).call_id, "c2");
}

TEST(Conversation, AnAnswerCountsOnlyOnceItsEndIsLogged) {
  EXPECT_EQ(
      conversation_of({UserMessage{"a"}, AssistantBlock{TextBlock{"half"}}}).messages().size(), 1u);
  for (const core::EventBody& end :
       {core::EventBody(core::TurnRetried{}), core::EventBody(core::RunEnded{}),
        core::EventBody(core::RunStarted{})}) {
    const auto conversation =
        conversation_of({UserMessage{"a"}, AssistantBlock{TextBlock{"void"}}, end,
                         AssistantBlock{TextBlock{"whole"}}, TurnEnded{}});
    ASSERT_EQ(conversation.messages().size(), 2u);
    EXPECT_EQ(conversation.messages()[1].blocks, std::vector<core::Block>{TextBlock{"whole"}});
  }
}

TEST(Conversation, EveryCallHasAtMostOneResultAndOpenOnesAreKnown) {
  const auto conversation =
      conversation_of({UserMessage{"a"}, AssistantBlock{ToolCall{"c1", "t", ""}},
                       AssistantBlock{ToolCall{"c2", "t", ""}}, TurnEnded{}, result("c1", "first"),
                       result("c1", "second"), result("nobody asked")});
  EXPECT_EQ(conversation.messages()[2].blocks.size(), 1u);
  ASSERT_EQ(conversation.open_calls().size(), 1u);
  EXPECT_EQ(conversation.open_calls()[0].id, "c2");
}

TEST(Conversation, TheSameCallIdInALaterTurnIsAnotherCall) {
  const auto conversation = conversation_of(
      {UserMessage{"a"}, AssistantBlock{ToolCall{"c1", "t", ""}}, TurnEnded{}, result("c1"),
       AssistantBlock{ToolCall{"c1", "t", ""}}, TurnEnded{}, result("c1")});
  EXPECT_EQ(conversation.messages().size(), 5u);
  EXPECT_TRUE(conversation.open_calls().empty());
}

// What the model sees is product: a change here is a change of the product.
TEST(Prompt, NamesTheWorkspaceIsSmallAndStable) {
  Settings settings{.workspace = "/home/ada/project"};
  const auto envelope = settings.envelope();
  const std::string prompt = system_prompt({.envelope = envelope});
  EXPECT_EQ(prompt, system_prompt({.envelope = envelope}));
  EXPECT_TRUE(prompt.contains("Your workspace is /home/ada/project."));
  EXPECT_FALSE(prompt.contains("plan mode"));
  EXPECT_TRUE(
      system_prompt({.envelope = envelope, .mode = core::Mode::plan}).contains("plan mode"));
  EXPECT_LT(prompt.size(), 2000u);
  settings.mounts = {{"/srv/d", "/data", core::Access::read_only},
                     {"/srv/e", "/srv/e", core::Access::read_write}};
  EXPECT_TRUE(system_prompt({.envelope = settings.envelope()})
                  .contains("ends. Also there: /data (read-only), /srv/e. Nothing else"));
}

}  // namespace
}  // namespace boxagnts::agent
