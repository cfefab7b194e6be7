#include "cli/command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace boxagnts::cli {
namespace {

constexpr std::string_view kVersion = "boxagnts 0.1.0\n";

constexpr const char* kAbout =
    "BoxAgnts runs AI agents safely: every tool a model calls is a WebAssembly program in a "
    "sandbox.";
constexpr const char* kExitCodes =
    "Exit codes: 0 finished, 1 failed, 2 wrong usage or input, 3 model not reachable, 4 a limit "
    "of\n"
    "the run was reached (turns), 5 denied, 6 busy, 7 damaged state, 130 cancelled.\n"
    "\n"
    "Examples:\n"
    "  boxagnts run --model ollama/qwen3 \"Summarise the README in three sentences\"\n"
    "  git diff | boxagnts run --mode edits \"Write a changelog entry for this into CHANGES.md\"\n"
    "  boxagnts tool run read '{\"file_path\": \"README.md\", \"limit\": 5}'\n"
    "  boxagnts chat --model ollama/qwen3\n"
    "  boxagnts session list\n"
    "  boxagnts --workspace-dir ~/project --port 30001";
constexpr const char* kRunExamples =
    "What is piped in is added to the prompt. Questions are asked on the terminal; without one "
    "they are\n"
    "answered with no. Ctrl-C cancels the run, a second one ends the program at once.\n"
    "\n"
    "Examples:\n"
    "  boxagnts run --model ollama/qwen3 \"What does this project do?\"\n"
    "  OPENAI_BASE_URL=http://localhost:8000/v1 boxagnts run --model openai/local --mode plan "
    "\"Plan …\"\n"
    "  boxagnts run --session 01k… \"Now do the second step\"\n"
    "  boxagnts run --json \"…\" | jq -r 'select(.kind == \"tool_finished\") | .result.status'";
constexpr const char* kChatExamples =
    "Messages are typed, or are the lines of what is piped in. /help in the chat shows its "
    "commands;\n"
    "Ctrl-C cancels the answer, Ctrl-D leaves.\n"
    "\n"
    "Examples:\n"
    "  boxagnts chat --model ollama/qwen3\n"
    "  boxagnts chat --session 01k… --mode edits\n"
    "  printf '%s\\n' \"What is in here?\" /tokens | boxagnts chat --model ollama/qwen3";
constexpr const char* kServeExamples =
    "Without a subcommand boxagnts serves the current folder. It prints its address with a token; "
    "the\n"
    "person that started it gets one by POST /api/v1/auth/token too. API: "
    "GET /api/v1/openapi.json.\n"
    "Beyond this machine it takes an administrator, whose password is in a file, in\n"
    "BOXAGNTS_ADMIN_PASSWORD or typed in, and TLS, or a proxy that does it.\n"
    "\n"
    "Examples:\n"
    "  boxagnts serve --workspace-dir ~/project\n"
    "  boxagnts serve --host 0.0.0.0 --admin-user ada --tls-cert cert.pem --tls-key key.pem \\\n"
    "    --allow-host box.example.org";
constexpr const char* kToolRunExamples =
    "A tool of boxagnts tool list gets its arguments as JSON; the workspace is mounted read-write "
    "at "
    "its\n"
    "own path, /tmp is memory, limits are those of the configuration, or the flags.\n"
    "\n"
    "A path (with a / or ending in .wasm) is run as it is, a WASI command: standard streams are "
    "passed "
    "on,\n"
    "it sees no folder but those of --dir and no variable but those of --env. Its exit code is "
    "ours; "
    "125 is\n"
    "a failure of our own, a limit or a crash, 126 a file that cannot be run, 127 one that is not "
    "there,\n"
    "130 Ctrl-C. It is compiled once, in a process without files or network, and kept.\n"
    "\n"
    "Examples:\n"
    "  boxagnts tool run ./jq.wasm --dir data:ro -- .name data/a.json\n"
    "  boxagnts tool run glob '{\"pattern\": \"**/*.md\"}'\n"
    "  echo '{\"file_path\": \"/data/a.txt\"}' | boxagnts tool run read --dir /srv/data::/data:ro";

constexpr const char* kExplainExamples =
    "Nothing runs, is looked up or connected to: where a name leads is checked when a tool "
    "connects.\n"
    "Exit codes: 0 allowed or asked about, 5 denied.\n"
    "\n"
    "Examples:\n"
    "  boxagnts policy explain https://api.example.com/v1\n"
    "  boxagnts policy explain http://localhost:8080 --method POST --json\n"
    "  boxagnts policy explain write '{\"file_path\": \".github/workflows/ci.yml\"}' --mode edits";

constexpr const char* kSkillRunExamples =
    "A skill's arguments are name=value, or one text, which is the value of its first required "
    "one; behind\n"
    "-- it may begin with a dash. What is piped in is added. boxagnts skill show NAME tells what "
    "it "
    "takes.\n"
    "\n"
    "Examples:\n"
    "  boxagnts skill run code-review src/parser\n"
    "  boxagnts skill run front-component-generator framework=vue \"description=a date picker\"\n"
    "  git diff | boxagnts skill run code-review --mode plan";

constexpr const char* kKeyExamples =
    "The key is read from standard input, or typed where that is a terminal; it is kept in "
    "keys.toml beside\n"
    "your configuration (0600), and sent to this provider's base URL alone.\n"
    "\n"
    "Examples:\n"
    "  boxagnts model key openai\n"
    "  boxagnts model key openai --base-url https://models.example/v1 < key.txt\n"
    "  boxagnts model key openai --forget";

constexpr const char* kTrustHelp =
    "In a folder that you trust the allow rules of its own .boxagnts/config.toml count, its "
    "skills\n"
    "take the place of yours of the same name, and its .boxagnts/tools are tools. Nothing else\n"
    "changes: its rules always may deny.";

// CLI11 collects into these; make() turns them into the Command of what was given.
struct Given {
  Common common;
  RunCommand run;
  PolicyExplainCommand explain;
  std::string question, answer, word;
  std::string mode;
  std::string session;
  std::string query, tag;
  std::vector<std::string> tags;
  std::int64_t at = 0;
  std::string title;
  std::string model;
  std::int64_t turns_max = 0;
  bool json = false;
  std::size_t count = 1;
  std::string tool;
  std::string input;
  std::vector<std::string> mounts;
  std::vector<std::string> environment;
  double timeout_s = 0;
  std::string memory, stack, disk, output;
  std::uint64_t fuel = 0;
  std::optional<std::vector<std::string>> behind;  // a `--` of `tool run` or `skill run`
  std::string skill;
  std::vector<std::string> skill_arguments;
  ModelKeyCommand key;
  std::string base_url;
  ServeCommand serve;
  std::string admin_user, admin_password_file;
};

Result<std::uint64_t> parse_bytes(const std::string& flag, const std::string& text) {
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  std::string_view unit(end, text.data() + text.size());
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  const unsigned shift = unit.empty()                 ? 0
                         : unit == "K" || unit == "k" ? 10
                         : unit == "M" || unit == "m" ? 20
                         : unit == "G" || unit == "g" ? 30
                                                      : 99;
  if (error != std::errc() || shift == 99 || bytes == 0 || bytes > (1ull << 42 >> shift))
    return fail(Code::invalid_argument, flag +
                                            " takes a number of bytes, as in 67108864 or 64M, not "
                                            "\"" +
                                            text + "\"");
  return bytes << shift;
}

void add_workspace(CLI::App& app, Given& given) {
  app.add_option("--workspace-dir", given.common.workspace_directory,
                 "the folder to work in (default: the current one)");
}

void add_offline(CLI::App& app, Given& given) {
  app.add_flag("--offline", given.common.offline, "connect to nothing, whatever is allowed");
}

void add_rules(CLI::App& app, Given& given) {
  app.add_option("--allow", given.common.allow,
                 "a rule for this time, as in \"write docs\" or \"connect https://a.example\"; may "
                 "be repeated, as --ask and --deny")
      ->allow_extra_args(false);
  app.add_option("--ask", given.common.ask, "the same for what is asked about")
      ->allow_extra_args(false);
  app.add_option("--deny", given.common.deny, "the same for what is denied")
      ->allow_extra_args(false);
}

// What `run` and `chat` take alike.
void add_choices(CLI::App& app, Given& given) {
  app.add_option("--model", given.model,
                 "ollama/NAME, llamacpp/NAME, openai/NAME or scripted/FILE.yaml");
  app.add_option("--session", given.session, "go on with this session");
  app.add_option(
      "--mode", given.mode,
      "plan (change nothing), ask (before each change; default), edits (file changes without "
      "asking), autonomous, unattended");
  app.add_option("--max-turns", given.turns_max, "stop after this many model answers")
      ->check(CLI::Range(1, 10'000));
  add_offline(app, given);
  add_rules(app, given);
  add_workspace(app, given);
}

struct Commands {
  CLI::App *serve, *run, *chat, *tool, *tool_list, *tool_show, *tool_run, *policy_explain, *session,
      *session_list, *session_tag, *session_show, *session_fork, *session_diff, *session_undo,
      *session_redo, *session_delete, *skill_list, *skill_show, *skill_new, *skill_check,
      *skill_run;
  CLI::App *model_list, *model_test, *model_default, *model_key;
  CLI::App *question_list, *question_show, *question_answer, *trust;
};

void define_session(CLI::App& app, Commands& commands, Given& given) {
  commands.session =
      app.add_subcommand("session", "list, show and fork sessions, undo what they changed");
  commands.session->require_subcommand(1);
  commands.session_list = commands.session->add_subcommand("list", "the sessions of the workspace");
  commands.session_list->add_flag("--json", given.json, "one JSON object a line");
  commands.session_list->add_option("--query", given.query,
                                    "words that the title, the tags or what was said hold");
  commands.session_list->add_option("--tag", given.tag, "only those with this tag");
  commands.session_tag = commands.session->add_subcommand(
      "tag", "gives a session these tags in place of those it has; without any: none");
  commands.session_show = commands.session->add_subcommand("show", "what happened in a session");
  commands.session_show->add_flag("--json", given.json, "one JSON event a line");
  commands.session_fork = commands.session->add_subcommand(
      "fork", "a new session that begins as another one; prints its id");
  commands.session_fork
      ->add_option("--at", given.at,
                   "the number of the last event to take over (default: all); an unfinished turn "
                   "is left out")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 53));
  commands.session_fork->add_option("--title", given.title, "its title (default: the other's)");
  for (auto* command : {commands.session_tag, commands.session_show, commands.session_fork})
    command->add_option("id", given.session, "the session")->required();
  commands.session_tag->add_option("tags", given.tags, "1 to 40 characters each");
  for (auto* command :
       {commands.session_list, commands.session_tag, commands.session_show, commands.session_fork})
    add_workspace(*command, given);
}

void define_policy(CLI::App& app, Commands& commands, Given& given) {
  auto* policy = app.add_subcommand("policy", "what tools may reach");
  policy->require_subcommand(1);
  commands.policy_explain = policy->add_subcommand(
      "explain", "what would become of a connection or a call, and by which rule");
  auto& explain = *commands.policy_explain;
  explain.footer(kExplainExamples);
  explain.add_option("subject", given.explain.subject, "http:// or https://, or a tool's name")
      ->required();
  explain.add_option("arguments", given.explain.arguments, "of a tool's call, as JSON");
  explain.add_option("--mode", given.mode, "of the run (default: that of the configuration)");
  explain.add_option("--method", given.explain.method, "the request's method (default: GET)")
      ->default_val("GET");
  explain.add_flag("--json", given.json, "one JSON object");
  add_offline(explain, given);
  add_rules(explain, given);
  add_workspace(explain, given);
}

void define_model(CLI::App& app, Commands& commands, Given& given) {
  auto* model = app.add_subcommand("model", "which models there are, the default, and keys");
  model->require_subcommand(1);
  commands.model_list = model->add_subcommand("list", "asks each provider's server for its models");
  commands.model_test = model->add_subcommand("test", "asks a model one small question");
  commands.model_test->add_option("model", given.model, "FAMILY/NAME (default: the default)");
  commands.model_default =
      model->add_subcommand("default", "sets the model of runs that name none");
  commands.model_default->add_option("model", given.model, "FAMILY/NAME")->required();
  commands.model_key = model->add_subcommand("key", "stores a provider's key, or forgets it");
  commands.model_key->footer(kKeyExamples);
  commands.model_key->add_option("provider", given.key.provider, "openai, ollama or llamacpp")
      ->required();
  commands.model_key->add_option("--base-url", given.base_url,
                                 "where its server is; the key is for that");
  commands.model_key->add_flag("--forget", given.key.forget, "delete the stored key");
  for (auto* command :
       {commands.model_list, commands.model_test, commands.model_default, commands.model_key})
    add_workspace(*command, given);
  for (auto* command : {commands.model_list, commands.model_test}) add_offline(*command, given);
}

void define_questions(CLI::App& app, Commands& commands, Given& given) {
  auto* question = app.add_subcommand("question", "what you are asked, and answering it");
  question->require_subcommand(1);
  commands.question_list = question->add_subcommand("list", "what waits for an answer");
  commands.question_list->add_flag("--json", given.json, "one JSON event a line");
  add_workspace(*commands.question_list, given);
  commands.question_show = question->add_subcommand("show", "one question, with its diff");
  commands.question_show->add_option("id", given.question, "the question")->required();
  add_workspace(*commands.question_show, given);
  commands.question_answer = question->add_subcommand(
      "answer",
      "answers one, also of a run that has ended: its changes are applied or dropped now");
  commands.question_answer->add_option("id", given.question, "the question")->required();
  commands.question_answer->add_option("answer", given.answer, "yes, no, for-this-run or always")
      ->required();
  commands.question_answer->add_option("--word", given.word, "a word to the model");
  add_workspace(*commands.question_answer, given);

  commands.trust = app.add_subcommand("trust", "whether what comes with a folder may act for you");
  commands.trust->add_option("verdict", given.answer, "yes or no (default: says what holds)");
  commands.trust->footer(kTrustHelp);
  add_workspace(*commands.trust, given);
}

void define_serve(CLI::App& serve, Given& given) {
  serve.footer(kServeExamples);
  serve.add_option("--host", given.serve.host, "the address to listen at (default: 127.0.0.1)");
  serve
      .add_option("--port", given.serve.port,
                  "the port (default: 30001; the next free one where it is taken; 0: any)")
      ->check(CLI::Range(0, 65'535));
  serve.add_option("--model", given.model, "the model of runs that name none");
  serve
      .add_option("--allow-host", given.serve.host_names,
                  "another host name by which this server may be called; may be repeated")
      ->allow_extra_args(false);
  serve.add_option("--admin-user", given.admin_user, "ask for this user and a password");
  serve.add_option("--admin-password-file", given.admin_password_file,
                   "a file with the password, or with its argon2id hash");
  serve.add_option("--tls-cert", given.serve.tls_certificate, "the certificate chain, PEM");
  serve.add_option("--tls-key", given.serve.tls_key, "its key, PEM");
  serve.add_flag("--behind-proxy", given.serve.behind_proxy,
                 "a proxy in front of this server does TLS");
  add_offline(serve, given);
  add_rules(serve, given);
  add_workspace(serve, given);
}

// What every run takes, whatever it begins with.
void add_run_options(CLI::App& run, Given& given) {
  run.add_flag("--json", given.json, "one JSON event a line instead of text");
  add_choices(run, given);
}

void define_skill(CLI::App& app, Commands& commands, Given& given) {
  auto* skill = app.add_subcommand("skill", "list, show, make, check and run skills");
  skill->require_subcommand(1);
  commands.skill_list = skill->add_subcommand("list", "the skills and where they come from");
  commands.skill_list->add_flag("--json", given.json, "one JSON object a line");
  commands.skill_show = skill->add_subcommand("show", "one skill's arguments and instructions");
  commands.skill_show->add_option("name", given.skill, "the skill")->required();
  commands.skill_new = skill->add_subcommand("new", "make one in this workspace, by a template");
  commands.skill_new->add_option("name", given.skill, "a-z, 0-9 and hyphens")->required();
  commands.skill_check = skill->add_subcommand("check", "what is wrong with a skill, by line");
  commands.skill_check->add_option("what", given.skill,
                                   "a skill's name or folder (default: the workspace's and yours)");
  for (auto* command :
       {commands.skill_list, commands.skill_show, commands.skill_new, commands.skill_check})
    add_workspace(*command, given);
  commands.skill_run = skill->add_subcommand("run", "let an agent do a job by a skill");
  auto& run = *commands.skill_run;
  run.footer(kSkillRunExamples);
  run.add_option("name", given.skill, "the skill")->required();
  run.add_option("arguments", given.skill_arguments, "name=value each, or a text");
  add_run_options(run, given);
}

constexpr const char* kUndoExamples =
    "What a call changed is one step, however many files it is. What you changed since stays: it "
    "is "
    "merged,\n"
    "or the file is a conflict and left as it is. Exit codes: 0 done, 1 conflicts, 2 nothing to "
    "do, 6 "
    "in use.\n"
    "\n"
    "Examples:\n"
    "  boxagnts session diff 01k… | less\n"
    "  boxagnts session undo 01k…\n"
    "  boxagnts session undo 01k… 3\n"
    "  boxagnts session redo 01k… --json";

void define_undo(Commands& commands, Given& given) {
  auto& session = *commands.session;
  commands.session_diff = session.add_subcommand("diff", "what a session changed in the files");
  commands.session_undo = session.add_subcommand("undo", "take back what its last calls changed");
  commands.session_redo = session.add_subcommand("redo", "put back what was undone last");
  commands.session_delete =
      session.add_subcommand("delete", "remove a session whole, with its undo");
  for (auto* command : {commands.session_diff, commands.session_undo, commands.session_redo,
                        commands.session_delete}) {
    command->add_option("id", given.session, "the session")->required();
    add_workspace(*command, given);
  }
  for (auto* command : {commands.session_undo, commands.session_redo}) {
    command->footer(kUndoExamples);
    command->add_option("count", given.count, "how many calls (default: 1)")
        ->check(CLI::Range(1, 1'000'000));
    command->add_flag("--json", given.json, "one JSON object for each call's changes");
  }
  commands.session_diff->footer(kUndoExamples);
  commands.session_diff->add_flag("--json", given.json, "one JSON object");
}

Commands define(CLI::App& app, Given& given) {
  Commands commands{};
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "print this help");
  app.set_version_flag("--version", std::string(kVersion.substr(0, kVersion.size() - 1)));

  commands.serve = app.add_subcommand("serve", "serve the workspace on this machine, by HTTP");
  define_serve(*commands.serve, given);

  commands.run = app.add_subcommand("run", "let an agent do a job in the workspace");
  auto& run = *commands.run;
  run.footer(kRunExamples);
  run.add_option("prompt", given.run.prompt, "what to do");
  run.add_option("--attach", given.run.attachments,
                 "a file that goes along: text, or an image; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_run_options(run, given);
  commands.chat = app.add_subcommand("chat", "talk with an agent about the workspace");
  commands.chat->footer(kChatExamples);
  add_choices(*commands.chat, given);

  commands.tool = app.add_subcommand("tool", "list, show and run tools");
  auto& tool = *commands.tool;
  tool.require_subcommand(1);
  commands.tool_list = tool.add_subcommand("list", "the tools and what they may do");
  commands.tool_list->add_flag("--json", given.json, "one JSON object a line");
  commands.tool_show = tool.add_subcommand("show", "one tool's description and arguments");
  commands.tool_show->add_option("name", given.tool, "the tool")->required();
  for (auto* command : {commands.tool_list, commands.tool_show}) add_workspace(*command, given);
  commands.tool_run = tool.add_subcommand("run", "run one tool in the sandbox");
  auto& tool_run = *commands.tool_run;
  tool_run.footer(kToolRunExamples);
  tool_run.add_option("name", given.tool, "the tool, or the path of a WASI command")->required();
  tool_run.add_option(
      "input", given.input,
      "a tool's arguments as JSON (default: from standard input); a path's arguments "
      "go behind --");
  tool_run
      .add_option("--dir", given.mounts,
                  "mount HOST[:ro] at the same place, or HOST::GUEST[:ro]; may be repeated")
      ->allow_extra_args(false);
  tool_run.add_option("--env", given.environment, "NAME=value for a path; may be repeated")
      ->allow_extra_args(false);
  tool_run.add_option("--timeout", given.timeout_s, "seconds it may take")
      ->check(CLI::Range(0.001, 86'400.0));
  tool_run.add_option("--memory", given.memory, "bytes of memory it may use, as in 64M");
  tool_run.add_option("--stack", given.stack, "bytes of stack a path may use, as in 8M");
  tool_run.add_option("--output", given.output,
                      "bytes a path may write to each standard stream (default: 10M)");
  tool_run.add_option("--disk", given.disk,
                      "bytes by which a path may let files grow in each --dir (default: 1G)");
  tool_run.add_option("--fuel", given.fuel, "instructions a path may execute, about")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62));
  add_offline(tool_run, given);
  add_rules(tool_run, given);
  add_workspace(tool_run, given);
  define_policy(app, commands, given);
  define_questions(app, commands, given);
  define_skill(app, commands, given);
  define_model(app, commands, given);
  define_session(app, commands, given);
  define_undo(commands, given);
  return commands;
}

Result<Command> answer_command(Given& given) {
  auto answer = core::parse_enum<core::Answer>(given.answer);
  if (!answer) return std::unexpected(std::move(answer.error()).in("the answer"));
  return QuestionAnswerCommand{given.common, given.question, *answer, given.word};
}

Result<Command> trust_command(Given& given) {
  TrustCommand command{.common = given.common};
  if (given.answer.empty()) return command;
  if (given.answer != "yes" && given.answer != "no")
    return fail(Code::invalid_argument, "trust takes yes or no");
  command.trust = given.answer == "yes";
  return command;
}

Result<Command> key_command(const CLI::App& app, Given& given) {
  ModelKeyCommand command = std::move(given.key);
  command.common = given.common;
  if (app.count("--base-url") > 0) command.base_url = given.base_url;
  if (command.forget && command.base_url)
    return fail(Code::invalid_argument, "--forget deletes the key, and takes no --base-url");
  return command;
}

std::optional<Command> model_command(const Commands& commands, Given& given) {
  if (commands.model_list->parsed()) return ModelListCommand{given.common};
  if (commands.model_default->parsed()) return ModelDefaultCommand{given.common, given.model};
  if (!commands.model_test->parsed()) return std::nullopt;
  ModelTestCommand command{.common = given.common};
  if (commands.model_test->count("model") > 0) command.model = given.model;
  return command;
}

Result<Command> explain_command(const CLI::App& app, Given& given) {
  PolicyExplainCommand command = std::move(given.explain);
  command.common = given.common;
  command.json = given.json;
  if (command.arguments.empty()) command.arguments = "{}";
  if (app.count("--mode") > 0) {
    auto mode = core::parse_enum<core::Mode>(given.mode);
    if (!mode) return std::unexpected(std::move(mode.error()).in("--mode"));
    command.mode = *mode;
  }
  return command;
}

Result<RunChoices> run_choices(const CLI::App& app, const Given& given) {
  RunChoices choices;
  if (app.count("--session") > 0) choices.session = given.session;
  if (app.count("--model") > 0) choices.model = given.model;
  if (app.count("--max-turns") > 0) choices.turns_max = given.turns_max;
  if (app.count("--mode") > 0) {
    auto mode = core::parse_enum<core::Mode>(given.mode);
    if (!mode) return std::unexpected(std::move(mode.error()).in("--mode"));
    choices.mode = *mode;
  }
  return choices;
}

Result<RunCommand> run_command(const CLI::App& app, const Given& given) {
  return RunCommand{given.common, given.run.prompt, given.run.attachments,
                    TRY(run_choices(app, given)), given.json};
}

Result<Command> serve_command(const CLI::App& app, Given& given) {
  ServeCommand command = std::move(given.serve);
  command.common = given.common;
  if (app.count("--model") > 0) command.model = given.model;
  if (app.count("--admin-user") > 0) command.admin_user = given.admin_user;
  if (app.count("--admin-password-file") > 0)
    command.admin_password_file = given.admin_password_file;
  if (command.admin_user && command.admin_user->empty())
    return fail(Code::invalid_argument, "--admin-user takes a name");
  if (command.admin_password_file && !command.admin_user)
    return fail(Code::invalid_argument, "--admin-password-file belongs to --admin-user NAME");
  if (command.tls_certificate.empty() != command.tls_key.empty())
    return fail(Code::invalid_argument, "--tls-cert and --tls-key belong together");
  for (auto& name : command.host_names) {
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.empty() || name.find_first_of("/: *") != std::string::npos)
      return fail(Code::invalid_argument,
                  "--allow-host takes a host name without a port, as in box.example.org, not \"" +
                      base::one_line(name, 80) + "\"");
  }
  return command;
}

bool is_module_path(std::string_view name) { return name.contains('/') || name.ends_with(".wasm"); }

// What tools and programs are granted alike.
template <class RunsGuest>
Status take_grant(const CLI::App& app, const Given& given, RunsGuest& command) {
  for (const auto& text : given.mounts) {
    auto mount = core::parse_mount(text);
    if (!mount) return std::unexpected(std::move(mount.error()).in("--dir"));
    command.mounts.push_back(std::move(*mount));
  }
  if (app.count("--timeout") > 0) {
    if (std::isnan(given.timeout_s))  // no range holds it or excludes it
      return fail(Code::invalid_argument, "--timeout takes a number of seconds, as in 2.5");
    command.timeout_s = given.timeout_s;
  }
  if (app.count("--memory") > 0) command.memory_bytes = TRY(parse_bytes("--memory", given.memory));
  return {};
}

Result<Command> module_run_command(const CLI::App& app, Given& given) {
  if (app.count("input") > 0)
    return fail(Code::invalid_argument, "arguments of a program go behind --: boxagnts tool run " +
                                            given.tool + " -- " + given.input);
  if (app.count("--workspace-dir") > 0)
    return fail(Code::invalid_argument,
                "--workspace-dir is for tools by name; a program is given folders by --dir");
  ModuleRunCommand command{.file = given.tool};
  if (given.behind) command.arguments = std::move(*given.behind);
  TRY(take_grant(app, given, command));
  for (const auto& text : given.environment) {
    auto variable = core::parse_variable(text);
    if (!variable) return std::unexpected(std::move(variable.error()).in("--env"));
    command.environment.push_back(std::move(*variable));
  }
  if (app.count("--output") > 0) command.output_bytes = TRY(parse_bytes("--output", given.output));
  if (app.count("--disk") > 0) command.disk_bytes = TRY(parse_bytes("--disk", given.disk));
  if (app.count("--stack") > 0) command.stack_bytes = TRY(parse_bytes("--stack", given.stack));
  if (app.count("--fuel") > 0) command.fuel = given.fuel;
  return command;
}

Result<Command> tool_run_command(const CLI::App& app, Given& given) {
  if (is_module_path(given.tool)) return module_run_command(app, given);
  for (const auto* flag : {"--env", "--stack", "--output", "--disk", "--fuel"})
    if (app.count(flag) > 0)
      return fail(Code::invalid_argument, std::string(flag) + " is for the path of a program; \"" +
                                              given.tool + "\" is the name of a tool");
  ToolRunCommand command{.common = given.common, .tool = given.tool};
  if (app.count("input") > 0) command.input = given.input;
  if (given.behind) {
    if (given.behind->size() + app.count("input") > 1)
      return fail(Code::invalid_argument, "a tool takes one argument, its JSON");
    if (!given.behind->empty()) command.input = given.behind->front();
  }
  TRY(take_grant(app, given, command));
  return command;
}

Result<Command> skill_run_command(const CLI::App& app, Given& given) {
  SkillRunCommand command{TRY(run_command(app, given)), given.skill, given.skill_arguments};
  if (given.behind)
    command.arguments.insert(command.arguments.end(), given.behind->begin(), given.behind->end());
  return command;
}

Result<Command> make(const Commands& commands, Given& given) {
  if (commands.serve->parsed()) return serve_command(*commands.serve, given);
  if (commands.run->parsed()) return TRY(run_command(*commands.run, given));
  if (commands.chat->parsed())
    return ChatCommand{given.common, TRY(run_choices(*commands.chat, given))};
  if (commands.tool_list->parsed()) return ToolListCommand{given.common, given.json};
  if (commands.tool_show->parsed()) return ToolShowCommand{given.common, given.tool};
  if (commands.tool_run->parsed()) return tool_run_command(*commands.tool_run, given);
  if (commands.question_list->parsed()) return QuestionListCommand{given.common, given.json};
  if (commands.question_show->parsed()) return QuestionShowCommand{given.common, given.question};
  if (commands.question_answer->parsed()) return answer_command(given);
  if (commands.trust->parsed()) return trust_command(given);
  if (commands.policy_explain->parsed()) return explain_command(*commands.policy_explain, given);
  if (auto command = model_command(commands, given)) return *std::move(command);
  if (commands.model_key->parsed()) return key_command(*commands.model_key, given);
  if (commands.skill_list->parsed()) return SkillListCommand{given.common, given.json};
  if (commands.skill_show->parsed()) return SkillShowCommand{given.common, given.skill};
  if (commands.skill_new->parsed()) return SkillNewCommand{given.common, given.skill};
  if (commands.skill_check->parsed())
    return SkillCheckCommand{given.common, commands.skill_check->count("what") > 0
                                               ? std::optional(given.skill)
                                               : std::nullopt};
  if (commands.skill_run->parsed()) return skill_run_command(*commands.skill_run, given);
  if (commands.session_list->parsed())
    return SessionListCommand{given.common, given.query, given.tag, given.json};
  if (commands.session_tag->parsed())
    return SessionTagCommand{given.common, given.session, given.tags};
  if (commands.session_fork->parsed()) {
    SessionForkCommand command{.common = given.common, .session = given.session, .at = given.at};
    if (commands.session_fork->count("--title") > 0) command.title = given.title;
    return command;
  }
  if (commands.session_diff->parsed())
    return SessionDiffCommand{given.common, given.session, given.json};
  for (auto* command : {commands.session_undo, commands.session_redo}) {
    using Way = SessionUndoCommand::Way;
    const Way way = command == commands.session_undo ? Way::undo : Way::redo;
    if (command->parsed())
      return SessionUndoCommand{given.common, given.session, way, given.count, given.json};
  }
  if (commands.session_delete->parsed()) return SessionDeleteCommand{given.common, given.session};
  return SessionShowCommand{given.common, given.session, given.json};
}

// The deepest command that was named, for help and for suggestions.
CLI::App& deepest(CLI::App& app) {
  for (auto* command : app.get_subcommands()) return deepest(*command);
  return app;
}

// What the person may have meant by a word nobody knows.
std::string suggestion(CLI::App& app, const std::vector<std::string>& arguments) {
  CLI::App& command = deepest(app);
  std::vector<std::string> names;
  for (const auto* child : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(child->get_name());
  for (const auto* option : command.get_options())
    if (option->get_name().starts_with("--")) names.push_back(option->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& word : arguments) {
    const auto name = word.substr(0, word.find('='));
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto nearest = base::nearest_name(name, known);
    if (!nearest.empty()) return "; did you mean " + std::string(nearest) + "?";
  }
  return "; see boxagnts --help";
}

}  // namespace

std::string_view version() {
  const auto space = kVersion.find(' ') + 1;
  return kVersion.substr(space, kVersion.size() - space - 1);
}

bool runs_module(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3 || arguments[0] != "tool" || arguments[1] != "run") return false;
  constexpr std::string_view kWithValue[]{"--dir",    "--env",   "--timeout",
                                          "--memory", "--stack", "--output",
                                          "--disk",   "--fuel",  "--workspace-dir"};
  for (std::size_t i = 2; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (std::ranges::find(kWithValue, arguments[i]) != std::end(kWithValue))
      ++i;
    else if (!arguments[i].starts_with('-'))
      return is_module_path(arguments[i]);
  }
  return false;
}

Result<Command> parse(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "--version") return ShowText{std::string(kVersion)};
  CLI::App app(kAbout, "boxagnts");
  Given given;
  const Commands commands = define(app, given);
  // What stands behind -- is the program's, to the letter.
  auto own = arguments;
  const bool asks_for_help = own.size() == 1 && (own[0] == "-h" || own[0].starts_with("--help"));
  if (own.empty() || (own[0].starts_with('-') && !asks_for_help)) own.insert(own.begin(), "serve");
  if (own.size() > 1 && (own[0] == "tool" || own[0] == "skill") && own[1] == "run")
    if (const auto end = std::ranges::find(own, "--"); end != own.end()) {
      given.behind.emplace(end + 1, own.end());
      own.erase(end, own.end());
    }
  try {
    std::vector<std::string> reversed(own.rbegin(), own.rend());  // as CLI11 takes them
    app.parse(reversed);
  } catch (const CLI::CallForVersion&) {
    return ShowText{std::string(kVersion)};
  } catch (const CLI::CallForHelp&) {
    return ShowText{deepest(app).help()};
  } catch (const CLI::CallForAllHelp&) {
    return ShowText{app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::ParseError& error) {
    // What is too much may be the key: it is not said again.
    if (own.size() > 1 && own[0] == "model" && own[1] == "key")
      return fail(Code::invalid_argument,
                  "model key takes a provider, and --base-url URL or --forget; the key itself is "
                  "read from standard input, never from the command line");
    return fail(Code::invalid_argument, std::string(error.what()) + suggestion(app, own));
  }
  return make(commands, given);
}

}  // namespace boxagnts::cli
