#include "vfs/overlay_changes.h"

#include <algorithm>
#include <set>

#include "base/guard.h"
#include "base/hash.h"

namespace boxagnts::vfs {
namespace {

// What stands at a path of the overlay: a node, or what is below at `lower`, or nothing.
struct Standing {
  std::shared_ptr<Node> node;
  std::optional<std::string> lower;
};

// Goes through what may differ, a path at a time: only entries where a folder stands over its own
// place, everything where one was moved, made or removed.
class Comparison {
 public:
  explicit Comparison(Tree& tree) : tree_(tree) {}
  Result<std::vector<Change>> run();

 private:
  struct Pending {
    std::string path;
    Standing now;
  };

  Status compare(const Pending& at);
  // Whether what stands at a folder's own place differs only where its entries say so.
  static bool in_place(const Pending& at) { return at.now.node && at.now.node->lower == at.path; }
  void push_children(const Pending& at, bool was_folder, bool is_folder);
  Standing child(const Standing& folder, const std::string& name) const;

  Result<std::optional<Version>> before_of(const std::string& path);
  Result<std::optional<Version>> after_of(const Standing& now);
  bool keep_moved(const std::string& lower, Version& version);
  Status take_base(const std::string& path, Version& version);
  Result<bool> same_bytes(const std::string& path, const Version& before, const Version& after);
  Status take_hash(Version& version);
  bool take_hash_below(const std::string& path, Version& before, Version& after);
  Result<bool> differs(const Pending& at, const Version& before, const Version& after);

  Tree& tree_;
  std::vector<Pending> pending_;
  std::vector<Change> changes_;
  std::set<std::string> staying_;  // paths below removed folders that cannot go
  std::set<std::string> unkept_;   // lower paths of what was moved and cannot be read any more
};

std::unexpected<Error> failed(int error_number) {
  return fail_errno(error_number, "cannot tell what a call changed");
}

Standing Comparison::child(const Standing& folder, const std::string& name) const {
  if (folder.node) {
    const auto& node = static_cast<const FolderNode&>(*folder.node);
    if (const auto entry = node.entries.find(name); entry != node.entries.end())
      return {entry->second, std::nullopt};
    if (!node.lower) return {};
    return {nullptr, joined_path(*node.lower, name)};
  }
  if (!folder.lower) return {};
  return {nullptr, joined_path(*folder.lower, name)};
}

void Comparison::push_children(const Pending& at, bool was_folder, bool is_folder) {
  std::set<std::string> names;
  const auto add_below = [&](const std::string& lower) {
    if (const auto folder = tree_.folder_below(lower); folder && *folder) {
      const auto listed = (*folder)->list();
      for (const auto& entry : listed ? *listed : std::vector<DirectoryEntry>())
        names.insert(entry.name);
    }
  };
  if (was_folder && !in_place(at)) add_below(at.path);
  if (is_folder && at.now.node) {
    const auto& node = static_cast<const FolderNode&>(*at.now.node);
    for (const auto& [name, entry] : node.entries) names.insert(name);
    if (node.lower && !in_place(at)) add_below(*node.lower);
  } else if (is_folder) {
    add_below(*at.now.lower);
  }
  for (const auto& name : names)
    pending_.push_back({joined_path(at.path, name), is_folder ? child(at.now, name) : Standing{}});
}

Result<std::optional<Version>> Comparison::before_of(const std::string& path) {
  if (const auto base = tree_.bases.find(path); base != tree_.bases.end()) return base->second;
  const auto stat = tree_.stat_below(path);
  if (!stat) return std::nullopt;
  return tree_.version_of(path, *stat, nullptr);
}

// Of a lower file that has to be copied because it stands elsewhere now. It could be read when it
// was moved; false if it cannot now.
bool Comparison::keep_moved(const std::string& lower, Version& version) {
  if (!version.content.empty()) return true;
  auto base = before_of(lower);
  const auto file = tree_.file_below(lower);
  if (!file || !base || !*base) return false;
  auto kept = tree_.contents->keep_moved(**file, (*base)->size);
  if (!kept) return false;
  version.content = (*base)->content = std::move(*kept);
  tree_.bases.insert_or_assign(lower, std::move(**base));
  return true;
}

// Of a file that goes, unless it was taken when that happened.
Status Comparison::take_base(const std::string& path, Version& version) {
  if (version.kind != Kind::file || tree_.bases.contains(path)) return {};
  tree_.remember(path);
  if (const auto base = tree_.bases.find(path); base != tree_.bases.end()) version = base->second;
  return {};
}

Result<std::optional<Version>> Comparison::after_of(const Standing& now) {
  if (!now.node && !now.lower) return std::nullopt;
  const auto lower = now.node ? now.node->lower : now.lower;
  const bool written =
      now.node && now.node->kind == Kind::file && static_cast<FileNode&>(*now.node).number != 0;
  if (!now.node || (now.node->kind == Kind::file && !written)) {
    auto version = TRY(before_of(*lower));
    if (version && now.node) {
      version->mode = now.node->mode.value_or(version->mode);
      version->modified_ns = now.node->modified_ns.value_or(version->modified_ns);
    }
    return version;
  }
  const auto stat = tree_.stat_node(*now.node);
  if (!stat) return failed(stat.error());
  Version version{
      .kind = stat->kind, .mode = stat->mode, .modified_ns = stat->modified_ns, .size = 0};
  if (now.node->kind == Kind::link) version.link_target = static_cast<LinkNode&>(*now.node).target;
  if (written) {
    version.size = stat->size;
    version.content = std::to_string(static_cast<FileNode&>(*now.node).number);
  }
  return version;
}

Status Comparison::take_hash(Version& version) {
  if (version.kind != Kind::file || version.content.empty() || !version.content_hash.empty() ||
      version.size > tree_.contents->base_bytes_max)
    return {};
  version.content_hash = TRY(tree_.contents->hash_of(version.content));
  return {};
}

// Of a file whose bytes nobody changed and that is too large to be kept: that they are the same on
// both sides. False when somebody is changing it.
bool Comparison::take_hash_below(const std::string& path, Version& before, Version& after) {
  const auto file = tree_.file_below(path);
  const auto is_before = [&] {
    const auto stat = (*file)->stat();
    return stat && stat->inode == before.inode && stat->changed_ns == before.changed_ns;
  };
  if (!file || !is_before()) return false;
  base::Blake2b hash;
  std::string buffer(256 << 10, '\0');
  for (std::uint64_t at = 0; at < before.size;) {
    const auto got = (*file)->read_at(std::as_writable_bytes(std::span(buffer)), at);
    if (!got || *got == 0) return false;
    hash.add(std::string_view(buffer).substr(0, *got));
    at += *got;
  }
  before.content_hash = after.content_hash = hash.hex();
  return is_before();
}

// Both files kept, or the one before too large for that: then it is read where it stands.
Result<bool> Comparison::same_bytes(const std::string& path, const Version& before,
                                    const Version& after) {
  if (before.size != after.size) return false;
  if (!before.content_hash.empty()) return before.content_hash == after.content_hash;
  const auto below = tree_.file_below(path);
  const auto kept = tree_.contents->open_kept(after.content);
  if (!below || !kept) return false;
  const auto stat = (*below)->stat();
  if (!stat || stat->inode != before.inode || stat->changed_ns != before.changed_ns) return false;
  std::string one(256 << 10, '\0'), other(one);
  for (std::uint64_t at = 0; at < after.size;) {
    const auto read = [at](File& file, std::string& into) {
      return file.read_at(std::as_writable_bytes(std::span(into)), at).value_or(0);
    };
    const std::size_t got = read(**below, one);
    if (got == 0 || got != read(**kept, other) ||
        !std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(got), other.begin()))
      return false;
    at += got;
  }
  return true;
}

Result<bool> Comparison::differs(const Pending& at, const Version& before, const Version& after) {
  if (before.kind != after.kind) return true;
  const auto* node = at.now.node.get();
  const auto& lower = node ? node->lower : at.now.lower;
  if (before.modified_ns != after.modified_ns) {
    // A time that somebody asked for, or that came along with what was moved here.
    if (node && node->set_modified_ns == after.modified_ns) return true;
    const auto moved = lower && lower != at.path ? TRY(before_of(*lower)) : std::nullopt;
    if (moved && moved->modified_ns == after.modified_ns) return true;
  }
  if (before.kind == Kind::link) return before.link_target != after.link_target;
  if (before.mode != after.mode) return true;
  if (before.kind == Kind::directory) return false;
  const bool untouched = !node || static_cast<const FileNode*>(node)->number == 0;
  if (untouched && lower == at.path) return false;
  return !TRY(same_bytes(at.path, before, after));
}

Status Comparison::compare(const Pending& at) {
  if (at.now.lower == at.path) return {};  // as below
  auto before = TRY(before_of(at.path));
  auto after = TRY(after_of(at.now));
  if (!before && !after) return {};
  const auto is = [](const std::optional<Version>& version, Kind kind) {
    return version && version->kind == kind;
  };
  const auto special = [](const std::optional<Version>& version) {
    return version && (version->kind == Kind::other || version->kind == Kind::device);
  };
  // What a mask hides at its new place is nobody's to change; a special file stays where it is.
  const bool masked = GUARD("vfs.overlay-mask-changed", tree_.masks.hides(at.path));
  if (masked || special(before) || special(after)) {
    if (before) staying_.insert(at.path);
    return {};
  }
  const bool was_folder = is(before, Kind::directory), is_folder = is(after, Kind::directory);
  push_children(at, was_folder, is_folder);
  if (was_folder && !in_place(at))
    if (const auto folder = tree_.folder_below(at.path);
        folder && *folder && (*folder)->holds_hidden())
      staying_.insert(at.path + "/");
  const auto* node = at.now.node.get();
  const bool untouched =
      is(after, Kind::file) && (!node || static_cast<const FileNode*>(node)->number == 0);
  const auto& lower = node ? node->lower : at.now.lower;
  const bool stays = untouched && lower == at.path;
  if (before) TRY(take_base(at.path, *before));
  if (stays && before) after->content = before->content;
  if (untouched && !stays && !keep_moved(*lower, *after)) {
    unkept_.insert(*lower);
    if (before) staying_.insert(at.path);
    return {};
  }
  if (before) TRY(take_hash(*before));
  if (stays && before) after->content_hash = before->content_hash;
  if (after) TRY(take_hash(*after));
  if (before && after && !TRY(differs(at, *before, *after))) return {};
  if (stays && after->content_hash.empty() && !take_hash_below(at.path, *before, *after)) return {};
  if (after) after->inode = 0, after->changed_ns = 0;
  changes_.push_back({at.path, std::move(before), std::move(after)});
  return {};
}

Result<std::vector<Change>> Comparison::run() {
  const std::lock_guard lock(tree_.mutex);
  push_children({"", {tree_.root, std::nullopt}}, true, true);
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    TRY(compare(next));
  }
  // What cannot be read stays where it is, and so do its folders.
  staying_.insert(unkept_.begin(), unkept_.end());
  std::erase_if(changes_, [&](const Change& change) {
    return !change.after && unkept_.contains(change.path);
  });
  // A folder that still holds something stays.
  std::erase_if(changes_, [&](const Change& change) {
    if (change.after || !change.before || change.before->kind != Kind::directory) return false;
    const auto first = staying_.lower_bound(change.path + "/");
    return first != staying_.end() && first->starts_with(change.path + "/");
  });
  std::ranges::sort(changes_, {}, &Change::path);
  return std::move(changes_);
}

}  // namespace

Result<std::vector<Change>> changes_of(Tree& tree) { return Comparison(tree).run(); }

}  // namespace boxagnts::vfs
