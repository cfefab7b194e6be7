#include "workspace/copy_tree.h"

#include <sys/stat.h>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

namespace boxagnts::workspace {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;
constexpr std::uint32_t kPermissions = 0777;

// An entry that is still to be copied.
struct Task {
  Copying copying;
  std::string path;
};

class Copier {
 public:
  explicit Copier(const std::stop_token& stop) : stop_(stop), piece_(kPieceBytes) {}

  std::expected<void, CopyError> run(const Copying& first) {
    tasks_.push_back({first, ""});
    while (!tasks_.empty()) {
      const Task task = std::move(tasks_.back());
      tasks_.pop_back();
      if (const auto copied = copy(task); !copied)
        return std::unexpected(CopyError{copied.error(), task.path});
    }
    return {};
  }

 private:
  vfs::Sys<void> copy(const Task& task) {
    if (stop_.stop_requested()) return std::unexpected(ECANCELED);
    const auto& [from, name, to, to_name] = task.copying;
    const auto stat = from->stat_entry(name);
    if (!stat) return std::unexpected(stat.error());
    switch (stat->kind) {
      case vfs::Kind::file: return copy_file(task.copying, stat->mode);
      case vfs::Kind::directory: return copy_folder(task);
      case vfs::Kind::link: {
        const auto target = from->read_link(name);
        return target ? to->make_link(to_name, *target) : std::unexpected(target.error());
      }
      case vfs::Kind::device:
      case vfs::Kind::other: break;
    }
    return std::unexpected(ENXIO);
  }

  vfs::Sys<void> copy_file(const Copying& copying, std::uint32_t mode) {
    const auto from = copying.from->open_file(copying.name, {.read = true});
    if (!from) return std::unexpected(from.error());
    const auto to =
        copying.to->open_file(copying.to_name, {.write = true, .create = true, .exclusive = true});
    if (!to) return std::unexpected(to.error());
    for (std::uint64_t offset = 0;;) {
      if (stop_.stop_requested()) return std::unexpected(ECANCELED);
      const auto got = (*from)->read_at(piece_, offset);
      if (!got) return std::unexpected(got.error());
      if (*got == 0) break;
      for (std::size_t done = 0; done < *got;) {
        const auto put =
            (*to)->write_at(std::span(piece_).subspan(done, *got - done), offset + done);
        if (!put) return std::unexpected(put.error());
        done += *put;
      }
      offset += *got;
    }
    if ((*to)->descriptor() >= 0) (void)::fchmod((*to)->descriptor(), mode & kPermissions);
    return {};
  }

  vfs::Sys<void> copy_folder(const Task& task) {
    const auto& [from, name, to, to_name] = task.copying;
    if (const auto made = to->make_directory(to_name); !made) return made;
    const auto inside = from->open_directory(name);
    if (!inside) return std::unexpected(inside.error());
    const auto copy = to->open_directory(to_name);
    if (!copy) return std::unexpected(copy.error());
    const auto entries = (*inside)->list();
    if (!entries) return std::unexpected(entries.error());
    count_ += entries->size();
    if (count_ >= Copying::kEntriesMax) return std::unexpected(EMFILE);
    for (const auto& entry : *entries)
      tasks_.push_back({{*inside, entry.name, *copy, entry.name},
                        (task.path.empty() ? "" : task.path + "/") + entry.name});
    return {};
  }

  const std::stop_token& stop_;
  std::vector<std::byte> piece_;
  std::vector<Task> tasks_;  // in place of recursion: folders nest deeper than stacks
  std::size_t count_ = 0;
};

}  // namespace

std::expected<void, CopyError> copy_tree(const Copying& copying, const std::stop_token& stop) {
  return Copier(stop).run(copying);
}

}  // namespace boxagnts::workspace
