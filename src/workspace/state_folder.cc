#include "workspace/state_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/guard.h"

namespace boxagnts::workspace {

Status check_is_own_folder(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return fail_errno(errno, "cannot use " + path);
  if (GUARD("workspace.state-folder", !S_ISDIR(status.st_mode)))
    return fail(Code::invalid_argument,
                path + " is " + (S_ISLNK(status.st_mode) ? "a link" : "no folder") +
                    ", but BoxAgnts keeps its state in a folder of that name; move it away");
  // Whoever owns it can read and replace all that we write; root may work in anyone's folder.
  const bool anothers = status.st_uid != ::geteuid() && ::geteuid() != 0;
  if (GUARD("workspace.state-owner", anothers))
    return fail(Code::permission_denied,
                path +
                    " belongs to another user, who could read and change this program's state; "
                    "work in a copy of the folder that is yours");
  const bool closed = (status.st_mode & 07777) == 0700;
  if (!closed && ::chmod(path.c_str(), 0700) != 0 && errno != EROFS && errno != EPERM)
    return fail_errno(errno, "cannot use " + path);
  return {};
}

Status make_own_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, "cannot make " + path);
  return check_is_own_folder(path);
}

Status keep_out_of_repositories(const std::string& state_folder) {
  const std::string ignore = state_folder + "/.gitignore";
  if (::access(ignore.c_str(), F_OK) == 0) return {};
  return base::write_file_atomically(ignore, "*\n");
}

}  // namespace boxagnts::workspace
