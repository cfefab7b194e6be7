// The grammar of rules, what each layer counts, the built-in rules by name, and what holds of any
// rules at all: by random ones, each round with its seed.
#include "policy/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/file.h"
#include "base/text.h"
#include "policy/builtin_rules.h"

namespace boxagnts::policy {
namespace {

using core::Verdict;

constexpr auto kAllow = Verdict::allow;
constexpr auto kAsk = Verdict::ask;
constexpr auto kDeny = Verdict::deny;

struct Entry {
  Layer layer = Layer::user;
  Verdict verdict = kDeny;
  std::string text;
};

Rules with(Rules rules, const std::vector<Entry>& entries) {
  int line = 0;
  for (const auto& entry : entries) {
    const auto added =
        rules.add(entry.layer, entry.verdict, entry.text, "rules:" + std::to_string(++line));
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
  }
  return rules;
}

const Rules& builtin() {
  static const Rules kRules({.workspace = "/w", .home = "/home/u", .configuration = ""});
  return kRules;
}

Rules make(const std::vector<Entry>& entries) { return with(builtin(), entries); }

Rules make(const std::vector<Entry>& entries, Places places) {
  return with(Rules(std::move(places)), entries);
}

// "allow", "ask", "deny", or "" where the rules say nothing.
std::string said(const std::optional<Ruling>& ruling) {
  return ruling ? std::string(core::name_of(ruling->verdict)) : "";
}

// --- grammar
// ------------------------------------------------------------------------------------

TEST(Rules, AMalformedEntryIsRefusedWithItsPlaceAndWhatToWrite) {
  const struct {
    const char *text, *part;
  } kRows[] = {
      {"", "it takes \"tool NAME\""},
      {"read", "it takes \"tool NAME\""},
      {"reads a", "it takes \"tool NAME\""},
      {"Read a", "it takes \"tool NAME\""},
      {" read a", "it takes \"tool NAME\""},
      {"run a", "it takes \"tool NAME\""},
      {"read ", "a path is missing"},
      {"read /", "a path is missing"},
      {"read //", "a path is missing"},
      {"read ./", "its path holds \".\""},
      {"read .", "its path holds \".\""},
      {"read ..", "its path holds \"..\""},
      {"read a/../b", "its path holds \"..\""},
      {"read ./../b", "its path holds \"..\""},
      {"read a/./b", "its path holds \".\""},
      {"read a//b", "its path holds \"\""},
      {"read .//etc", "its path holds \"\""},
      {"write [a", "the [ is never closed"},
      {"write {a", "the { is never closed"},
      {"tool [a", "the [ is never closed"},
      {"connect example.com", "the scheme is missing"},
      {"connect ftp://example.com", "is not spoken here"},
      {"connect https://a.*.com", "* stands for a whole host"},
      {"connect https://a:99999", "is no port"},
  };
  for (const auto& row : kRows) {
    Rules rules({.workspace = "/w", .home = "/home/u", .configuration = ""});
    const auto added = rules.add(Layer::user, kDeny, row.text, "config.toml:7");
    ASSERT_FALSE(added) << row.text;
    EXPECT_EQ(added.error().code, Code::invalid_argument) << row.text;
    EXPECT_TRUE(added.error().message.starts_with("config.toml:7: \"" + std::string(row.text) +
                                                  "\" is no rule: "))
        << added.error().message;
    EXPECT_TRUE(added.error().message.contains(row.part)) << added.error().message;
  }
  Rules homeless({.workspace = "/w", .home = "", .configuration = ""});
  EXPECT_TRUE(homeless.add(Layer::user, kDeny, "read ~/x", "f:1")
                  .error()
                  .message.contains("there is no home folder"));
}

TEST(Rules, ASectionIsReadWithFileAndLineAndItsMistakesToo) {
  using Node = base::ConfigNode;
  const auto text = [](int line, const char* value) {
    return std::make_unique<Node>("policy.deny", "config.toml", line, std::string(value));
  };
  const auto root = [&](const char* key, std::unique_ptr<Node> first,
                        std::unique_ptr<Node> second) {
    Node::List list;
    list.push_back(std::move(first));
    if (second) list.push_back(std::move(second));
    Node::Table section;
    section.emplace(key, std::make_unique<Node>("policy.deny", "config.toml", 2, std::move(list)));
    Node::Table table;
    table.emplace("policy", std::make_unique<Node>("policy", "config.toml", 1, std::move(section)));
    return Node("", "config.toml", 0, std::move(table));
  };
  Rules rules = make({});
  const auto good = root("deny", text(3, "read plans/**"), text(4, "write *.lock"));
  ASSERT_TRUE(rules.read(good, Layer::workspace));
  EXPECT_TRUE(good.check_all_used());
  EXPECT_EQ(rules.judge_read("/w/plans/a")->rule, "deny read plans/** (config.toml:3)");
  EXPECT_EQ(rules.judge_write("/w/x/a.lock")->rule, "deny write *.lock (config.toml:4)");

  const auto bad = root("ask", text(3, "write a"), text(4, "write [a"));
  const auto read = rules.read(bad, Layer::user);
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().message.starts_with("config.toml:4: \"write [a\" is no rule"))
      << read.error().message;
  const auto unknown = root("denied", text(3, "read a"), nullptr);
  EXPECT_TRUE(rules.read(unknown, Layer::user));
  EXPECT_TRUE(unknown.check_all_used().error().message.contains("deny"));
}

TEST(Rules, APathIsRelativeAbsoluteOfTheHomeOrANameAnywhere) {
  const struct {
    const char *rule, *path;
    bool speaks;
  } kRows[] = {
      {"read plans", "/w/plans", true},
      {"read plans", "/w/plans/a/b", true},
      {"read plans", "/w/a/plans/b", true},
      {"read plans", "/elsewhere/plans", true},
      {"read plans", "/w/plans2", false},
      {"read plans/", "/w/a/plans", true},
      {"read ./plans", "/w/plans/x", true},
      {"read ./plans", "/w/a/plans", false},
      {"read ./~/x", "/w/~/x", true},
      {"read ./~/x", "/home/u/x", false},
      {"read a/plans", "/w/a/plans", true},
      {"read a/plans", "/w/a/plans/below", true},
      {"read a/plans", "/w/b/a/plans", false},
      {"read a/plans", "/a/plans", false},
      {"read a/**", "/w/a", false},
      {"read a/**", "/w/a/b/c", true},
      {"read a/*", "/w/a/b/c", true},
      {"read **/x", "/w/a/x", true},
      {"read **/x", "/elsewhere/x", false},
      {"read /**/x", "/elsewhere/x", true},
      {"read /etc/hosts", "/etc/hosts", true},
      {"read /etc/hosts", "/w/etc/hosts", false},
      {"read ~/notes/*.md", "/home/u/notes/a.md", true},
      {"read ~/notes/*.md", "/w/notes/a.md", false},
      {"read ~", "/w/~", true},
      {"read ~", "/home/u/x", false},
      {"read *.tmp", "/w/a.tmp", true},
      {"read *.tmp", "/w/a.tmp/below", true},
      {"read a?c", "/w/abc", true},
      {"read {one,two}", "/w/two", true},
      {"read [ab]x/y", "/w/bx/y", true},
      {"read sp ace/x", "/w/sp ace/x", true},
      {"read a\\*b", "/w/a*b", true},
      {"read a\\*b", "/w/acb", false},
      {"read /**", "/anything", true},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(said(make({{Layer::user, kDeny, row.rule}}).judge_read(row.path)),
              row.speaks ? "deny" : "")
        << row.rule << " " << row.path;
  EXPECT_EQ(said(make({{Layer::user, kDeny, "read a/b"}}).judge_write("/w/a/b")), "")
      << "another verb's";
}

TEST(Rules, AFolderWhoseNameIsAGlobIsTakenByTheLetter) {
  const Places places{
      .workspace = "/w/[x]{a,b}*!", .home = "/home/u?", .configuration = "/home/u?/.config/{b}"};
  const auto rules = make({{Layer::user, kDeny, "read src/*.cc"},
                           {Layer::user, kDeny, "read ~/n"},
                           {Layer::user, kAsk, "write src/**"},
                           {Layer::user, kAllow, "write src/generated/**"}},
                          places);
  EXPECT_EQ(said(rules.judge_read("/w/[x]{a,b}*!/src/a.cc")), "deny");
  EXPECT_EQ(said(rules.judge_read("/w/xa!/src/a.cc")), "");
  EXPECT_EQ(said(rules.judge_read("/home/u?/n")), "deny");
  EXPECT_EQ(said(rules.judge_read("/home/ux/n")), "");
  EXPECT_EQ(said(rules.judge_write("/home/u?/.config/{b}/config.toml")), "deny");
  EXPECT_EQ(said(rules.judge_write("/w/[x]{a,b}*!/src/a")), "ask");
  EXPECT_EQ(said(rules.judge_write("/w/[x]{a,b}*!/src/generated/a")), "allow")
      << "what is quoted is literal: the longer entry is the more specific one";
}

TEST(Rules, DenyAndAskCountInAnyLetterCaseAndAllowInTheWrittenOne) {
  const auto rules = make({{Layer::user, kDeny, "read Plans/*.PDF"},
                           {Layer::user, kAsk, "read Drafts"},
                           {Layer::user, kDeny, "tool Bash*"},
                           {Layer::user, kAllow, "tool Grep"},
                           {Layer::user, kAllow, "read .env.Test"}});
  EXPECT_EQ(said(rules.judge_read("/W/plans/a.pdf")), "deny");
  EXPECT_EQ(said(rules.judge_read("/w/a/DRAFTS/b")), "ask");
  EXPECT_EQ(said(rules.judge_tool("bashful")), "deny");
  EXPECT_EQ(said(rules.judge_tool("Grep")), "allow");
  EXPECT_EQ(said(rules.judge_tool("grep")), "");
  EXPECT_EQ(said(rules.judge_read("/w/.env.Test")), "allow");
  EXPECT_EQ(said(rules.judge_read("/w/.env.test")), "deny");
  EXPECT_EQ(said(rules.judge_read("/w/.ENV")), "deny");
}

TEST(Rules, ToolsAreNamedWithStars) {
  const auto rules = make({{Layer::user, kDeny, "tool mcp_*"}, {Layer::user, kAsk, "tool w?ite"}});
  EXPECT_EQ(said(rules.judge_tool("mcp_")), "deny");
  EXPECT_EQ(said(rules.judge_tool("mcp_x")), "deny");
  EXPECT_EQ(said(rules.judge_tool("write")), "ask");
  EXPECT_EQ(said(rules.judge_tool("rewrite")), "");
  EXPECT_EQ(rules.judge_tool("write")->rule, "ask tool w?ite (rules:2)");
}

// --- layers
// -------------------------------------------------------------------------------------

TEST(Rules, InALayerDenyIsAbsoluteAndElseTheMostSpecificDecides) {
  const struct {
    std::vector<Entry> entries;
    const char *path, *wanted;
  } rows[] = {
      {{{Layer::user, kDeny, "write a/**"}, {Layer::user, kAllow, "write a/b/c"}},
       "/w/a/b/c",
       "deny"},
      {{{Layer::user, kAsk, "write a/**"}, {Layer::user, kAllow, "write a/b/**"}},
       "/w/a/b/c",
       "allow"},
      {{{Layer::user, kAsk, "write a/b/**"}, {Layer::user, kAllow, "write a/**"}},
       "/w/a/b/c",
       "ask"},
      {{{Layer::user, kAsk, "write a/*c"}, {Layer::user, kAllow, "write a/**"}}, "/w/a/c", "ask"},
      {{{Layer::user, kAllow, "write a/*c"}, {Layer::user, kAsk, "write a/**"}}, "/w/a/c", "ask"},
      {{{Layer::user, kAsk, "write a/*"}, {Layer::user, kAllow, "write a\\*/x"}},
       "/w/a*/x",
       "allow"},
      {{{Layer::user, kAllow, "write x"}}, "/w/x", "allow"},
      {{{Layer::user, kAllow, "write x"}}, "/w/y", ""},
      // Of layers the strictest that speaks.
      {{{Layer::user, kAllow, "write a/b"}, {Layer::workspace, kAsk, "write a/**"}},
       "/w/a/b",
       "ask"},
      {{{Layer::user, kAllow, "write a/b"}, {Layer::run, kDeny, "write a/**"}}, "/w/a/b", "deny"},
      {{{Layer::user, kAsk, "write a/b"}, {Layer::workspace, kDeny, "write /**"}},
       "/w/a/b",
       "deny"},
      {{{Layer::user, kDeny, "write /**"}, {Layer::run, kAllow, "write a/b"}}, "/w/a/b", "deny"},
      // An allow of a lower layer alone is nothing.
      {{{Layer::workspace, kAllow, "write a/b"}}, "/w/a/b", ""},
      {{{Layer::run, kAllow, "write a/b"}}, "/w/a/b", ""},
      {{{Layer::run, kAllow, "write a/b"}, {Layer::user, kAllow, "write a"}}, "/w/a/b", "allow"},
      {{{Layer::workspace, kAllow, "write .git/x"}}, "/w/.git/x", "ask"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(said(make(row.entries).judge_write(row.path)), row.wanted)
        << row.entries.front().text << " " << row.path;
}

TEST(Rules, AUsersAllowLiftsABuiltInRuleOnlyWhereItNamesTheFile) {
  const struct {
    std::vector<std::string> allows;
    const char *path, *wanted;
  } rows[] = {
      {{"read .env.test"}, "/w/.env.test", "allow"},
      {{"read .env.test"}, "/w/a/.env.test", "allow"},
      {{"read .env.test"}, "/w/.env.prod", "deny"},
      {{"read ./.env.test"}, "/w/.env.test", "allow"},
      {{"read ./.env.test"}, "/w/a/.env.test", "deny"},
      {{"read config/.env"}, "/w/config/.env", "allow"},
      {{"read config/.env"}, "/w/other/.env", "deny"},
      {{"read config/*.pem"}, "/w/config/a.pem", "allow"},
      {{"read config/**"}, "/w/config/.env", "deny"},
      {{"read config/*"}, "/w/config/.env", "deny"},
      {{"read **"}, "/w/.env", "deny"},
      {{"read /**"}, "/w/.env", "deny"},
      {{"read /w/**/*"}, "/w/.env", "deny"},
      // The longer entry decides in its layer; it is enough that another one names the file.
      {{"read config/**/deep/*", "read config/**/*.pem"}, "/w/config/deep/a.pem", "allow"},
      {{"read config/deep/**", "read config/**/*.pem"}, "/w/config/deep/a.pem", "allow"},
  };
  for (const auto& row : rows) {
    std::vector<Entry> entries;
    for (const auto& text : row.allows) entries.push_back({Layer::user, kAllow, text});
    EXPECT_EQ(said(make(entries).judge_read(row.path)), row.wanted)
        << row.allows.front() << " " << row.path;
  }
  EXPECT_EQ(
      said(make({{Layer::user, kAllow, "write .github/x.yml"}}).judge_write("/w/.github/x.yml")),
      "allow");
  EXPECT_EQ(said(make({{Layer::user, kAllow, "write .github/**"}}).judge_write("/w/.github/x.yml")),
            "ask");
}

TEST(Rules, AWorkspacesAllowCountsOnlyOnceItsPersonTrustsIt) {
  const std::vector<Entry> entries{{Layer::workspace, kAllow, "read .env.test"},
                                   {Layer::workspace, kAllow, "write AGENTS.md"},
                                   {Layer::workspace, kAllow, "tool x"},
                                   {Layer::workspace, kAllow, "connect https://a.test"},
                                   {Layer::workspace, kDeny, "read own"}};
  auto rules = make(entries);
  EXPECT_EQ(said(rules.judge_read("/w/.env.test")), "deny");
  EXPECT_EQ(said(rules.judge_write("/w/AGENTS.md")), "ask");
  EXPECT_EQ(said(rules.judge_tool("x")), "");
  EXPECT_TRUE(rules.connections({}).allowed.empty());
  EXPECT_EQ(said(rules.judge_read("/w/own")), "deny") << "what is stricter counts always";
  rules.trust_workspace();
  EXPECT_EQ(said(rules.judge_read("/w/.env.test")), "allow");
  EXPECT_EQ(said(rules.judge_write("/w/AGENTS.md")), "allow");
  EXPECT_EQ(said(rules.judge_tool("x")), "allow");
  ASSERT_EQ(rules.connections({}).allowed.size(), 1u);
  EXPECT_EQ(said(rules.judge_read("/w/own")), "deny");
}

TEST(Rules, ThePersonsOwnConfigurationIsNeverWritten) {
  const auto rules = make(
      {{Layer::user, kAllow, "write /home/u/.config/boxagnts/rules.toml"},
       {Layer::user, kAllow, "write /**"}},
      {.workspace = "/home/u", .home = "/home/u", .configuration = "/home/u/.config/boxagnts"});
  for (const auto* path : {"/home/u/.config/boxagnts", "/home/u/.config/boxagnts/config.toml",
                           "/home/u/.CONFIG/BoxAgnts/new/file"})
    EXPECT_EQ(said(rules.judge_write(path)), "deny") << path;
}

TEST(Rules, KeysOfModelsAreNotRead) {
  const auto rules = make(
      {}, {.workspace = "/home/u", .home = "/home/u", .configuration = "/home/u/.config/boxagnts"});
  for (const auto* path :
       {"/home/u/.config/boxagnts/keys.toml", "/home/u/.CONFIG/BoxAgnts/Keys.toml"})
    EXPECT_EQ(said(rules.judge_read(path)), "deny") << path;
  EXPECT_NE(said(rules.judge_read("/home/u/.config/boxagnts/config.toml")), "deny");
}

TEST(Rules, ConnectionsGoIntoTheGrantWithTheirPlaces) {
  core::NetworkGrant envelope;
  envelope.allowed = {{"https://envelope.test", "config.toml:1"}};
  const auto grant = make({{Layer::user, kAllow, "connect https://a.test"},
                           {Layer::user, kAsk, "connect https://b.test"},
                           {Layer::user, kDeny, "connect https://*.c.test"},
                           {Layer::run, kAllow, "connect https://d.test"},
                           {Layer::run, kDeny, "connect https://e.test"}})
                         .connections(envelope);
  ASSERT_EQ(grant.allowed.size(), 2u);
  EXPECT_EQ(grant.allowed[1].text, "https://a.test");
  EXPECT_EQ(grant.allowed[1].where, "allow connect https://a.test (rules:1)");
  EXPECT_TRUE(grant.allowed[1].global_only) << "who says always saw a name, not where it leads";
  EXPECT_FALSE(grant.allowed[0].global_only);
  ASSERT_EQ(grant.asked.size(), 1u);
  EXPECT_EQ(grant.asked[0].text, "https://b.test");
  ASSERT_EQ(grant.denied.size(), 2u);
  EXPECT_EQ(grant.denied[1].where, "deny connect https://e.test (rules:5)");
}

TEST(Rules, AFolderIsAskedAboutWithWhatIsInItOnlyWhereTheRuleHoldsForItToo) {
  const auto rules = make({{Layer::user, kAsk, "write src/api/**"}});
  EXPECT_TRUE(rules.asks_about_folder_of("/w/src/a", "/w/src"));
  EXPECT_FALSE(rules.asks_about_folder_of("/w/src/api/a", "/w/src"));
  EXPECT_FALSE(rules.asks_about_folder_of("/w/src/api/a", "/w/src/api")) << "not its folder itself";
  EXPECT_TRUE(rules.asks_about_folder_of("/w/src/api/v1/a", "/w/src/api/v1"));
  EXPECT_FALSE(rules.asks_about_folder_of("/w/x/AGENTS.md", "/w/x"));
  EXPECT_TRUE(rules.asks_about_folder_of("/w/.github/a/b", "/w/.github/a"));
}

// --- built-in rules
// -----------------------------------------------------------------------------

TEST(BuiltinRules, SecretsAreNotReadWhereverTheyAre) {
  for (const char* name : {".env",
                           ".env.local",
                           ".env.production",
                           ".env.example.local",
                           ".ENV",
                           "id_rsa",
                           "id_dsa",
                           "id_ecdsa",
                           "id_ecdsa_sk",
                           "id_ed25519",
                           "id_ed25519_sk",
                           "server.pem",
                           "tls.key",
                           "a.ppk",
                           "a.p12",
                           "a.pfx",
                           "a.jks",
                           "release.keystore",
                           "pass.kdbx",
                           ".ssh/config",
                           ".ssh/id_other",
                           ".gnupg/secring.gpg",
                           ".aws/credentials",
                           ".azure/accessTokens.json",
                           ".kube/config",
                           ".netrc",
                           "_netrc",
                           ".pgpass",
                           ".my.cnf",
                           ".npmrc",
                           ".pypirc",
                           ".htpasswd",
                           ".git-credentials",
                           ".vault-token",
                           ".dockercfg",
                           ".docker/config.json",
                           ".config/gcloud/credentials.db",
                           ".config/gh/hosts.yml",
                           "credentials.json",
                           "service-account-1.json",
                           "terraform.tfstate",
                           ".ssh/.env.example"})
    for (const char* folder : {"/w/", "/w/a/b/", "/home/u/", "/"}) {
      const auto ruling = builtin().judge_read(folder + std::string(name));
      EXPECT_EQ(said(ruling), "deny") << folder << name;
      if (ruling) EXPECT_TRUE(ruling->rule.ends_with("(built in)")) << ruling->rule;
    }
}

TEST(BuiltinRules, WhatLooksLikeASecretAndIsNoneStaysReadable) {
  for (const char* name : {".env.example",
                           ".env.sample",
                           ".env.template",
                           ".env.dist",
                           "id_rsa.pub",
                           "id_ed25519.pub",
                           "env",
                           "environment",
                           ".environment",
                           ".envrc",
                           "a.env",
                           "keys.md",
                           "monkey",
                           "key",
                           "pem.txt",
                           "credentials.md",
                           "my-credentials.json",
                           ".docker/Dockerfile",
                           ".config/gh/x",
                           "src/main.rs",
                           "package.json",
                           ".gitignore",
                           "AGENTS.md",
                           ".github/workflows/ci.yml",
                           "terraform.tf"})
    for (const char* folder : {"/w/", "/w/a/b/"})
      EXPECT_EQ(said(builtin().judge_read(folder + std::string(name))), "") << folder << name;
}

TEST(BuiltinRules, WhatIsRunOrObeyedLaterIsAskedAboutBeforeItIsWritten) {
  for (const char* name : {".git/config",
                           ".git/hooks/pre-commit",
                           ".git",
                           ".gitmodules",
                           ".gitattributes",
                           ".gitconfig",
                           ".hg/hgrc",
                           ".svn/x",
                           ".husky/pre-push",
                           ".pre-commit-config.yaml",
                           ".envrc",
                           ".direnv/x",
                           ".bashrc",
                           ".bash_profile",
                           ".profile",
                           ".zshrc",
                           ".zshenv",
                           ".zprofile",
                           ".config/fish/config.fish",
                           ".config/autostart/x.desktop",
                           ".local/bin/x",
                           ".vimrc",
                           ".exrc",
                           ".gdbinit",
                           ".lldbinit",
                           ".cargo/config.toml",
                           "AGENTS.md",
                           "agents.md",
                           "AGENTS.override.md",
                           "CLAUDE.md",
                           "CLAUDE.local.md",
                           "GEMINI.md",
                           "SKILL.md",
                           ".mcp.json",
                           ".agents/skills/x/SKILL.md",
                           ".claude/settings.json",
                           ".codex/config.toml",
                           ".gemini/x",
                           ".opencode/x",
                           ".goosehints",
                           ".cursor/rules/x",
                           ".cursorrules",
                           ".windsurf/x",
                           ".windsurfrules",
                           ".github/workflows/ci.yml",
                           ".github/copilot-instructions.md",
                           ".gitlab-ci.yml",
                           ".gitlab/x",
                           ".gitea/x",
                           ".forgejo/x",
                           ".woodpecker.yml",
                           ".woodpecker/x.yml",
                           ".circleci/config.yml",
                           ".buildkite/pipeline.yml",
                           ".travis.yml",
                           ".drone.yml",
                           ".ci/run",
                           "Jenkinsfile",
                           "azure-pipelines.yml",
                           "bitbucket-pipelines.yml",
                           ".vscode/tasks.json",
                           ".idea/runConfigurations/x.xml",
                           ".zed/tasks.json",
                           ".nvim.lua",
                           ".nvimrc",
                           ".vim/x",
                           ".devcontainer/devcontainer.json",
                           "x.code-workspace"})
    for (const char* folder : {"/w/", "/w/a/b/"})
      EXPECT_EQ(said(builtin().judge_write(folder + std::string(name))), "ask") << folder << name;
  for (const char* path : {"/w/extensions/skills/x/SKILL.md", "/w/extensions/skills/x/run.py",
                           "/w/extensions/tools/x.wasm"})
    EXPECT_EQ(said(builtin().judge_write(path)), "ask") << path;
  for (const char* path : {"/w/src/a.cc", "/w/.gitignore", "/w/README.md", "/w/agents/x.md",
                           "/w/github/x", "/w/Makefile", "/w/git/x"})
    EXPECT_EQ(said(builtin().judge_write(path)), "") << path;
}

constexpr std::string_view kMoreSecrets =
    "terraform.tfstate.backup .cargo/credentials.toml .gem/credentials "
    ".terraform.d/credentials.tfrc.json .config/rclone/rclone.conf .password-store/x.gpg "
    ".local/share/keyrings/login.keyring .mylogin.cnf .s3cfg .boto "
    ".claude/.credentials.json .codex/auth.json .bash_history .zsh_history .psql_history "
    ".mysql_history .python_history .node_repl_history .mozilla/firefox/x/logins.json "
    ".thunderbird/x .config/chromium/Default/Cookies "
    ".config/google-chrome/Default/Cookies";
constexpr std::string_view kMoreObeyed =
    ".zlogout .kshrc .cshrc .tcshrc .login .inputrc .screenrc .tmux.conf .xinitrc "
    ".xsessionrc .emacs .emacs.d/init.el .dir-locals.el .dir-locals-2.el .pdbrc .irbrc "
    ".pryrc .Rprofile .ghci .ocamlinit .iex.exs .psqlrc .sqliterc .latexmkrc .mailcap "
    ".mvn/extensions.xml .yarn/releases/yarn.cjs .yarnrc .yarnrc.yml .pnpmfile.cjs "
    ".bazelrc .mise.toml .mise/config.toml mise.toml .lefthook.yml lefthook.yml "
    "lefthook.yaml .aider.conf.yml .amazonq/rules/x.md .augment-guidelines "
    ".clinerules/x.md .continue/config.yaml .copilot/x .crush.json .factory/x "
    ".junie/guidelines.md .kilocodemodes .kiro/steering/x.md .qwen/x .roo/rules/x.md "
    ".roomodes .rules .trae/x AGENT.md QWEN.md WARP.md opencode.json opencode.jsonc "
    ".appveyor.yml appveyor.yml .azuredevops/x.yml .azure-pipelines/x.yml "
    "azure-pipelines.yaml .build.yml .builds/x.yml .cirrus.yml .cirrus.star "
    ".harness/x.yaml .rultor.yml .semaphore/semaphore.yml .teamcity/settings.kts "
    ".tekton/x.yaml bitrise.yml buildspec.yml cloudbuild.yaml cloudbuild.yml "
    "codemagic.yaml x.sublime-project .externalToolBuilders/x.launch .fleet/run.json "
    ".helix/config.toml .kakrc .run/x.run.xml .vs/tasks.vs.json";

TEST(BuiltinRules, TheLessCommonNamesAreKnownToo) {
  for (const auto folder : {"/w/", "/w/a/b/"}) {
    for (const auto name : base::split(kMoreSecrets, ' '))
      EXPECT_EQ(said(make({}).judge_read(folder + std::string(name))), "deny") << name;
    for (const auto name : base::split(kMoreObeyed, ' '))
      EXPECT_EQ(said(make({}).judge_write(folder + std::string(name))), "ask") << name;
  }
}

TEST(BuiltinRules, EachOneParsesAndNoneIsHiddenBehindAnother) {
  for (const auto& rule : kBuiltinRules) {
    Rules only({.workspace = "/w", .home = "", .configuration = ""});
    EXPECT_TRUE(only.add(Layer::user, rule.verdict, rule.text, "x:1")) << rule.text;
    EXPECT_EQ(std::ranges::count(kBuiltinRules, rule.text, &BuiltinRule::text), 1) << rule.text;
  }
}

// --- what holds of any rules
// --------------------------------------------------------------------

// Few words, so that random entries meet random paths.
class Gardener {
 public:
  explicit Gardener(std::uint64_t seed) : random_(seed) {}

  std::string path() {
    static constexpr const char* kRoots[] = {"/w", "/w/a", "/home/u", "/other", ""};
    std::string path = pick(kRoots);
    for (auto left = below(3) + 1; left > 0; --left) path += "/" + word();
    return path;
  }
  std::string glob() {
    static constexpr const char* kStarts[] = {"", "", "./", "/", "~/", "/w/"};
    static constexpr const char* kParts[] = {"*", "**", "?", "*.pem", "[ab]", "{a,.env}", "b*"};
    std::string glob = pick(kStarts);
    for (auto left = below(3) + 1; left > 0; --left)
      glob += (below(5) < 3 ? word() : std::string(pick(kParts))) + (left > 1 ? "/" : "");
    return glob;
  }
  Entry entry(Layer layer) {
    static constexpr const char* kVerbs[] = {"read ", "read ", "write "};
    return {layer, static_cast<Verdict>(below(3)), pick(kVerbs) + glob()};
  }
  std::vector<Entry> entries(Layer layer, std::size_t count_max) {
    std::vector<Entry> entries;
    for (auto left = below(count_max + 1); left > 0; --left) entries.push_back(entry(layer));
    return entries;
  }
  std::size_t below(std::size_t end) { return random_() % end; }
  std::mt19937_64& random() { return random_; }

 private:
  template <std::size_t kSize>
  const char* pick(const char* const (&from)[kSize]) {
    return from[below(kSize)];
  }
  std::string word() {
    static constexpr const char* kWords[] = {"a",     "b",    ".env", ".env.example", "A",
                                             "x.pem", ".ssh", ".git", "keys",         "AGENTS.md"};
    return pick(kWords);
  }
  std::mt19937_64 random_;
};

// allow skips a question; nothing leaves it to the table; the rest is stricter.
int strictness(const std::optional<Ruling>& ruling) {
  if (!ruling) return 1;
  return ruling->verdict == kAllow ? 0 : ruling->verdict == kAsk ? 2 : 3;
}

void append(std::vector<Entry>& to, const std::vector<Entry>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::string shown(const std::vector<Entry>& entries, const std::string& path, std::uint64_t seed) {
  std::string text = "seed " + std::to_string(seed) + ", " + path + ":";
  for (const auto& entry : entries)
    text += "\n  layer " + std::to_string(static_cast<int>(entry.layer)) + " " +
            std::string(core::name_of(entry.verdict)) + " " + entry.text;
  return text;
}

constexpr std::uint64_t kSeeds = 3000;
constexpr int kPathsASeed = 8;

TEST(RulesProperty, AnUntrustedWorkspacesLayerAndTheRunsNeverMakeAnythingLessStrict) {
  int stricter = 0, same = 0;
  for (std::uint64_t seed = 0; seed < kSeeds && !testing::Test::HasFailure(); ++seed) {
    Gardener gardener(seed);
    auto entries = gardener.entries(Layer::user, 4);
    const bool other_first = gardener.below(2) == 0;
    const auto upper = other_first ? Layer::run : Layer::workspace;
    const auto added = other_first ? Layer::workspace : Layer::run;
    if (gardener.below(2) == 0) append(entries, gardener.entries(upper, 3));
    const auto before = make(entries);
    append(entries, gardener.entries(added, 4));
    const auto after = make(entries);
    for (int i = 0; i < kPathsASeed; ++i) {
      const auto path = gardener.path();
      const int reading = strictness(after.judge_read(path)) - strictness(before.judge_read(path));
      const int writing =
          strictness(after.judge_write(path)) - strictness(before.judge_write(path));
      EXPECT_GE(reading, 0) << shown(entries, path, seed);
      EXPECT_GE(writing, 0) << shown(entries, path, seed);
      (reading > 0 ? stricter : same)++;
    }
  }
  EXPECT_GT(stricter, 200);
  EXPECT_GT(same, 200);
}

TEST(RulesProperty, ADenyAnywhereAlwaysWins) {
  int denied = 0;
  for (std::uint64_t seed = 0; seed < kSeeds && !testing::Test::HasFailure(); ++seed) {
    Gardener gardener(seed);
    auto entries = gardener.entries(Layer::user, 4);
    append(entries, gardener.entries(Layer::workspace, 3));
    append(entries, gardener.entries(Layer::run, 3));
    auto rules = make(entries);
    if (gardener.below(2) == 0) rules.trust_workspace();
    // Each deny as the only one of all.
    std::vector<std::pair<std::string, Rules>> alone;
    for (const auto& entry : entries)
      if (entry.verdict == kDeny && entry.text.starts_with("read "))
        alone.emplace_back("deny " + entry.text + " ", make({entry}));
    const bool lifts = std::ranges::any_of(entries, [&](const Entry& entry) {
      return entry.verdict == kAllow && entry.layer != Layer::run;
    });
    for (int i = 0; i < kPathsASeed; ++i) {
      const auto path = gardener.path();
      const bool one_denies = std::ranges::any_of(alone, [&](const auto& one) {
        const auto ruling = one.second.judge_read(path);
        return ruling && ruling->rule.starts_with(one.first);
      });
      const bool builtin_denies = strictness(builtin().judge_read(path)) == 3;
      if (!one_denies && !(builtin_denies && !lifts)) continue;
      ++denied;
      EXPECT_EQ(said(rules.judge_read(path)), "deny") << shown(entries, path, seed);
    }
  }
  EXPECT_GT(denied, 500);
}

TEST(RulesProperty, TheOrderOfEntriesInALayerDecidesNothing) {
  for (std::uint64_t seed = 0; seed < kSeeds && !testing::Test::HasFailure(); ++seed) {
    Gardener gardener(seed);
    std::vector<std::pair<Entry, std::string>> entries;
    for (const auto layer : {Layer::user, Layer::workspace, Layer::run})
      for (auto& entry : gardener.entries(layer, 5))
        entries.emplace_back(entry, "rules:" + std::to_string(entries.size()));
    const bool trusted = gardener.below(2) == 0;
    const auto in_this_order = [&] {
      Rules rules = builtin();
      for (const auto& [entry, where] : entries)
        EXPECT_TRUE(rules.add(entry.layer, entry.verdict, entry.text, where));
      if (trusted) rules.trust_workspace();
      return rules;
    };
    const auto one = in_this_order();
    std::ranges::shuffle(entries, gardener.random());
    const auto other = in_this_order();
    for (int i = 0; i < kPathsASeed; ++i) {
      const auto path = gardener.path();
      for (const auto& [a, b] : {std::pair(one.judge_read(path), other.judge_read(path)),
                                 std::pair(one.judge_write(path), other.judge_write(path))}) {
        EXPECT_EQ(said(a), said(b)) << "seed " << seed << " " << path;
        EXPECT_EQ(a ? a->rule : "", b ? b->rule : "") << "seed " << seed << " " << path;
      }
    }
  }
}

}  // namespace
}  // namespace boxagnts::policy
