#include "guests/read/file_type.h"

#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

struct Magic {
  Text bytes;
  std::size_t at;
  Text type;
};

using namespace std::string_view_literals;

// The first that fits counts.
constexpr Magic kMagics[] = {
    {"\x89PNG\r\n\x1a\n"sv, 0, "a PNG image"},
    {"\xff\xd8\xff"sv, 0, "a JPEG image"},
    {"GIF87a"sv, 0, "a GIF image"},
    {"GIF89a"sv, 0, "a GIF image"},
    {"WEBP"sv, 8, "a WebP image"},
    {"WAVE"sv, 8, "a WAV recording"},
    {"AVI "sv, 8, "an AVI video"},
    {"ftypavif"sv, 4, "an AVIF image"},
    {"ftypheic"sv, 4, "a HEIC image"},
    {"ftypM4A"sv, 4, "an MPEG-4 recording"},
    {"ftyp"sv, 4, "an MPEG-4 video"},
    {"II*\0"sv, 0, "a TIFF image"},
    {"MM\0*"sv, 0, "a TIFF image"},
    {"\0\0\1\0"sv, 0, "an icon"},
    {"%PDF-"sv, 0, "a PDF document"},
    {"PK\3\4"sv, 0, "a ZIP archive (or an office document, JAR or APK)"},
    {"PK\5\6"sv, 0, "an empty ZIP archive"},
    {"\x1f\x8b"sv, 0, "gzip-compressed data"},
    {"BZh91AY&SY"sv, 0, "bzip2-compressed data"},
    {"\xfd"
     "7zXZ\0"sv,
     0, "xz-compressed data"},
    {"\x28\xb5\x2f\xfd"sv, 0, "zstd-compressed data"},
    {"7z\xbc\xaf\x27\x1c"sv, 0, "a 7-Zip archive"},
    {"Rar!\x1a\7"sv, 0, "a RAR archive"},
    {"ustar"sv, 257, "a tar archive"},
    {"!<arch>\n"sv, 0, "a static library or Debian package (ar archive)"},
    {"\x7f"
     "ELF"sv,
     0, "an ELF program or library"},
    {"\0asm"sv, 0, "a WebAssembly module"},
    {"\xcf\xfa\xed\xfe"sv, 0, "a Mach-O program or library"},
    {"\xca\xfe\xba\xbe"sv, 0, "a Java class or Mach-O program"},
    {"MZ\x90\0"sv, 0, "a Windows program or library"},
    {"SQLite format 3\0"sv, 0, "an SQLite database"},
    {"OggS\0"sv, 0, "an Ogg recording"},
    {"fLaC\0"sv, 0, "a FLAC recording"},
    {"ID3\3\0"sv, 0, "an MP3 recording"},
    {"ID3\4\0"sv, 0, "an MP3 recording"},
    {"\x1a\x45\xdf\xa3"sv, 0, "a Matroska or WebM video"},
    {"wOFF"sv, 0, "a web font"},
    {"wOF2"sv, 0, "a web font"},
    {"\0\1\0\0\0"sv, 0, "a TrueType font"},
    {"OTTO\0"sv, 0, "an OpenType font"},
    {"\xff\xfe\0\0"sv, 0, "UTF-32 text; convert it to UTF-8 to read it"},
    {"\xff\xfe"sv, 0, "UTF-16 text; convert it to UTF-8 to read it"},
    {"\xfe\xff"sv, 0, "UTF-16 text; convert it to UTF-8 to read it"},
};

}  // namespace

Text binary_type(Text head) {
  for (const Magic& magic : kMagics)
    if (head.size() >= magic.at + magic.bytes.size() &&
        head.substr(magic.at, magic.bytes.size()) == magic.bytes)
      return magic.type;
  const char* const end = head.data() + head.size();
  const bool has_nul = find_byte(head.data(), end, '\0') != end;
  if (has_nul && head.starts_with("BM")) return "a BMP image";
  return has_nul ? "a binary file" : Text();
}

}  // namespace boxagnts::guest
