// The command line as values: parsed and checked whole, before anything happens. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "core/policy_values.h"
#include "core/question.h"

namespace boxagnts::cli {

struct Common {
  std::string workspace_directory = ".";
  bool offline = false;                       // --offline: nothing may be connected to
  std::vector<std::string> allow, ask, deny;  // rules of this program run (policy/rules.h)
};
// How a run is to be done; what is absent, the configuration says.
struct RunChoices {
  std::optional<std::string> session;
  std::optional<std::string> model;
  std::optional<core::Mode> mode;
  std::optional<std::int64_t> turns_max;
};
struct RunCommand {
  Common common;
  std::string prompt;  // without what is piped in
  std::vector<std::string> attachments;
  RunChoices choices;
  bool json = false;
};
struct ChatCommand {
  Common common;
  RunChoices choices;
};
struct ToolListCommand {
  Common common;
  bool json = false;
};
struct ToolShowCommand {
  Common common;
  std::string tool;
};
struct ToolRunCommand {
  Common common;
  std::string tool;
  std::optional<std::string> input;      // JSON; absent: standard input
  std::vector<core::MountGrant> mounts;  // without a guest path: at the same place
  std::optional<double> timeout_s;
  std::optional<std::uint64_t> memory_bytes;
};
// `tool run` on a file: a WASI command of the person's own choice.
struct ModuleRunCommand {
  std::string file;
  std::vector<std::string> arguments;
  std::vector<core::MountGrant> mounts;
  std::vector<std::string> environment;  // NAME=value
  std::optional<double> timeout_s;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> stack_bytes;
  std::optional<std::uint64_t> output_bytes;
  std::optional<std::uint64_t> disk_bytes;
  std::optional<std::uint64_t> fuel;
};
// Of a connection, or of a tool's call.
struct PolicyExplainCommand {
  Common common;
  std::string subject;           // a URL, or a tool's name
  std::string method;            // of the connection
  std::string arguments = "{}";  // of the call
  std::optional<core::Mode> mode;
  bool json = false;
};
// What a person is asked and has not answered.
struct QuestionListCommand {
  Common common;
  bool json = false;
};
struct QuestionShowCommand {
  Common common;
  std::string question;
};
struct QuestionAnswerCommand {
  Common common;
  std::string question;
  core::Answer answer = core::Answer::no;
  std::string word;
};
// Without a verdict: says what holds.
struct TrustCommand {
  Common common;
  std::optional<bool> trust;
};
struct SessionListCommand {
  Common common;
  std::string query, tag;  // "": all
  bool json = false;
};
struct SessionTagCommand {
  Common common;
  std::string session;
  std::vector<std::string> tags;  // all of them
};
struct SessionShowCommand {
  Common common;
  std::string session;
  bool json = false;
};
struct SkillListCommand {
  Common common;
  bool json = false;
};
struct SkillShowCommand {
  Common common;
  std::string skill;
};
struct SkillNewCommand {
  Common common;
  std::string skill;
};
struct SkillCheckCommand {
  Common common;
  std::optional<std::string> what;  // a skill's name or folder; absent: all but the built-in ones
};
struct SkillRunCommand {
  RunCommand run;  // without a prompt
  std::string skill;
  std::vector<std::string> arguments;  // name=value each, or words of one text
};
struct ModelListCommand {
  Common common;
};
struct ModelTestCommand {
  Common common;
  std::optional<std::string> model;  // absent: the default
};
struct ModelDefaultCommand {
  Common common;
  std::string model;
};
// The key itself is read from standard input.
struct ModelKeyCommand {
  Common common;
  std::string provider;
  std::optional<std::string> base_url;
  bool forget = false;
};
struct SessionForkCommand {
  Common common;
  std::string session;
  std::int64_t at = 0;               // the last event that is taken over; 0: all
  std::optional<std::string> title;  // absent: the other's
};
struct SessionDiffCommand {
  Common common;
  std::string session;
  bool json = false;
};
struct SessionUndoCommand {
  enum class Way : bool { undo, redo };
  Common common;
  std::string session;
  Way way = Way::undo;
  std::size_t count = 1;
  bool json = false;
};
struct SessionDeleteCommand {
  Common common;
  std::string session;
};
// No subcommand is this one.
struct ServeCommand {
  Common common;
  std::string host = "127.0.0.1";  // an address
  std::uint16_t port = 30'001;     // 0: the system chooses
  std::optional<std::string> model;
  std::optional<std::string> admin_user;
  std::optional<std::string> admin_password_file;
  std::string tls_certificate, tls_key;  // both or none
  std::vector<std::string> host_names;   // lower case
  bool behind_proxy = false;
};
struct ShowText {  // --help, --version: print and exit 0
  std::string text;
};

using Command =
    std::variant<ShowText, QuestionListCommand, QuestionShowCommand, QuestionAnswerCommand,
                 TrustCommand, RunCommand, ChatCommand, ToolListCommand, ToolShowCommand,
                 ToolRunCommand, ModuleRunCommand, PolicyExplainCommand, SessionListCommand,
                 SessionTagCommand, SessionShowCommand, SessionForkCommand, SessionDiffCommand,
                 SessionUndoCommand, SessionDeleteCommand, SkillListCommand, SkillShowCommand,
                 SkillNewCommand, SkillCheckCommand, SkillRunCommand, ModelListCommand,
                 ModelTestCommand, ModelDefaultCommand, ModelKeyCommand, ServeCommand>;

// Errors: invalid_argument, a sentence that says what to write instead.
Result<Command> parse(const std::vector<std::string>& arguments);

std::string_view version();  // "0.1.0"

// Whether these are `tool run` of a file, however wrong the rest may be: such a command ends with
// the exit codes of env(1).
bool runs_module(const std::vector<std::string>& arguments);

}  // namespace boxagnts::cli
