// What may move: only what can be told as changes in the end. Part of vfs/overlay_tree.h.
#include <vector>

#include "base/guard.h"
#include "vfs/overlay_tree.h"

namespace boxagnts::vfs {
namespace {

constexpr std::size_t kPathBytesMax = 4096;  // what the resolver takes

// It was listed, and somebody was faster; or it is a special file, which stays where it is.
bool is_no_file(int error) { return error == ENOENT || error == ENXIO; }

}  // namespace

// Goes through all that stands in a node, without copying anything.
class Tree::Weighing {
 public:
  explicit Weighing(Tree& tree) : tree_(tree) {}
  Sys<Weight> run(const std::shared_ptr<Node>& node);

 private:
  // A node, or what is untouched at `lower`. What is counted has been carried before.
  struct Pending {
    std::shared_ptr<Node> node;
    Kind kind = Kind::other;
    std::optional<std::string> lower;
    bool counted = false;
    std::size_t path_bytes = 0;
  };
  void push(std::shared_ptr<Node> node, std::size_t path_bytes);
  Sys<void> weigh_file(const Pending& at);
  Sys<void> push_children(const Pending& at);

  Tree& tree_;
  Weight weight_;
  std::vector<Pending> pending_;
};

void Tree::Weighing::push(std::shared_ptr<Node> node, std::size_t path_bytes) {
  const bool counted = !node->lower || tree_.is_carried(*node->lower);
  const Kind kind = node->kind;
  auto lower_path = node->lower;
  pending_.push_back({std::move(node), kind, std::move(lower_path), counted, path_bytes});
}

Sys<void> Tree::Weighing::weigh_file(const Pending& at) {
  const bool written = at.node && static_cast<const FileNode&>(*at.node).number != 0;
  if (at.counted || written) return {};
  const auto file = tree_.file_below(*at.lower);
  const auto stat = file ? (*file)->stat() : std::unexpected(file.error());
  if (!stat) return is_no_file(stat.error()) ? Sys<void>() : std::unexpected(stat.error());
  weight_.bytes += stat->size;
  return {};
}

Sys<void> Tree::Weighing::push_children(const Pending& at) {
  const auto* folder = static_cast<const FolderNode*>(at.node.get());
  const auto path_bytes = [&](const std::string& name) { return at.path_bytes + 1 + name.size(); };
  if (folder)
    for (const auto& [name, node] : folder->entries)
      if (node) push(node, path_bytes(name));
  if (!at.lower) return {};
  const auto opened = tree_.folder_below(*at.lower);
  if (!opened) return std::unexpected(opened.error());
  if (!*opened) return {};
  const auto listed = (*opened)->list();
  if (!listed) return is_no_file(listed.error()) ? Sys<void>() : std::unexpected(listed.error());
  for (const auto& entry : *listed)
    if (!folder || !folder->entries.contains(entry.name))
      pending_.push_back({nullptr, entry.kind, joined_path(*at.lower, entry.name), at.counted,
                          path_bytes(entry.name)});
  return {};
}

Sys<Tree::Weight> Tree::Weighing::run(const std::shared_ptr<Node>& node) {
  push(node, 0);
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    weight_.longest = std::max(weight_.longest, next.path_bytes);
    // Gone there and new here; of the node itself, its folders' entries say so.
    if (next.node != node && !next.counted) weight_.entries += 2;
    Sys<void> weighed;
    if (next.kind == Kind::file) weighed = weigh_file(next);
    if (next.kind == Kind::directory) weighed = push_children(next);
    if (!weighed) return std::unexpected(weighed.error());
  }
  return weight_;
}

bool Tree::is_carried(std::string_view path) const {
  while (true) {
    if (carried.contains(path)) return true;
    const auto slash = path.rfind('/');
    if (slash == path.npos) return false;
    path = path.substr(0, slash);
  }
}

Sys<void> Tree::check_path_length(std::size_t bytes) {
  if (GUARD("vfs.overlay-path-length", bytes > kPathBytesMax)) return std::unexpected(ENAMETOOLONG);
  return {};
}

Sys<void> Tree::carry(const std::shared_ptr<Node>& node, std::size_t path_bytes,
                      std::size_t more_bytes) {
  if (auto fits = check_path_length(path_bytes); !fits) return fits;
  const bool counted = !node->lower || is_carried(*node->lower);
  const bool deepens = node->kind == Kind::directory && more_bytes > 0;
  if (counted && !deepens) return {};
  const auto weight = Weighing(*this).run(node);
  if (!weight) return std::unexpected(weight.error());
  if (deepens)
    if (auto fits = check_path_length(path_bytes + weight->longest); !fits) return fits;
  if (!contents->ledger->take_bytes(weight->bytes)) return std::unexpected(ENOSPC);
  for (std::uint64_t taken = 0; taken < weight->entries; ++taken) {
    if (contents->ledger->take_entry()) continue;
    while (taken-- > 0) contents->ledger->give_entry();
    contents->ledger->give_bytes(weight->bytes);
    return std::unexpected(ENOSPC);
  }
  if (!counted) carried.insert(*node->lower);
  return {};
}

}  // namespace boxagnts::vfs
