// What differs from below, as a tree of nodes, and the nodes of what is open. Part of
// vfs/overlay.h.
//
// A node is a file, folder or link of the overlay. One that comes from below names its place there
// (`lower`), which never changes, wherever it is moved to; a lower path is reached through one node
// only. A folder's `entries` hold what differs: a node, or nullptr for what is gone (a whiteout);
// what they do not hold is as below. Nodes of untouched files and folders exist while somebody has
// them open and are found by their lower path; when they change they are pinned: put into their
// folder's entries, and the folder into its own folder's.
//
// Threads: Tree::mutex guards everything but what FileNode says of itself; a function of Tree says
// when it takes it. Order: FileNode::io before Tree::mutex.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "vfs/overlay_contents.h"

namespace boxagnts::vfs {

struct Node;
struct FolderNode;
struct FileNode;
struct LinkNode;

// Nodes that come from below and live, by lower path. Thread-safe.
class NodeTable {
 public:
  std::shared_ptr<Node> find(const std::string& lower);
  void add(const std::string& lower, const std::shared_ptr<Node>& node);
  void forget(const std::string& lower);  // when its node is gone

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<Node>> nodes_;
};

struct Node : std::enable_shared_from_this<Node> {
  Node(Kind node_kind, std::optional<std::string> lower_path)
      : kind(node_kind), lower(std::move(lower_path)) {}
  virtual ~Node();

  const Kind kind;
  const std::optional<std::string> lower;
  std::shared_ptr<NodeTable> table;  // that finds it

  std::uint32_t links = 1;  // names in the overlay; of a folder 0 = removed
  bool pinned = false;
  // What is not as below.
  std::uint64_t device = 0, inode = 0;  // inode 0: as below
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> accessed_ns, modified_ns, changed_ns;
  std::optional<std::int64_t> set_modified_ns;  // a time somebody asked for
};

struct FolderNode final : Node {
  explicit FolderNode(std::optional<std::string> lower_path)
      : Node(Kind::directory, std::move(lower_path)) {}
  ~FolderNode() override;

  std::shared_ptr<FolderNode> parent;  // nullptr: the root
  std::string name;
  std::map<std::string, std::shared_ptr<Node>, std::less<>> entries;
};

struct LinkNode final : Node {
  LinkNode(std::optional<std::string> lower_path, std::string link_target)
      : Node(Kind::link, std::move(lower_path)), target(std::move(link_target)) {}
  const std::string target;
};

struct FileNode final : Node {
  FileNode(std::optional<std::string> lower_path, std::shared_ptr<Contents> kept_in)
      : Node(Kind::file, std::move(lower_path)),
        contents(std::move(kept_in)),
        growth(std::make_shared<Growth>(contents->ledger)) {}
  ~FileNode() override;

  const std::shared_ptr<Contents> contents;
  const std::shared_ptr<Growth> growth;

  std::shared_mutex io;
  std::uint64_t number = 0;  // of the content; 0: as below. Written with both locks, read with one
  // Under io:
  std::size_t handles = 0;
  std::shared_ptr<File> upper;  // the content, while there are handles
};

// How much of a file is wanted when it is copied up.
enum class Keep : bool { nothing, content };

// What stands at a name: a node, or what is below and untouched.
struct Found {
  std::shared_ptr<Node> node;
  std::string lower;  // without a node
  Stat below;         // the same
  Kind kind() const { return node ? node->kind : below.kind; }
};

struct Tree {
  Tree(std::shared_ptr<Filesystem> lower_filesystem, Masks hidden,
       std::shared_ptr<Contents> kept_in);
  ~Tree();

  const std::shared_ptr<Filesystem> lower;
  const std::shared_ptr<Directory> lower_root;
  const Masks masks;
  const std::shared_ptr<Contents> contents;
  const std::shared_ptr<NodeTable> table = std::make_shared<NodeTable>();
  const std::shared_ptr<FolderNode> root;

  std::mutex mutex;
  std::uint64_t generation = 0;          // moves whenever a name changes what it means
  std::map<std::string, Version> bases;  // what stood below where it is changed, by lower path
  std::set<std::string, std::less<>> carried;  // lower paths of what was moved, and so counted

  // --- below; no lock needed ---
  Sys<Stat> stat_below(const std::string& path);
  Sys<std::shared_ptr<Directory>> folder_below(const std::string& path);  // nullptr: it is no more
  Sys<std::shared_ptr<File>> file_below(const std::string& path);

  // --- with the lock held ---
  static std::string path_of(const FolderNode& folder);
  static bool in_place(const FolderNode& folder) { return path_of(folder) == folder.lower; }
  // The nodes of lower paths, made if nobody has them.
  std::shared_ptr<FolderNode> folder_from(const std::string& path);
  std::shared_ptr<FileNode> file_from(const std::string& path);

  // Goes down from a folder as far as nodes lead.
  struct Walked {
    std::shared_ptr<FolderNode> folder;
    std::string_view rest;  // below `folder`, untouched; "" when `node` is what the path names
    std::shared_ptr<Node> node;
    std::string lower_path() const;  // of what is untouched
  };
  static Sys<Walked> walk(std::shared_ptr<FolderNode> from, std::string_view path);

  // ENOENT. `below` is the lower directory of `folder`, if there is one.
  Sys<Found> find(const FolderNode& folder, Directory* below, std::string_view name) const;
  // The node of what was found; ENXIO for what is no file, folder or link.
  Sys<std::shared_ptr<Node>> node_of(const Found& found, Directory* below, std::string_view name);
  Sys<Stat> stat_node(const Node& node);
  // `raw` as the content or what is below says, made what the overlay says.
  static Stat dress(const Node& node, Stat raw);

  // Puts a folder into the entries of its own, and so on up.
  Sys<void> pin(std::shared_ptr<FolderNode> folder);
  // The same for a file that stands where it stood, unless it is removed.
  Sys<void> pin_file(const std::shared_ptr<FileNode>& node);
  // Makes room for an entry; after it, put() cannot fail. Pins the folder.
  Sys<void> reserve(const std::shared_ptr<FolderNode>& folder, std::string_view name);
  void put(FolderNode& folder, std::string_view name, std::shared_ptr<Node> node);
  void give_back(const FolderNode& folder, std::string_view name);  // what reserve() took
  // Takes a name away, leaving a whiteout where something stands below. Needs reserve().
  void take_out(FolderNode& folder, Directory* below, std::string_view name);
  // Before a node gets a place of `path_bytes`, longer by `more_bytes` than the one it has. What
  // comes from below has to be kept when the changes are told: it can be read, and counts as if it
  // were written there, once. Errors: EACCES, ENOSPC, ENAMETOOLONG (of what is in it, too).
  Sys<void> carry(const std::shared_ptr<Node>& node, std::size_t path_bytes,
                  std::size_t more_bytes);
  static Sys<void> check_path_length(std::size_t bytes);
  // Somebody's last or one of several names goes; keeps the base of what came from below.
  void unlink(Node& node);
  static void touch(Node& node);
  void set_node_times(Node& node, const NewTimes& times);
  // What stands below at a path that changes, with its bytes if they are few enough.
  void remember(const std::string& path);
  Version version_of(const std::string& path, const Stat& stat, File* content);

  // --- takes node->io and the lock ---
  // After it the node has a content of its own. `source` is the lower file if the caller has it.
  Sys<void> copy_up(const std::shared_ptr<FileNode>& node, std::shared_ptr<File> source, Keep keep);

  // Whether a mode lets us write: everything in the overlay is ours, as in a copy.
  bool may_write(std::uint32_t mode) const { return privileged_ || mode & 0200; }
  bool may_write(const FolderNode& folder);

 private:
  struct Weight {
    std::uint64_t bytes = 0, entries = 0;  // of what was not carried before
    std::size_t longest = 0;               // path below the node, with the slash in front
  };
  class Weighing;
  bool is_carried(std::string_view path) const;

  const bool privileged_;
};

inline std::string joined_path(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder).append("/").append(name);
}
std::int64_t now_ns();

}  // namespace boxagnts::vfs
