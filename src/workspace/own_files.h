// The files that this program writes for its person, in the folder of their own configuration:
// `rules.toml` (what was answered with "always", or added in a door), `settings.toml` (what was set
// in a door, and which folders are trusted) and `keys.toml` (own_keys.h). The person's config.toml
// is read and never written.
//
// Thread-safe; two processes take turns (a lock in the folder). Written by rename, 0600. A file
// that is not what this program writes (broken by hand) is never overwritten: each change reads
// first.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "core/policy_values.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

// $XDG_CONFIG_HOME/boxagnts, or ~/.config/boxagnts. "" where there is no home.
std::string configuration_folder(const Environment& environment);

// Who reads a file of that folder and then writes it holds this. Makes the folder. Errors:
// permission_denied (no home), io.
struct OwnFolder {
  std::string path;
  base::UniqueFd lock;
};
Result<OwnFolder> lock_own_folder(const Environment& environment);

// --- rules.toml ----------------------------------------------------------------------------------

// Section [policy] with its lists. A missing file is an empty one.
Result<std::unique_ptr<base::ConfigNode>> read_own_rules(const Environment& environment);
// Where it stands now: "…/rules.toml:4"; one that is there stays. The rule is the caller's to
// check. Errors: io, permission_denied, invalid_argument (the file is not what this program wrote).
Result<std::string> add_rule(const Environment& environment, core::Verdict effect,
                             const std::string& rule);
// The file. Errors: as above, not_found.
Result<std::string> remove_rule(const Environment& environment, core::Verdict effect,
                                const std::string& rule);

// --- settings.toml -------------------------------------------------------------------------------

// All but [trust]: a layer of configuration. Errors: invalid_argument, with file and line (no TOML,
// a section that is none of a setting).
Result<std::unique_ptr<base::ConfigNode>> read_own_settings(const Environment& environment);

struct SettingChange {
  std::string key;            // dotted: "agent.mode"
  std::optional<Json> value;  // nothing: it is taken out
};
// What would be the layer; refuses by what configuration means.
using CheckSettings = std::function<Status(std::unique_ptr<base::ConfigNode> settings)>;
// All of it or nothing; where the first one stands now, or the file. Errors: those of `check`,
// about what is asked for without a place; conflict, with file and line, where the file as it is
// does not pass; io, permission_denied.
Result<std::string> change_settings(const Environment& environment,
                                    std::span<const SettingChange> changes,
                                    const CheckSettings& check);
// The same by one who holds the lock.
Result<std::string> change_settings(const OwnFolder& folder, std::span<const SettingChange> changes,
                                    const CheckSettings& check);

// Whether a person has said that what comes with a workspace may act for them: its rules allow, its
// skills take the place of others.
enum class Trust : std::uint8_t { untrusted, trusted };
// Nothing: they have not been asked yet.
Result<std::optional<Trust>> trust_of(const Environment& environment, const std::string& root);
Status set_trust(const Environment& environment, const std::string& root,
                 std::optional<Trust> trust);

// --- how they are written ------------------------------------------------------------------------

// Tables of tables, lists of strings, strings, whole numbers and truths; a list's entry has a line
// of its own.
std::string toml_text(const JsonObject& root);
// The line, from 1 on, of a dotted key in such a text; 0 where it is not.
int line_of_key(std::string_view text, std::string_view key);

}  // namespace boxagnts::workspace
