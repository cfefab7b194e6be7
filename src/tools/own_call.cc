#include "tools/own_call.h"

#include "base/guard.h"
#include "base/text.h"
#include "base/thread.h"
#include "vfs/memory_filesystem.h"
#include "workspace/changes.h"

namespace boxagnts::tools {
namespace {

constexpr std::uint64_t kScratchBytesMax = 64u << 20;

// The person called it: that is the answer to what would be asked of files.
class OwnControl final : public RunControl {
 public:
  Status decided(const core::CallDecided&) override { return {}; }
  Result<Asked> ask(core::Approval approval) override {
    // A page may lead anywhere: whom it connects to, the person has not said.
    if (GUARD("tools.own_connection", approval.kind == core::QuestionKind::connection))
      return Asked{.why = "a call of your own asks nobody; allow it with --allow \"connect " +
                          approval.connection + "\""};
    return Asked{.reply = core::Reply{core::Answer::yes}};
  }
  void touches(const core::CallFacts&) override {}
  Status note(core::EventBody body) override {
    if (const auto* changed = std::get_if<core::ChangesKept>(&body)) kept.push_back(changed->id);
    return {};
  }
  Result<core::RuleAdded> add_rule(const std::string&) override {
    return fail(Code::unsupported, "a call of one's own adds no rule");
  }

  std::vector<core::ChangeSetId> kept;
};

}  // namespace

Result<core::ToolFinished> run_own_call(const CallPipeline& pipeline, OwnCall own,
                                        base::Clock& clock) {
  RunPolicy policy;
  policy.mode = core::Mode::autonomous;
  policy.envelope = std::move(own.envelope);
  policy.rules = std::move(own.rules);
  const ToolContext context{.workspace = std::move(own.workspace),
                            .scratch = vfs::make_memory_filesystem(clock, kScratchBytesMax),
                            .limits = policy.envelope.limits,
                            .stop = std::move(own.stop),
                            .changes = own.changes};
  OwnControl control;
  Result<core::ToolFinished> finished = fail(Code::internal, "the call did not run");
  TRY(base::Thread::start("tool", core::calling_thread_bytes(policy.envelope.limits), [&] {
    finished = pipeline.run(own.call, policy, context, control);
  })).join();
  // No session would undo them.
  for (const auto& id : control.kept) (void)own.changes->drop(id);
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
