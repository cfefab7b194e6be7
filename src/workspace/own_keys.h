// keys.toml in the folder of a person's own configuration: keys of model providers, each with the
// base URL that it is for. 0600, written by rename; a file that others can read is an error, and
// nothing of it is used.
//
// No error says a key. Thread-safe, as own_files.h, whose lock it takes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "workspace/own_files.h"

namespace boxagnts::workspace {

struct OwnKey {
  std::string key, base_url;
};
using OwnKeys = std::map<std::string, OwnKey, std::less<>>;  // by provider

constexpr std::size_t kKeyBytesMax = 4'096;

// A missing file is an empty one. Errors: invalid_argument with file and line, permission_denied
// (others can read it, or it is not the person's).
Result<OwnKeys> read_own_keys(const Environment& environment);

// What is to hold of a provider.
struct ProviderChange {
  std::string provider;
  // Set, or with "" taken out; absent: as it is.
  std::optional<std::string> base_url;
  std::string url_then;            // the base URL that counts afterwards
  std::optional<std::string> key;  // for that URL
};
// The base URL goes to settings.toml, the key to keys.toml; what was written. A stored key whose
// base URL changes is dropped, unless the change brings one: nobody may have a key sent elsewhere.
// Errors: those of change_settings; invalid_argument (what is no key: 1 to kKeyBytesMax printable
// ASCII characters without blanks).
Result<std::string> change_provider(const Environment& environment, const ProviderChange& change,
                                    const CheckSettings& check);
// Errors: not_found.
Result<std::string> forget_key(const Environment& environment, const std::string& provider);

}  // namespace boxagnts::workspace
