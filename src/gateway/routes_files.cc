#include <unistd.h>

#include <array>
#include <charconv>

#include "base/guard.h"
#include "base/text.h"
#include "gateway/media_type.h"
#include "gateway/parts.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

using workspace::Expected;

std::string_view kind_name(vfs::Kind kind) {
  switch (kind) {
    case vfs::Kind::file: return "file";
    case vfs::Kind::directory: return "folder";
    case vfs::Kind::link: return "link";
    case vfs::Kind::device:
    case vfs::Kind::other: break;
  }
  return "other";
}

Json json_of(const workspace::FileEntry& entry) {
  JsonObject shown{{"name", entry.name},
                   {"kind", kind_name(entry.kind)},
                   {"size", entry.size},
                   {"modified", base::iso8601(entry.modified)}};
  if (!entry.version.empty()) shown["version"] = entry.version;
  if (entry.is_link) shown["link"] = true;
  if (!entry.usable) shown["usable"] = false;
  return shown;
}

Json json_of(const workspace::BinEntry& entry) {
  return JsonObject{{"id", entry.id.text},
                    {"path", entry.path},
                    {"kind", kind_name(entry.kind)},
                    {"deleted", base::iso8601(entry.deleted)}};
}

workspace::Files& files_of(Call& call) { return call.parts.services.files; }

std::string path_of(const Call& call) {
  return std::string(base::get_string(call.query, "path").value_or(""));
}

Result<Reply> list_files(Call& call) {
  JsonArray entries;
  for (const auto& entry : TRY(files_of(call).list(path_of(call))))
    entries.push_back(json_of(entry));
  return JsonReply{200, JsonObject{{"path", path_of(call)}, {"entries", std::move(entries)}}};
}

Result<Reply> show_file(Call& call) {
  return JsonReply{200, json_of(TRY(files_of(call).look(path_of(call))))};
}

// --- reading
// ------------------------------------------------------------------------------------

std::string entity_tag(const std::string& version) { return "\"" + version + "\""; }

struct Range {
  std::uint64_t offset = 0, bytes = 0;
};

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// One range of bytes (RFC 9110, 14.1.2). Several, or what is none, is answered with the whole;
// an empty range is one that the file does not have.
std::optional<Range> range_of(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos || header.contains(',')) return std::nullopt;
  const auto first = number_of(header.substr(0, dash)), last = number_of(header.substr(dash + 1));
  if (dash == 0) {  // the last so many
    if (!last) return std::nullopt;
    return Range{size - std::min(*last, size), std::min(*last, size)};
  }
  if (!first || (!last && dash + 1 < header.size()) || (last && *last < *first))
    return std::nullopt;
  if (*first >= size) return Range{};
  return Range{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

// RFC 6266 and 8187: a plain name for who knows nothing else, and the real one.
std::string attachment_named(const std::string& name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string plain, encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_simple = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || c == '.' || c == '-' || c == '_';
    plain += is_simple ? c : '_';
    if (is_simple)
      encoded += c;
    else
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

std::string first_bytes_of(const base::UniqueFd& file) {
  constexpr std::size_t kLooked = 8 << 10;
  std::string bytes(kLooked, '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

Result<Reply> read_file(Call& call) {
  auto opened = TRY(files_of(call).open_file(path_of(call)));
  const std::string tag = entity_tag(opened.entry.version);
  const std::uint64_t size = opened.entry.size;
  const std::string_view type = media_type_of(first_bytes_of(opened.fd));
  net::ServerResponse head;
  head.headers = {{"Content-Type", std::string(type)},
                  {"ETag", tag},
                  {"Accept-Ranges", "bytes"},
                  {"Cache-Control", "private, no-cache"}};
  if (GUARD("gateway.file_attachment", type == "application/octet-stream") ||
      base::get_bool(call.query, "download").value_or(false))
    head.headers.emplace_back("Content-Disposition", attachment_named(opened.entry.name));
  add_security_headers(head);
  if (names_tag(call.request.header("if-none-match"), tag)) {
    head.status = 304;
    return head;
  }
  Range range{0, size};
  const auto if_range = call.request.header("if-range");
  if (if_range.empty() || if_range == tag)
    if (const auto wanted = range_of(call.request.header("range"), size)) {
      if (wanted->bytes == 0) {
        auto refused = error_reply({Code::invalid_argument, "the file has " + std::to_string(size) +
                                                                " bytes; no such range"},
                                   416);
        refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
        return refused;
      }
      range = *wanted;
      head.status = 206;
      head.headers.emplace_back("Content-Range",
                                "bytes " + std::to_string(range.offset) + "-" +
                                    std::to_string(range.offset + range.bytes - 1) + "/" +
                                    std::to_string(size));
    }
  call.exchange.respond_file(std::move(head), std::move(opened.fd), range.offset, range.bytes);
  return Answered{};
}

// --- changing
// -----------------------------------------------------------------------------------

Result<Expected> expected_of(const net::ServerRequest& request) {
  const auto match = request.header("if-match"), none_match = request.header("if-none-match");
  if (match.empty() && none_match.empty()) return Expected{};
  if (match.empty() && none_match == "*") return Expected{Expected::What::nothing, ""};
  if (none_match.empty() && match != "*") {  // with its quotes, or as it stands in a listing
    const bool is_quoted = match.size() > 2 && match.starts_with('"') && match.ends_with('"');
    return Expected{Expected::What::version,
                    std::string(is_quoted ? match.substr(1, match.size() - 2) : match)};
  }
  if (!match.empty() && none_match == "*")
    return fail(Code::conflict, "If-Match and If-None-Match: * cannot both hold; send one");
  return fail(Code::invalid_argument, "If-Match takes one version, If-None-Match takes *");
}

Result<Reply> write_file(Call& call) {
  auto expected = TRY(expected_of(call.request));
  const auto upload = TRY(files_of(call).begin_write(path_of(call), std::move(expected)));
  while (true) {
    const std::string piece = TRY(call.exchange.read_body());
    if (piece.empty()) break;
    TRY(upload->write(piece));
  }
  return JsonReply{200, json_of(TRY(upload->finish()))};
}

std::string text_in(const Call& call, std::string_view name) {
  return std::string(base::get_string(call.body, name).value_or(""));
}

Result<Reply> make_folder(Call& call) {
  return JsonReply{200, json_of(TRY(files_of(call).make_folder(text_in(call, "path"))))};
}

Result<Reply> move_file(Call& call) {
  Expected expected{Expected::What::nothing, ""};
  if (const auto version = base::get_string(call.body, "replaces"))
    expected = {Expected::What::version, std::string(*version)};
  return JsonReply{200, json_of(TRY(files_of(call).move(text_in(call, "from"), text_in(call, "to"),
                                                        std::move(expected))))};
}

Result<Reply> copy_file(Call& call) {
  return JsonReply{201, json_of(TRY(files_of(call).copy(text_in(call, "from"), text_in(call, "to"),
                                                        call.exchange.gone())))};
}

Result<Reply> delete_file(Call& call) {
  return JsonReply{200, json_of(TRY(files_of(call).remove(path_of(call))))};
}

Result<Reply> list_bin(Call& call) {
  JsonArray entries;
  for (const auto& entry : TRY(files_of(call).bin())) entries.push_back(json_of(entry));
  return JsonReply{200, JsonObject{{"entries", std::move(entries)}}};
}

Result<workspace::BinId> bin_id_of(const Call& call) {
  return workspace::BinId::parse(call.at("entry"));
}

Result<Reply> restore_file(Call& call) {
  const auto id = TRY(bin_id_of(call));
  return JsonReply{200, json_of(TRY(files_of(call).restore(id)))};
}

Result<Reply> purge_file(Call& call) {
  const auto id = TRY(bin_id_of(call));
  TRY(files_of(call).purge(id));
  return JsonReply{200, JsonObject{}};
}

// --- the table
// ----------------------------------------------------------------------------------

constexpr std::string_view kPathSchema = R"({"$ref":"#/components/schemas/FilePath"})";
constexpr Parameter kPath{"path", In::query, Need::required, kPathSchema, "Of a file or folder."};
constexpr Parameter kFolder{"path", In::query, Need::optional,
                            R"({"$ref":"#/components/schemas/FolderPath"})",
                            "Of a folder. Absent: the workspace."};
constexpr Parameter kBinEntry{"entry", In::path, Need::required, kIdSchema, "Its id in the bin."};
constexpr std::string_view kTagsSchema = R"({"type":"string","maxLength":1000})";

std::vector<Route> reading_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/files",
       .id = "listFiles",
       .tag = "files",
       .summary = "What a folder of the workspace holds, folders first",
       .parameters = {kFolder},
       .success = {.schema = "Folder", .description = "Its entries."},
       .handler = list_files},
      {.method = "GET",
       .path = "/api/v1/files/entry",
       .id = "showFile",
       .tag = "files",
       .summary = "One file or folder, without its content",
       .parameters = {kPath},
       .success = {.schema = "File", .description = "The entry."},
       .handler = show_file},
      {.method = "GET",
       .path = "/api/v1/files/content",
       .id = "readFile",
       .tag = "files",
       .summary = "A file's bytes, whole or a range of them",
       .door = Door::ticket,
       .parameters = {kPath,
                      {"download", In::query, Need::optional, R"({"type":"boolean"})",
                       "Whether a browser shall keep it in place of showing it."},
                      {"Range", In::header, Need::optional, kTagsSchema, "One range of bytes."},
                      {"If-None-Match", In::header, Need::optional, kTagsSchema,
                       "Versions that are known: 304."}},
       .success = {.media_type = "application/octet-stream",
                   .description = "The bytes. Images and text have their own type; ETag is the "
                                  "version. 206 answers a range."},
       .handler = read_file},
      {.method = "GET",
       .path = "/api/v1/files/bin",
       .id = "listBin",
       .tag = "files",
       .summary = "What was deleted and can come back, newest first",
       .success = {.schema = "Bin", .description = "The bin."},
       .handler = list_bin},
  };
}

std::vector<Route> changing_routes() {
  return {
      {.method = "PUT",
       .path = "/api/v1/files/content",
       .id = "writeFile",
       .tag = "files",
       .summary = "Writes a file whole: it is seen with all of its new bytes or not at all",
       .parameters = {kPath,
                      {"If-Match", In::header, Need::optional, kTagsSchema,
                       "The version that it replaces; else 409."},
                      {"If-None-Match", In::header, Need::optional, R"({"enum":["*"]})",
                       "*: nothing may stand there yet."}},
       .body = {Body::Kind::bytes},
       .success = {.schema = "File", .description = "The file as it is now."},
       .handler = write_file},
      {.method = "POST",
       .path = "/api/v1/files/folders",
       .id = "makeFolder",
       .tag = "files",
       .summary = "Makes a folder in one that is there",
       .body = {Body::Kind::json, "FolderWanted", 16 << 10},
       .success = {.schema = "File", .description = "The folder."},
       .handler = make_folder},
      {.method = "POST",
       .path = "/api/v1/files/move",
       .id = "moveFile",
       .tag = "files",
       .summary = "Renames or moves a file or folder, over nothing unless that is named",
       .body = {Body::Kind::json, "Move", 32 << 10},
       .success = {.schema = "File", .description = "Where it is now."},
       .handler = move_file},
      {.method = "POST",
       .path = "/api/v1/files/copy",
       .id = "copyFile",
       .tag = "files",
       .summary = "Copies a file, or a folder with all that is in it, over nothing",
       .body = {Body::Kind::json, "Copy", 32 << 10},
       .success = {.status = 201, .schema = "File", .description = "The copy."},
       .handler = copy_file},
      {.method = "DELETE",
       .path = "/api/v1/files",
       .id = "deleteFile",
       .tag = "files",
       .summary = "Moves a file or folder to the bin",
       .parameters = {kPath},
       .success = {.schema = "BinEntry", .description = "Its place in the bin."},
       .handler = delete_file},
      {.method = "POST",
       .path = "/api/v1/files/bin/{entry}/restore",
       .id = "restoreFile",
       .tag = "files",
       .summary = "Brings it back to where it was, if nothing stands there now",
       .parameters = {kBinEntry},
       .body = {Body::Kind::json, "Empty", 1 << 10},
       .success = {.schema = "BinEntry", .description = "What came back."},
       .handler = restore_file},
      {.method = "DELETE",
       .path = "/api/v1/files/bin/{entry}",
       .id = "purgeFile",
       .tag = "files",
       .summary = "Deletes it for good",
       .parameters = {kBinEntry},
       .success = {.schema = "Empty", .description = "It is gone."},
       .handler = purge_file},
  };
}

}  // namespace

std::vector<Route> file_routes() {
  auto routes = reading_routes();
  for (auto& route : changing_routes()) routes.push_back(std::move(route));
  return routes;
}

}  // namespace boxagnts::gateway
