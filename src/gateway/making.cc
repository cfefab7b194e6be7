#include "gateway/making.h"

#include "agent/live_output.h"

namespace boxagnts::gateway {
namespace {

template <class Delta>
bool join(core::Frame& last, const core::Frame& next) {
  auto* text = std::get_if<Delta>(&last.body);
  const auto* more = std::get_if<Delta>(&next.body);
  if (!text || !more) return false;
  text->text += more->text;
  return true;
}

std::size_t bytes_of(const core::Frame& frame) {
  constexpr std::size_t kOverhead = 128;
  if (const auto* text = std::get_if<core::TextDelta>(&frame.body)) return text->text.size();
  if (const auto* text = std::get_if<core::ThinkingDelta>(&frame.body)) return text->text.size();
  if (const auto* tool = std::get_if<core::ToolBegun>(&frame.body))
    return kOverhead + tool->call.arguments.size();
  return kOverhead;
}

}  // namespace

void Making::finished(const core::Event& event) {
  const auto found = sessions_.find(event.session);
  if (found == sessions_.end()) return;
  if (std::holds_alternative<core::RunEnded>(event.body)) {
    sessions_.erase(found);
    return;
  }
  Session& session = found->second;
  session.last_number = event.number;
  session.frames.clear();
  session.bytes = 0;
  if (const auto* tool = std::get_if<core::ToolFinished>(&event.body)) {
    session.outputs.erase(tool->result.call_id);
    session.finished[tool->result.call_id] = event.number;
  }
}

// What is logged meanwhile does not overtake it: only the call's own end does.
bool Making::add_output(Session& session, const core::Frame& frame) {
  const auto& delta = std::get<core::OutputDelta>(frame.body);
  const auto finished = session.finished.find(delta.call_id);
  if (finished != session.finished.end() && frame.after < finished->second) return false;
  session.run = frame.run;
  const auto [entry, is_first] = session.outputs.try_emplace(delta.call_id, frame);
  if (!is_first) agent::join_output(std::get<core::OutputDelta>(entry->second.body), delta);
  return true;
}

bool Making::add(const core::Frame& frame, store::Store& store) {
  auto found = sessions_.find(frame.session);
  if (found == sessions_.end()) {
    // Not seen before, or its run has ended since.
    const auto session = store.session(frame.session);
    if (!session || session->events > frame.after) return false;
    found = sessions_.emplace(frame.session, Session{.last_number = session->events}).first;
  }
  Session& session = found->second;
  if (std::holds_alternative<core::OutputDelta>(frame.body)) return add_output(session, frame);
  if (frame.after < session.last_number) return false;
  session.run = frame.run;
  session.bytes += bytes_of(frame);
  if (session.bytes > kBytesMax) {
    session.frames.clear();
    return true;
  }
  if (session.frames.empty() || (!join<core::TextDelta>(session.frames.back(), frame) &&
                                 !join<core::ThinkingDelta>(session.frames.back(), frame)))
    session.frames.push_back(frame);
  return true;
}

std::vector<Json> Making::snapshots(const std::optional<core::SessionId>& wanted) const {
  std::vector<Json> snapshots;
  for (const auto& [id, session] : sessions_) {
    if (session.frames.empty() && session.outputs.empty()) continue;
    if (wanted && *wanted != id) continue;
    JsonArray frames;
    for (const auto& frame : session.frames) frames.push_back(core::to_json(frame));
    for (const auto& [call, frame] : session.outputs) frames.push_back(core::to_json(frame));
    snapshots.push_back(JsonObject{{"frame", true},
                                   {"kind", "snapshot"},
                                   {"session", id.text},
                                   {"run", session.run.text},
                                   {"after", session.last_number},
                                   {"frames", std::move(frames)}});
  }
  return snapshots;
}

}  // namespace boxagnts::gateway
