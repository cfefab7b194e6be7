#include "vfs/unified_diff.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "vfs/text_diff.h"

namespace boxagnts::vfs {
namespace {

constexpr std::uint32_t kContextLines = 3;

// Edits so near that their contexts meet are one hunk.
std::vector<std::span<const Edit>> group(const std::vector<Edit>& edits) {
  std::vector<std::span<const Edit>> groups;
  for (std::size_t first = 0, next = 0; first < edits.size(); first = next) {
    next = first + 1;
    while (next < edits.size() &&
           edits[next].before - (edits[next - 1].before + edits[next - 1].before_count) <=
               2 * kContextLines)
      ++next;
    groups.emplace_back(edits.data() + first, next - first);
  }
  return groups;
}

void append_line(std::string& text, char mark, std::string_view line) {
  text += mark;
  text += line;
  if (!line.ends_with('\n')) text += "\n\\ No newline at end of file\n";
}

Hunk make_hunk(const Lines& before, const Lines& after, std::span<const Edit> edits) {
  const Edit &first = edits.front(), &last = edits.back();
  const std::uint32_t lead = std::min(kContextLines, first.before);
  const std::uint32_t end = last.before + last.before_count;
  const std::uint32_t tail =
      std::min(kContextLines, static_cast<std::uint32_t>(before.size()) - end);
  Hunk hunk;
  hunk.before_count = end + tail - (first.before - lead);
  hunk.after_count = last.after + last.after_count + tail - (first.after - lead);
  hunk.before_line = first.before - lead + (hunk.before_count > 0);
  hunk.after_line = first.after - lead + (hunk.after_count > 0);
  std::uint32_t at = first.before - lead;
  for (const Edit& edit : edits) {
    for (; at < edit.before; ++at) append_line(hunk.text, ' ', before[at]);
    for (; at < edit.before + edit.before_count; ++at) append_line(hunk.text, '-', before[at]);
    for (std::uint32_t i = 0; i < edit.after_count; ++i)
      append_line(hunk.text, '+', after[edit.after + i]);
  }
  for (; at < end + tail; ++at) append_line(hunk.text, ' ', before[at]);
  return hunk;
}

bool executable(const Version& version) { return (version.mode & 0100) != 0; }

std::string mode_of(const Version& version) {
  if (version.kind == Kind::link) return "120000";
  return executable(version) ? "100755" : "100644";
}

// A path in quotes where a reader would stumble: over blanks it is `patch` that does.
std::string quoted(std::string_view prefix, const std::string& path) {
  const bool plain = base::is_utf8(path) && std::ranges::none_of(path, [](unsigned char c) {
                       return c <= 0x20 || c == 0x7f || c == '"' || c == '\\';
                     });
  if (plain) return std::string(prefix) + path;
  std::string out = "\"" + std::string(prefix);
  for (const unsigned char c : path) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((c >> shift) & 7));
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

struct Sides {
  const Version* before;
  const Version* after;
};

void append_file(std::string& out, const FileDiff& diff, Sides sides, std::span<const Hunk> hunks) {
  const auto [before, after] = sides;
  const std::string from = diff.renamed_from.empty() ? diff.path : diff.renamed_from;
  std::string header;
  if (!before) header += "new file mode " + mode_of(*after) + "\n";
  if (!after) header += "deleted file mode " + mode_of(*before) + "\n";
  if (before && after && mode_of(*before) != mode_of(*after))
    header += "old mode " + mode_of(*before) + "\nnew mode " + mode_of(*after) + "\n";
  if (!diff.renamed_from.empty())
    header += "similarity index 100%\nrename from " + quoted("", from) + "\nrename to " +
              quoted("", diff.path) + "\n";
  const std::string a = before ? quoted("a/", from) : "/dev/null";
  const std::string b = after ? quoted("b/", diff.path) : "/dev/null";
  if (diff.opaque && diff.renamed_from.empty())
    header += "Binary files " + a + " and " + b + " differ\n";
  if (!hunks.empty()) header += "--- " + a + "\n+++ " + b + "\n";
  if (header.empty()) return;  // times, and modes that the format does not know
  out += "diff --git " + quoted("a/", from) + " " + quoted("b/", diff.path) + "\n" + header;
  for (const Hunk& hunk : hunks) {
    const auto range = [](std::uint32_t line, std::uint32_t count) {
      return std::to_string(line) + "," + std::to_string(count);
    };
    out += "@@ -" + range(hunk.before_line, hunk.before_count) + " +" +
           range(hunk.after_line, hunk.after_count) + " @@\n" + hunk.text;
  }
}

}  // namespace

std::vector<Hunk> make_hunks(std::string_view before_text, std::string_view after_text) {
  const Lines before = split_lines(before_text), after = split_lines(after_text);
  const auto edits = diff_lines(before, after);
  std::vector<Hunk> hunks;
  for (const auto& one : group(edits)) hunks.push_back(make_hunk(before, after, one));
  return hunks;
}

FileDiff make_diff(std::string path, const std::optional<Version>& before,
                   const std::optional<Version>& after, const std::optional<std::string>& a,
                   const std::optional<std::string>& b) {
  FileDiff diff{.path = std::move(path), .before = before, .after = after};
  if (!a || !b) {
    diff.opaque = true;
  } else if (before && after && before->kind != after->kind) {
    diff.hunks = make_hunks(*a, "");
    for (auto& hunk : make_hunks("", *b)) diff.hunks.push_back(std::move(hunk));
  } else {
    diff.hunks = make_hunks(*a, *b);
  }
  return diff;
}

void find_renames(std::span<FileDiff> diffs) {
  std::multimap<std::string, FileDiff*> gone;
  for (auto& diff : diffs)
    if (diff.before && diff.before->kind == Kind::file && !diff.after && diff.before->size > 0 &&
        !diff.before->content_hash.empty())
      gone.emplace(diff.before->content_hash, &diff);
  for (auto& diff : diffs) {
    if (diff.before || !diff.after || diff.after->kind != Kind::file) continue;
    const auto found = gone.find(diff.after->content_hash);
    if (found == gone.end()) continue;
    FileDiff& from = *found->second;
    from.renamed_to = diff.path;
    diff.renamed_from = from.path;
    diff.before = from.before;
    diff.hunks.clear();
    gone.erase(found);
  }
}

std::string with_hunks(std::string_view before_text, std::string_view after_text,
                       std::span<const std::uint32_t> chosen) {
  const Lines before = split_lines(before_text), after = split_lines(after_text);
  const auto edits = diff_lines(before, after);
  const auto groups = group(edits);
  std::string text;
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    if (std::ranges::find(chosen, i) == chosen.end()) continue;
    for (const Edit& edit : groups[i]) {
      for (; at < edit.before; ++at) text += before[at];
      for (std::uint32_t j = 0; j < edit.after_count; ++j) text += after[edit.after + j];
      at += edit.before_count;
    }
  }
  for (; at < before.size(); ++at) text += before[at];
  return text;
}

std::string to_unified(std::span<const FileDiff> diffs) {
  std::string out;
  for (const auto& diff : diffs) {
    const auto shown = [](const std::optional<Version>& side) {
      return side && side->kind != Kind::directory ? &*side : nullptr;
    };
    const Version *before = shown(diff.before), *after = shown(diff.after);
    if ((!before && !after) || !diff.renamed_to.empty()) continue;
    if (before && after && before->kind != after->kind) {
      // A file that became a link is one that went and one that came: removed lines, then new ones.
      const auto came =
          std::ranges::find_if(diff.hunks, [](const Hunk& hunk) { return hunk.before_count == 0; });
      append_file(out, diff, {before, nullptr}, {diff.hunks.begin(), came});
      append_file(out, diff, {nullptr, after}, {came, diff.hunks.end()});
    } else {
      append_file(out, diff, {before, after}, diff.hunks);
    }
  }
  return out;
}

}  // namespace boxagnts::vfs
