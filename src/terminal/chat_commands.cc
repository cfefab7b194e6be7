#include "terminal/chat_commands.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "agent/session_diff.h"
#include "agent/undo.h"
#include "base/text.h"
#include "terminal/chat.h"

namespace boxagnts::terminal {

// Each command is a function of the chat and of what stands behind its name.
struct ChatCommands {
  static Status help(Chat& chat, std::string_view);
  static Status model(Chat& chat, std::string_view name);
  static Status mode(Chat& chat, std::string_view name);
  static Status skill(Chat& chat, std::string_view text);
  static Status attach(Chat& chat, std::string_view file);
  static Status skills(Chat& chat, std::string_view);
  static Status tools(Chat& chat, std::string_view);
  static Status tokens(Chat& chat, std::string_view);
  static Status undo(Chat& chat, std::string_view number);
  static Status redo(Chat& chat, std::string_view number);
  static Status diff(Chat& chat, std::string_view);
  static Status fork(Chat& chat, std::string_view number);
  static Status begin(Chat& chat, std::string_view);
  static Status sessions(Chat& chat, std::string_view);
  static Status session(Chat& chat, std::string_view id);
  static Status exit(Chat& chat, std::string_view);

 private:
  using Act = Result<agent::UndoResult> (*)(store::Store&, workspace::Changes&,
                                            const core::SessionId&, std::size_t,
                                            const std::string&);
  static Status act(Chat& chat, Act taking, std::int64_t count);
};

namespace {

constexpr std::size_t kSessionsShown = 20, kBatch = 256, kCandidatesMax = 200;

struct Command {
  std::string_view name, argument, about;
  Status (*run)(Chat&, std::string_view);
};

constexpr Command kCommands[]{
    {"/help", "", "this list", ChatCommands::help},
    {"/model", "NAME", "another model from the next message on", ChatCommands::model},
    {"/mode", "NAME", "plan, ask, edits, autonomous or unattended", ChatCommands::mode},
    {"/attach", "FILE", "text or an image that goes with the next message", ChatCommands::attach},
    {"/skill", "NAME [ARGS]", "do a job by a skill", ChatCommands::skill},
    {"/skills", "", "the skills there are", ChatCommands::skills},
    {"/tools", "", "the tools and what they may do", ChatCommands::tools},
    {"/tokens", "", "what the session has used", ChatCommands::tokens},
    {"/diff", "", "what the session has changed", ChatCommands::diff},
    {"/undo", "[N]", "take back the last changes, or the last N", ChatCommands::undo},
    {"/redo", "[N]", "put back what was taken back", ChatCommands::redo},
    {"/fork", "[N]", "go on in a copy of the session, up to event N", ChatCommands::fork},
    {"/new", "", "a new session", ChatCommands::begin},
    {"/sessions", "", "the sessions of the workspace", ChatCommands::sessions},
    {"/session", "ID", "go on with another session", ChatCommands::session},
    {"/exit", "", "leave", ChatCommands::exit},
};

constexpr std::string_view kKeys =
    "Alt-Enter or a \\ at the end of a line goes on in another one; Tab completes commands and "
    "@path;\nCtrl-R searches what you wrote; Ctrl-C cancels a run.";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

// A count or a number of an event; `absent` where nothing is written.
Result<std::int64_t> number_in(std::string_view text, std::string_view command,
                               std::int64_t absent) {
  if (text.empty()) return absent;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1)
    return fail(Code::invalid_argument,
                std::string(command) + " takes a number from 1 on, or nothing");
  return number;
}

Result<core::SessionId> current(const agent::RunRequest& request) {
  if (!request.session)
    return fail(Code::not_found, "there is no session yet: it begins with your first message");
  return *request.session;
}

}  // namespace

Status run_command(Chat& chat, std::string_view line) {
  line = trimmed(line);
  const auto space = std::min(line.find(' '), line.size());
  const auto name = line.substr(0, space);
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command != std::end(kCommands)) return command->run(chat, trimmed(line.substr(space)));
  std::vector<std::string_view> names;
  for (const auto& known : kCommands) names.push_back(known.name);
  const auto nearest = base::nearest_name(name, names);
  return fail(
      Code::invalid_argument,
      "there is no command " + base::one_line(name, 40) + "; " +
          (nearest.empty() ? "/help shows them" : "did you mean " + std::string(nearest) + "?"));
}

Status ChatCommands::help(Chat& chat, std::string_view) {
  for (const auto& command : kCommands) {
    std::string usage = std::string(command.name) + " " + std::string(command.argument);
    usage.resize(std::max<std::size_t>(usage.size(), 14), ' ');
    chat.tell(usage + " " + std::string(command.about));
  }
  chat.tell(kKeys);
  return {};
}

Status ChatCommands::model(Chat& chat, std::string_view name) {
  if (!name.empty()) {
    TRY(chat.parts_.check_model(std::string(name)));
    chat.request_.model = name;
  }
  chat.tell("model " + chat.request_.model);
  return {};
}

Status ChatCommands::mode(Chat& chat, std::string_view name) {
  if (!name.empty()) chat.request_.mode = TRY(core::parse_enum<core::Mode>(name));
  chat.tell("mode " + std::string(core::name_of(chat.request_.mode)));
  return {};
}

namespace {

// name=value each, or one text.
workspace::SkillInput skill_input(std::string_view text) {
  std::map<std::string, std::string> values;
  for (const auto word : base::split(text, ' ')) {
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == 0 || equals == std::string_view::npos) return std::string(text);
    values.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
  if (values.empty()) return std::string();
  return values;
}

}  // namespace

Status ChatCommands::skill(Chat& chat, std::string_view text) {
  const auto space = std::min(text.find(' '), text.size());
  const std::string name(text.substr(0, space));
  const auto catalogue = chat.parts_.skills.catalogue(workspace::Trust::untrusted);
  const auto* found = catalogue->find(name);
  if (!found)
    return fail(Code::not_found,
                "there is no skill \"" + base::one_line(name, 64) + "\"; /skills shows them");
  const auto job = TRY(workspace::expand(*found, skill_input(trimmed(text.substr(space)))));
  return chat.send("Do this by the skill " + found->name + ":\n\n" + job);
}

Status ChatCommands::attach(Chat& chat, std::string_view file) {
  if (file.empty())
    return fail(Code::invalid_argument, "/attach takes a file: its path from the workspace");
  const std::string path =
      file.starts_with('/') ? std::string(file) : chat.parts_.workspace + "/" + std::string(file);
  auto attached = TRY(agent::read_attachment(path));
  auto all = chat.request_.attachments;
  all.push_back(std::move(attached));
  TRY(agent::judge_attachments(all));
  chat.request_.attachments = std::move(all);
  const auto& last = chat.request_.attachments.back();
  chat.tell(last.name + ", " + base::human_bytes(last.bytes.size()) +
            ", goes with your next message");
  return {};
}

Status ChatCommands::skills(Chat& chat, std::string_view) {
  const auto catalogue = chat.parts_.skills.catalogue(workspace::Trust::untrusted);
  for (const auto& entry : catalogue->entries) {
    std::string about = ": " + entry.skill.description;
    if (!entry.shadowed_by.empty()) about = " is not used: " + entry.shadowed_by;
    if (!entry.problem.empty()) about = " is not used: " + entry.problem;
    chat.tell(base::one_line(
        entry.skill.name + " (" + std::string(workspace::name_of(entry.skill.origin)) + ")" + about,
        chat.columns() - 1));
  }
  for (const auto& problem : catalogue->problems) chat.tell(problem);
  if (catalogue->entries.empty()) chat.tell("no skills yet");
  return {};
}

Status ChatCommands::tools(Chat& chat, std::string_view) {
  for (const auto& tool : chat.parts_.tools()->registry->specs(chat.request_.access))
    chat.tell(base::one_line(
        tool.name + " (" + std::string(core::name_of(tool.level)) + "): " + tool.description,
        chat.columns() - 1));
  return {};
}

Status ChatCommands::tokens(Chat& chat, std::string_view) {
  const auto session = TRY(current(chat.request_));
  core::Usage all, last;
  std::int64_t answers = 0;
  for (std::int64_t after = 0;;) {
    const auto events = TRY(chat.parts_.store.read(session, after, kBatch));
    for (const auto& event : events)
      if (const auto* turn = std::get_if<core::TurnEnded>(&event.body)) {
        all += last = turn->usage;
        ++answers;
      }
    if (events.size() < kBatch) break;
    after = events.back().number;
  }
  const auto words = [](const core::Usage& usage) {
    return std::to_string(usage.input_tokens) + " tokens in (" +
           std::to_string(usage.cached_input_tokens) + " of them cached), " +
           std::to_string(usage.output_tokens) + " out";
  };
  chat.tell("the session: " + std::to_string(answers) +
            (answers == 1 ? " answer, " : " answers, ") + words(all));
  if (answers > 0) chat.tell("the last answer: " + words(last));
  return {};
}

Status ChatCommands::diff(Chat& chat, std::string_view) {
  const auto session = TRY(current(chat.request_));
  const auto diff = TRY(agent::session_diff(chat.parts_.store, chat.parts_.changes, session));
  if (diff.empty()) {
    chat.tell("nothing is changed");
    return {};
  }
  chat.tell(base::repair_utf8(diff.ends_with('\n') ? diff.substr(0, diff.size() - 1) : diff));
  return {};
}

Status ChatCommands::undo(Chat& chat, std::string_view number) {
  return act(chat, agent::undo, TRY(number_in(number, "/undo", 1)));
}

Status ChatCommands::redo(Chat& chat, std::string_view number) {
  return act(chat, agent::redo, TRY(number_in(number, "/redo", 1)));
}

Status ChatCommands::act(Chat& chat, Act taking, std::int64_t count) {
  const auto session = TRY(current(chat.request_));
  chat.parts_.runs.let_end(session);
  const auto result = TRY(taking(chat.parts_.store, chat.parts_.changes, session,
                                 static_cast<std::size_t>(count), "terminal"));
  for (const auto& settled : result.settled)
    for (const auto& file : settled.files)
      chat.tell(std::string(file.outcome == core::FileOutcome::conflict
                                ? "left as it is: "
                                : std::string(core::name_of(settled.act)) + ": ") +
                file.path + (file.reason.empty() ? "" : ": " + file.reason));
  return {};
}

Status ChatCommands::fork(Chat& chat, std::string_view number) {
  const auto here = TRY(current(chat.request_));
  const auto from = TRY(chat.parts_.store.session(here));
  const auto last = TRY(number_in(number, "/fork", 0));
  const auto fork = TRY(chat.parts_.store.fork_session(from.id, last, from.title));
  chat.request_.session = fork;
  chat.tell("from here on in session " + fork.text + ", a copy of " + from.id.text);
  return {};
}

Status ChatCommands::begin(Chat& chat, std::string_view) {
  chat.request_.session.reset();
  chat.tell("your next message begins a new session");
  return {};
}

Status ChatCommands::sessions(Chat& chat, std::string_view) {
  const auto sessions = TRY(chat.parts_.store.sessions(kSessionsShown, {}));
  for (const auto& session : sessions)
    chat.tell(base::one_line(
        (session.id == chat.request_.session.value_or(core::SessionId{}) ? "* " : "  ") +
            session.id.text + "  " + base::iso8601(session.updated).substr(0, 16) +
            (session.running ? "  running  " : "  ") + session.title,
        std::max<std::size_t>(chat.columns(), 40) - 1));
  if (sessions.empty()) chat.tell("no sessions yet");
  return {};
}

Status ChatCommands::session(Chat& chat, std::string_view id) {
  if (id.empty()) {
    chat.tell("session " + TRY(current(chat.request_)).text);
    return {};
  }
  const auto wanted = TRY(core::SessionId::parse(id));
  const auto session = TRY(chat.parts_.store.session(wanted));
  chat.request_.session = session.id;
  chat.tell("session " + session.id.text + ", " + std::to_string(session.events) +
            " events: " + base::one_line(session.title, 60));
  return {};
}

Status ChatCommands::exit(Chat& chat, std::string_view) {
  chat.leave_ = true;
  return {};
}

// --- completion --------------------------------------------------------------------------------

namespace {

void offer(std::string_view beginning, std::string text, Completion& completion) {
  if (text.starts_with(beginning) && completion.candidates.size() < kCandidatesMax)
    completion.candidates.push_back(std::move(text));
}

// Names below the workspace that begin with `path`; "@" before each.
void offer_files(std::string_view path, const std::string& workspace, Completion& completion) {
  const auto slash = path.rfind('/');
  const std::string folder(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
  for (const auto part : base::split(folder, '/'))
    if (part == ".." || part == ".boxagnts") return;
  if (folder.starts_with('/')) return;
  const auto name = path.substr(folder.size());
  std::error_code error;
  std::filesystem::directory_iterator entries(workspace + "/" + folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string entry = entries->path().filename().string();
    const bool hidden = entry.starts_with('.') && !name.starts_with('.');
    // What would have to be shown as escapes cannot be written either.
    if (hidden || entry == ".boxagnts" || !base::is_utf8(entry) ||
        base::terminal_safe(entry) != entry || entry.find_first_of("\n\t ") != std::string::npos)
      continue;
    std::error_code unknown;
    offer("@" + std::string(path),
          "@" + folder + entry + (entries->is_directory(unknown) ? "/" : ""), completion);
  }
}

}  // namespace

Completion complete_message(std::string_view text, const CompletionSource& source) {
  const auto blank = text.find_last_of(" \n");
  Completion completion{blank == std::string_view::npos ? 0 : blank + 1, {}};
  const auto word = text.substr(completion.begin);
  if (word.starts_with('@')) {
    offer_files(word.substr(1), source.workspace, completion);
  } else if (completion.begin == 0 && word.starts_with('/')) {
    for (const auto& command : kCommands) offer(word, std::string(command.name), completion);
  } else if (text.starts_with("/mode ")) {
    for (const auto mode : core::EnumNames<core::Mode>::kNames)
      offer(word, std::string(mode), completion);
  } else if (text.starts_with("/session ")) {
    for (auto& id : source.sessions()) offer(word, std::move(id), completion);
  } else if (text.starts_with("/skill ")) {
    for (auto& name : source.skills()) offer(word, std::move(name), completion);
  }
  std::ranges::sort(completion.candidates);
  return completion;
}

}  // namespace boxagnts::terminal
