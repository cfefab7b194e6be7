// For tests and benchmarks of tools alone: an execution outside any pipeline, whose writes go to
// the folders themselves and where nobody answers.
#pragma once

#include "tools/mount_masks.h"
#include "tools/tool.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::tools {

class NobodyAnswers final : public RunControl, public ConnectionAsker {
 public:
  void touches(const core::CallFacts&) override {}
  Status decided(const core::CallDecided&) override { return {}; }
  Result<Asked> ask(core::Approval) override { return Asked{.why = "nobody is there"}; }
  Status note(core::EventBody body) override {
    notes.push_back(std::move(body));
    return {};
  }
  Result<core::RuleAdded> add_rule(const std::string&) override {
    return fail(Code::unsupported, "no rules here");
  }
  Result<core::NetworkEntry> ask(const net::Destination&) override {
    return fail(Code::permission_denied, "nobody is there");
  }
  void made(const net::Destination&) override {}
  void wrote(std::string_view bytes) override { written += bytes; }

  std::vector<core::EventBody> notes;
  std::string written;
};

inline std::shared_ptr<const vfs::NameSpace> open_directly(const core::Grant& grant,
                                                           const ToolContext& context,
                                                           base::Clock& clock) {
  std::vector<vfs::Mount> mounts;
  for (const auto& mount : grant.mounts) {
    std::shared_ptr<vfs::Filesystem> filesystem = context.scratch;
    if (!mount.host_path.empty())
      filesystem = vfs::open_host_filesystem(mount.host_path, mount.access,
                                             masks_of_mount(grant.masks, mount.guest_path).value(),
                                             vfs::quota_of(grant.limits))
                       .value();
    else if (!filesystem)
      filesystem = vfs::make_memory_filesystem(clock, 64 << 20);
    mounts.push_back({mount.guest_path, std::move(filesystem)});
  }
  return vfs::NameSpace::make(std::move(mounts)).value();
}

// Runs a tool under this grant and context.
struct TestExecution {
  TestExecution(const core::Grant& its_grant, const ToolContext& its_context, base::Clock& clock)
      : grant(its_grant), context(its_context), files(open_directly(grant, context, clock)) {}

  Result<ToolOutput> run(const Tool& tool, const Json& arguments) {
    const core::ToolCall call{"call", tool.spec().name, base::to_text(arguments)};
    return tool.execute(arguments, {.call = call,
                                    .grant = grant,
                                    .context = context,
                                    .files = files,
                                    .control = control,
                                    .policy = policy,
                                    .connections = control,
                                    .stopped = stopped});
  }

  const core::Grant& grant;
  const ToolContext& context;
  std::shared_ptr<const vfs::NameSpace> files;
  NobodyAnswers control;
  RunPolicy policy;
  base::StoppedTime stopped;
};

}  // namespace boxagnts::tools
