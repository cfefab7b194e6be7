// For tests of undo: a workspace on disk with its kept changes and a log in memory, and calls that
// write in a real overlay.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/undo.h"
#include "vfs/change_set_fixture.h"
#include "vfs/change_set_open.h"
#include "vfs/overlay.h"
#include "workspace/change_events.h"

namespace boxagnts::agent {

namespace fs = std::filesystem;
using vfs::see;
using vfs::slurp;
using vfs::Snapshot;
using vfs::snapshot;
using vfs::spill;

// Works in a file system as a tool does. What cannot be done is not done.
class Hands {
 public:
  explicit Hands(std::shared_ptr<vfs::Directory> root) : root_(std::move(root)) {}

  void write(const std::string& path, const std::string& bytes) {
    at(path, [&](vfs::Directory& folder, const std::string& name) {
      const auto file = folder.open_file(name, {.write = true, .create = true, .truncate = true});
      if (file) (void)(*file)->write_at(std::as_bytes(std::span(bytes)), 0);
    });
  }
  // "" where no file is.
  std::string read(const std::string& path) {
    std::string bytes;
    at(path, [&](vfs::Directory& folder, const std::string& name) {
      const auto file = folder.open_file(name, {.read = true});
      if (!file) return;
      bytes.resize((*file)->stat().value().size);
      (void)(*file)->read_at(std::as_writable_bytes(std::span(bytes)), 0);
    });
    return bytes;
  }
  vfs::Directory& root() { return *root_; }
  void make_folder(const std::string& path) {
    at(path,
       [](vfs::Directory& folder, const std::string& name) { (void)folder.make_directory(name); });
  }
  void link(const std::string& path, const std::string& target) {
    at(path, [&](vfs::Directory& folder, const std::string& name) {
      (void)folder.make_link(name, target);
    });
  }
  void set_time(const std::string& path, std::int64_t modified_ns) {
    at(path, [&](vfs::Directory& folder, const std::string& name) {
      (void)folder.set_entry_times(name, {.modified_ns = modified_ns});
    });
  }
  void rename(const std::string& from, const std::string& to) {
    at(from, [&](vfs::Directory& folder, const std::string& name) {
      at(to, [&](vfs::Directory& other, const std::string& other_name) {
        (void)folder.rename_entry(name, other, other_name);
      });
    });
  }
  // With all that is in it.
  void remove(const std::string& path) {
    at(path, [](vfs::Directory& folder, const std::string& name) { remove_all(folder, name); });
  }

 private:
  template <class Work>
  void at(const std::string& path, const Work& work) {
    auto folder = root_;
    const fs::path parts(path);
    for (const auto& part : parts.parent_path()) {
      auto next = folder->open_directory(part.string());
      if (!next) return;
      folder = *next;
    }
    work(*folder, parts.filename().string());
  }
  static void remove_all(vfs::Directory& folder, const std::string& name) {
    if (folder.remove_file(name)) return;
    const auto inside = folder.open_directory(name);
    if (!inside) return;
    if (const auto list = (*inside)->list())
      for (const auto& entry : *list) remove_all(**inside, entry.name);
    (void)folder.remove_directory(name);
  }

  const std::shared_ptr<vfs::Directory> root_;
};

class UndoFixture {
 public:
  // In memory where that is a file system.
  UndoFixture() {
    std::string folder =
        fs::exists("/dev/shm") ? "/dev/shm/undo_test.XXXXXX" : "/tmp/undo_test.XXXXXX";
    base_ = fs::canonical(::mkdtemp(folder.data())).string();
    fs::create_directories(state());
    changes_ = workspace::Changes::open(state(), clock_).value();
    store_ = store::Store::open_in_memory(clock_).value();
    session_ = store_->create_session("test").value();
  }
  UndoFixture(const UndoFixture&) = delete;
  UndoFixture& operator=(const UndoFixture&) = delete;
  ~UndoFixture() { fs::remove_all(base_); }

  const std::string& base() const { return base_; }
  std::string root() const { return base_ + "/ws"; }
  std::string state() const { return root() + "/.boxagnts"; }
  std::string operator/(const std::string& path) const { return root() + "/" + path; }
  std::string folder_of(const core::ChangeSetId& id) const {
    return state() + "/changes/" + id.text;
  }

  void append(std::vector<core::EventBody> bodies) {
    const auto lease = std::move(store_->acquire(session_).value().lease);
    ASSERT_TRUE(store_->append(*lease, bodies));
  }

  using Work = std::function<void(Hands&)>;
  struct Kept {
    core::ChangeSetId id;
    std::unique_ptr<vfs::ChangeSet> set;  // nothing when nothing was changed
  };
  // A call up to the question: what it wrote is kept, and the log says so.
  Kept propose(const Work& work) { return propose(root(), work); }
  Kept propose(const std::string& root, const Work& work) {
    auto staging = changes_->stage(root).value();
    Kept kept{staging.id(), nullptr};
    auto lower = vfs::open_host_filesystem(root, core::Access::read_only, {}).value();
    auto overlay = vfs::Overlay::open(std::move(lower), {}, staging.folder()).value();
    {
      Hands hands(overlay->filesystem()->root());
      work(hands);
    }
    auto changes = overlay->changes().value();
    if (changes.empty()) return kept;
    kept.set = changes_->keep(std::move(staging), std::move(changes)).value();
    const auto diff = kept.set->diff(vfs::Part::proposed).value();
    append({core::ChangesKept{kept.id, "call", root, workspace::file_changes(root, diff), ""}});
    return kept;
  }
  // The whole call, with a yes.
  core::ChangeSetId call(const Work& work) { return call(root(), work); }
  core::ChangeSetId call(const std::string& root, const Work& work) {
    auto kept = propose(root, work);
    if (kept.set) settle(kept, root, kept.set->apply({}).value());
    return kept.id;
  }
  void settle(const Kept& kept, const std::string& root, const std::vector<vfs::Applied>& applied) {
    append({workspace::settled_event(kept.id, root, core::ChangesAct::applied, applied, "mode")});
  }

  Result<UndoResult> undo(std::size_t count = 1) {
    return agent::undo(*store_, *changes_, session_, count, "test");
  }
  Result<UndoResult> redo(std::size_t count = 1) {
    return agent::redo(*store_, *changes_, session_, count, "test");
  }
  ChangeHistory history() { return read_history(*store_, session_).value(); }

  workspace::Changes& changes() { return *changes_; }
  store::Store& store() { return *store_; }
  const core::SessionId& session() const { return session_; }

 private:
  base::SystemClock clock_;
  std::string base_;
  std::unique_ptr<workspace::Changes> changes_;
  std::unique_ptr<store::Store> store_;
  core::SessionId session_;
};

// Does something in a child that is killed before its step number `step`; whether it came to its
// end.
inline bool finishes_before(int step, const std::function<void(vfs::Hook)>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    int left = step;
    work([&](std::string_view) {
      if (--left == 0) ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return WIFEXITED(status);
}

}  // namespace boxagnts::agent
