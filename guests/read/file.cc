#include "guests/read/file.h"

#include <algorithm>

#include "guests/read/image.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

// What the host takes, and models' servers do (src/toolbox/guest_result.h).
constexpr std::uint64_t kImageBytesMax = 5'000'000;
constexpr std::uint32_t kImagePixelsMax = 8000;

void put_what(const File& file, Text type, const Image& image) {
  out.put(file.path.shown()).put(" is ").put(type);
  if (image.width > 0 && image.height > 0)
    out.put(", ").put_number(image.width).put('x').put_number(image.height).put(" pixels");
  out.put(", ").put_size(file.size);
  if (file.size >= 1000) out.put(" (").put_number(file.size).put(" bytes)");
}

// The sentence and the image as parts. The NUL is how the host knows parts from text.
[[noreturn]] void show_image(const File& file, Text bytes, Text type, const Image& image) {
  out.clear();
  put_what(file, type, image);
  const Text sentence = join({out.text()});
  out.clear();
  out.put('\0').put("{\"type\":\"text\",\"bytes\":").put_number(sentence.size()).put("}\n");
  out.put(sentence);
  out.put("{\"type\":\"image\",\"media_type\":\"").put(image.media_type);
  out.put("\",\"width\":").put_number(image.width).put(",\"height\":").put_number(image.height);
  out.put(",\"bytes\":").put_number(bytes.size()).put("}\n").flush();
  write_output(bytes);
  wasi_proc_exit(kSuccess);
}

}  // namespace

File open_file(Path path) {
  File file{path, 0, 0};
  const Errno error = file.path.open(0, rights::kRead | rights::kStat, file.fd);
  if (error != Errno::success) file.path.fail("read", error);
  Stat stat{};
  if (const Errno told = wasi_fd_filestat_get(file.fd, &stat); told != Errno::success)
    file.path.fail("read", told);
  if (stat.type == FileType::directory)
    fail(kFailed, {path.shown(), " is a folder; to see what is in it call glob with the path \"",
                   path.shown(), "\" and the pattern \"*\""});
  file.size = stat.size;
  return file;
}

Text read_rest(const File& file, Text head, std::size_t bytes_max) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(file.size, bytes_max));
  if (head.size() >= size) return head;
  char* const data = allocate(size + 1);
  copy(data, head);
  return {data,
          head.size() + read_some(file.path, file.fd, data + head.size(), size - head.size())};
}

void show_binary(const File& file, Text head, Text type) {
  out.clear();
  if (head.starts_with("%PDF-")) {
    out.put('\0').put("{\"type\":\"program\",\"name\":\"read_pdf\"}\n");
    finish(kSuccess);
  }
  const bool small = file.size <= kImageBytesMax;
  const Text bytes = small ? read_rest(file, head, kImageBytesMax) : head;
  const Image image = image_of(bytes);
  const bool fits = small && image.width <= kImagePixelsMax && image.height <= kImagePixelsMax;
  const bool sound = image.width > 0 && image.height > 0 && image.whole;
  if (!image.media_type.empty() && fits && sound) show_image(file, bytes, type, image);
  put_what(file, type, image);
  if (image.media_type.empty())
    out.put("; it is not shown");
  else if (!fits)
    out.put("; images of more than 5 MB or 8000 pixels a side are not shown");
  else
    out.put("; it is damaged or cut off, so it is not shown");
  finish(kSuccess);
}

}  // namespace boxagnts::guest
