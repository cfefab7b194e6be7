#include "tools/own_call.h"

#include "base/text.h"
#include "base/thread.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::tools {
namespace {

constexpr std::uint64_t kScratchBytesMax = 64u << 20;

class NobodyIsAsked final : public RunControl {
 public:
  Status decided(const core::CallDecided&) override { return {}; }
  Result<core::Reply> ask(const core::Approval&) override {
    return fail(Code::permission_denied,
                "this call needs a question, which a call of one's own does not ask");
  }
};

}  // namespace

Result<core::ToolFinished> run_own_call(const CallPipeline& pipeline, OwnCall own,
                                        base::Clock& clock) {
  RunPolicy policy;
  policy.mode = core::Mode::autonomous;
  policy.envelope = std::move(own.envelope);
  const ToolContext context{.workspace = std::move(own.workspace),
                            .scratch = vfs::make_memory_filesystem(clock, kScratchBytesMax),
                            .limits = policy.envelope.limits,
                            .stop = std::move(own.stop)};
  NobodyIsAsked control;
  Result<core::ToolFinished> finished = fail(Code::internal, "the call did not run");
  TRY(base::Thread::start("tool", core::calling_thread_bytes(policy.envelope.limits), [&] {
    finished = pipeline.run(own.call, policy, context, control);
  })).join();
  return finished;
}

Result<const Tool*> find_tool(const Registry& registry, std::string_view name) {
  if (const auto* tool = registry.find(name)) return tool;
  const auto names = registry.names();
  const auto nearest = base::nearest_name(name, names);
  std::string sentence = "there is no tool \"" + base::one_line(name, 80) + "\"";
  if (!nearest.empty()) sentence += "; did you mean \"" + std::string(nearest) + "\"?";
  return fail(Code::not_found, std::move(sentence));
}

}  // namespace boxagnts::tools
