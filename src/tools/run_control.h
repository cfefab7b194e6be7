// What a call and its pipeline need of the run that they work for: its standing, its person and its
// log.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "net/egress.h"
#include "policy/rules.h"

namespace boxagnts::tools {

// What becomes of a question.
struct Asked {
  std::optional<core::Reply> reply;
  std::string why;      // without a reply: a sentence for the model
  bool queued = false;  // without one: the question stands, and its answer counts later
};

class RunControl {
 public:
  virtual ~RunControl() = default;
  // The decision is made: log it. Before anything with an effect runs. Errors end the run.
  virtual Status decided(const core::CallDecided& decision) = 0;
  // Puts a question to a person and waits. Errors: cancelled; those that end the run.
  virtual Result<Asked> ask(core::Approval approval) = 0;
  // What the call would touch, before it is decided.
  virtual void touches(const core::CallFacts& facts) = 0;
  // Logs a fact of the call. Errors end the run.
  virtual Status note(core::EventBody body) = 0;
  // What the tool has written of its output, as it comes. On the thread that runs the tool, which
  // it never keeps waiting.
  virtual void wrote(std::string_view) {}
  // A person's "always": writes the rule down. Errors: io, permission_denied.
  virtual Result<core::RuleAdded> add_rule(const std::string& rule) = 0;
};

// Connections that a person said yes to for the length of a run. Thread-safe, shared by calls side
// by side.
class AnsweredConnections {
 public:
  std::vector<core::NetworkEntry> entries() const;
  void add(core::NetworkEntry entry);
  // One question at a time: what the one before answers need not be asked again.
  std::mutex asking;

 private:
  mutable std::mutex mutex_;
  std::vector<core::NetworkEntry> entries_;
};

// Which files the run has read, and which they were then. Thread-safe.
class ReadFiles {
 public:
  struct Identity {
    std::uint64_t inode = 0, size = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  void note(const std::string& path, const Identity& identity);
  std::optional<Identity> find(const std::string& path) const;
  void forget(const std::string& path);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Identity> files_;
};

// The standing of a run. Calls that run alone may change it; side by side each has a copy.
struct RunPolicy {
  core::Mode mode = core::Mode::ask;
  core::AgentAccess access = core::AgentAccess::full;
  core::Grant envelope;                                 // the most any call may get
  std::shared_ptr<const policy::Rules> rules;           // none: only the table of modes
  std::vector<std::string> approved_folders;            // grows with "for this run"
  std::optional<std::vector<std::string>> skill_tools;  // of the skill under way; none: all
  std::optional<core::Mode> mode_before_plan;           // while plan mode was entered by the model
  std::shared_ptr<AnsweredConnections> connections = std::make_shared<AnsweredConnections>();
  std::shared_ptr<ReadFiles> read_files = std::make_shared<ReadFiles>();
};

// One call's way to hosts that no rule allows.
class ConnectionAsker {
 public:
  virtual ~ConnectionAsker() = default;
  // The entry that a person's yes adds to the call's grant. Errors: permission_denied, a sentence;
  // cancelled; those that end the run.
  virtual Result<core::NetworkEntry> ask(const net::Destination& destination) = 0;
  // A connection was made: a question about the call's changes lists it.
  virtual void made(const net::Destination& destination) = 0;
};

}  // namespace boxagnts::tools
