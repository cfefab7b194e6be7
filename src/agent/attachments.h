// What a person gives a run along with the prompt: images that models see, and text.
//
// The doors read the bytes; here it is judged what they are, before anything of the run is stored.
// What a person attaches goes to the model whatever the rules deny models to read: it is the
// person's own act. Limits: 20 files, 20 MB in all; an image as a tool's result has them.
// Thread-safe: functions on values.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/event.h"

namespace boxagnts::agent {

constexpr std::size_t kAttachmentsMax = 20;
constexpr std::uint64_t kAttachedBytesMax = 20'000'000;  // in all

struct Attachment {
  std::string name;
  std::string path;  // from the workspace, or ""
  std::string bytes;
};

// As the log will tell them, but for their blobs. Errors: invalid_argument: which one, and why.
Result<std::vector<core::AttachedFile>> judge_attachments(std::span<const Attachment> attachments);

// A file of this machine that its user names; `path` is not kept. Errors: what opening and reading
// it gives, invalid_argument.
Result<Attachment> read_attachment(const std::string& path);

}  // namespace boxagnts::agent
