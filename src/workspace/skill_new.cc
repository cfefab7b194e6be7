#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "vfs/beneath.h"
#include "workspace/skill_folder.h"
#include "workspace/skills.h"

namespace boxagnts::workspace {
namespace {

// What to keep, what to change and what each part is for, so that the file itself teaches it.
std::string template_of(const std::string& name) {
  return "---\n"
         "name: " +
         name +
         "\n"
         "description: What this skill does, and when to use it, with the words a person would "
         "use.\n"
         "# Everything from here to the line of dashes may go.\n"
         "when_to_use: When the person asks for …\n"
         "allowed-tools: read glob grep\n"
         "args:\n"
         "  - name: target\n"
         "    description: The file or folder to work on\n"
         "    required: false\n"
         "    default: .\n"
         "---\n"
         "\n"
         "# What to do with {{target}}\n"
         "\n"
         "1. Look first: what to read, and where it is.\n"
         "2. Do the work, one step a line. Say what to do where a step fails.\n"
         "3. Check the result: what must hold, and how to see that it does.\n"
         "\n"
         "## Answer\n"
         "\n"
         "What the person gets at the end, and in which form.\n";
}

}  // namespace

Result<std::string> make_skill(const Workspace& workspace, const std::string& name) {
  TRY(check_skill_name(name));
  std::string path = workspace.root;
  base::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail_errno(errno, "cannot open " + path);
  for (const auto& part : {std::string(".agents"), std::string("skills"), name}) {
    path += "/" + part;
    if (::mkdirat(folder.get(), part.c_str(), 0777) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the folder " + path);
    base::UniqueFd next(vfs::open_beneath(folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY));
    if (!next && (errno == ELOOP || errno == ENOTDIR))
      return fail(Code::conflict, path + " is no folder, but a skill of a workspace lies in one");
    if (!next) return fail_errno(errno, "cannot open " + path);
    folder = std::move(next);
  }
  path += "/" + std::string(kSkillFile);
  const base::UniqueFd file(vfs::open_beneath(folder.get(), std::string(kSkillFile).c_str(),
                                              O_WRONLY | O_CREAT | O_EXCL, 0666));
  if (!file && errno == EEXIST)
    return fail(Code::conflict, path + " is there already, and stays as it is");
  if (!file) return fail_errno(errno, "cannot make " + path);
  TRY(base::write_all(file.get(), template_of(name)));
  return path;
}

}  // namespace boxagnts::workspace
