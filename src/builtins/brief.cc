#include <cerrno>

#include "base/text.h"
#include "builtins/builtins.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

constexpr std::uint64_t kAttachmentBytesMax = 10u << 20;

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "message": {"type": "string", "minLength": 1, "maxLength": 20000,
      "description": "What the person should know, in Markdown."},
    "attachments": {
      "type": "array", "maxItems": 20,
      "description": "Files of the workspace to show with it.",
      "items": {"type": "string", "minLength": 1, "maxLength": 4096}},
    "status": {"enum": ["normal", "proactive"],
      "description": "proactive: the person did not ask for it."}
  },
  "required": ["message"],
  "additionalProperties": false
})json";

// Absolute and lexically normal, as facts want it. Errors: invalid_argument.
Result<std::string> absolute(std::string_view path, const std::string& workspace) {
  std::vector<std::string_view> parts;
  const std::string whole =
      path.starts_with('/') ? std::string(path) : workspace + "/" + std::string(path);
  if (whole.contains('\0')) return fail(Code::invalid_argument, "a path holds a NUL");
  for (const auto part : base::split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string normal;
  for (const auto part : parts) normal += "/" + std::string(part);
  return normal.empty() ? "/" : normal;
}

class Brief final : public NativeTool {
 public:
  Brief()
      : NativeTool("brief", core::Level::read_only,
                   "Tells the person something in the middle of the work, with files of the "
                   "workspace attached if you like: a result worth seeing now, a surprise, a "
                   "change of plan. The work goes on; it is no question and no end.",
                   kSchema) {}
  bool runs_alone() const override { return true; }

  Result<core::CallFacts> facts(const Json& arguments,
                                const tools::ToolContext& context) const override {
    core::CallFacts facts;
    if (const auto* files = base::get_array(arguments, "attachments"))
      for (const auto& file : *files)
        facts.reads.push_back(TRY(absolute(std::string(file.get_string()), context.workspace)));
    return facts;
  }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    core::BriefSent brief{.text = text_at(arguments, "message"),
                          .status = text_at(arguments, "status")};
    if (brief.status.empty()) brief.status = "normal";
    for (const auto& path : TRY(facts(arguments, execution.context)).reads) {
      auto attached = attach(path, execution);
      if (!attached) return failed(std::move(attached.error().message));
      brief.attachments.push_back(std::move(*attached));
    }
    const auto count = brief.attachments.size();
    TRY(execution.control.note(std::move(brief)));
    return ok(count == 0 ? "told" : "told, with " + std::to_string(count) + " attached");
  }

 private:
  static Result<core::Attachment> attach(const std::string& path,
                                         const tools::Execution& execution) {
    const auto cannot = [&](const std::string& why) {
      return fail(Code::not_found, path + " cannot be attached: " + why + "; nothing was told");
    };
    const auto opened =
        execution.files->open(execution.files->root(), path, vfs::Follow::yes, {.read = true});
    if (!opened) return cannot(reason(opened.error()));
    if (!opened->file) return cannot("it is a folder");
    const auto stat = opened->file->stat();
    if (!stat) return cannot(reason(stat.error()));
    if (stat->size > kAttachmentBytesMax)
      return cannot("it has " + base::human_bytes(stat->size) + ", and " +
                    base::human_bytes(kAttachmentBytesMax) + " is the most");
    std::string bytes(stat->size, '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto got =
          opened->file->read_at(std::as_writable_bytes(std::span(bytes)).subspan(done), done);
      if (!got) return cannot(reason(got.error()));
      if (*got == 0) break;
      done += *got;
    }
    bytes.resize(done);
    core::Attachment attachment{.path = path, .bytes = done};
    if (execution.context.keep) attachment.blob = TRY(execution.context.keep(bytes));
    return attachment;
  }

  static std::string reason(int code) {
    return code == ENOENT ? "it is not there" : base::errno_text(code);
  }
};

}  // namespace

std::unique_ptr<tools::Tool> make_brief() { return std::make_unique<Brief>(); }

}  // namespace boxagnts::builtins
