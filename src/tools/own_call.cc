#include "tools/own_call.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "base/thread.h"
#include "vfs/memory_filesystem.h"
#include "workspace/changes.h"

namespace boxagnts::tools {
namespace {

constexpr std::uint64_t kScratchBytesMax = 64u << 20;
constexpr std::size_t kKeptBytesMax = 32u << 20;

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
    if (auto* changes = std::get_if<core::ChangesKept>(&body)) {
      kept.push_back(changes->id);
      proposed_.push_back(std::move(*changes));
    } else if (const auto* settled = std::get_if<core::ChangesSettled>(&body)) {
      if (settled->act == core::ChangesAct::applied) take_applied(*settled);
    }
    return {};
  }
  Result<core::RuleAdded> add_rule(const std::string&) override {
    return fail(Code::unsupported, "a call of one's own adds no rule");
  }

  // A blob for as long as the call: its pictures and diffs.
  Result<std::string> keep(std::string_view bytes) {
    if (GUARD("tools.own_kept", kept_bytes_ + bytes.size() > kKeptBytesMax))
      return fail(Code::limit_exceeded, "the call's pictures and diffs are larger than " +
                                            base::human_bytes(kKeptBytesMax));
    kept_bytes_ += bytes.size();
    blobs_.emplace_back(bytes);
    return std::to_string(blobs_.size() - 1);
  }
  std::string blob(const std::string& id) const {
    const auto number = id.empty() ? blobs_.size() : std::stoul(id);
    return number < blobs_.size() ? blobs_[number] : "";
  }

  std::vector<core::ChangeSetId> kept;
  std::vector<core::FileChange> files;
  std::string diff;

 private:
  void take_applied(const core::ChangesSettled& settled) {
    const auto set = std::ranges::find(proposed_, settled.id, &core::ChangesKept::id);
    if (set == proposed_.end()) return;
    for (const auto& file : set->files) {
      const auto outcome = std::ranges::find(settled.files, file.path, &core::SettledFile::path);
      if (outcome != settled.files.end() && outcome->outcome != core::FileOutcome::conflict)
        files.push_back(file);
    }
    diff += blob(set->blob);
  }

  std::vector<core::ChangesKept> proposed_;
  std::vector<std::string> blobs_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace

Result<OwnResult> run_own_call(const CallPipeline& pipeline, OwnCall own, base::Clock& clock) {
  RunPolicy policy;
  policy.mode = core::Mode::autonomous;
  policy.envelope = std::move(own.envelope);
  policy.rules = std::move(own.rules);
  OwnControl control;
  const ToolContext context{.workspace = std::move(own.workspace),
                            .scratch = vfs::make_memory_filesystem(clock, kScratchBytesMax),
                            .limits = policy.envelope.limits,
                            .stop = std::move(own.stop),
                            .keep = [&control](auto bytes) { return control.keep(bytes); },
                            .changes = own.changes};
  Result<core::ToolFinished> finished = fail(Code::internal, "the call did not run");
  TRY(base::Thread::start("tool", core::calling_thread_bytes(policy.envelope.limits), [&] {
    finished = pipeline.run(own.call, policy, context, control);
  })).join();
  // No session would undo them.
  for (const auto& id : control.kept) (void)own.changes->drop(id);
  auto done = TRY(std::move(finished));
  OwnResult result{.result = std::move(done.result),
                   .images = {},
                   .files = std::move(control.files),
                   .diff = std::move(control.diff)};
  for (const auto& image : done.images)
    result.images.push_back({image.media_type, control.blob(image.blob)});
  return result;
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
