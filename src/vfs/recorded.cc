#include "vfs/recorded.h"

#include <algorithm>
#include <cerrno>
#include <climits>

namespace boxagnts::vfs {
namespace {

// How each kind of answer lies on the tape.
template <class T>
struct Answer {
  static_assert(std::is_trivially_copyable_v<T>);
  static void note(Tape& tape, const T& value) { tape.note(value); }
  static T recall(Tape& tape) { return tape.recall<T>(); }
};

template <>
struct Answer<void> {};

template <>
struct Answer<std::string> {
  static void note(Tape& tape, const std::string& value) { tape.note_text(value); }
  static std::string recall(Tape& tape) { return tape.recall_text(); }
};

template <>
struct Answer<std::vector<DirectoryEntry>> {
  static void note(Tape& tape, const std::vector<DirectoryEntry>& entries) {
    tape.note(static_cast<std::uint32_t>(entries.size()));
    for (const auto& entry : entries) {
      tape.note_text(entry.name);
      tape.note(entry.inode);
      tape.note(entry.kind);
    }
  }
  static std::vector<DirectoryEntry> recall(Tape& tape) {
    std::vector<DirectoryEntry> entries;
    for (auto left = tape.recall<std::uint32_t>(); left > 0 && !tape.diverged(); --left) {
      DirectoryEntry entry;
      entry.name = tape.recall_text();
      entry.inode = tape.recall<std::uint64_t>();
      entry.kind = tape.recall<Kind>();
      entries.push_back(std::move(entry));
    }
    return entries;
  }
};

// Asks `inner`, or the tape.
template <class T, class Act>
Sys<T> through(Tape& tape, const std::string& question, Act act) {
  if (!tape.ask(question)) return std::unexpected(EIO);
  if (tape.recording()) {
    const Sys<T> answer = act();
    tape.note(answer ? 0 : answer.error());
    if constexpr (!std::is_void_v<T>)
      if (answer) Answer<T>::note(tape, *answer);
    return answer;
  }
  const int error = tape.recall<int>();
  if (tape.diverged()) return std::unexpected(EIO);
  if (error != 0) return std::unexpected(error);
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return Answer<T>::recall(tape);
}

std::string question(std::string_view what, std::string_view name, std::uint64_t a = 0,
                     std::uint64_t b = 0) {
  std::string text(what);
  text.append(1, '\0').append(name);
  for (const std::uint64_t number : {a, b})
    text.append(reinterpret_cast<const char*>(&number), sizeof number);
  return text;
}

class RecordedFile final : public File {
 public:
  RecordedFile(std::shared_ptr<File> inner, Tape& tape, bool stream)
      : inner_(std::move(inner)), tape_(tape), stream_(stream) {}

  Sys<Stat> stat() override {
    return through<Stat>(tape_, question("stat", ""), [&] { return inner_->stat(); });
  }
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) override {
    const auto bytes = through<std::string>(
        tape_, question("read", "", into.size(), offset), [&]() -> Sys<std::string> {
          const auto got = inner_->read_at(into, offset);
          if (!got) return std::unexpected(got.error());
          return std::string(reinterpret_cast<const char*>(into.data()), *got);
        });
    if (!bytes) return std::unexpected(bytes.error());
    const std::size_t size = std::min(into.size(), bytes->size());
    std::memcpy(into.data(), bytes->data(), size);
    return size;
  }
  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t offset) override {
    return through<std::size_t>(tape_, question("write", as_text(from), offset),
                                [&] { return inner_->write_at(from, offset); });
  }
  Sys<std::uint64_t> append(std::span<const std::byte> from) override {
    return through<std::uint64_t>(tape_, question("append", as_text(from)),
                                  [&] { return inner_->append(from); });
  }
  Sys<void> resize(std::uint64_t size) override {
    return through<void>(tape_, question("resize", "", size), [&] { return inner_->resize(size); });
  }
  Sys<void> set_times(const NewTimes& times) override {
    return through<void>(tape_, question("set_times", ""),
                         [&] { return inner_->set_times(times); });
  }
  Sys<void> sync() override {
    return through<void>(tape_, question("sync", ""), [&] { return inner_->sync(); });
  }
  bool is_stream() const override { return stream_; }
  // Whether there is one decides what poll_oneoff does, so it is of the world; in a replay nobody
  // waits for it, and any number does.
  int poll_descriptor() const override {
    constexpr int kNobodys = INT_MAX;
    if (!tape_.ask(question("poll_descriptor", ""))) return -1;
    if (!tape_.recording()) return tape_.recall<std::uint8_t>() != 0 ? kNobodys : -1;
    const int descriptor = inner_->poll_descriptor();
    tape_.note(static_cast<std::uint8_t>(descriptor >= 0 ? 1 : 0));
    return descriptor;
  }

 private:
  static std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  const std::shared_ptr<File> inner_;
  Tape& tape_;
  const bool stream_;
};

class RecordedDirectory final : public Directory {
 public:
  RecordedDirectory(std::shared_ptr<Directory> inner, Tape& tape)
      : inner_(std::move(inner)), tape_(tape) {}

  Sys<Stat> stat() override {
    return through<Stat>(tape_, question("stat", ""), [&] { return inner_->stat(); });
  }
  Sys<std::vector<DirectoryEntry>> list() override {
    return through<std::vector<DirectoryEntry>>(tape_, question("list", ""),
                                                [&] { return inner_->list(); });
  }
  Sys<void> set_times(const NewTimes& times) override {
    return through<void>(tape_, question("set_times", ""),
                         [&] { return inner_->set_times(times); });
  }
  Sys<void> sync() override {
    return through<void>(tape_, question("sync", ""), [&] { return inner_->sync(); });
  }
  Sys<Stat> stat_entry(std::string_view name) override {
    return through<Stat>(tape_, question("stat_entry", name),
                         [&] { return inner_->stat_entry(name); });
  }
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override {
    std::shared_ptr<Directory> opened;
    const auto done = through<void>(tape_, question("open_directory", name), [&]() -> Sys<void> {
      auto found = inner_->open_directory(name);
      if (!found) return std::unexpected(found.error());
      opened = std::move(*found);
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return std::make_shared<RecordedDirectory>(std::move(opened), tape_);
  }
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override {
    std::shared_ptr<File> opened;
    const auto stream =
        through<bool>(tape_, question("open_file", name, bits_of(flags)), [&]() -> Sys<bool> {
          auto found = inner_->open_file(name, flags);
          if (!found) return std::unexpected(found.error());
          opened = std::move(*found);
          return opened->is_stream();
        });
    if (!stream) return std::unexpected(stream.error());
    return std::make_shared<RecordedFile>(std::move(opened), tape_, *stream);
  }
  Sys<std::string> read_link(std::string_view name) override {
    return through<std::string>(tape_, question("read_link", name),
                                [&] { return inner_->read_link(name); });
  }
  Sys<void> make_directory(std::string_view name) override {
    return through<void>(tape_, question("make_directory", name),
                         [&] { return inner_->make_directory(name); });
  }
  Sys<void> make_link(std::string_view name, std::string_view target) override {
    return through<void>(tape_, question("make_link", name),
                         [&] { return inner_->make_link(name, target); });
  }
  Sys<void> remove_file(std::string_view name) override {
    return through<void>(tape_, question("remove_file", name),
                         [&] { return inner_->remove_file(name); });
  }
  Sys<void> remove_directory(std::string_view name) override {
    return through<void>(tape_, question("remove_directory", name),
                         [&] { return inner_->remove_directory(name); });
  }
  Sys<void> set_entry_times(std::string_view name, const NewTimes& times) override {
    return through<void>(tape_, question("set_entry_times", name),
                         [&] { return inner_->set_entry_times(name, times); });
  }
  Sys<void> rename_entry(std::string_view from, Directory& to, std::string_view to_name) override {
    return through<void>(tape_, question("rename", from), [&]() -> Sys<void> {
      Directory* target = inner_of(to);
      if (!target) return std::unexpected(EXDEV);
      return inner_->rename_entry(from, *target, to_name);
    });
  }
  Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) override {
    return through<void>(tape_, question("hard_link", from), [&]() -> Sys<void> {
      Directory* target = inner_of(to);
      if (!target) return std::unexpected(EXDEV);
      return inner_->hard_link(from, *target, to_name);
    });
  }
  // The rest of a plain path is walked step by step: the default.

 private:
  static Directory* inner_of(Directory& other) {
    auto* recorded = dynamic_cast<RecordedDirectory*>(other.underlying());
    return recorded ? recorded->inner_.get() : nullptr;
  }
  static std::uint64_t bits_of(OpenFlags flags) {
    return std::uint64_t{flags.read} | flags.write << 1 | flags.create << 2 | flags.exclusive << 3 |
           flags.truncate << 4 | flags.directory << 5 | flags.append << 6;
  }

  const std::shared_ptr<Directory> inner_;
  Tape& tape_;
};

class RecordedFilesystem final : public Filesystem {
 public:
  RecordedFilesystem(const std::shared_ptr<Filesystem>& inner, Tape& tape)
      : inner_(inner),
        root_(std::make_shared<RecordedDirectory>(inner ? inner->root() : nullptr, tape)) {}
  std::shared_ptr<Directory> root() override { return root_; }
  bool read_only() const override { return inner_ && inner_->read_only(); }

 private:
  const std::shared_ptr<Filesystem> inner_;
  const std::shared_ptr<Directory> root_;
};

}  // namespace

bool Tape::ask(std::string_view question) {
  if (recording_)
    note_text(question);
  else if (recall_text() != question)
    diverged_ = true;
  return !diverged_;
}

void Tape::note_text(std::string_view text) {
  note(static_cast<std::uint64_t>(text.size()));
  bytes_.append(text);
}

std::string Tape::recall_text() {
  const auto size = recall<std::uint64_t>();
  if (!take(size)) return {};
  return bytes_.substr(at_ - size, size);
}

bool Tape::take(std::size_t size) {
  if (diverged_ || size > bytes_.size() - at_) {
    diverged_ = true;
    return false;
  }
  at_ += size;
  return true;
}

std::shared_ptr<Filesystem> make_recorded(std::shared_ptr<Filesystem> inner, Tape& tape) {
  return std::make_shared<RecordedFilesystem>(inner, tape);
}

std::shared_ptr<File> make_recorded(std::shared_ptr<File> inner, Tape& tape) {
  const bool stream = !inner || inner->is_stream();
  return std::make_shared<RecordedFile>(std::move(inner), tape, stream);
}

}  // namespace boxagnts::vfs
