#include "vfs/change_manifest.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <span>

#include "base/guard.h"
#include "base/text.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::vfs {
namespace {

constexpr std::int64_t kFormat = 1;

constexpr std::array<std::string_view, 3> kKinds{"file", "directory",
                                                 "link"};  // of Kind, the first
constexpr std::array<std::string_view, 3> kStates{"proposed", "partly", "applied"};
constexpr std::array<std::string_view, 4> kOutcomes{"applied", "merged", "already", "conflict"};
constexpr std::array<std::string_view, 6> kOps{"remove", "remove_folder", "make_folder",
                                               "create", "exchange",      "attributes"};

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  return names[static_cast<std::size_t>(value)];
}

std::string encode(const std::string& bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const bool text = base::is_utf8(bytes);
  std::string out;
  for (const unsigned char c : bytes) {
    if (c == '%' || (c >= 0x80 && !text)) {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto parsed = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + i + 3) return std::nullopt;
    bytes += static_cast<char>(value);
    i += 2;
  }
  return bytes;
}

Json json_of(const Side& side) {
  if (!side) return nullptr;
  JsonObject object{{"kind", name_of(kKinds, side->kind)},
                    {"mode", side->mode},
                    {"modified_ns", side->modified_ns},
                    {"size", side->size},
                    {"inode", side->inode},
                    {"changed_ns", side->changed_ns}};
  if (!side->link_target.empty()) object["link_target"] = encode(side->link_target);
  if (!side->content_hash.empty()) object["content_hash"] = encode(side->content_hash);
  if (!side->content.empty()) object["content"] = encode(side->content);
  return object;
}

void add_placed(JsonObject& object, const std::optional<Placed>& placed) {
  if (placed)
    object["placed"] = {{"put", json_of(placed->put)},
                        {"original", json_of(placed->original)},
                        {"pristine", placed->pristine}};
}

Json json_of(const Step& step) {
  return {{"op", name_of(kOps, step.op)},
          {"expected", json_of(step.expected)},
          {"put", json_of(step.put)},
          {"staged", encode(step.staged)},
          {"inode", step.inode}};
}

// Reads values and remembers whether all were what they should be: one check at the end.
class Reader {
 public:
  bool sound() const { return sound_; }
  void require(bool condition) { sound_ &= condition; }

  std::string text(const Json& object, std::string_view key) {
    const auto value = base::get_string(object, key);
    return value ? bytes(*value) : wrong<std::string>();
  }
  std::string bytes(std::string_view text) {
    auto decoded = decode(text);
    return decoded ? std::move(*decoded) : wrong<std::string>();
  }
  std::string text_or_empty(const Json& object, std::string_view key) {
    return base::find(object, key) ? text(object, key) : std::string();
  }
  std::int64_t number(const Json& object, std::string_view key) {
    const auto value = base::get_int(object, key);
    return value ? *value : wrong<std::int64_t>();
  }
  std::uint64_t count(const Json& object, std::string_view key) {
    const auto* value = base::find(object, key);
    if (value && value->is_uint64()) return value->get_uint64();
    const auto small = number(object, key);
    return small >= 0 ? static_cast<std::uint64_t>(small) : wrong<std::uint64_t>();
  }
  bool flag(const Json& object, std::string_view key) {
    const auto value = base::get_bool(object, key);
    return value ? *value : wrong<bool>();
  }
  template <class Enum, std::size_t N>
  Enum name(const Json& object, std::string_view key,
            const std::array<std::string_view, N>& names) {
    const auto found = std::ranges::find(names, base::get_string(object, key).value_or(""));
    return found != names.end() ? static_cast<Enum>(found - names.begin()) : wrong<Enum>();
  }
  const JsonArray& array(const Json& object, std::string_view key) {
    static const JsonArray kNone;
    const auto* value = base::get_array(object, key);
    sound_ &= value != nullptr;
    return value ? *value : kNone;
  }
  const Json& member(const Json& object, std::string_view key) {
    static const Json kNull;
    const auto* value = base::find(object, key);
    sound_ &= value != nullptr;
    return value ? *value : kNull;
  }
  const JsonObject& object(const Json& parent, std::string_view key) {
    static const JsonObject kNone;
    const auto* value = member(parent, key).if_object();
    sound_ &= value != nullptr;
    return value ? *value : kNone;
  }

  Side side(const Json& parent, std::string_view key) {
    const Json& object = member(parent, key);
    if (object.is_null()) return std::nullopt;
    Version version;
    version.kind = name<Kind>(object, "kind", kKinds);
    version.mode = static_cast<std::uint32_t>(count(object, "mode") & 07777);
    version.modified_ns = number(object, "modified_ns");
    version.size = count(object, "size");
    version.inode = count(object, "inode");
    version.changed_ns = number(object, "changed_ns");
    version.link_target = text_or_empty(object, "link_target");
    version.content_hash = text_or_empty(object, "content_hash");
    version.content = text_or_empty(object, "content");
    require(version.content.empty() || check_content_name(version.content).has_value());
    require(!version.link_target.contains('\0'));
    return version;
  }
  std::optional<Placed> placed(const Json& parent) {
    const auto* object = base::find(parent, "placed");
    if (!object) return std::nullopt;
    return Placed{side(*object, "put"), side(*object, "original"), flag(*object, "pristine")};
  }
  std::string path(std::string text) {
    require(check_change_path(text).has_value());
    return text;
  }

 private:
  template <class T>
  T wrong() {
    sound_ = false;
    return T{};
  }
  bool sound_ = true;
};

Entry read_entry(Reader& reader, const Json& json) {
  Entry entry;
  entry.change.path = reader.path(reader.text(json, "path"));
  entry.change.before = reader.side(json, "before");
  entry.change.after = reader.side(json, "after");
  entry.state = reader.name<ChangeState>(json, "state", kStates);
  if (entry.state == ChangeState::partly) entry.part = reader.side(json, "part");
  entry.placed = reader.placed(json);
  return entry;
}

Move read_move(Reader& reader, const Json& json, const Manifest& manifest) {
  Move move;
  move.entry = reader.count(json, "entry");
  reader.require(move.entry < manifest.entries.size());
  move.outcome = reader.name<Outcome>(json, "outcome", kOutcomes);
  move.reason = reader.text(json, "reason");
  move.state = reader.name<ChangeState>(json, "state", kStates);
  move.part = reader.side(json, "part");
  move.placed = reader.placed(json);
  for (const Json& one : reader.array(json, "steps")) {
    Step step;
    step.op = reader.name<Step::Op>(one, "op", kOps);
    step.expected = reader.side(one, "expected");
    step.put = reader.side(one, "put");
    step.staged = reader.text(one, "staged");
    step.inode = reader.count(one, "inode");
    using enum Step::Op;
    if (step.op == remove || step.op == create || step.op == exchange)
      reader.require(check_content_name(step.staged).has_value());
    reader.require(step.op == create || step.op == make_folder || step.op == attributes ||
                   step.expected.has_value());
    reader.require(step.op == remove || step.op == remove_folder || step.put.has_value());
    move.steps.push_back(std::move(step));
  }
  return move;
}

std::vector<std::string_view> components(std::string_view path) { return base::split(path, '/'); }

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::corrupt, "the " + std::string(what) +
                                 " of a change set is damaged: drop the change set, or restore it");
}

}  // namespace

Status check_change_path(const std::string& path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::permission_denied,
                "\"" + base::one_line(path, 200) + "\" cannot be changed: " + std::string(why));
  };
  const auto parts = components(path);
  const bool has_empty = std::ranges::find(parts, "") != parts.end();
  if (GUARD("vfs.change-absolute", has_empty))  // as the absolute one has in front
    return refuse("a change's path is relative to its folder, and normal");
  if (GUARD("vfs.change-nul", path.contains('\0'))) return refuse("there is a NUL in it");
  const auto dots = [](std::string_view part) { return part == "." || part == ".."; };
  if (GUARD("vfs.change-dot-dot", std::ranges::any_of(parts, dots)))
    return refuse("there is . or .. in it");
  if (GUARD("vfs.change-state-folder", Masks().hides(path)))
    return refuse("the program's own state is there");
  return {};
}

Status check_content_name(const std::string& name) {
  const auto parts = components(name);
  if (GUARD("vfs.change-content",
            name.contains('\0') || std::ranges::any_of(parts, [](std::string_view part) {
              return part.empty() || part == "." || part == "..";
            })))
    return fail(
        Code::permission_denied,
        "\"" + base::one_line(name, 200) + "\" is no content of a change set: it leads out of it");
  return {};
}

Status check_changes(std::vector<Change>& changes) {
  std::ranges::sort(changes, {}, &Change::path);
  for (const auto& change : changes) {
    TRY(check_change_path(change.path));
    const auto refuse = [&](std::string_view why) {
      return fail(Code::invalid_argument, "the change of " + base::one_line(change.path, 200) +
                                              " is no change: " + std::string(why));
    };
    if (!change.before && !change.after) return refuse("nothing stood there and nothing shall");
    for (const Side* side : {&change.before, &change.after}) {
      if (!*side) continue;
      const Version& version = **side;
      if (static_cast<std::size_t>(version.kind) >= kKinds.size())
        return refuse("special files cannot be made");
      if (!version.content.empty()) TRY(check_content_name(version.content));
      if (version.kind == Kind::link &&
          (version.link_target.empty() || version.link_target.contains('\0')))
        return refuse("its link leads nowhere");
    }
    const bool same_bytes = change.before && change.after && change.before->kind == Kind::file &&
                            !change.before->content_hash.empty() &&
                            change.before->content_hash == change.after->content_hash;
    if (change.after && change.after->kind == Kind::file && change.after->content.empty() &&
        !same_bytes)
      return refuse("its new content was not kept");
  }
  const auto twice = std::ranges::adjacent_find(changes, {}, &Change::path);
  if (twice != changes.end())
    return fail(Code::invalid_argument,
                "the path " + base::one_line(twice->path, 200) + " is changed twice");
  return {};
}

std::string to_text(const Manifest& manifest) {
  JsonArray entries;
  for (const auto& entry : manifest.entries) {
    JsonObject object{{"path", encode(entry.change.path)},
                      {"before", json_of(entry.change.before)},
                      {"after", json_of(entry.change.after)},
                      {"state", name_of(kStates, entry.state)}};
    if (entry.state == ChangeState::partly) object["part"] = json_of(entry.part);
    add_placed(object, entry.placed);
    entries.push_back(std::move(object));
  }
  JsonObject folders;
  for (const auto& [path, times] : manifest.folders)
    folders[encode(path)] = {{"before_ns", times.before_ns}, {"after_ns", times.after_ns}};
  return base::to_text(JsonObject{{"format", kFormat},
                                  {"acts", manifest.acts},
                                  {"next_name", manifest.next_name},
                                  {"folders", std::move(folders)},
                                  {"changes", std::move(entries)}});
}

std::string to_text(const Journal& journal) {
  JsonArray moves;
  for (const auto& move : journal.moves) {
    JsonArray steps;
    for (const auto& step : move.steps) steps.push_back(json_of(step));
    JsonObject object{
        {"entry", move.entry},           {"outcome", name_of(kOutcomes, move.outcome)},
        {"reason", encode(move.reason)}, {"state", name_of(kStates, move.state)},
        {"part", json_of(move.part)},    {"steps", std::move(steps)}};
    add_placed(object, move.placed);
    moves.push_back(std::move(object));
  }
  JsonObject folders;
  for (const auto& [path, modified_ns] : journal.folders) folders[encode(path)] = modified_ns;
  return base::to_text(JsonObject{{"format", kFormat},
                                  {"act", journal.act},
                                  {"next_name", journal.next_name},
                                  {"folders", std::move(folders)},
                                  {"moves", std::move(moves)}});
}

Result<Manifest> parse_manifest(std::string_view text) {
  const auto json = base::parse_json(text);
  if (!json) return damaged("manifest");
  Reader reader;
  Manifest manifest;
  reader.require(reader.number(*json, "format") == kFormat);
  manifest.acts = reader.count(*json, "acts");
  manifest.next_name = reader.count(*json, "next_name");
  for (const auto& [key, value] : reader.object(*json, "folders")) {
    const std::string path = reader.bytes(key);
    reader.require(path.empty() || check_change_path(path).has_value());
    manifest.folders[path] = {reader.number(value, "before_ns"), reader.number(value, "after_ns")};
  }
  for (const Json& entry : reader.array(*json, "changes")) {
    manifest.entries.push_back(read_entry(reader, entry));
    const auto& entries = manifest.entries;
    reader.require(entries.size() < 2 ||
                   entries[entries.size() - 2].change.path < entries.back().change.path);
  }
  if (!reader.sound()) return damaged("manifest");
  return manifest;
}

Result<Journal> parse_journal(std::string_view text, const Manifest& manifest) {
  const auto json = base::parse_json(text);
  if (!json) return damaged("journal");
  Reader reader;
  Journal journal;
  reader.require(reader.number(*json, "format") == kFormat);
  journal.act = reader.count(*json, "act");
  journal.next_name = reader.count(*json, "next_name");
  for (const auto& [key, value] : reader.object(*json, "folders")) {
    const std::string path = reader.bytes(key);
    reader.require(path.empty() || check_change_path(path).has_value());
    reader.require(value.is_int64());
    journal.folders[path] = value.is_int64() ? value.get_int64() : 0;
  }
  for (const Json& move : reader.array(*json, "moves"))
    journal.moves.push_back(read_move(reader, move, manifest));
  if (!reader.sound()) return damaged("journal");
  return journal;
}

}  // namespace boxagnts::vfs
