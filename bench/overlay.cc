#include "bench/overlay.h"

#include <filesystem>
#include <fstream>

#include "bench/programs.h"
#include "bench/timing.h"
#include "vfs/name_space.h"
#include "vfs/overlay.h"

namespace boxagnts::bench {
namespace {

namespace fs = std::filesystem;

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message + " " + result.error().context);
  return std::move(*result);
}

std::shared_ptr<vfs::Filesystem> below(const std::string& folder) {
  return must(vfs::open_host_filesystem(folder, core::Access::read_only, {}));
}

// What a guest does with a small file, through the name space.
void read_through(const vfs::NameSpace& name_space, const vfs::Place& start,
                  std::string_view path) {
  const auto opened = name_space.open(start, path, vfs::Follow::yes, {.read = true});
  std::byte buffer[8192];
  if (!opened || opened->file->stat()->size != opened->file->read_at(buffer, 0))
    die("a file of the overlay cannot be read");
}

void fill(const std::string& folder, int files) {
  for (int i = 0; i < files; ++i) {
    const std::string inner = folder + "/d" + std::to_string(i % 100);
    if (i < 100) fs::create_directories(inner);
    std::ofstream(inner + "/f" + std::to_string(i)) << std::string(200, 'x');
  }
}

}  // namespace

void bench_overlay(const std::string& workspace) {
  const std::string folder = workspace + "/overlay";
  fill(folder + "/few", 10);
  fill(folder + "/many", 100'000);
  std::ofstream(folder + "/few/d1/in.txt") << std::string(4600, 'x');
  int opened = 0;
  const auto open = [&](const std::string& lower) {
    const std::string state = folder + "/state" + std::to_string(++opened);
    fs::create_directory(state);
    return must(vfs::Overlay::open(below(lower), {}, state));
  };

  const auto name_space = [](std::shared_ptr<vfs::Filesystem> filesystem) {
    return must(vfs::NameSpace::make({{"/ws", std::move(filesystem)}}));
  };
  const auto plain = name_space(below(folder + "/few"));
  const auto untouched = open(folder + "/few"), written = open(folder + "/few");
  const auto over = name_space(untouched->filesystem()),
             changed = name_space(written->filesystem());
  const auto root = written->filesystem()->root();
  if (!root->open_plain("d1/f1", {.read = true, .write = true})
           ->file->append(std::as_bytes(std::span("x", 1))))
    die("a file of the overlay cannot be written");
  const auto row = [](const char* name, const auto& space) {
    return Row{name,
               [&space, start = *space->at("/ws")] { read_through(*space, start, "d1/in.txt"); }};
  };
  std::vector<Row> reads{row("open, stat and read 4.6 KB on a plain mount", plain),
                         row("the same on an overlay", over),
                         row("the same beside a file that was written", changed)};
  measure(reads, 50, 400);
  print_header("An overlay beside a plain mount");
  for (const auto& one : reads) print(one);
  target("overlay against plain (p50)", reads[1].percentile(0.5) / reads[0].percentile(0.5), 1.3);
  target("beside a written file against plain (p50)",
         reads[2].percentile(0.5) / reads[0].percentile(0.5), 1.3);

  std::vector<Row> opens{
      {"opening an overlay over 10 files", [&] { open(folder + "/few"); }},
      {"opening an overlay over 100,000 files", [&] { open(folder + "/many"); }}};
  measure(opens, 10, 20);
  for (const auto& one : opens) print(one);
  target("100,000 files against 10 (p50)", opens[1].percentile(0.5) / opens[0].percentile(0.5),
         1.5);
}

}  // namespace boxagnts::bench
