#include "agent/attachments.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/image_frame.h"
#include "base/text.h"

namespace boxagnts::agent {
namespace {

// What models' servers take.
constexpr std::uint64_t kImageBytesMax = 5'000'000;
constexpr std::uint32_t kImagePixelsMax = 8000;  // a side

std::unexpected<Error> cannot(const std::string& name, const std::string& why) {
  return fail(Code::invalid_argument,
              "\"" + base::one_line(name, 200) + "\" cannot be attached: " + why);
}

Result<core::AttachedFile> judge(const Attachment& attachment) {
  core::AttachedFile file{.name = attachment.name,
                          .path = attachment.path,
                          .media_type = "text/plain",
                          .bytes = attachment.bytes.size()};
  const auto image = base::image_frame(attachment.bytes);
  if (image.media_type.empty()) {
    if (!attachment.bytes.contains('\0') && base::is_utf8(attachment.bytes)) return file;
    return cannot(file.name,
                  "it is neither text (UTF-8) nor a PNG, JPEG, GIF or WebP image; where it is in "
                  "the workspace, name its path in the prompt");
  }
  if (!image.whole || image.width == 0 || image.height == 0)
    return cannot(file.name, "the image is damaged or cut off");
  if (file.bytes > kImageBytesMax)
    return cannot(file.name, "the image has " + base::human_bytes(file.bytes) +
                                 ", and models take at most " + base::human_bytes(kImageBytesMax));
  if (image.width > kImagePixelsMax || image.height > kImagePixelsMax)
    return cannot(file.name, "the image has " + std::to_string(image.width) + "x" +
                                 std::to_string(image.height) +
                                 " pixels, and models take at most " +
                                 std::to_string(kImagePixelsMax) + " a side");
  file.media_type = image.media_type;
  file.width = image.width;
  file.height = image.height;
  return file;
}

}  // namespace

Result<std::vector<core::AttachedFile>> judge_attachments(std::span<const Attachment> attachments) {
  if (attachments.size() > kAttachmentsMax)
    return fail(Code::invalid_argument, "a run takes at most " + std::to_string(kAttachmentsMax) +
                                            " attachments, and these are " +
                                            std::to_string(attachments.size()));
  std::uint64_t bytes = 0;
  std::vector<core::AttachedFile> files;
  for (const auto& attachment : attachments) {
    bytes += attachment.bytes.size();
    files.push_back(TRY(judge(attachment)));
  }
  if (bytes > kAttachedBytesMax)
    return fail(Code::invalid_argument, "the attachments have " + base::human_bytes(bytes) +
                                            " in all, and a run takes at most " +
                                            base::human_bytes(kAttachedBytesMax));
  return files;
}

Result<Attachment> read_attachment(const std::string& path) {
  // Opening must not wait for a pipe's other end.
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail_errno(errno, "cannot attach " + path);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot attach " + path);
  if (!S_ISREG(status.st_mode)) return cannot(path, "it is no file");
  Attachment attachment{.name = path.substr(path.rfind('/') + 1), .path = {}, .bytes = {}};
  attachment.name = base::repair_utf8(attachment.name);
  auto bytes = base::read_all(file.get(), kAttachedBytesMax);
  if (!bytes) return std::unexpected(std::move(bytes.error()).in("attaching " + path));
  attachment.bytes = *std::move(bytes);
  return attachment;
}

}  // namespace boxagnts::agent
