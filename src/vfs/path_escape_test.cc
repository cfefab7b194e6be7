// Path escapes as a matrix: every way in x every operation x a plain mount and an overlay. Each
// cell is tried through the name space on a real folder; what may happen is written in the table of
// ways, and afterwards everything outside the workspace must be as it was, byte for byte; with an
// overlay the workspace itself, too.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"
#include "vfs/name_space.h"
#include "vfs/overlay.h"

namespace boxagnts::vfs {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::map<std::string, std::string> snapshot(const std::string& root) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::string what = std::to_string(static_cast<int>(entry.symlink_status().type()));
    if (entry.is_symlink())
      what += fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file()) {
      std::ifstream file(entry.path());
      what += std::string(std::istreambuf_iterator<char>(file), {});
    }
    struct stat status;
    ::lstat(entry.path().c_str(), &status);
    all[entry.path()] = what + " " + std::to_string(status.st_mtim.tv_sec) + "." +
                        std::to_string(status.st_mtim.tv_nsec) + " " +
                        std::to_string(status.st_nlink);
  }
  return all;
}

enum class MountKind { plain, overlay };

class PathEscape : public testing::Test {
 protected:
  explicit PathEscape(MountKind kind) : kind_(kind) { set_up(); }
  ~PathEscape() override { tear_down(); }
  void tear_down() { fs::remove_all(base_); }
  void set_up() {
    char folder[] = "/tmp/path_escape.XXXXXX";
    base_ = ::mkdtemp(folder);
    ws_ = base_ + "/ws";
    out_ = base_ + "/out";
    for (const auto& made : {ws_, out_, base_ + "/state", ws_ + "/dir", ws_ + "/.boxagnts",
                             ws_ + "/hidden", out_ + "/sub"})
      fs::create_directory(made);
    write(out_ + "/secret", "SECRET");
    write(out_ + "/sub/deep", "DEEP");
    write(ws_ + "/.boxagnts/state.db", "STATE");
    write(ws_ + "/hidden/key", "SECRET");
    write(ws_ + "/dir/.env.local", "SECRET");
    fs::create_symlink("hidden/key", ws_ + "/tohidden");
    write(ws_ + "/file", "mine");
    write(ws_ + "/victim", "victim");
    fs::create_symlink("../out/secret", ws_ + "/rel");
    fs::create_symlink(out_ + "/secret", ws_ + "/abs");
    fs::create_symlink("../out", ws_ + "/reldir");
    fs::create_symlink(out_, ws_ + "/absdir");
    fs::create_symlink("chain2", ws_ + "/chain1");
    fs::create_symlink("dir/../rel", ws_ + "/chain2");
    fs::create_symlink("loop2", ws_ + "/loop1");
    fs::create_symlink("loop1", ws_ + "/loop2");
    fs::create_symlink("../out/new", ws_ + "/dangling");
    fs::create_symlink(".boxagnts/state.db", ws_ + "/tostate");
    fs::create_symlink("/proc/self/root", ws_ + "/magic");
    fs::create_symlink("..", ws_ + "/up");
    ::mkfifo((ws_ + "/fifo").c_str(), 0666);
    if (::geteuid() == 0) ::mknod((ws_ + "/null").c_str(), S_IFCHR | 0666, 0x103);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", ws_.c_str());
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(socket);
    name_space_ =
        NameSpace::make({{ws_, mount()}, {"/tmp", make_memory_filesystem(clock_, 1 << 20)}})
            .value();
    start_ = name_space_->at(ws_).value();
  }

  std::shared_ptr<Filesystem> mount() {
    const auto masks = Masks::parse({"hidden", "**/.env*"}).value();
    if (kind_ == MountKind::plain)
      return open_host_filesystem(ws_, core::Access::read_write, masks).value();
    auto lower = open_host_filesystem(ws_, core::Access::read_only, masks).value();
    overlay_ = Overlay::open(std::move(lower), masks, base_ + "/state").value();
    return overlay_->filesystem();
  }
  // What no operation may change.
  std::map<std::string, std::string> beyond_reach() const {
    auto all = snapshot(out_);
    all.merge(snapshot(kind_ == MountKind::overlay ? ws_ : ws_ + "/.boxagnts"));
    all.merge(snapshot(ws_ + "/hidden"));
    return all;
  }

  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }

  // What each operation does with a path; 0 = it worked.
  using Operation = std::function<int(const std::string&)>;
  std::map<std::string, Operation> path_operations();  // on what a path leads to
  std::map<std::string, Operation> leaf_operations();  // on the last name itself
  std::map<std::string, Operation> operations() {
    auto all = path_operations();
    all.merge(leaf_operations());
    return all;
  }

  template <class T>
  static int code(const Sys<T>& result) {
    return result ? 0 : result.error();
  }
  int with_leaf(const std::string& path, const std::function<Sys<void>(const Leaf&)>& act) {
    const auto leaf = name_space_->resolve(start_, path, Follow::no);
    if (!leaf) return leaf.error();
    if (leaf->name.empty()) return EBUSY;
    return code(act(*leaf));
  }

  const MountKind kind_;
  base::ManualClock clock_;
  std::unique_ptr<Overlay> overlay_;
  std::string base_, ws_, out_;
  std::shared_ptr<const NameSpace> name_space_;
  Place start_;
};

std::map<std::string, PathEscape::Operation> PathEscape::path_operations() {
  const auto open = [this](const std::string& path, OpenFlags flags) {
    auto opened = name_space_->open(start_, path, Follow::yes, flags);
    if (!opened) return opened.error();
    if (!opened->file) return 0;
    std::byte buffer[16];
    const auto got = opened->file->read_at(buffer, 0);
    const std::string_view text(reinterpret_cast<const char*>(buffer), got.value_or(0));
    EXPECT_FALSE(text == "SECRET" || text == "DEEP" || text == "STATE") << path << " was read";
    if (flags.write)
      (void)opened->file->write_at(std::as_bytes(std::span(std::string_view("PWNED"))), 0);
    return 0;
  };
  return {
      {"read", [=](const auto& path) { return open(path, {.read = true}); }},
      {"write", [=](const auto& path) { return open(path, {.read = true, .write = true}); }},
      {"create",
       [=](const auto& path) { return open(path, {.read = true, .write = true, .create = true}); }},
      {"exclusive",
       [=](const auto& path) {
         return open(path, {.write = true, .create = true, .exclusive = true});
       }},
      {"truncate",
       [=](const auto& path) {
         return open(path, {.read = true, .write = true, .truncate = true});
       }},
      {"open-dir", [=](const auto& path) { return open(path, {.read = true, .directory = true}); }},
      {"stat",
       [this](const auto& path) { return code(name_space_->stat(start_, path, Follow::yes)); }},
      {"lstat",
       [this](const auto& path) { return code(name_space_->stat(start_, path, Follow::no)); }},
      {"list",
       [this](const auto& path) {
         auto opened =
             name_space_->open(start_, path, Follow::yes, {.read = true, .directory = true});
         if (!opened) return opened.error();
         for (const auto& entry : std::vector(opened->directory->directory->list().value()))
           EXPECT_TRUE(entry.name != "secret" && entry.name != "state.db" &&
                       entry.name != ".boxagnts" && entry.name != "hidden" &&
                       !entry.name.starts_with(".env"))
               << path;
         return 0;
       }},
  };
}

std::map<std::string, PathEscape::Operation> PathEscape::leaf_operations() {
  using Act = std::function<Sys<void>(Directory & parent, const std::string& name)>;
  const auto at_leaf = [this](Act act) {
    return [this, act = std::move(act)](const std::string& path) {
      return with_leaf(path,
                       [&](const Leaf& leaf) { return act(*leaf.parent.directory, leaf.name); });
    };
  };
  const auto victim = [this] { return name_space_->resolve(start_, "victim", Follow::no).value(); };
  return {
      {"mkdir", at_leaf([](Directory& in, const auto& name) { return in.make_directory(name); })},
      {"symlink", at_leaf([](Directory& in, const auto& name) { return in.make_link(name, "x"); })},
      {"readlink", at_leaf([](Directory& in, const auto& name) {
         const auto text = in.read_link(name);
         return text ? Sys<void>() : Sys<void>(std::unexpected(text.error()));
       })},
      {"times", at_leaf([](Directory& in, const auto& name) {
         return in.set_entry_times(name, {.modified_ns = 1});
       })},
      {"rename-to", at_leaf([=](Directory& in, const auto& name) {
         const auto from = victim();
         return from.parent.directory->rename_entry(from.name, in, name);
       })},
      {"link-to", at_leaf([=](Directory& in, const auto& name) {
         const auto from = victim();
         return from.parent.directory->hard_link(from.name, in, name);
       })},
      {"link-from", at_leaf([this](Directory& in, const auto& name) {
         return in.hard_link(name, *start_.directory, "stolen");
       })},
      {"rename-from", at_leaf([this](Directory& in, const auto& name) {
         return in.rename_entry(name, *start_.directory, "stolen");
       })},
      {"unlink", at_leaf([](Directory& in, const auto& name) { return in.remove_file(name); })},
      {"rmdir", at_leaf([](Directory& in, const auto& name) { return in.remove_directory(name); })},
  };
}

// A way in, and what every operation on it must answer. `any` lists the errors that are right for
// some operation; success is allowed only for operations in `may_work`, which then act on the link
// or name itself inside the workspace.
struct Way {
  std::string name;
  std::string path;  // @ stands for the folder outside, ~ for the workspace
  std::set<int> any;
  std::set<std::string> may_work;
};

const std::set<std::string> kOnTheLinkItself{"lstat",     "readlink", "times",      "rename-to",
                                             "link-from", "unlink",   "rename-from"};

std::vector<Way> ways() {
  std::vector<Way> all{
      {"DotDot", "../out/secret", {EPERM}, {}},
      {"DotDotAfterFolder", "dir/../../out/secret", {EPERM}, {}},
      {"DotDotAlone", "..", {EPERM}, {}},
      {"DotDotMany", "../../../../../../../../etc/passwd", {EPERM}, {}},
      {"AbsoluteOutside", "@/secret", {EPERM}, {}},
      {"AbsoluteEtc", "/etc/passwd", {EPERM}, {}},
      {"AbsoluteSibling", "~2/x", {EPERM}, {}},
      {"LinkRelative", "rel", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"LinkAbsolute", "abs", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"LinkChain", "chain1", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"LinkDangling", "dangling", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"LinkUp", "up", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"LinkMagic", "magic", {EPERM, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"ThroughRelativeFolderLink", "reldir/secret", {EPERM}, {}},
      {"ThroughAbsoluteFolderLink", "absdir/sub/deep", {EPERM}, {}},
      {"ThroughLinkUp", "up/out/secret", {EPERM}, {}},
      {"ThroughMagic", "magic/etc/passwd", {EPERM}, {}},
      {"LinkWithSlash", "reldir/", {EPERM}, {}},
      {"LinkWithSlashDot", "reldir/.", {EPERM}, {}},
      {"LinkLoop", "loop1", {ELOOP, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"ThroughLinkLoop", "loop1/x", {ELOOP}, {}},
      {"State", ".boxagnts", {ENOENT, EACCES}, {}},
      {"StateUpperCase", ".BOXAGNTS", {ENOENT, EACCES}, {}},
      {"StateDatabase", ".boxagnts/state.db", {ENOENT, EACCES}, {}},
      {"StateThroughDotDot", "dir/../.boxagnts/state.db", {ENOENT, EACCES}, {}},
      {"StateDotted", "./.boxagnts/./state.db", {ENOENT, EACCES}, {}},
      {"StateAbsolute", "~/.boxagnts/state.db", {ENOENT, EACCES}, {}},
      {"StateThroughLink", "tostate", {ENOENT, EACCES, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"StateDeeper", "dir/.boxagnts", {ENOENT, EACCES}, {}},
      {"Mask", "hidden", {ENOENT, EACCES}, {}},
      {"MaskInside", "hidden/key", {ENOENT, EACCES}, {}},
      {"MaskNew", "hidden/new", {ENOENT, EACCES}, {}},
      {"MaskGlob", "dir/.env.local", {ENOENT, EACCES}, {}},
      {"MaskGlobNew", "dir/.env", {ENOENT, EACCES}, {}},
      {"MaskThroughLink", "tohidden", {ENOENT, EACCES, EEXIST, ENOTDIR}, kOnTheLinkItself},
      {"Fifo",
       "fifo",
       {ENXIO, EEXIST, ENOTDIR, EINVAL},
       {"stat", "lstat", "times", "rename-to", "link-from", "rename-from", "unlink"}},
      {"Socket",
       "sock",
       {ENXIO, EEXIST, ENOTDIR, EINVAL},
       {"stat", "lstat", "times", "rename-to", "link-from", "rename-from", "unlink"}},
      {"Nul", "file\0x"s, {EINVAL}, {}},
      {"FiveThousand", std::string(5000, 'a'), {ENAMETOOLONG}, {}},
      {"FiveThousandDeep",
       [] {
         std::string p;
         for (int i = 0; i < 2500; ++i) p += "d/";
         return p + "x";
       }(),
       {ENAMETOOLONG},
       {}},
      {"LongName", std::string(300, 'n'), {ENAMETOOLONG}, {}},
      {"Empty", "", {ENOENT}, {}},
      {"FileWithSlash",
       "file/",
       {ENOTDIR, EEXIST, EISDIR, EINVAL},
       {"times", "unlink", "link-from", "rename-from", "rename-to"}},
      {"ThroughFile", "file/x", {ENOTDIR}, {}},
  };
  if (::geteuid() == 0)
    all.push_back({"Device",
                   "null",
                   {ENXIO, EEXIST, ENOTDIR, EINVAL},
                   {"stat", "lstat", "times", "rename-to", "link-from", "rename-from", "unlink"}});
  return all;
}

using Cell = std::tuple<Way, MountKind>;

class PathEscapeMatrix : public PathEscape, public testing::WithParamInterface<Cell> {
 protected:
  PathEscapeMatrix() : PathEscape(std::get<MountKind>(GetParam())) {}
  std::string resolved(const Way& way) const {
    if (way.path.starts_with('@')) return out_ + way.path.substr(1);
    if (way.path.starts_with('~')) return ws_ + way.path.substr(1);
    return way.path;
  }
  static std::vector<std::string> names_of(const std::map<std::string, Operation>& operations) {
    std::vector<std::string> names;
    for (const auto& [name, operation] : operations) names.push_back(name);
    return names;
  }
};

TEST_P(PathEscapeMatrix, NoOperationGetsOut) {
  const Way& way = std::get<Way>(GetParam());
  std::string path = resolved(way);
  auto before = beyond_reach();
  for (const auto& name : names_of(operations())) {
    const int answer = operations().at(name)(path);
    if (answer == 0)
      EXPECT_TRUE(way.may_work.contains(name)) << name << " worked";
    else
      EXPECT_TRUE(way.any.contains(answer)) << name << ": " << ::strerror(answer);
    EXPECT_EQ(beyond_reach(), before) << name;
    if (answer == 0) {  // it changed the inside, as it may: a fresh world for the next one
      tear_down();
      set_up();
      path = resolved(way);
      before = beyond_reach();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, PathEscapeMatrix,
                         testing::Combine(testing::ValuesIn(ways()),
                                          testing::Values(MountKind::plain, MountKind::overlay)),
                         [](const auto& info) {
                           const bool plain = std::get<1>(info.param) == MountKind::plain;
                           return std::get<0>(info.param).name + (plain ? "Plain" : "Overlay");
                         });

}  // namespace
}  // namespace boxagnts::vfs
