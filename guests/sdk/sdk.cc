#include "guests/sdk/sdk.h"

#include <algorithm>
#include <iterator>

#include "guests/sdk/text.h"

extern "C" {
extern char __heap_base;  // wasm-ld: where data ends

// Debian's wasm builtins are compiled with the stack protector; memory here is already fenced.
std::uintptr_t __stack_chk_guard = 0xaff;
[[noreturn]] void __stack_chk_fail() { __builtin_trap(); }
}

// What the standard library calls where it would throw (a substr() past the end): a defect of ours.
// Its own version prints, which brings half of stdio along.
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD

namespace boxagnts::guest {
namespace {

constexpr std::size_t kPageBytes = 64 << 10;
constexpr std::size_t kAlign = 16;
constexpr std::size_t kStepBytes = 1 << 20;  // the kernel moves no more in one call

constinit char* heap_top = nullptr;

char* first_free() {
  const auto base = reinterpret_cast<std::uintptr_t>(&__heap_base);
  return reinterpret_cast<char*>((base + kAlign - 1) / kAlign * kAlign);
}

// Makes the memory up to `top` (and what a vector may run over) exist.
void grow_to(const char* top) {
  const std::size_t wanted = reinterpret_cast<std::uintptr_t>(top) + kAlign;
  const std::size_t have = __builtin_wasm_memory_size(0) * kPageBytes;
  if (wanted <= have) return;
  const std::size_t pages = (wanted - have + kPageBytes - 1) / kPageBytes;
  if (__builtin_wasm_memory_grow(0, pages) != static_cast<std::size_t>(-1)) return;
  constexpr char kSentence[] = "there is not enough memory for this call; ask for less at once";
  const Piece piece{kSentence, sizeof kSentence - 1};
  std::size_t put;
  wasi_fd_write(fd::kOutput, &piece, 1, &put);
  wasi_proc_exit(kFailed);
}

std::size_t rounded(std::size_t bytes) {
  constexpr std::size_t kMost = static_cast<std::size_t>(3) << 30;
  if (bytes > kMost) fail(kFailed, {"this call would need more memory than a tool can have"});
  return (bytes + kAlign - 1) / kAlign * kAlign + kAlign;
}

}  // namespace

char* allocate(std::size_t bytes) {
  if (!heap_top) heap_top = first_free();
  char* block = heap_top;
  heap_top += rounded(bytes);
  grow_to(heap_top);
  return block;
}

char* extend(char* block, std::size_t old_bytes, std::size_t bytes) {
  if (block && block + rounded(old_bytes) == heap_top) {
    heap_top = block + rounded(bytes);
    grow_to(heap_top);
    return block;
  }
  char* moved = allocate(bytes);
  if (old_bytes > 0) __builtin_memcpy(moved, block, old_bytes);
  return moved;
}

Text join(std::initializer_list<Text> parts) {
  std::size_t size = 0;
  for (const Text part : parts) size += part.size();
  char* text = allocate(size);
  char* at = text;
  for (const Text part : parts) at = copy(at, part);
  return {text, size};
}

constinit Output out;

char* Output::reserve(std::size_t bytes) {
  const std::size_t wanted = size_ + bytes;
  if (wanted > capacity_ || !data_) {
    const std::size_t capacity = std::max({wanted, capacity_ + capacity_ / 2, std::size_t{4096}});
    data_ = extend(data_, capacity_, capacity);
    capacity_ = capacity;
  }
  return data_ + size_;
}

Output& Output::put(Text text) {
  copy(reserve(text.size()), text);
  size_ += text.size();
  return *this;
}

Output& Output::put_number(std::uint64_t value) {
  char digits[20];
  char* at = digits + sizeof digits;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  return put(Text(at, static_cast<std::size_t>(digits + sizeof digits - at)));
}

Output& Output::put_size(std::uint64_t bytes) {
  if (bytes < 1000) return put_count(bytes, "byte");
  constexpr Text kUnits[] = {" KB", " MB", " GB", " TB"};
  std::uint64_t tenths = (bytes + 50) / 100;
  std::size_t unit = 0;
  while (tenths >= 10'000 && unit + 1 < std::size(kUnits)) {
    tenths = (tenths + 500) / 1000;
    ++unit;
  }
  return put_number(tenths / 10).put('.').put_number(tenths % 10).put(kUnits[unit]);
}

Output& Output::put_count(std::uint64_t count, Text what) {
  put_number(count).put(' ').put(what);
  return count == 1 ? *this : put('s');
}

Output& Output::put_cut(Text text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return put(text);
  return put(prefix_at_character(text, bytes_max)).put(" …");
}

void Output::flush() { write_output(text()); }

void write_output(Text bytes) {
  while (!bytes.empty()) {
    const Piece piece{bytes.data(), std::min(bytes.size(), kStepBytes)};
    std::size_t put = 0;
    if (wasi_fd_write(fd::kOutput, &piece, 1, &put) != Errno::success || put == 0) return;
    bytes.remove_prefix(put);
  }
}

void finish(int exit_code) {
  out.flush();
  wasi_proc_exit(static_cast<std::uint32_t>(exit_code));
}

void fail(int exit_code, std::initializer_list<Text> sentence) {
  out.clear();
  for (const Text part : sentence) out.put(part);
  finish(exit_code);
}

Text environment(Text name) {
  std::size_t count = 0, bytes = 0;
  if (wasi_environ_sizes_get(&count, &bytes) != Errno::success || count == 0) return {};
  auto** table = reinterpret_cast<char**>(allocate(count * sizeof(char*)));
  if (wasi_environ_get(table, allocate(bytes)) != Errno::success) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const Text entry = table[i];
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  }
  return {};
}

}  // namespace boxagnts::guest

// Returning is how a program says "success" at the least cost: proc_exit leaves by a trap.
extern "C" __attribute__((export_name("_start"))) void _start() {
  const int exit_code = boxagnts::guest::run();
  if (exit_code != boxagnts::guest::kSuccess) boxagnts::guest::finish(exit_code);
  boxagnts::guest::out.flush();
}
