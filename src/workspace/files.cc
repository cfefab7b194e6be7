#include "workspace/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <span>
#include <utility>

#include "base/guard.h"
#include "base/text.h"
#include "vfs/host_filesystem.h"
#include "vfs/name_space.h"
#include "workspace/copy_tree.h"

namespace boxagnts::workspace {
namespace {

constexpr std::string_view kItem = "item", kNote = "note.json";
constexpr std::size_t kNoteBytesMax = 64 << 10;

std::string named(std::string_view path) {
  return path.empty() ? "the workspace" : "\"" + std::string(path) + "\"";
}

std::unexpected<Error> error_of(int number, const std::string& doing, std::string_view path) {
  const std::string where = doing + " " + named(path);
  switch (number) {
    case EEXIST:
    case ENOTEMPTY:
      return fail(Code::conflict, where + ": something stands there already; choose another name");
    case EXDEV:
      return fail(Code::unsupported,
                  where + ": it is on another file system that is mounted inside the workspace");
    case EISDIR: return fail(Code::conflict, where + ": it is a folder");
    case ENOTDIR: return fail(Code::conflict, where + ": a part of the path is a file");
    case ENXIO: return fail(Code::unsupported, where + ": it is a device, a pipe or a socket");
    case ENAMETOOLONG:
      return fail(Code::not_found, where + ": a name or a path this long cannot be");
    case ENOSPC:
    case EDQUOT: return fail(Code::limit_exceeded, where + ": the disk is full");
    default: return fail_errno(number, where);
  }
}

std::unexpected<Error> copy_error(const CopyError& error, const std::string& from) {
  if (error.number == ECANCELED) return fail(Code::cancelled, "the copying was cancelled");
  if (error.number == EMFILE)
    return fail(Code::limit_exceeded, "cannot copy " + named(from) + ": it holds more than " +
                                          std::to_string(Copying::kEntriesMax) +
                                          " entries; copy it by parts");
  return error_of(error.number, "cannot copy",
                  error.path.empty() ? from : from + "/" + base::repair_utf8(error.path));
}

std::string version_of(const vfs::Stat& stat) {
  return std::to_string(stat.inode) + "-" + std::to_string(stat.changed_ns) + "-" +
         std::to_string(stat.size);
}

FileEntry entry_of(std::string_view name, const vfs::Stat& stat) {
  FileEntry entry{.name = std::string(name),
                  .usable = base::is_utf8(name),
                  .kind = stat.kind,
                  .modified = stat.modified_ns / 1000};
  if (!entry.usable) entry.name = base::repair_utf8(name);
  if (stat.kind == vfs::Kind::file) {
    entry.size = stat.size;
    entry.version = version_of(stat);
  }
  return entry;
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 = 0
}

// What is refused before anything is looked at: names that mean something else elsewhere.
Status check_path(const std::string& path) {
  if (path.empty()) return {};
  if (!base::is_utf8(path) || path.contains('\0'))
    return fail(Code::invalid_argument, "a path is UTF-8 without NUL");
  for (const auto name : base::split(path, '/'))
    if (GUARD("workspace.file-path", name.empty() || name == "." || name == ".."))
      return fail(Code::invalid_argument,
                  named(path) +
                      " is no path here: names with one / between them, relative to the "
                      "workspace, without . and ..");
  return {};
}

struct Spot {
  std::shared_ptr<vfs::Directory> folder;
  std::string name;
};

class WorkspaceFiles;

class FileUpload final : public Upload {
 public:
  FileUpload(WorkspaceFiles& files, std::string path, Expected expected, std::string temporary,
             std::shared_ptr<vfs::File> file)
      : files_(files),
        path_(std::move(path)),
        expected_(std::move(expected)),
        temporary_(std::move(temporary)),
        file_(std::move(file)) {}
  FileUpload(const FileUpload&) = delete;
  ~FileUpload() override;

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto put = file_->write_at(std::as_bytes(std::span(bytes)), size_);
      if (!put) return error_of(put.error(), "cannot write", path_);
      size_ += *put;
      bytes.remove_prefix(*put);
    }
    return {};
  }
  Result<FileEntry> finish() override;

 private:
  WorkspaceFiles& files_;
  const std::string path_;
  const Expected expected_;
  const std::string temporary_;
  const std::shared_ptr<vfs::File> file_;
  std::uint64_t size_ = 0;
  bool in_place_ = false;
};

class WorkspaceFiles final : public Files {
 public:
  WorkspaceFiles(Workspace workspace, base::Clock& clock,
                 std::shared_ptr<const vfs::NameSpace> space,
                 std::shared_ptr<vfs::Directory> uploads, std::string bin)
      : workspace_(std::move(workspace)),
        clock_(clock),
        space_(std::move(space)),
        uploads_(std::move(uploads)),
        bin_(std::move(bin)) {}

  Result<std::vector<FileEntry>> list(const std::string& path) override {
    const auto place = TRY(folder(path));
    const auto found = place.directory->list();
    if (!found) return error_of(found.error(), "cannot list", path);
    if (found->size() > kEntriesMax)
      return fail(Code::limit_exceeded, named(path) + " holds " + std::to_string(found->size()) +
                                            " entries; " + std::to_string(kEntriesMax) +
                                            " can be listed");
    std::vector<FileEntry> entries, others;
    for (const auto& found_entry : *found)
      if (auto entry = entry_at(place, found_entry.name))
        (entry->kind == vfs::Kind::directory ? entries : others).push_back(std::move(*entry));
    std::ranges::move(others, std::back_inserter(entries));
    return entries;
  }

  Result<FileEntry> look(const std::string& path) override {
    TRY(check_path(path));
    const std::string parent =
        path.substr(0, path.size() - std::min(path.size(), last_name(path).size() + 1));
    if (path.empty()) {
      const auto stat = TRY(folder(path)).directory->stat();
      if (!stat) return error_of(stat.error(), "cannot look at", path);
      return entry_of("", *stat);
    }
    auto entry = entry_at(TRY(folder(parent)), last_name(path));
    if (!entry) return error_of(entry.error(), "cannot look at", path);
    return *entry;
  }

  Result<Opened> open_file(const std::string& path) override {
    TRY(check_path(path));
    const auto opened =
        space_->open(TRY(folder("")), path.empty() ? "." : path, vfs::Follow::yes, {.read = true});
    if (!opened) return error_of(opened.error(), "cannot open", path);
    if (!opened->file) return error_of(EISDIR, "cannot open", path);
    const auto stat = opened->file->stat();
    if (!stat) return error_of(stat.error(), "cannot open", path);
    Opened result{entry_of(last_name(path), *stat),
                  base::UniqueFd(::fcntl(opened->file->descriptor(), F_DUPFD_CLOEXEC, 0))};
    if (!result.fd) return error_of(errno, "cannot open", path);
    return result;
  }

  Result<std::unique_ptr<Upload>> begin_write(const std::string& path, Expected expected) override {
    const auto spot = TRY(spot_of(path, "cannot write"));
    TRY(check(spot, path, expected));
    const std::string temporary = base::new_ulid(clock_.now());
    auto file = uploads_->open_file(temporary, {.write = true, .create = true, .exclusive = true});
    if (!file) return error_of(file.error(), "cannot write", path);
    return std::make_unique<FileUpload>(*this, path, std::move(expected), temporary,
                                        std::move(*file));
  }

  // Of an upload: its file is complete.
  Result<FileEntry> put_in_place(const std::string& path, const Expected& expected,
                                 const std::string& temporary, vfs::File& file) {
    const auto spot = TRY(spot_of(path, "cannot write"));
    TRY(check(spot, path, expected));
    const auto old = spot.folder->stat_entry(spot.name);
    constexpr std::uint32_t kPermissions = 0777;
    const int descriptor = file.descriptor();
    if (old && old->kind == vfs::Kind::file && descriptor >= 0)
      (void)::fchmod(descriptor, old->mode & kPermissions);
    if (const auto synced = file.sync(); !synced)
      return error_of(synced.error(), "cannot write", path);
    const auto moved = vfs::move_entry(
        *uploads_, temporary, *spot.folder, spot.name,
        expected.what == Expected::What::nothing ? vfs::Replace::no : vfs::Replace::yes);
    if (!moved) return error_of(moved.error(), "cannot write", path);
    (void)spot.folder->sync();
    return look(path);
  }
  void drop_upload(const std::string& temporary) { (void)uploads_->remove_file(temporary); }

  Result<FileEntry> make_folder(const std::string& path) override {
    const auto spot = TRY(spot_of(path, "cannot make the folder"));
    if (const auto made = spot.folder->make_directory(spot.name); !made)
      return error_of(made.error(), "cannot make the folder", path);
    return look(path);
  }

  Result<FileEntry> move(const std::string& from, const std::string& to,
                         Expected expected) override {
    const auto source = TRY(spot_of(from, "cannot move"));
    const auto target = TRY(spot_of(to, "cannot move to"));
    TRY(check(target, to, expected));
    const auto moved = vfs::move_entry(
        *source.folder, source.name, *target.folder, target.name,
        expected.what == Expected::What::version ? vfs::Replace::yes : vfs::Replace::no);
    if (!moved && moved.error() == EINVAL)
      return fail(Code::invalid_argument,
                  "cannot move " + named(from) + ": a folder cannot be moved into itself");
    if (!moved) return error_of(moved.error(), "cannot move " + named(from) + " to", to);
    return look(to);
  }

  Result<FileEntry> copy(const std::string& from, const std::string& to,
                         const std::stop_token& stop) override {
    const auto source = TRY(spot_of(from, "cannot copy"));
    const auto target = TRY(spot_of(to, "cannot copy to"));
    TRY(check(target, to, {Expected::What::nothing, ""}));
    const std::string temporary = base::new_ulid(clock_.now());
    const auto copied = copy_tree({source.folder, source.name, uploads_, temporary}, stop);
    const auto moved = copied ? vfs::move_entry(*uploads_, temporary, *target.folder, target.name,
                                                vfs::Replace::no)
                              : vfs::Sys<void>();
    if (copied && moved) return look(to);
    std::error_code ignored;
    std::filesystem::remove_all(workspace_.state_folder + "/uploads/" + temporary, ignored);
    if (!copied) return copy_error(copied.error(), from);
    return error_of(moved.error(), "cannot copy " + named(from) + " to", to);
  }

  Result<BinEntry> remove(const std::string& path) override {
    const auto spot = TRY(spot_of(path, "cannot delete"));
    const auto stat = spot.folder->stat_entry(spot.name);
    if (!stat) return error_of(stat.error(), "cannot delete", path);
    const auto now = clock_.now();
    BinEntry entry{BinId::make(now), path, stat->kind, now};
    TRY(base::make_folders(bin_ + "/" + entry.id.text));
    TRY(base::write_file_atomically(note_of(entry.id), base::to_text(note(entry))));
    const auto moved = vfs::move_entry(*spot.folder, spot.name, *TRY(bin_folder(entry.id)), kItem,
                                       vfs::Replace::no);
    if (moved) return entry;
    (void)purge(entry.id);
    return error_of(moved.error(), "cannot delete", path);
  }

  Result<std::vector<BinEntry>> bin() override {
    std::vector<BinEntry> entries;
    std::error_code error;
    for (const auto& folder : std::filesystem::directory_iterator(bin_, error)) {
      const auto id = BinId::parse(folder.path().filename().string());
      if (!id) continue;
      if (auto entry = binned(*id)) entries.push_back(std::move(*entry));
    }
    std::ranges::sort(entries, std::greater{}, [](const BinEntry& entry) {
      return std::pair(entry.deleted, entry.id);  // ids of one millisecond stand in no order
    });
    return entries;
  }

  Result<BinEntry> restore(const BinId& id) override {
    const auto entry = TRY(binned(id));
    for (auto slash = entry.path.find('/'); slash != std::string::npos;
         slash = entry.path.find('/', slash + 1)) {
      const auto spot = TRY(spot_of(entry.path.substr(0, slash), "cannot restore to"));
      if (const auto made = spot.folder->make_directory(spot.name); !made && made.error() != EEXIST)
        return error_of(made.error(), "cannot make the folder", entry.path.substr(0, slash));
    }
    const auto spot = TRY(spot_of(entry.path, "cannot restore"));
    const auto moved =
        vfs::move_entry(*TRY(bin_folder(id)), kItem, *spot.folder, spot.name, vfs::Replace::no);
    if (!moved) return error_of(moved.error(), "cannot restore", entry.path);
    TRY(purge(id));
    return entry;
  }

  Status purge(const BinId& id) override {
    std::error_code error;
    if (std::filesystem::remove_all(bin_ + "/" + id.text, error) == 0 && !error)
      return fail(Code::not_found, "there is nothing with the id " + id.text + " in the bin");
    if (error) return fail_errno(error.value(), "cannot empty the bin of " + id.text);
    return {};
  }

  Result<std::string> host_folder(const std::string& path) override {
    return TRY(folder(path)).path;
  }

 private:
  Result<vfs::Place> folder(const std::string& path) {
    TRY(check_path(path));
    const auto root = space_->at(workspace_.root);
    if (!root) return error_of(root.error(), "cannot open", "");
    if (path.empty()) return *root;
    const auto opened =
        space_->open(*root, path, vfs::Follow::yes, {.read = true, .directory = true});
    if (!opened) return error_of(opened.error(), "cannot open the folder", path);
    return *opened->directory;
  }

  // Where an entry stands or would stand; a link there is not followed.
  Result<Spot> spot_of(const std::string& path, const std::string& doing) {
    TRY(check_path(path));
    if (path.empty()) return fail(Code::invalid_argument, doing + " the workspace itself");
    const auto leaf = space_->resolve(TRY(folder("")), path, vfs::Follow::no);
    if (!leaf) return error_of(leaf.error(), doing, path);
    return Spot{leaf->parent.directory, leaf->name};
  }

  vfs::Sys<FileEntry> entry_at(const vfs::Place& place, std::string_view name) {
    auto stat = place.directory->stat_entry(name);
    if (!stat) return std::unexpected(stat.error());
    const bool is_link = stat->kind == vfs::Kind::link;
    if (is_link)
      if (const auto behind = space_->stat(place, name, vfs::Follow::yes)) stat = behind;
    auto entry = entry_of(name, *stat);
    entry.is_link = is_link;
    return entry;
  }

  static Status check(const Spot& spot, const std::string& path, const Expected& expected) {
    if (expected.what == Expected::What::anything) return {};
    const auto there = spot.folder->stat_entry(spot.name);
    if (expected.what == Expected::What::nothing) {
      if (GUARD("workspace.write-over", there.has_value()))
        return error_of(EEXIST, "cannot write", path);
      return {};
    }
    if (GUARD("workspace.write-version", !there || version_of(*there) != expected.version))
      return fail(Code::conflict, named(path) + " has changed since it was read; read it again");
    return {};
  }

  std::string note_of(const BinId& id) const {
    return bin_ + "/" + id.text + "/" + std::string(kNote);
  }
  static Json note(const BinEntry& entry) {
    return JsonObject{{"path", entry.path},
                      {"kind", static_cast<std::int64_t>(entry.kind)},
                      {"deleted", entry.deleted}};
  }
  Result<BinEntry> binned(const BinId& id) {
    const auto text = base::read_file(note_of(id), kNoteBytesMax);
    if (!text)
      return fail(Code::not_found, "there is nothing with the id " + id.text + " in the bin");
    const auto json = TRY(base::parse_json(*text));
    const auto path = base::get_string(json, "path");
    const auto kind = base::get_int(json, "kind");
    if (!path || !kind || *kind < 0 || *kind > static_cast<int>(vfs::Kind::other))
      return fail(Code::corrupt, "the note of " + id.text + " in the bin is damaged");
    return BinEntry{id, std::string(*path), static_cast<vfs::Kind>(*kind),
                    base::get_int(json, "deleted").value_or(0)};
  }
  Result<std::shared_ptr<vfs::Directory>> bin_folder(const BinId& id) {
    return TRY(vfs::open_host_filesystem(bin_ + "/" + id.text, core::Access::read_write, {}))
        ->root();
  }

  const Workspace workspace_;
  base::Clock& clock_;
  const std::shared_ptr<const vfs::NameSpace> space_;
  const std::shared_ptr<vfs::Directory> uploads_;
  const std::string bin_;  // host path
};

// Uploads of a process that was killed; other processes may have young ones.
void drop_abandoned(const std::string& uploads) {
  const auto yesterday = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(uploads, error))
    if (file.last_write_time(error) < yesterday) std::filesystem::remove_all(file.path(), error);
}

FileUpload::~FileUpload() {
  if (!in_place_) files_.drop_upload(temporary_);
}

Result<FileEntry> FileUpload::finish() {
  auto entry = TRY(files_.put_in_place(path_, expected_, temporary_, *file_));
  in_place_ = true;
  return entry;
}

}  // namespace

Result<std::unique_ptr<Files>> Files::open(const Workspace& workspace, base::Clock& clock) {
  const std::string uploads = workspace.state_folder + "/uploads";
  TRY(base::make_folders(uploads));
  drop_abandoned(uploads);
  auto root = TRY(vfs::open_host_filesystem(workspace.root, core::Access::read_write, {}));
  auto space = TRY(vfs::NameSpace::make({{workspace.root, std::move(root)}}));
  auto uploads_root = TRY(vfs::open_host_filesystem(uploads, core::Access::read_write, {}))->root();
  return std::make_unique<WorkspaceFiles>(workspace, clock, std::move(space),
                                          std::move(uploads_root), workspace.state_folder + "/bin");
}

}  // namespace boxagnts::workspace
