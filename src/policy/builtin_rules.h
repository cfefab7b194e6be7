// The rules that hold unless the user's own say otherwise (policy/rules.h). The last one that
// matches counts. What is denied to read
// is what a model, and whoever reads its requests, must not learn; what is asked about is what
// others run or obey later.
#pragma once

#include <string_view>

#include "core/policy_values.h"

namespace boxagnts::policy {

struct BuiltinRule {
  core::Verdict verdict;
  std::string_view text;
};

inline constexpr BuiltinRule kBuiltinRules[] = {
    // Keys and passwords.
    {core::Verdict::deny, "read .env"},
    {core::Verdict::deny, "read .env.*"},
    {core::Verdict::allow, "read .env.example"},
    {core::Verdict::allow, "read .env.sample"},
    {core::Verdict::allow, "read .env.template"},
    {core::Verdict::allow, "read .env.dist"},
    {core::Verdict::deny, "read id_rsa"},
    {core::Verdict::deny, "read id_dsa"},
    {core::Verdict::deny, "read id_ecdsa"},
    {core::Verdict::deny, "read id_ecdsa_sk"},
    {core::Verdict::deny, "read id_ed25519"},
    {core::Verdict::deny, "read id_ed25519_sk"},
    {core::Verdict::deny, "read *.pem"},
    {core::Verdict::deny, "read *.key"},
    {core::Verdict::deny, "read *.ppk"},
    {core::Verdict::deny, "read *.p12"},
    {core::Verdict::deny, "read *.pfx"},
    {core::Verdict::deny, "read *.jks"},
    {core::Verdict::deny, "read *.keystore"},
    {core::Verdict::deny, "read *.kdbx"},
    {core::Verdict::deny, "read .ssh"},
    {core::Verdict::deny, "read .gnupg"},
    {core::Verdict::deny, "read .aws"},
    {core::Verdict::deny, "read .azure"},
    {core::Verdict::deny, "read .kube"},
    {core::Verdict::deny, "read .netrc"},
    {core::Verdict::deny, "read _netrc"},
    {core::Verdict::deny, "read .pgpass"},
    {core::Verdict::deny, "read .my.cnf"},
    {core::Verdict::deny, "read .npmrc"},
    {core::Verdict::deny, "read .pypirc"},
    {core::Verdict::deny, "read .htpasswd"},
    {core::Verdict::deny, "read .git-credentials"},
    {core::Verdict::deny, "read .vault-token"},
    {core::Verdict::deny, "read .dockercfg"},
    {core::Verdict::deny, "read /**/.docker/config.json"},
    {core::Verdict::deny, "read /**/.config/gcloud"},
    {core::Verdict::deny, "read /**/.config/gh/hosts.yml"},
    {core::Verdict::deny, "read credentials.json"},
    {core::Verdict::deny, "read service-account*.json"},
    {core::Verdict::deny, "read *.tfstate"},
    // What programs of the person run or obey.
    {core::Verdict::ask, "write .git"},
    {core::Verdict::ask, "write .gitmodules"},
    {core::Verdict::ask, "write .gitattributes"},
    {core::Verdict::ask, "write .gitconfig"},
    {core::Verdict::ask, "write .hg"},
    {core::Verdict::ask, "write .svn"},
    {core::Verdict::ask, "write .husky"},
    {core::Verdict::ask, "write .pre-commit-config.yaml"},
    {core::Verdict::ask, "write .envrc"},
    {core::Verdict::ask, "write .direnv"},
    {core::Verdict::ask, "write .bashrc"},
    {core::Verdict::ask, "write .bash_profile"},
    {core::Verdict::ask, "write .bash_login"},
    {core::Verdict::ask, "write .bash_logout"},
    {core::Verdict::ask, "write .profile"},
    {core::Verdict::ask, "write .zshrc"},
    {core::Verdict::ask, "write .zshenv"},
    {core::Verdict::ask, "write .zprofile"},
    {core::Verdict::ask, "write .zlogin"},
    {core::Verdict::ask, "write .xprofile"},
    {core::Verdict::ask, "write .config"},
    {core::Verdict::ask, "write .local"},
    {core::Verdict::ask, "write .vimrc"},
    {core::Verdict::ask, "write .exrc"},
    {core::Verdict::ask, "write .gdbinit"},
    {core::Verdict::ask, "write .lldbinit"},
    {core::Verdict::ask, "write .cargo"},
    // What agents obey.
    {core::Verdict::ask, "write AGENTS.md"},
    {core::Verdict::ask, "write AGENTS.override.md"},
    {core::Verdict::ask, "write CLAUDE.md"},
    {core::Verdict::ask, "write CLAUDE.local.md"},
    {core::Verdict::ask, "write GEMINI.md"},
    {core::Verdict::ask, "write SKILL.md"},
    {core::Verdict::ask, "write .mcp.json"},
    {core::Verdict::ask, "write .agents"},
    {core::Verdict::ask, "write .claude"},
    {core::Verdict::ask, "write .codex"},
    {core::Verdict::ask, "write .gemini"},
    {core::Verdict::ask, "write .opencode"},
    {core::Verdict::ask, "write .goose*"},
    {core::Verdict::ask, "write .cursor"},
    {core::Verdict::ask, "write .cursorrules"},
    {core::Verdict::ask, "write .windsurf"},
    {core::Verdict::ask, "write .windsurfrules"},
    {core::Verdict::ask, "write extensions/skills"},
    {core::Verdict::ask, "write extensions/tools"},
    // What build machines run.
    {core::Verdict::ask, "write .github"},
    {core::Verdict::ask, "write .gitlab-ci.yml"},
    {core::Verdict::ask, "write .gitlab"},
    {core::Verdict::ask, "write .gitea"},
    {core::Verdict::ask, "write .forgejo"},
    {core::Verdict::ask, "write .woodpecker*"},
    {core::Verdict::ask, "write .circleci"},
    {core::Verdict::ask, "write .buildkite"},
    {core::Verdict::ask, "write .travis.yml"},
    {core::Verdict::ask, "write .drone.yml"},
    {core::Verdict::ask, "write .ci"},
    {core::Verdict::ask, "write Jenkinsfile"},
    {core::Verdict::ask, "write azure-pipelines.yml"},
    {core::Verdict::ask, "write bitbucket-pipelines.yml"},
    // What editors run.
    {core::Verdict::ask, "write .vscode"},
    {core::Verdict::ask, "write .idea"},
    {core::Verdict::ask, "write .zed"},
    {core::Verdict::ask, "write .nvim*"},
    {core::Verdict::ask, "write .vim"},
    {core::Verdict::ask, "write .devcontainer"},
    {core::Verdict::ask, "write *.code-workspace"},
};

}  // namespace boxagnts::policy
