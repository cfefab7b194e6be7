// What a person arranges through a door, besides sessions and files: settings, models, rules,
// instructions, skills. Named here, made by the composition root, which alone knows all rooms that
// have a part in it.
//
// Every desk is thread-safe and may block on disk, some on the network. What comes in has passed
// its route's schema; what goes out has the shape of the component schema that is named. A change
// that succeeded holds for whatever begins afterwards. Errors are for the caller: invalid_argument
// names the key and what is right; conflict: a file was changed by hand, or something else counts
// more.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "core/event.h"

namespace boxagnts::gateway {

class SettingsDesk {
 public:
  virtual ~SettingsDesk() = default;
  virtual Result<Json> list() = 0;                            // Settings
  virtual Result<Json> change(const JsonObject& wanted) = 0;  // SettingsChanged; all or nothing
};

class ModelsDesk {
 public:
  virtual ~ModelsDesk() = default;
  // asked: each provider's server is asked for its models, side by side, 2 s at most.
  enum class Probe : bool { none, asked };
  virtual Result<Json> list(Probe probe, std::stop_token stop) = 0;          // Models
  virtual Result<Json> choose(const std::string& model) = 0;                 // Wrote
  virtual Result<Json> test(const std::string& model, std::stop_token) = 0;  // ModelTested
  // ProviderChange -> Wrote. No error says the key.
  virtual Result<Json> change(const std::string& provider, const JsonObject& wanted) = 0;
  virtual Result<Json> forget_key(const std::string& provider) = 0;  // Wrote
};

class PolicyDesk {
 public:
  virtual ~PolicyDesk() = default;
  virtual Result<Json> rules() = 0;                                                     // Rules
  virtual Result<Json> add(const std::string& effect, const std::string& rule) = 0;     // RuleAdded
  virtual Result<Json> remove(const std::string& effect, const std::string& rule) = 0;  // Wrote
  virtual Result<Json> explain(const Json& what) = 0;            // Explain -> Explained
  virtual Result<Json> trust() = 0;                              // Trusted
  virtual Result<Json> set_trust(const std::string& trust) = 0;  // Wrote
};

// What a run is to begin with when it follows a skill.
struct SkillStart {
  std::string prompt;
  core::SkillUsed used;
};

class SkillsDesk {
 public:
  virtual ~SkillsDesk() = default;
  virtual Result<Json> list() = 0;  // Skills
  // Without an origin: the one that is used, or else the nearest.
  virtual Result<Json> show(const std::string& name, const std::string& origin) = 0;  // Skill
  virtual Result<Json> write(const std::string& name, const Json& wanted) = 0;  // WroteVersion
  virtual Result<Json> check(const std::string& name, const std::string& text) = 0;
  virtual Result<Json> remove(const std::string& name, const std::string& origin) = 0;  // Wrote
  virtual Result<SkillStart> start(const std::string& name, const std::string& arguments) = 0;
  virtual Result<Json> instructions() = 0;  // Instructions
  virtual Result<Json> write_instructions(const std::string& origin,
                                          const Json& wanted) = 0;  // WroteVersion
};

// Those of a program; null: it has none.
struct Desks {
  SettingsDesk* settings = nullptr;
  ModelsDesk* models = nullptr;
  PolicyDesk* policy = nullptr;
  SkillsDesk* skills = nullptr;
};

}  // namespace boxagnts::gateway
