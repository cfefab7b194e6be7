// A person's rules: what is allowed, asked about or denied, by tool, path and host.
//
// Written in [policy] of a configuration file as lists `allow`, `ask` and `deny` of entries:
//   "tool NAME"      NAME with * and ?
//   "read GLOB"      a path: relative to the workspace, absolute, or with ~/; a name without a
//   slash "write GLOB"     stands for it anywhere. What names a folder covers all below it. Deny
//   and ask
//                    count in any ASCII letter case, allow in the case that is written.
//   "connect HOST"   an entry as of allowed_outbound_hosts (net/egress.h)
//
// Four layers: the built-in rules (of which the last that matches counts), the user's, the
// workspace's own, the run's. In a layer a deny is absolute, else the most specific entry decides
// (the longest part before the first wildcard), and in a tie it is to be asked. Of the layers that
// speak the strictest wins, and an allow counts only when the user's layer gives it, or that of a
// workspace which its person trusts. The built-in rules say nothing where such an allow names the
// file itself: "read .env.test", not "read config/**".
//
// Immutable once built; judging is thread-safe and pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"
#include "base/path_pattern.h"
#include "core/policy_values.h"

namespace boxagnts::policy {

enum class Verb : std::uint8_t { tool, read, write, connect };
enum class Layer : std::uint8_t { builtin, user, workspace, run };

// What relative entries stand in; absolute, canonical.
struct Places {
  std::string workspace;
  std::string home;           // "" where there is none
  std::string configuration;  // the folder of the person's own configuration, or ""
};

struct Ruling {
  core::Verdict verdict = core::Verdict::ask;
  std::string rule;  // "deny write secrets/** (config.toml:3)"
};

class Rules {
 public:
  explicit Rules(Places places);  // with the built-in ones

  // Adds one entry. Errors: invalid_argument, a sentence that names `where`.
  Status add(Layer layer, core::Verdict verdict, std::string_view text, std::string where);
  // Section [policy] of a layer.
  Status read(const base::ConfigNode& root, Layer layer);
  // From here on the workspace's own allows count.
  void trust_workspace() { trusted_ = true; }

  // What the rules say; nothing: the table of modes decides.
  std::optional<Ruling> judge_tool(std::string_view name) const;
  // `path` is absolute and lexically normal.
  std::optional<Ruling> judge_read(std::string_view path) const;
  std::optional<Ruling> judge_write(std::string_view path) const;
  // Whether the ask-rules that hold for this path hold for this folder above it, too.
  bool asks_about_folder_of(std::string_view path, std::string_view folder) const;

  // What guests may not see (core::Grant::masks): exactly what is denied to read, and what is asked
  // about but for `answered`, paths that a person said yes to.
  std::vector<std::vector<std::string>> masks(const std::vector<std::string>& answered = {}) const;
  // `grant` with what these rules allow, ask about and deny.
  core::NetworkGrant connections(core::NetworkGrant grant) const;

  const Places& places() const { return places_; }

 private:
  struct Rule {
    Verb verb = Verb::tool;
    core::Verdict verdict = core::Verdict::ask;
    Layer layer = Layer::builtin;
    std::string text;  // of a host's entry: what is behind the verb
    std::string name;
    base::PathPattern pattern;  // on paths without their first slash
    std::string glob;           // absolute
    std::size_t literal = 0;    // bytes before the first wildcard, without what quotes them
    bool names_file = false;    // its last component is more than wildcards
  };
  // What one layer says, by which of its rules, and whether an allow of it names the file itself.
  struct Spoken {
    std::optional<core::Verdict> verdict;
    const Rule* rule = nullptr;
    bool names_file = false;
    bool lifts() const { return verdict == core::Verdict::allow && names_file; }
  };

  static bool outweighs(const Rule& one, const Rule& other);
  Spoken ask_layer(Layer layer, Verb verb, const base::PathSubject& subject) const;
  std::vector<std::string> builtin_masks(const std::vector<std::string>& shown) const;
  std::vector<std::string> layer_masks(Layer layer, const std::vector<std::string>& shown) const;
  // Whether the allows of this layer count.
  bool gives(Layer layer) const {
    return layer == Layer::user || (layer == Layer::workspace && trusted_);
  }
  std::optional<Ruling> judge(Verb verb, std::string_view subject) const;
  Result<std::string> absolute_glob(std::string_view glob) const;

  Places places_;
  bool trusted_ = false;
  std::vector<Rule> rules_;
};

}  // namespace boxagnts::policy
