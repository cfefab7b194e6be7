#include "agent/frames.h"

#include <utility>

namespace boxagnts::agent {

void FrameQueue::push(const core::Frame& frame) {
  const std::lock_guard lock(mutex_);
  if (frames_.size() == kFramesMax) frames_.pop_front();
  frames_.push_back(frame);
  rung_ = true;
  changed_.notify_all();
}

void FrameQueue::ring() {
  const std::lock_guard lock(mutex_);
  rung_ = true;
  changed_.notify_all();
}

void FrameQueue::lose(const Error& error) {
  const std::lock_guard lock(mutex_);
  lost_ = error;
  rung_ = true;
  changed_.notify_all();
}

std::optional<Error> FrameQueue::lost() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::optional<core::Frame> FrameQueue::take(std::int64_t seen) {
  const std::lock_guard lock(mutex_);
  while (!frames_.empty() && frames_.front().after < seen) frames_.pop_front();
  if (frames_.empty() || frames_.front().after > seen) return std::nullopt;
  std::optional<core::Frame> frame(std::move(frames_.front()));
  frames_.pop_front();
  return frame;
}

std::deque<core::Frame> FrameQueue::take_all() {
  const std::lock_guard lock(mutex_);
  return std::exchange(frames_, {});
}

void FrameQueue::wait(std::stop_token stop, base::Steady deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [this] { return rung_; });
  rung_ = false;
}

std::shared_ptr<FrameQueue> FrameHub::subscribe(const core::SessionId& session) {
  auto queue = std::make_shared<FrameQueue>();
  const std::lock_guard lock(mutex_);
  Channel& channel = channels_[session];
  for (const auto& frame : channel.current) queue->push(frame);
  for (const auto& output : outputs_)
    if (output->session() == session)
      if (const auto frame = output->taken()) queue->push(*frame);
  channel.queues.push_back(queue);
  return queue;
}

std::shared_ptr<FrameQueue> FrameHub::subscribe_all() {
  auto queue = std::make_shared<FrameQueue>();
  const std::lock_guard lock(mutex_);
  for (const auto& [session, channel] : channels_)
    for (const auto& frame : channel.current) queue->push(frame);
  for (const auto& output : outputs_)
    if (const auto frame = output->taken()) queue->push(*frame);
  everywhere_.push_back(queue);
  return queue;
}

std::vector<std::shared_ptr<FrameQueue>> FrameHub::live(Channel* channel) {
  std::vector<std::shared_ptr<FrameQueue>> queues;
  const auto collect = [&](std::vector<std::weak_ptr<FrameQueue>>& from) {
    std::erase_if(from, [&](const auto& weak) {
      auto queue = weak.lock();
      if (!queue) return true;
      queues.push_back(std::move(queue));
      return false;
    });
  };
  if (channel) collect(channel->queues);
  collect(everywhere_);
  return queues;
}

void FrameHub::publish(const core::Frame& frame) {
  const std::lock_guard lock(mutex_);
  Channel& channel = channels_[frame.session];
  if (channel.current.size() == FrameQueue::kFramesMax) channel.current.pop_front();
  channel.current.push_back(frame);
  for (const auto& queue : live(&channel)) queue->push(frame);
}

FrameHub::Channel* FrameHub::channel_of(const core::SessionId& session) {
  const auto found = channels_.find(session);
  return found == channels_.end() ? nullptr : &found->second;
}

void FrameHub::ring(const core::SessionId& session) {
  const std::lock_guard lock(mutex_);
  Channel* const channel = channel_of(session);
  for (const auto& queue : live(channel)) queue->ring();
  if (!channel) return;
  channel->current.clear();
  if (channel->queues.empty()) channels_.erase(session);
}

std::shared_ptr<LiveOutput> FrameHub::begin_output(LiveOutput::Call call, base::Steady now) {
  auto output = std::make_shared<LiveOutput>(std::move(call), now);
  const std::lock_guard lock(mutex_);
  outputs_.push_back(output);
  return output;
}

void FrameHub::end_output(const std::shared_ptr<LiveOutput>& output) {
  const std::lock_guard lock(mutex_);
  std::erase(outputs_, output);
}

void FrameHub::collect_output(base::Steady now) {
  const std::lock_guard lock(mutex_);
  for (const auto& output : outputs_) {
    const auto queues = live(channel_of(output->session()));
    if (queues.empty()) continue;  // it waits for who comes
    const auto frame = output->take(now);
    if (!frame) continue;
    for (const auto& queue : queues) queue->push(*frame);
  }
}

void FrameHub::lose(const core::SessionId& session, const Error& error) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(session);
  if (found == channels_.end()) return;
  for (const auto& weak : found->second.queues)
    if (const auto queue = weak.lock()) queue->lose(error);
}

}  // namespace boxagnts::agent
