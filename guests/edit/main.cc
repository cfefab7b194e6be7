// edit: replaces a text that stands exactly once (or, when asked, wherever it stands).
//
// Nothing is written unless the whole edit is clear. What the file keeps: its byte order mark, its
// line ends, a missing newline at its end.
#include <algorithm>

#include "guests/edit/near_match.h"
#include "guests/sdk/files.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr std::uint64_t kFileBytesMax = 64 << 20;
constexpr std::size_t kNulSearchBytes = 8192;
constexpr std::size_t kPositionsShownMax = 10;
constexpr std::size_t kLineBytesShownMax = 200;
constexpr std::size_t kContextLines = 3;
constexpr std::size_t kChangedLinesShownMax = 12;
constexpr Text kMark = "\xef\xbb\xbf";

struct Edit {
  Text from;
  Text to;
  bool all;
};

Text read_content(const Target& target) {
  Path path = target.path;
  if (target.stat.size > kFileBytesMax)
    fail(kFailed, {"cannot edit ", path.shown(), ": it is larger than 64 MiB"});
  std::uint32_t fd = 0;
  const Errno error = path.open(0, rights::kRead, fd);
  if (error != Errno::success) path.fail("read", error);
  const auto bytes = static_cast<std::size_t>(target.stat.size);
  char* const data = allocate(bytes);
  const Text content(data, read_some(path, fd, data, bytes));
  wasi_fd_close(fd);
  const char* const end = data + std::min(content.size(), kNulSearchBytes);
  if (find_byte(data, end, '\0') != end)
    fail(kFailed, {"cannot edit ", path.shown(), ": it is a binary file"});
  return content;
}

// The first match at or after `from`, or npos.
std::size_t find_text(Text content, Text wanted, std::size_t from) {
  const char* const end = content.data() + content.size();
  for (const char* at = content.data() + from; static_cast<std::size_t>(end - at) >= wanted.size();
       ++at) {
    at = find_byte(at, end, wanted.front());
    if (static_cast<std::size_t>(end - at) < wanted.size()) break;
    if (Text(at, wanted.size()) == wanted) return static_cast<std::size_t>(at - content.data());
  }
  return Text::npos;
}

std::uint64_t line_of(Text content, std::size_t at) {
  return count_byte(content.data(), content.data() + at, '\n') + 1;
}

std::size_t line_begin(Text content, std::size_t at) {
  const auto newline = at == 0 ? Text::npos : content.rfind('\n', at - 1);
  return newline == Text::npos ? 0 : newline + 1;
}

// Where the line that holds `at` ends: at its newline, or at the end of the text.
std::size_t line_end(Text content, std::size_t at) {
  return static_cast<std::size_t>(
      find_byte(content.data() + at, content.data() + content.size(), '\n') - content.data());
}

// Prints `count` lines from the one that begins at `at`.
void put_lines(Text content, std::size_t at, std::size_t count) {
  std::uint64_t number = line_of(content, at);
  for (; count > 0 && at < content.size(); --count, ++number) {
    const std::size_t end = line_end(content, at);
    Text line = content.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    for (std::uint64_t bound = 100'000; bound > number && bound >= 10; bound /= 10) out.put(' ');
    out.put_number(number).put('\t').put_cut(line, kLineBytesShownMax).put('\n');
    at = end + 1;
  }
}

// Every newline that has no CR before it gets one.
Text with_crlf(Text text) {
  std::size_t bare = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    bare += text[i] == '\n' && (i == 0 || text[i - 1] != '\r');
  if (bare == 0) return text;
  char* const data = allocate(text.size() + bare);
  char* to = data;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) *to++ = '\r';
    *to++ = text[i];
  }
  return {data, static_cast<std::size_t>(to - data)};
}

struct LineEnds {
  std::uint64_t all = 0;
  std::uint64_t crlf = 0;
};

LineEnds line_ends(Text content) {
  LineEnds ends;
  ends.all = count_byte(content.data(), content.data() + content.size(), '\n');
  for (std::size_t at = find_text(content, "\r\n", 0); at != Text::npos;
       at = find_text(content, "\r\n", at + 2))
    ++ends.crlf;
  return ends;
}

// Models write "\n"; a file in CRLF means "\r\n" by it. In a file with both, what matches decides.
Edit adapted(Text content, Edit edit) {
  const LineEnds ends = line_ends(content);
  if (ends.crlf == 0) return edit;
  const Edit crlf{with_crlf(edit.from), with_crlf(edit.to), edit.all};
  if (ends.crlf == ends.all) return crlf;
  return find_text(content, edit.from, 0) == Text::npos ? crlf : edit;
}

[[noreturn]] void tell_missing(const Path& path, Text content, const Edit& edit) {
  out.clear();
  out.put("old_string does not stand in ").put(path.shown()).put("; nothing was changed");
  const NearMatch near = nearest_match(content, edit.from);
  if (looks_numbered(edit.from)) {
    out.put(". It seems to hold the line numbers that read prints: leave them and the tab out.");
  } else if (!edit.to.empty() && find_text(content, edit.to, 0) != Text::npos) {
    out.put(". new_string already stands in line ")
        .put_number(line_of(content, find_text(content, edit.to, 0)))
        .put(": perhaps the edit has been made before.");
  } else if (near.difference == Difference::none_found) {
    out.put(", and nothing in it is much like its first line; read the file again.");
  }
  if (near.difference == Difference::whitespace)
    out.put(". But for blanks or line ends it stands here:\n");
  if (near.difference == Difference::letter_case)
    out.put(". But for upper and lower case it stands here:\n");
  if (near.difference == Difference::similar) out.put(". The line most like its first is:\n");
  put_lines(content, near.at, std::min(near.lines, kChangedLinesShownMax));
  finish(kFailed);
}

[[noreturn]] void tell_ambiguous(const Path& path, Text content, const Edit& edit) {
  std::size_t count = 0;
  out.clear();
  out.put("old_string is ambiguous in ").put(path.shown()).put(": it begins in line");
  std::uint64_t line = 1;
  std::size_t counted_to = 0;
  for (std::size_t at = find_text(content, edit.from, 0); at != Text::npos;
       at = find_text(content, edit.from, at + 1)) {
    line += count_byte(content.data() + counted_to, content.data() + at, '\n');
    counted_to = at;
    if (++count > kPositionsShownMax) continue;
    out.put(count == 1 ? "s " : ", ").put_number(line);
  }
  if (count > kPositionsShownMax)
    out.put(" and ").put_count(count - kPositionsShownMax, "more place");
  out.put(
      "; nothing was changed. Give more of the lines around the one you mean, or set "
      "replace_all");
  finish(kFailed);
}

struct Replaced {
  Text content;
  std::size_t count;
  std::size_t first_at;  // of the first new text, in the new content
};

Replaced replace(Text content, const Edit& edit) {
  std::size_t count = 0;
  for (std::size_t at = find_text(content, edit.from, 0); at != Text::npos;
       at = find_text(content, edit.from, at + edit.from.size()))
    ++count;
  if (count == 0) return {content, 0, 0};
  const std::uint64_t size = content.size() - std::uint64_t{count} * edit.from.size() +
                             std::uint64_t{count} * edit.to.size();
  if (size > 2 * kFileBytesMax) fail(kFailed, {"the file would become larger than 128 MiB"});
  char* const data = allocate(static_cast<std::size_t>(size));
  char* to = data;
  std::size_t kept_from = 0;
  const std::size_t first_at = find_text(content, edit.from, 0);
  for (std::size_t at = first_at; at != Text::npos; at = find_text(content, edit.from, kept_from)) {
    to = copy(to, content.substr(kept_from, at - kept_from));
    to = copy(to, edit.to);
    kept_from = at + edit.from.size();
  }
  to = copy(to, content.substr(kept_from));
  return {{data, static_cast<std::size_t>(to - data)}, count, first_at};
}

void tell_replaced(const Path& path, const Replaced& done, const Edit& edit) {
  out.put("replaced ").put_number(done.count).put(done.count == 1 ? " match in " : " matches in ");
  out.put(path.shown());
  if (done.content.empty()) {
    out.put(", which is now empty");
    return;
  }
  out.put(done.count == 1 ? "; it now reads:\n" : "; around the first it now reads:\n");
  std::size_t from = line_begin(done.content, done.first_at);
  for (std::size_t i = 0; i < kContextLines && from > 0; ++i)
    from = line_begin(done.content, from - 1);
  const std::uint64_t before =
      count_byte(done.content.data() + from, done.content.data() + done.first_at, '\n');
  const std::uint64_t changed =
      count_byte(edit.to.data(), edit.to.data() + edit.to.size(), '\n') + 1;
  const std::uint64_t lines = before + std::min<std::uint64_t>(changed, kChangedLinesShownMax);
  put_lines(done.content, from, static_cast<std::size_t>(lines) + kContextLines);
}

Edit edit_of(const Arguments& arguments) {
  Edit edit{arguments.text("old_string"), arguments.text("new_string"),
            arguments.flag_or("replace_all", false)};
  if (edit.from == edit.to)
    fail(kBadInput, {"old_string and new_string are the same, so there is nothing to change"});
  return edit;
}

}  // namespace

int run() {
  const auto arguments = Arguments::read({"file_path", "old_string", "new_string", "replace_all"});
  const Path path = Path::of("file_path", arguments.text("file_path"));
  Edit edit = edit_of(arguments);
  const Target target = resolve_target(path, "edit");
  if (!target.exists) {
    if (edit.from.empty()) fail(kFailed, {path.shown(), " does not exist; to make it use write"});
    target.path.fail("edit", Errno::noent);
  }
  const Text whole = read_content(target);
  if (edit.from.empty())
    fail(kBadInput, {whole.empty() ? "the file is empty; to fill it use write"
                                   : "old_string is empty; give the text to replace, or use write "
                                     "to replace the whole file"});
  if (whole.empty()) fail(kFailed, {path.shown(), " is empty; to fill it use write"});

  const Text mark = whole.starts_with(kMark) ? kMark : Text();
  const Text content = whole.substr(mark.size());
  if (edit.from.starts_with(kMark) && edit.from.size() > kMark.size()) {
    edit.from.remove_prefix(kMark.size());
    if (edit.to.starts_with(kMark)) edit.to.remove_prefix(kMark.size());
  }
  edit = adapted(content, edit);
  const std::size_t first = find_text(content, edit.from, 0);
  if (first == Text::npos) tell_missing(path, content, edit);
  if (!edit.all && find_text(content, edit.from, first + 1) != Text::npos)
    tell_ambiguous(path, content, edit);
  const Replaced done = replace(content, edit);
  replace_file(target, {mark, done.content});
  tell_replaced(path, done, edit);
  return kSuccess;
}

}  // namespace boxagnts::guest
