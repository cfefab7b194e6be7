#include "toolbox/tool_folders.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "base/guard.h"
#include "base/text.h"
#include "base/thread.h"
#include "toolbox/folder_watch.h"
#include "toolbox/foreign_manifest.h"
#include "toolbox/guest_tool.h"
#include "toolbox/help_manifest.h"
#include "toolbox/module_program.h"
#include "toolbox/wasm_sections.h"
#include "vfs/beneath.h"

namespace boxagnts::toolbox {
namespace {

using workspace::Trust;

constexpr std::string_view kEnding = ".wasm";
constexpr std::size_t kNamesMax = 1'000;  // of a folder, that are listed at all
constexpr const char* kAsked = "it has no manifest; it is being asked what it is";

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// What may be a tool, sorted.
std::vector<std::string> module_names(int folder) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseFolder> opened(copy < 0 ? nullptr : ::fdopendir(copy));
  std::vector<std::string> names;
  if (!opened) return names;
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(kEnding)) continue;
    if (names.size() == kNamesMax) break;
    names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

struct Place {
  tools::Origin origin;
  std::string folder;
  FileLinks links;
};

// The way to a workspace's tools leads through no link: it would end in what others may write.
base::UniqueFd open_place(const Place& place) {
  if (place.folder.empty()) return {};
  if (!GUARD("toolbox.place-link", place.links == FileLinks::refused))
    return base::UniqueFd(::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto root = place.folder.substr(0, place.folder.rfind("/.boxagnts/"));
  const base::UniqueFd top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return {};
  return base::UniqueFd(vfs::open_beneath(top.get(), place.folder.substr(root.size() + 1).c_str(),
                                          O_RDONLY | O_DIRECTORY));
}

// How a file is called before it says so itself.
std::string name_of_file(std::string_view file) {
  file.remove_suffix(kEnding.size());
  return base::one_line(base::terminal_safe(base::repair_utf8(file)), 64);
}

// One file, as it was when it was looked at.
struct Found {
  FileStamp stamp;
  std::string hash;          // where the stamp alone would not show the next change
  tools::BrokenTool broken;  // where there is no tool: why
  std::shared_ptr<const tools::Tool> tool;
  std::shared_ptr<ModuleProgram> program;
};

class Folders final : public ToolFolders {
 public:
  Folders(const ToolPlaces& places, Parts parts, const tools::Registry& reserved)
      : places_{{tools::Origin::user, places.user_folder, FileLinks::followed},
                {tools::Origin::workspace, places.workspace_folder, FileLinks::refused}},
        parts_(std::move(parts)),
        reserved_(reserved) {}

  ~Folders() override {
    watch_.reset();
    stop_.request_stop();
    checker_.join();
  }

  std::shared_ptr<const Listing> look(Trust trust) override {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Found> now;
    bool is_same = listing_ != nullptr;
    const std::size_t count_before = found_.size();
    for (const auto& place : places_) {
      const auto folder = open_place(place);
      if (!folder) continue;
      std::size_t count = 0;
      for (const auto& name : module_names(folder.get()))
        is_same = look_at(place, folder.get(), name, trust, count++, now) && is_same;
    }
    is_same = is_same && now.size() == count_before;
    found_ = std::move(now);
    const bool was_checked = is_stale_.exchange(false);
    if (!is_same || was_checked)
      listing_ = resolve();
    else
      ask_again();
    return listing_;
  }

  void wait_until_checked(const std::stop_token& stop) override {
    std::unique_lock lock(checks_mutex_);
    checks_changed_.wait(lock, stop, [this] { return !is_checking_; });
  }

  Status watch(std::function<void()> on_change) override {
    std::vector<std::string> folders;
    for (const auto& place : places_)
      if (!place.folder.empty()) folders.push_back(place.folder);
    {
      const std::lock_guard lock(checks_mutex_);
      on_change_ = on_change;
    }
    watch_ = TRY(FolderWatch::start(std::move(folders), std::move(on_change)));
    return {};
  }

 private:
  // Whether it is as it was found before.
  bool look_at(const Place& place, int folder, const std::string& name, Trust trust,
               std::size_t count, std::map<std::string, Found>& now) {
    const std::string path = place.folder + "/" + name;
    const auto refuse = [&](const std::string& reason) {
      const auto before = found_.find(path);
      const bool is_same = before != found_.end() && before->second.broken.reason == reason;
      now.insert_or_assign(path, broken(place, path, name, reason));
      return is_same;
    };
    if (GUARD("toolbox.untrusted-workspace",
              place.origin == tools::Origin::workspace && trust == Trust::untrusted))
      return refuse(
          "it comes with this workspace, which you have not said that you trust: "
          "boxagnts trust yes");
    if (GUARD("toolbox.files-count", count >= kFilesMax))
      return refuse("only the first " + std::to_string(kFilesMax) +
                    " files of a tools folder are looked at");
    const auto stamp = stamp_at(folder, name, place.links);
    if (!stamp) return refuse("it is not there, or leads nowhere");
    const auto before = found_.find(path);
    if (before != found_.end() && before->second.stamp == *stamp &&
        is_unchanged(before->second, folder, name, place.links)) {
      now.insert(found_.extract(before));
      return true;
    }
    now.insert_or_assign(path, read(place, folder, name, path));
    return false;
  }

  static Found broken(const Place& place, const std::string& path, const std::string& name,
                      const std::string& reason) {
    Found found;
    found.broken.spec = {.name = name_of_file(name),
                         .description = {},
                         .input_schema = JsonObject{},
                         .level = core::Level::execute};
    found.broken.about = {.origin = place.origin,
                          .kind = tools::Kind::guest,
                          .version = {},
                          .path = base::repair_utf8(path),
                          .keywords = {}};
    found.broken.reason = reason;
    return found;
  }

  // Times of files are coarse: what was written just before it was looked at may have been written
  // again at the same time.
  bool is_recent(const FileStamp& stamp) const {
    constexpr std::int64_t kCoarse_ns = 2'000'000'000;
    return std::max(stamp.changed_ns, stamp.modified_ns) > parts_.clock.now() * 1000 - kCoarse_ns;
  }

  bool is_unchanged(Found& before, int folder, const std::string& name, FileLinks links) const {
    if (before.hash.empty()) return true;
    const auto file = ModuleFile::open(folder, name, name, links);
    const auto hash = file ? (*file)->hash() : Result<std::string>(std::unexpected(file.error()));
    if (!hash || *hash != before.hash) return false;
    if (!is_recent(before.stamp)) before.hash.clear();
    return true;
  }

  Found read(const Place& place, int folder, const std::string& name,
             const std::string& path) const {
    const auto file = ModuleFile::open(folder, name, path, place.links);
    if (!file) {
      auto found = broken(place, path, name, "it " + file.error().message);
      found.stamp = stamp_at(folder, name, place.links).value_or(FileStamp{});
      return found;
    }
    auto found = read_tool(place, name, *file);
    found.stamp = (*file)->stamp();
    if (is_recent(found.stamp)) found.hash = (*file)->hash().value_or("");
    return found;
  }

  Found read_tool(const Place& place, const std::string& name,
                  const std::shared_ptr<const ModuleFile>& file) const {
    const auto refuse = [&](const std::string& reason) {
      return broken(place, file->path(), name, reason);
    };
    const auto read = [&](std::uint64_t offset, std::size_t bytes) {
      return file->read_at(offset, bytes);
    };
    const auto section =
        custom_section(read, file->stamp().size, kManifestSection, ForeignLimits::kManifestBytes);
    if (!section) return refuse("it " + section.error().message);
    if (!*section) {
      auto found = refuse(kAsked);
      found.program = program_of(file, std::nullopt);
      return found;
    }
    auto manifest = parse_foreign_manifest(**section);
    if (!manifest) return refuse(manifest.error().message);
    if (manifest->wants_network && !parts_.network)
      return refuse(
          "it wants a network, and there "
          "is none here");
    Found found;
    found.program = program_of(file, **section);
    found.tool = make_tool(*std::move(manifest), found.program, place.origin, file->path());
    return found;
  }

  std::shared_ptr<ModuleProgram> program_of(const std::shared_ptr<const ModuleFile>& file,
                                            std::optional<std::string> manifest) const {
    return std::make_shared<ModuleProgram>(file, std::move(manifest), parts_.compile,
                                           parts_.sandbox);
  }

  std::shared_ptr<const tools::Tool> make_tool(Manifest manifest,
                                               const std::shared_ptr<ModuleProgram>& program,
                                               tools::Origin origin,
                                               const std::string& path) const {
    const std::string name = manifest.spec.name;
    return make_guest_tool({.manifest = std::move(manifest),
                            .programs = {{name, program}},
                            .sandbox = parts_.sandbox,
                            .clock = parts_.clock,
                            .network = parts_.network,
                            .origin = origin,
                            .path = base::repair_utf8(path)});
  }

  // Those that could not be asked what they are: there was no process left, or no place.
  void ask_again() {
    for (const auto& [path, found] : found_)
      if (!found.tool && found.program && !found.program->is_checked()) check(found.program);
  }

  // A program without a manifest becomes a tool once it has said what it is.
  void hear(const std::string& path, Found& found) {
    if (found.tool || !found.program) return;
    if (!found.program->is_checked()) return check(found.program);
    if (const auto fault = found.program->fault()) {
      found.broken.reason = "its program cannot be used: " + *fault;
      return;
    }
    const auto slash = path.rfind('/') + 1;
    auto manifest = manifest_from_help(
        std::string_view(path).substr(slash, path.size() - slash - kEnding.size()),
        found.program->help());
    if (manifest)
      found.tool = make_tool(*std::move(manifest), found.program, found.broken.about.origin, path);
    else
      found.broken.reason = "it has no section " + std::string(kManifestSection) +
                            " (docs/tools.md), and " + manifest.error().message;
  }

  // Who has which name, and what is to be compiled.
  std::shared_ptr<const Listing> resolve() {
    auto listing = std::make_shared<Listing>();
    tools::Registry names = reserved_;
    for (const auto& place : places_)
      for (auto& [path, found] : found_) {
        hear(path, found);
        const auto about = found.tool ? found.tool->about() : found.broken.about;
        if (about.origin != place.origin) continue;
        if (!found.tool) {
          listing->broken.push_back(found.broken);
          continue;
        }
        const auto refuse = [&](std::string reason) {
          listing->broken.push_back({found.tool->spec(), about, std::move(reason)});
        };
        const auto* const owner = names.find(found.tool->spec().name);
        if (GUARD("toolbox.shadow", owner != nullptr)) {
          refuse(shadow_sentence(*found.tool, *owner));
          continue;
        }
        // A name stays taken while its program is no good: nobody else slips into it.
        (void)names.add(found.tool);
        if (auto fault = found.program->fault()) {
          refuse("its program cannot be used: " + *std::move(fault));
          continue;
        }
        listing->tools.push_back(found.tool);
        if (found.program->is_checked()) continue;
        listing->unchecked.push_back(found.tool->spec().name);
        check(found.program);
      }
    return listing;
  }

  static std::string shadow_sentence(const tools::Tool& tool, const tools::Tool& owner) {
    const auto about = owner.about();
    const std::string who = about.path.empty()
                                ? "the built-in tool " + owner.spec().name
                                : "the tool " + owner.spec().name + " of " + about.path;
    return tool.about().path + " names itself " + tool.spec().name + ", which is the name of " +
           who + "; give it another name in its manifest";
  }

  void check(std::shared_ptr<ModuleProgram> program) {
    const std::lock_guard lock(checks_mutex_);
    if (std::ranges::find(checks_, program) != checks_.end() || program == in_check_) return;
    checks_.push_back(std::move(program));
    if (is_checking_) return;
    checker_.join();
    auto thread = base::Thread::start("tool check", core::calling_thread_bytes(parts_.limits),
                                      [this] { check_all(); });
    if (!thread) return checks_.clear();  // looked at when it is called
    is_checking_ = true;
    checker_ = *std::move(thread);
  }

  void check_all() {
    std::unique_lock lock(checks_mutex_);
    while (!checks_.empty() && !stop_.stop_requested()) {
      in_check_ = std::move(checks_.front());
      checks_.pop_front();
      const auto on_change = on_change_;
      lock.unlock();
      in_check_->check(parts_.limits, stop_.get_token());
      // Else nothing is known yet, and telling would only ask again at once.
      if (in_check_->is_checked()) {
        is_stale_ = true;
        if (on_change && !stop_.stop_requested()) on_change();
      }
      lock.lock();
      in_check_.reset();
    }
    is_checking_ = false;
    checks_changed_.notify_all();
  }

  const std::vector<Place> places_;
  const Parts parts_;
  const tools::Registry reserved_;

  std::mutex mutex_;
  std::map<std::string, Found> found_;  // by path, so by file name in each folder
  std::shared_ptr<const Listing> listing_;
  std::atomic<bool> is_stale_ = false;  // a module was compiled since

  std::mutex checks_mutex_;
  std::condition_variable_any checks_changed_;
  std::deque<std::shared_ptr<ModuleProgram>> checks_;
  std::shared_ptr<ModuleProgram> in_check_;
  bool is_checking_ = false;
  std::function<void()> on_change_;
  std::stop_source stop_;
  base::Thread checker_;
  std::unique_ptr<FolderWatch> watch_;  // last: its thread ends before the rest goes
};

}  // namespace

ToolPlaces tool_places(const workspace::Workspace& workspace,
                       const workspace::Environment& environment) {
  const auto configuration = workspace::configuration_folder(environment);
  return {.user_folder = configuration.empty() ? "" : configuration + "/tools",
          .workspace_folder = workspace.root.empty() ? "" : workspace.root + "/.boxagnts/tools"};
}

std::unique_ptr<ToolFolders> ToolFolders::open(ToolPlaces places, Parts parts,
                                               const tools::Registry& reserved) {
  return std::make_unique<Folders>(places, std::move(parts), reserved);
}

std::vector<std::string> tool_files_of(const std::string& folder) {
  const auto opened = open_place({tools::Origin::workspace, folder, FileLinks::refused});
  return opened ? module_names(opened.get()) : std::vector<std::string>();
}

}  // namespace boxagnts::toolbox
