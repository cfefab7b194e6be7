#include "guests/sdk/files.h"

#include <algorithm>

#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr int kLinksMax = 40;
constexpr std::size_t kShownBytesMax = 200;
constexpr std::size_t kStepBytes = 1 << 20;  // the kernel moves no more in one call

bool leads_out(Errno error) { return error == Errno::perm || error == Errno::notcapable; }

// The name of preopened directory `number`, or "" past the last.
Text preopen(std::uint32_t number) {
  std::uint32_t prestat[2];
  if (wasi_fd_prestat_get(number, prestat) != Errno::success) return {};
  char* name = allocate(prestat[1]);
  if (wasi_fd_prestat_dir_name(number, name, prestat[1]) != Errno::success) return {};
  return {name, prestat[1]};
}

bool is_below(Text path, Text folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool inside_a_mount(Text path) {
  for (std::uint32_t number = fd::kFirstMount;; ++number) {
    const Text mount = preopen(number);
    if (mount.empty()) return number == fd::kFirstMount;  // a kernel that does not tell its mounts
    if (is_below(path, mount)) return true;
  }
}

Text folder_of(Text path) {
  const auto slash = path.rfind('/');
  return slash == Text::npos ? Text() : path.substr(0, slash);
}

Text beside(Text path, Text name) {
  const auto slash = path.rfind('/');
  return slash == Text::npos ? name : join({path.substr(0, slash + 1), name});
}

// What an errno means for a path, as the end of a sentence.
Text reason(Errno error) {
  switch (error) {
    case Errno::noent: return "it does not exist; glob can find where it is";
    case Errno::acces: return "permission denied";
    case Errno::rofs: return "it lies in a folder that this call may only read";
    case Errno::nxio: return "it is a FIFO, a device or a socket; only plain files can be used";
    case Errno::loop: return "its path goes through too many links, or through a link to itself";
    case Errno::notdir: return "a part of its path, which should be a folder, is a file";
    case Errno::isdir: return "it is a folder";
    case Errno::exist: return "it was made by somebody else just now; look at it and try again";
    case Errno::nametoolong:
      return "its path is too long: a name has at most 255 bytes, a path 4096";
    case Errno::inval: return "its path is malformed";
    case Errno::dquot:
    case Errno::nospc: return "there is no space left; free some, or write less";
    case Errno::fbig: return "it would be larger than a file may be";
    case Errno::mfile:
    case Errno::nfile: return "too many files are open; try again";
    case Errno::nomem: return "the system has not enough memory; try again";
    case Errno::busy:
    case Errno::txtbsy: return "it is in use; try again later";
    case Errno::xdev: return "it would have to move between two mounts";
    case Errno::io: return "the device reports an error";
    case Errno::nosys: return "this system cannot do that";
    default: return {};
  }
}

}  // namespace

Text working_directory() {
  static constinit Text known;
  if (known.empty()) known = environment("PWD");
  return known;
}

Text absolute(Text path) {
  const Text whole = path.starts_with('/') ? path : join({working_directory(), "/", path});
  char* const normal = allocate(whole.size() + 1);
  char* to = normal;
  for (std::size_t from = 0; from <= whole.size();) {
    const std::size_t end = std::min(whole.find('/', from), whole.size());
    const Text part = whole.substr(from, end - from);
    if (part == "..") {
      while (to > normal && *--to != '/') {
      }
    } else if (!part.empty() && part != ".") {
      *to++ = '/';
      to = copy(to, part);
    }
    from = end + 1;
  }
  if (to == normal) *to++ = '/';
  return {normal, static_cast<std::size_t>(to - normal)};
}

Text mounts() {
  Text list;
  for (std::uint32_t number = fd::kFirstMount;; ++number) {
    const Text mount = preopen(number);
    if (mount.empty()) return list.empty() ? Text("none") : list;
    list = list.empty() ? mount : join({list, ", ", mount});
  }
}

Path Path::of(Text argument, Text text) {
  if (text.empty()) guest::fail(kBadInput, {argument, " is empty; it takes a path"});
  if (find_byte(text.data(), text.data() + text.size(), '\0') != text.data() + text.size())
    guest::fail(kBadInput, {argument, " holds a NUL character; a path cannot"});
  const Text shown =
      text.size() <= kShownBytesMax ? text : join({prefix_at_character(text, kShownBytesMax), "…"});
  if (!text.starts_with('/')) return {fd::kWorkingDirectory, text, shown};
  while (text.starts_with('/')) text.remove_prefix(1);
  return {fd::kRoot, text.empty() ? Text(".") : text, shown};
}

bool Path::retry_from_root(Errno error) {
  if (!leads_out(error) || directory_ != fd::kWorkingDirectory) return false;
  const Text base = working_directory();
  if (!base.starts_with('/')) return false;
  text_ = join({base.substr(1), "/", text_});
  directory_ = fd::kRoot;
  left_ = true;
  return true;
}

Errno Path::open(std::uint32_t open_flags, std::uint64_t wanted, std::uint32_t& opened) {
  while (true) {
    const Errno error = wasi_path_open(directory_, Follow::yes, text_.data(), text_.size(),
                                       open_flags, wanted, wanted, 0, &opened);
    if (!retry_from_root(error)) return error;
  }
}

Errno Path::stat(Follow follow, Stat& stat) {
  while (true) {
    const Errno error =
        wasi_path_filestat_get(directory_, follow, text_.data(), text_.size(), &stat);
    if (!retry_from_root(error)) return error;
  }
}

void Path::fail(Text doing, Errno error) const {
  const Text whole = directory_ == fd::kRoot ? absolute(join({"/", text_})) : absolute(text_);
  const bool absent = error == Errno::noent || error == Errno::rofs || error == Errno::acces;
  // Where the words of the path stay inside a mount, a link leads out.
  const bool inside = inside_a_mount(whole);
  const bool linked_out = left_ && is_below(whole, working_directory());
  if (leads_out(error) || (absent && (!inside || linked_out)))
    guest::fail(kFailed,
                {"cannot ", doing, " ", shown_,
                 ": it leads outside of the folders that this tool can see, which are ", mounts()});
  Stat stat{};
  if (error == Errno::noent &&
      wasi_path_filestat_get(directory_, Follow::no, text_.data(), text_.size(), &stat) ==
          Errno::success &&
      stat.type == FileType::link)
    guest::fail(kFailed, {"cannot ", doing, " ", shown_,
                          ": it is a link, and what it leads to does not exist or lies outside of "
                          "the folders that this tool can see, which are ",
                          mounts()});
  Text why = reason(error);
  if (why.empty()) {
    const int code = static_cast<int>(error);
    char* digits = allocate(3);
    digits[0] = static_cast<char>('0' + code / 10 % 10);
    digits[1] = static_cast<char>('0' + code % 10);
    why = join({"the system reports error ", Text(digits, 2)});
  }
  guest::fail(kFailed, {"cannot ", doing, " ", shown_, ": ", why});
}

std::size_t read_some(const Path& path, std::uint32_t fd, char* into, std::size_t bytes_max) {
  std::size_t size = 0;
  while (size < bytes_max) {
    const Piece piece{into + size, std::min(bytes_max - size, kStepBytes)};
    std::size_t got = 0;
    const Errno error = wasi_fd_read(fd, &piece, 1, &got);
    if (error != Errno::success) path.fail("read", error);
    if (got == 0) break;
    size += got;
  }
  return size;
}

namespace {

// Where the link at `path` leads, seen from the same directory or from the root.
Path link_target(Path path, Text doing) {
  constexpr std::size_t kTargetBytesMax = 4096;
  char* target = allocate(kTargetBytesMax);
  std::size_t size = 0;
  const Errno error = wasi_path_readlink(path.directory(), path.text().data(), path.text().size(),
                                         target, kTargetBytesMax, &size);
  if (error != Errno::success) path.fail(doing, error);
  const Text text(target, size);
  if (!text.starts_with('/')) return path.with(beside(path.text(), text));
  return Path::of("the link", text);
}

// Makes the folders above `path`: the deepest one that is missing is found from below, since the
// upper ones may lie where nothing can be made.
Errno make_folders(const Path& path) {
  const auto make = [&](Text folder) {
    const Errno error = wasi_path_create_directory(path.directory(), folder.data(), folder.size());
    return error == Errno::exist ? Errno::success : error;
  };
  const Text deepest = folder_of(path.text());
  Text folder = deepest;
  Errno error = make(folder);
  while (error == Errno::noent && folder.find('/') != Text::npos) {
    folder = folder_of(folder);
    error = make(folder);
  }
  while (error == Errno::success && folder.size() < deepest.size()) {
    folder = deepest.substr(0, std::min(deepest.find('/', folder.size() + 1), deepest.size()));
    error = make(folder);
  }
  return error;
}

Errno create(const Path& path, std::uint32_t& opened) {
  return wasi_path_open(path.directory(), Follow::no, path.text().data(), path.text().size(),
                        open_flags::kCreate | open_flags::kExclusive, rights::kWrite, 0, 0,
                        &opened);
}

// ".NAME.RANDOM.tmp" beside the path.
Path temporary_beside(const Path& path) {
  constexpr std::size_t kNameBytesMax = 200;
  constexpr Text kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  char letters[10];
  if (wasi_random_get(letters, sizeof letters) != Errno::success)
    fail(kFailed, {"the system has no random numbers"});
  for (char& letter : letters)
    letter = kLetters[static_cast<unsigned char>(letter) % kLetters.size()];
  const Text name = path.text().substr(path.text().rfind('/') + 1);
  return path.with(beside(path.text(), join({".", prefix_at_character(name, kNameBytesMax), ".",
                                             Text(letters, sizeof letters), ".tmp"})));
}

Errno write_all(std::uint32_t fd, Text text) {
  while (!text.empty()) {
    const Piece piece{text.data(), std::min(text.size(), kStepBytes)};
    std::size_t put = 0;
    const Errno error = wasi_fd_write(fd, &piece, 1, &put);
    if (error != Errno::success) return error;
    if (put == 0) return Errno::io;
    text.remove_prefix(put);
  }
  return Errno::success;
}

}  // namespace

Target resolve_target(Path path, Text doing) {
  if (path.text().ends_with('/'))
    fail(kFailed, {"cannot ", doing, " ", path.shown(), ": a path that ends in / names a folder"});
  for (int links = 0; links <= kLinksMax; ++links) {
    Stat stat{};
    const Errno error = path.stat(Follow::no, stat);
    if (error == Errno::noent) return {path, false, {}};
    if (error != Errno::success) path.fail(doing, error);
    if (stat.type == FileType::regular) return {path, true, stat};
    if (stat.type == FileType::directory) path.fail(doing, Errno::isdir);
    if (stat.type != FileType::link) path.fail(doing, Errno::nxio);
    path = link_target(path, doing).with_shown(path.shown());
  }
  path.fail(doing, Errno::loop);
}

void replace_file(const Target& target, std::initializer_list<Text> pieces) {
  const Path& path = target.path;
  const Path temporary = temporary_beside(path);
  std::uint32_t fd = 0;
  Errno error = create(temporary, fd);
  if (error == Errno::noent) {
    error = make_folders(path);
    if (error == Errno::success) error = create(temporary, fd);
  }
  if (error != Errno::success) path.fail("write", error);
  for (const Text piece : pieces)
    if (error == Errno::success) error = write_all(fd, piece);
  const Errno closed = wasi_fd_close(fd);
  if (error == Errno::success) error = closed;
  if (error == Errno::success)
    error = wasi_path_rename(path.directory(), temporary.text().data(), temporary.text().size(),
                             path.directory(), path.text().data(), path.text().size());
  if (error == Errno::success) return;
  wasi_path_unlink_file(temporary.directory(), temporary.text().data(), temporary.text().size());
  // The path was looked up before: what is not permitted now is so for another reason than its
  // place.
  path.fail("write", leads_out(error) ? Errno::acces : error);
}

}  // namespace boxagnts::guest
