// The files that this program writes for its person, in the folder of their own configuration:
// `rules.toml` (what was answered with "always") and `settings.toml` (which folders are trusted).
// The person's config.toml is read and never written.
//
// Thread-safe; two processes take turns (a lock in the folder). Written by rename, 0600.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/config.h"
#include "base/error.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

// $XDG_CONFIG_HOME/boxagnts, or ~/.config/boxagnts. "" where there is no home.
std::string configuration_folder(const Environment& environment);

// Section [policy] with its lists. A missing file is an empty one.
Result<std::unique_ptr<base::ConfigNode>> read_own_rules(const Environment& environment);
// Adds to `allow`; where it stands now: "…/rules.toml:4". Errors: io, permission_denied,
// invalid_argument (the file is not what this program wrote).
Result<std::string> allow_always(const Environment& environment, const std::string& rule);

// Whether a person has said that what comes with a workspace may act for them: its rules allow, its
// skills take the place of others.
enum class Trust : std::uint8_t { untrusted, trusted };
// Nothing: they have not been asked yet.
Result<std::optional<Trust>> trust_of(const Environment& environment, const std::string& root);
Status set_trust(const Environment& environment, const std::string& root,
                 std::optional<Trust> trust);

}  // namespace boxagnts::workspace
