// The sending side of a connection that other threads take part in: queued bytes and files.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "net/server_connection.h"

namespace boxagnts::net {
namespace {

constexpr std::uint64_t kSentInARow = 2 << 20;  // then other connections have the worker
constexpr std::size_t kReadBytes = 128 << 10;

std::string_view view_of(const OutQueue::Piece& piece) {
  if (const auto* text = std::get_if<std::string>(&piece)) return *text;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&piece)) return **shared;
  return std::get<std::string_view>(piece);
}

}  // namespace

void OutQueue::push(Piece piece) {
  if (view_of(piece).empty()) return;
  if (empty()) {
    pieces_.clear();
    next_ = 0;
  }
  pieces_.push_back(std::move(piece));
}

std::size_t OutQueue::gather(std::span<iovec> into) const {
  std::size_t count = 0;
  for (std::size_t i = next_; i < pieces_.size() && count < into.size(); ++i, ++count) {
    std::string_view bytes = view_of(pieces_[i]);
    if (i == next_) bytes.remove_prefix(offset_);
    into[count] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return count;
}

void OutQueue::consume(std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t left = view_of(pieces_[next_]).size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    pieces_[next_++] = std::string_view();
    offset_ = 0;
  }
}

// On a worker: the kernel copies from the file to the socket until that is full.
void Connection::send_file_piece() {
  const std::uint64_t end = file_->bytes - std::min(file_->bytes, kSentInARow);
  auto outcome = FileOutcome::sent;
  auto offset = static_cast<off_t>(file_->offset);
  while (file_->bytes > end) {
    const ssize_t sent =
        ::sendfile(socket_.native_handle(), file_->file.get(), &offset, file_->bytes - end);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) {  // 0: the file is shorter than it was
      outcome = sent < 0 && errno == EAGAIN ? FileOutcome::blocked : FileOutcome::failed;
      break;
    }
    file_->bytes -= static_cast<std::uint64_t>(sent);
  }
  file_->offset = static_cast<std::uint64_t>(offset);
  core_.post([self = shared_from_this(), outcome] { self->file_piece_done(outcome); });
}

// On a worker: the I/O thread sends what was read.
void Connection::read_file_piece() {
  std::string piece(std::min<std::uint64_t>(file_->bytes, kReadBytes), '\0');
  const ssize_t got =
      ::pread(file_->file.get(), piece.data(), piece.size(), static_cast<off_t>(file_->offset));
  piece.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  file_->offset += piece.size();
  file_->bytes -= piece.size();
  core_.post([self = shared_from_this(), piece = std::move(piece)]() mutable {
    const auto outcome = piece.empty() ? FileOutcome::failed : FileOutcome::sent;
    self->out_.push(std::move(piece));
    self->file_piece_done(outcome);
  });
}

}  // namespace boxagnts::net
