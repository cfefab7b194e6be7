#include "workspace/own_keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::workspace {
namespace {

constexpr const char* kKeys = "/keys.toml";
constexpr const char* kHead =
    "# BoxAgnts writes this file. Each key is sent to its base_url and nowhere else.\n";

// What TOML's parser says of a file may hold a piece of it: its place alone is told.
Error place_of(const Error& error, const std::string& path) {
  const auto sentence = error.message.find(": ", path.size());
  return {error.code,
          error.message.substr(0, sentence == std::string::npos ? path.size() : sentence) +
              ": this is no table of keys as this program writes it; correct it, or delete the "
              "file and enter the keys again"};
}

Result<OwnKeys> keys_of(const base::ConfigNode& root) {
  OwnKeys keys;
  for (const auto& entry : root.to_json().get_object()) {
    const auto* table = TRY(root.table(entry.key()));
    keys[std::string(entry.key())] = {TRY(table->string("key")).value_or(""),
                                      TRY(table->string("base_url")).value_or("")};
  }
  TRY(root.check_all_used());
  return keys;
}

Result<OwnKeys> read_keys(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return OwnKeys();
    return fail_errno(errno, "cannot read " + path);
  }
  if (GUARD("workspace.keys-mode", (status.st_mode & 077) != 0 || status.st_uid != ::geteuid()))
    return fail(Code::permission_denied,
                path + " can be read by others: chmod 600 it (it should be yours alone)");
  const auto root = read_toml(path);
  const auto keys = root ? keys_of(**root) : std::unexpected(root.error());
  if (!keys) return std::unexpected(place_of(keys.error(), path));
  return keys;
}

Result<std::string> write_keys(const std::string& path, const OwnKeys& keys) {
  JsonObject root;
  for (const auto& [provider, own] : keys)
    root[provider] = JsonObject{{"base_url", own.base_url}, {"key", own.key}};
  TRY(base::write_file_atomically(path, kHead + toml_text(root), 0600));
  return path;
}

Status check_key(const std::string& key) {
  const bool printable =
      std::ranges::all_of(key, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (GUARD("workspace.key-form", key.empty() || key.size() > kKeyBytesMax || !printable))
    return fail(Code::invalid_argument, "this is no key: it takes 1 to " +
                                            std::to_string(kKeyBytesMax) +
                                            " printable ASCII characters, without blanks");
  return {};
}

}  // namespace

Result<OwnKeys> read_own_keys(const Environment& environment) {
  const auto folder = configuration_folder(environment);
  if (folder.empty()) return OwnKeys();
  return read_keys(folder + kKeys);
}

Result<std::string> change_provider(const Environment& environment, const ProviderChange& change,
                                    const CheckSettings& check) {
  if (change.key) TRY(check_key(*change.key));
  const auto folder = TRY(lock_own_folder(environment));
  const auto path = folder.path + kKeys;
  auto keys = TRY(read_keys(path));
  const auto stored = keys.find(change.provider);
  const bool leaves = stored != keys.end() && stored->second.base_url != change.url_then;
  std::string wrote;
  if (change.base_url) {
    SettingChange url{"providers." + change.provider + ".base_url", std::nullopt};
    if (!change.base_url->empty()) url.value = Json(*change.base_url);
    wrote = TRY(change_settings(folder, std::span(&url, 1), check));
  }
  if (change.key) {
    keys[change.provider] = {*change.key, change.url_then};
    wrote = TRY(write_keys(path, keys));
  } else if (GUARD("workspace.key-follows-url", change.base_url && leaves)) {
    keys.erase(stored);
    TRY(write_keys(path, keys));
  }
  return wrote;
}

Result<std::string> forget_key(const Environment& environment, const std::string& provider) {
  const auto folder = TRY(lock_own_folder(environment));
  const auto path = folder.path + kKeys;
  auto keys = TRY(read_keys(path));
  if (keys.erase(provider) == 0)
    return fail(Code::not_found, "no key of " + base::one_line(provider, 60) + " is stored");
  return write_keys(path, keys);
}

}  // namespace boxagnts::workspace
