#include "agent/conversation.h"

#include <algorithm>

#include "agent/prompt.h"

namespace boxagnts::agent {

core::Message& Conversation::last_of(core::Role role) {
  if (messages_.empty() || messages_.back().role != role) messages_.push_back({role, {}});
  return messages_.back();
}

void Conversation::attach(const core::AttachedFile& file, std::vector<core::Block>& blocks) const {
  if (file.is_image()) {
    blocks.emplace_back(core::TextBlock{attached_image(file)});
    blocks.emplace_back(core::ImageBlock{.call_id = {},
                                         .media_type = file.media_type,
                                         .blob = file.blob,
                                         .width = file.width,
                                         .height = file.height,
                                         .bytes = file.bytes});
    return;
  }
  const auto text = texts_.blob ? texts_.blob(file.blob)
                                : Result<std::string>(fail(Code::not_found, "it was not kept"));
  const std::string shown = text ? shortened(*text, texts_.bytes_max,
                                             ". read_result with id " + file.blob + " shows them")
                                 : "(it cannot be read: " + text.error().message + ")";
  blocks.emplace_back(core::TextBlock{attached_text(file, shown)});
}

void Conversation::apply(const core::Event& event) {
  if (const auto* user = std::get_if<core::UserMessage>(&event.body)) {
    auto& blocks = last_of(core::Role::user).blocks;
    blocks.emplace_back(core::TextBlock{user->text});
    for (const auto& file : user->attachments) attach(file, blocks);
  } else if (const auto* block = std::get_if<core::AssistantBlock>(&event.body)) {
    unfinished_.push_back(block->block);
  } else if (std::holds_alternative<core::TurnEnded>(event.body)) {
    if (unfinished_.empty()) return;
    auto& blocks = last_of(core::Role::assistant).blocks;
    for (auto& finished : unfinished_) {
      if (const auto* call = std::get_if<core::ToolCall>(&finished)) open_calls_.push_back(*call);
      blocks.push_back(std::move(finished));
    }
    unfinished_.clear();
  } else if (const auto* tool = std::get_if<core::ToolFinished>(&event.body)) {
    const auto open = std::ranges::find(open_calls_, tool->result.call_id, &core::ToolCall::id);
    if (open == open_calls_.end()) return;  // a second result: the first one counts
    open_calls_.erase(open);
    auto& blocks = last_of(core::Role::user).blocks;
    blocks.emplace_back(tool->result);
    blocks.insert(blocks.end(), tool->images.begin(), tool->images.end());
  } else if (const auto* loaded = std::get_if<core::InstructionsLoaded>(&event.body)) {
    // The others are in the system prompt of each run.
    if (loaded->origin == "folder")
      last_of(core::Role::user).blocks.emplace_back(core::TextBlock{folder_instructions(*loaded)});
  } else if (std::holds_alternative<core::TurnRetried>(event.body) ||
             std::holds_alternative<core::RunStarted>(event.body) ||
             std::holds_alternative<core::RunEnded>(event.body)) {
    unfinished_.clear();
  }
}

}  // namespace boxagnts::agent
