// Command lines: what each means, and the sentence for each that means nothing.
#include "cli/command.h"

#include <gtest/gtest.h>

namespace boxagnts::cli {
namespace {

template <class Expected>
Expected parsed(const std::vector<std::string>& arguments) {
  const auto command = parse(arguments);
  if (!command) {
    ADD_FAILURE() << command.error().message;
    return {};
  }
  const auto* found = std::get_if<Expected>(&*command);
  EXPECT_TRUE(found) << "another command";
  return found ? *found : Expected{};
}

TEST(Cli, RunTakesItsFlags) {
  const auto run =
      parsed<RunCommand>({"run", "do it", "--model", "ollama/x", "--session", "s1", "--mode",
                          "edits", "--max-turns", "5", "--json", "--workspace-dir", "/w"});
  EXPECT_EQ(run.prompt, "do it");
  EXPECT_EQ(run.choices.model, "ollama/x");
  EXPECT_EQ(run.choices.session, "s1");
  EXPECT_EQ(run.choices.mode, core::Mode::edits);
  EXPECT_EQ(run.choices.turns_max, 5);
  EXPECT_TRUE(run.json);
  EXPECT_EQ(run.common.workspace_directory, "/w");
}

TEST(Cli, WhatIsNotGivenIsAbsent) {
  const auto run = parsed<RunCommand>({"run"});
  EXPECT_EQ(run.prompt, "");
  EXPECT_EQ(run.choices.model, std::nullopt);
  EXPECT_EQ(run.choices.mode, std::nullopt);
  EXPECT_EQ(run.choices.turns_max, std::nullopt);
  EXPECT_EQ(run.common.workspace_directory, ".");
}

TEST(Cli, APromptMayBeginWithADashBehindTwo) {
  EXPECT_EQ(parsed<RunCommand>({"run", "--", "--not a flag"}).prompt, "--not a flag");
}

TEST(Cli, ToolRunTakesMountsAndLimits) {
  const auto run =
      parsed<ToolRunCommand>({"tool", "run", "read", "{}", "--dir", "/a::/b:ro", "--dir", "c::/d",
                              "--timeout", "1.5", "--memory", "64M"});
  EXPECT_EQ(run.tool, "read");
  EXPECT_EQ(run.input, "{}");
  ASSERT_EQ(run.mounts.size(), 2u);
  EXPECT_EQ(run.mounts[0].guest_path, "/b");
  EXPECT_EQ(run.mounts[0].access, core::Access::read_only);
  EXPECT_EQ(run.mounts[1].host_path, "c");
  EXPECT_EQ(run.mounts[1].access, core::Access::read_write);
  EXPECT_EQ(run.timeout_s, 1.5);
  EXPECT_EQ(run.memory_bytes, 64u << 20);
  EXPECT_EQ(parsed<ToolRunCommand>({"tool", "run", "read"}).input, std::nullopt);
}

TEST(Cli, AChatTakesWhatARunTakes) {
  const auto chat =
      parsed<ChatCommand>({"chat", "--model", "m", "--session", "s1", "--mode", "plan",
                           "--max-turns", "5", "--offline", "--workspace-dir", "/w"});
  EXPECT_EQ(chat.choices.model, "m");
  EXPECT_EQ(chat.choices.session, "s1");
  EXPECT_EQ(chat.choices.mode, core::Mode::plan);
  EXPECT_EQ(chat.choices.turns_max, 5);
  EXPECT_TRUE(chat.common.offline);
  EXPECT_EQ(chat.common.workspace_directory, "/w");
  EXPECT_FALSE(parsed<ChatCommand>({"chat"}).choices.model);
}

TEST(Cli, TheOtherCommands) {
  EXPECT_TRUE(parsed<ToolListCommand>({"tool", "list", "--json"}).json);
  EXPECT_EQ(parsed<ToolShowCommand>({"tool", "show", "read"}).tool, "read");
  EXPECT_TRUE(parsed<SessionListCommand>({"session", "list", "--json"}).json);
  const auto list = parsed<SessionListCommand>({"session", "list", "--query", "a b", "--tag", "t"});
  EXPECT_EQ(list.query, "a b");
  EXPECT_EQ(list.tag, "t");
  const auto tag = parsed<SessionTagCommand>({"session", "tag", "x", "a", "two words"});
  EXPECT_EQ(tag.session, "x");
  EXPECT_EQ(tag.tags, (std::vector<std::string>{"a", "two words"}));
  EXPECT_TRUE(parsed<SessionTagCommand>({"session", "tag", "x"}).tags.empty());
  EXPECT_EQ(parsed<RunCommand>({"run", "x", "--attach", "a.png", "--attach", "b"}).attachments,
            (std::vector<std::string>{"a.png", "b"}));
  EXPECT_EQ(parsed<SessionShowCommand>({"session", "show", "x"}).session, "x");
  const auto whole = parsed<SessionForkCommand>({"session", "fork", "x"});
  EXPECT_EQ(whole.session, "x");
  EXPECT_EQ(whole.at, 0);
  EXPECT_FALSE(whole.title);
  const auto part = parsed<SessionForkCommand>(
      {"session", "fork", "x", "--at", "7", "--title", "", "--workspace-dir", "/w"});
  EXPECT_EQ(part.at, 7);
  EXPECT_EQ(part.title, "");
  EXPECT_EQ(part.common.workspace_directory, "/w");
  EXPECT_TRUE(parsed<SessionDiffCommand>({"session", "diff", "x", "--json"}).json);
  EXPECT_EQ(parsed<SessionDeleteCommand>({"session", "delete", "x"}).session, "x");
  const auto undo = parsed<SessionUndoCommand>({"session", "undo", "x"});
  EXPECT_EQ(undo.session, "x");
  EXPECT_EQ(undo.way, SessionUndoCommand::Way::undo);
  EXPECT_EQ(undo.count, 1u);
  const auto redo = parsed<SessionUndoCommand>({"session", "redo", "x", "3", "--json"});
  EXPECT_EQ(redo.way, SessionUndoCommand::Way::redo);
  EXPECT_EQ(redo.count, 3u);
  EXPECT_TRUE(redo.json);
}

TEST(Cli, SkillCommands) {
  EXPECT_TRUE(parsed<SkillListCommand>({"skill", "list", "--json"}).json);
  EXPECT_EQ(parsed<SkillShowCommand>({"skill", "show", "x"}).skill, "x");
  EXPECT_EQ(parsed<SkillNewCommand>({"skill", "new", "x", "--workspace-dir", "/w"})
                .common.workspace_directory,
            "/w");
  EXPECT_EQ(parsed<SkillCheckCommand>({"skill", "check"}).what, std::nullopt);
  EXPECT_EQ(parsed<SkillCheckCommand>({"skill", "check", "a/b"}).what, "a/b");
  const auto run = parsed<SkillRunCommand>({"skill", "run", "x", "a=1", "--mode", "plan", "b=2",
                                            "--model", "ollama/x", "--json", "--", "--c"});
  EXPECT_EQ(run.skill, "x");
  EXPECT_EQ(run.arguments, (std::vector<std::string>{"a=1", "b=2", "--c"}));
  EXPECT_EQ(run.run.choices.mode, core::Mode::plan);
  EXPECT_EQ(run.run.choices.model, "ollama/x");
  EXPECT_TRUE(run.run.json);
  EXPECT_TRUE(parsed<SkillRunCommand>({"skill", "run", "x"}).arguments.empty());
}

TEST(Cli, PolicyExplainAndOffline) {
  const auto explain = parsed<PolicyExplainCommand>(
      {"policy", "explain", "https://a.test", "--method", "POST", "--json", "--offline"});
  EXPECT_EQ(explain.subject, "https://a.test");
  EXPECT_EQ(explain.method, "POST");
  EXPECT_TRUE(explain.json);
  EXPECT_TRUE(explain.common.offline);
  EXPECT_EQ(parsed<PolicyExplainCommand>({"policy", "explain", "x"}).method, "GET");
  const auto call =
      parsed<PolicyExplainCommand>({"policy", "explain", "write", R"({"file_path":"a"})", "--mode",
                                    "edits", "--deny", "write b"});
  EXPECT_EQ(call.subject, "write");
  EXPECT_EQ(call.arguments, R"({"file_path":"a"})");
  EXPECT_EQ(call.mode, core::Mode::edits);
  EXPECT_EQ(call.common.deny, std::vector<std::string>{"write b"});
  EXPECT_TRUE(parsed<RunCommand>({"run", "x", "--offline"}).common.offline);
  EXPECT_TRUE(parsed<ToolRunCommand>({"tool", "run", "read", "--offline"}).common.offline);
  EXPECT_FALSE(parsed<RunCommand>({"run", "x"}).common.offline);
}

TEST(Cli, HelpAndVersion) {
  EXPECT_TRUE(parsed<ShowText>({"--version"}).text.starts_with("boxagnts 0."));
  for (const auto& arguments : {std::vector<std::string>{"--help"}, {"-h"}})
    EXPECT_TRUE(parsed<ShowText>(arguments).text.contains("Exit codes")) << arguments.size();
  EXPECT_TRUE(parsed<ShowText>({"run", "--help"}).text.contains("piped in"));
  EXPECT_TRUE(parsed<ShowText>({"tool", "run", "--help"}).text.contains("--dir"));
}

struct Bad {
  std::vector<std::string> arguments;
  const char* said;
};
class CliBad : public testing::TestWithParam<Bad> {};
TEST_P(CliBad, IsOneSentenceAndExitCodeTwo) {
  const auto command = parse(GetParam().arguments);
  ASSERT_FALSE(command);
  EXPECT_EQ(base::info(command.error().code).exit_code, 2);
  EXPECT_TRUE(command.error().message.contains(GetParam().said)) << command.error().message;
  EXPECT_FALSE(command.error().message.contains('\n')) << command.error().message;
}
INSTANTIATE_TEST_SUITE_P(
    Table, CliBad,
    testing::Values(
        Bad{{"rnu", "x"}, "did you mean run?"}, Bad{{"tool"}, "boxagnts --help"},
        Bad{{"tool", "lst"}, "did you mean list?"}, Bad{{"tool", "run"}, "name"},
        Bad{{"run", "--modle", "x", "y"}, "did you mean --model?"},
        Bad{{"run", "--mode", "fast", "x"}, "plan, ask, edits, autonomous or unattended"},
        Bad{{"run", "--max-turns", "0", "x"}, "1"},
        Bad{{"run", "--max-turns", "many", "x"}, "max-turns"},
        Bad{{"serve", "--port", "65536"}, "65535"},
        Bad{{"serve", "--tls-cert", "c.pem"}, "--tls-key"},
        Bad{{"--admin-password-file", "f"}, "--admin-user"},
        Bad{{"--admin-user", ""}, "--admin-user"},
        Bad{{"--allow-host", "a.example:80"}, "without a port"},
        Bad{{"--allow-host", "*.example"}, "host name"},
        Bad{{"--prot", "1"}, "did you mean --port?"}, Bad{{"run", "a", "b"}, "b"},
        Bad{{"session", "show"}, "id"}, Bad{{"session", "fork"}, "id"},
        Bad{{"session", "undo"}, "id"}, Bad{{"session", "undo", "x", "0"}, "count"},
        Bad{{"session", "fork", "x", "--at", "0"}, "--at"}, Bad{{"policy", "explain"}, "subject"},
        Bad{{"policy"}, "boxagnts --help"}, Bad{{"skill"}, "boxagnts --help"},
        Bad{{"skill", "chekc"}, "did you mean check?"}, Bad{{"skill", "run"}, "name"},
        Bad{{"skill", "run", "x", "--mode", "fast"}, "plan, ask, edits"},
        Bad{{"skill", "new"}, "name"}, Bad{{"tool", "run", "read", "--memory", "lots"}, "64M"},
        Bad{{"tool", "run", "read", "--memory", "0"}, "64M"},
        Bad{{"tool", "run", "read", "--dir", ":ro"}, "host"},
        Bad{{"tool", "run", "read", "--dir", "::/a"}, "host"},
        Bad{{"tool", "run", "read", "--dir", "/a::"}, "guest"},
        Bad{{"tool", "run", "read", "--dir", "/a::/b:RO"}, "colon"},
        Bad{{"tool", "run", "read", "--timeout", "-1"}, "timeout"},
        Bad{{"tool", "run", "read", "--timeout", "nan"}, "--timeout"},
        Bad{{"tool", "run", "read", "--timeout", "inf"}, "timeout"},
        Bad{{"tool", "run", "read", "--env", "A=b"}, "--env is for the path"},
        Bad{{"tool", "run", "read", "--stack", "8M"}, "--stack is for the path"},
        Bad{{"tool", "run", "read", "--disk", "8M"}, "--disk is for the path"},
        Bad{{"tool", "run", "read", "--output", "8M"}, "--output is for the path"},
        Bad{{"tool", "run", "a.wasm", "--disk", "none"}, "--disk"},
        Bad{{"tool", "run", "a.wasm", "--output", "0"}, "--output"},
        Bad{{"tool", "run", "read", "{}", "--", "{}"}, "one argument"},
        Bad{{"tool", "run", "read", "--", "{}", "{}"}, "one argument"},
        Bad{{"tool", "run", "a.wasm", "x"}, "behind --"},
        Bad{{"tool", "run", "a.wasm", "--workspace-dir", "."}, "--dir"},
        Bad{{"tool", "run", "a.wasm", "--env", "A"}, "NAME=value"},
        Bad{{"tool", "run", "a.wasm", "--env", "=b"}, "NAME=value"},
        Bad{{"tool", "run", "a.wasm", "--stack", "big"}, "--stack"},
        Bad{{"tool", "run", "a.wasm", "--memory", "1T"}, "--memory"},
        Bad{{"tool", "run", "a.wasm", "--memory", "9999999G"}, "--memory"},
        Bad{{"tool", "run", "a.wasm", "--fuel", "0"}, "fuel"},
        Bad{{"tool", "run", "a.wasm", "--fuel", "-3"}, "fuel"},
        Bad{{"tool", "run", "a.wasm", "--dir"}, "--dir"},
        Bad{{"tool", "run", "a.wasm", "--dri", "x"}, "did you mean --dir?"}));

TEST(Cli, ServeIsWhatNoSubcommandMeans) {
  for (const auto& arguments : {std::vector<std::string>{}, {"serve"}}) {
    const auto serve = parsed<ServeCommand>(arguments);
    EXPECT_EQ(serve.host, "127.0.0.1");
    EXPECT_EQ(serve.port, 30'001);
    EXPECT_EQ(serve.common.workspace_directory, ".");
    EXPECT_FALSE(serve.admin_user || serve.model || serve.behind_proxy);
  }
  const auto serve = parsed<ServeCommand>({"--workspace-dir",
                                           "/w",
                                           "--port",
                                           "0",
                                           "--host",
                                           "::",
                                           "--admin-user",
                                           "ada",
                                           "--admin-password-file",
                                           "/p",
                                           "--tls-cert",
                                           "c",
                                           "--tls-key",
                                           "k",
                                           "--allow-host",
                                           "Box.Example",
                                           "--allow-host",
                                           "b",
                                           "--behind-proxy",
                                           "--model",
                                           "ollama/x"});
  EXPECT_EQ(serve.common.workspace_directory, "/w");
  EXPECT_EQ(serve.port, 0);
  EXPECT_EQ(serve.host, "::");
  EXPECT_EQ(serve.admin_user, "ada");
  EXPECT_EQ(serve.admin_password_file, "/p");
  EXPECT_EQ(serve.tls_certificate, "c");
  EXPECT_EQ(serve.tls_key, "k");
  EXPECT_EQ(serve.host_names, (std::vector<std::string>{"box.example", "b"}));
  EXPECT_TRUE(serve.behind_proxy);
  EXPECT_EQ(serve.model, "ollama/x");
}

TEST(Cli, APathIsAProgramWithWhatFollowsBehindDashes) {
  const auto run = parsed<ModuleRunCommand>(
      {"tool",     "run",     "./a",   "--dir",  "d",  "--dir",     "e:ro", "--dir",
       "f::/g:ro", "--env",   "A=b=c", "--env",  "E=", "--timeout", "2.5",  "--memory",
       "1G",       "--stack", "8M",    "--disk", "2K", "--output",  "3K",   "--fuel",
       "1000000",  "--",      "-x",    "[a,b]",  "",   "--dir",     "--"});
  EXPECT_EQ(run.file, "./a");
  EXPECT_EQ(run.arguments, (std::vector<std::string>{"-x", "[a,b]", "", "--dir", "--"}));
  ASSERT_EQ(run.mounts.size(), 3u);
  EXPECT_EQ(run.mounts[0].host_path, "d");
  EXPECT_EQ(run.mounts[0].guest_path, "");
  EXPECT_EQ(run.mounts[0].access, core::Access::read_write);
  EXPECT_EQ(run.mounts[1].host_path, "e");
  EXPECT_EQ(run.mounts[1].access, core::Access::read_only);
  EXPECT_EQ(run.mounts[2].guest_path, "/g");
  EXPECT_EQ(run.mounts[2].access, core::Access::read_only);
  EXPECT_EQ(run.environment, (std::vector<std::string>{"A=b=c", "E="}));
  EXPECT_EQ(run.timeout_s, 2.5);
  EXPECT_EQ(run.memory_bytes, 1u << 30);
  EXPECT_EQ(run.stack_bytes, 8u << 20);
  EXPECT_EQ(run.fuel, 1'000'000u);
  EXPECT_EQ(run.disk_bytes, 2u << 10);
  EXPECT_EQ(run.output_bytes, 3u << 10);
  EXPECT_EQ(parsed<ModuleRunCommand>({"tool", "run", "a.wasm"}).arguments.size(), 0u);
  EXPECT_EQ(parsed<ToolRunCommand>({"tool", "run", "read", "--", "{}"}).input, "{}");
}

TEST(Cli, WhetherAProgramIsRunIsKnownEvenWhenTheRestIsWrong) {
  EXPECT_TRUE(runs_module({"tool", "run", "a.wasm", "--nonsense"}));
  EXPECT_TRUE(runs_module({"tool", "run", "--dir", "x", "./a"}));
  EXPECT_FALSE(runs_module({"tool", "run", "--dir", "a.wasm", "read"}));
  EXPECT_FALSE(runs_module({"tool", "run", "read", "./a"}));
  EXPECT_FALSE(runs_module({"tool", "run", "--", "./a"}));
  EXPECT_FALSE(runs_module({"run", "./a"}));
  EXPECT_FALSE(runs_module({"tool", "run"}));
}

TEST(Cli, ModelsAreListedTriedChosenAndGivenKeys) {
  EXPECT_TRUE(parsed<ModelListCommand>({"model", "list", "--offline"}).common.offline);
  EXPECT_EQ(parsed<ModelTestCommand>({"model", "test"}).model, std::nullopt);
  EXPECT_EQ(parsed<ModelTestCommand>({"model", "test", "ollama/x"}).model, "ollama/x");
  EXPECT_EQ(parsed<ModelDefaultCommand>({"model", "default", "ollama/x"}).model, "ollama/x");
  const auto key = parsed<ModelKeyCommand>({"model", "key", "openai", "--base-url", "https://x"});
  EXPECT_EQ(key.provider, "openai");
  EXPECT_EQ(key.base_url, "https://x");
  EXPECT_FALSE(key.forget);
  EXPECT_TRUE(parsed<ModelKeyCommand>({"model", "key", "openai", "--forget"}).forget);
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"model"},
        {"model", "default"},
        {"model", "key"},
        {"model", "key", "openai", "sk-on-the-command-line"},
        {"model", "key", "openai", "--forget", "--base-url", "https://x"}})
    EXPECT_FALSE(parse(wrong).error().message.contains("sk-")) << wrong.back();
}

}  // namespace
}  // namespace boxagnts::cli
