#include "terminal/run_display.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/text.h"

namespace boxagnts::terminal {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// The most telling argument of a call: what it is about, else the first string, as it came.
std::string_view telling_argument(const Json& arguments) {
  for (const auto* name : {"file_path", "path", "pattern", "command", "url", "query"})
    if (const auto value = base::get_string(arguments, name)) return *value;
  if (const auto* object = arguments.if_object())
    for (const auto& member : *object)
      if (member.value().is_string()) return member.value().get_string();
  return "";
}

std::string call_summary(const core::ToolCall& call, std::size_t columns) {
  std::string text = call.tool;
  const auto arguments = base::parse_json(call.arguments);
  const std::string_view telling = arguments ? telling_argument(*arguments) : call.arguments;
  if (!telling.empty()) text += " " + std::string(telling);
  return base::one_line(text, columns);
}

std::string duration_text(std::int64_t microseconds) {
  if (microseconds >= 1'000'000) return base::human_duration_ms(microseconds / 1000);
  if (microseconds < 1000) return std::to_string(microseconds) + " µs";
  const auto tenths = std::to_string(microseconds / 100 % 10);
  return std::to_string(microseconds / 1000) + "." + tenths + " ms";
}

std::string result_summary(const core::ToolResult& result, std::size_t columns) {
  const bool ok = result.status == core::ResultStatus::ok;
  const auto lines = std::ranges::count(result.text, '\n') + (result.text.ends_with('\n') ? 0 : 1);
  std::string text;
  if (!ok)
    text = std::string(core::name_of(result.status)) + ": " +
           result.text.substr(0, result.text.find('\n'));
  else if (lines <= 1)
    text = result.text;
  else
    text = std::to_string(lines) + " lines";
  if (result.text.size() > 1000)
    text +=
        ", " + base::human_bytes(std::max<std::uint64_t>(result.total_bytes, result.text.size()));
  if (!result.blob.empty()) text += ", shortened";
  const std::string time =
      result.duration_us > 0 ? "  (" + duration_text(result.duration_us) + ")" : "";
  return base::one_line(text, columns > time.size() + 10 ? columns - time.size() : 10) + time;
}

class TextDisplay final : public RunDisplay {
 public:
  TextDisplay(int fd, DisplayOptions options) : fd_(fd), options_(std::move(options)) {}

  void show(const core::Frame& frame) override {
    if (const auto* text = std::get_if<core::TextDelta>(&frame.body)) stream(text->text);
    if (const auto* thinking = std::get_if<core::ThinkingDelta>(&frame.body)) think(thinking->text);
  }

  void show(const core::Event& event) override {
    std::visit(
        Overloaded{[&](const core::RunStarted& started) {
                     if (begun_us_ == 0) begun_us_ = event.time;
                     if (in_chat()) return;
                     line(paint(kDim, base::one_line(started.model + ", mode " +
                                                         std::string(core::name_of(started.mode)),
                                                     columns())));
                   },
                   [&](const core::UserMessage& message) { user(message); },
                   [&](const core::AssistantBlock& block) { assistant(block.block); },
                   [&](const core::TurnEnded&) { end_answer(); }, [&](const core::CallDecided&) {},
                   [&](const core::ApprovalAsked& asked) { asked_question(asked); },
                   [&](const core::ApprovalAnswered& answered) {
                     line(paint(kDim, "  answered " +
                                          std::string(core::name_of(answered.reply.answer)) + " (" +
                                          base::one_line(answered.by, 20) + ")"));
                   },
                   [&](const core::ToolFinished& finished) { tool(finished); },
                   [&](const core::TurnRetried& retried) { retry(retried); },
                   [&](const core::RunEnded& ended) { end(event, ended); },
                   [&](const auto& note) { show_note(note); }},
        event.body);
  }

 private:
  bool in_chat() const { return options_.occasion == DisplayOptions::Occasion::chat; }
  std::size_t columns() const {
    return std::max<std::size_t>(options_.columns ? options_.columns() : 0, 20);
  }
  std::string paint(std::string_view colour, const std::string& text) const {
    return terminal::paint(options_.style, colour, text);
  }

  void line(const std::string& text) {
    end_thought();
    end_stream();
    write_all(fd_, text + "\n");
  }

  // Text of the answer in the making; what was shown of it is kept to complete it.
  void stream(std::string_view text) {
    if (text.empty()) return;
    end_thought();
    streamed_ += text;
    const std::string safe = base::terminal_safe(text);
    write_all(fd_, safe);
    at_line_start_ = safe.ends_with('\n');
    open_ = true;
  }
  void end_stream() {
    if (open_ && !at_line_start_) write_all(fd_, "\n");
    open_ = false;
    streamed_.clear();
  }

  // A thought's beginning, in one row.
  void think(std::string_view text) {
    if (!in_chat() || thought_is_full_ || text.empty()) return;
    if (thought_columns_ == 0) {
      if (open_ && !at_line_start_) write_all(fd_, "\n");
      at_line_start_ = true;
      ++thoughts_shown_;
      write_all(fd_, paint(kDim, "∴ "));
      thought_columns_ = 2;
    }
    const std::size_t row = columns() - 1;
    const std::size_t room = row > thought_columns_ + 1 ? row - thought_columns_ : 1;
    const std::string piece = base::one_line(text, room);
    thought_columns_ += base::display_width(piece);
    thought_is_full_ = piece.ends_with("…") || thought_columns_ + 1 >= row;
    write_all(fd_, paint(kDim, piece));
  }
  void end_thought() {
    if (thought_columns_ > 0) write_all(fd_, "\n");
    thought_columns_ = 0;
    thought_is_full_ = false;
  }

  void user(const core::UserMessage& message) {
    if (in_chat()) return;
    line(paint(kBold, "> " + base::one_line(message.text, columns() - 2)));
    for (const auto& file : message.attachments)
      line("  attached: " + base::one_line(file.name, columns() - 32) + ", " +
           base::human_bytes(file.bytes));
  }

  void assistant(const core::Block& block) {
    if (const auto* call = std::get_if<core::ToolCall>(&block)) {
      calls_[call->id] = call_summary(*call, columns() - 4);
      return;
    }
    if (const auto* thinking = std::get_if<core::ThinkingBlock>(&block)) {
      if (thoughts_shown_ == 0) think(thinking->text);
      if (thoughts_shown_ > 0) --thoughts_shown_;
      return end_thought();
    }
    const auto* text = std::get_if<core::TextBlock>(&block);
    if (!text) return;
    if (streamed_.size() > text->text.size() && streamed_.starts_with(text->text)) {
      streamed_.erase(0, text->text.size());  // the rest belongs to the next block
      return;
    }
    if (!text->text.starts_with(streamed_)) {  // frames were lost: show it whole
      line(paint(kDim, "  … shown anew, a part was lost:"));
      stream(text->text);
    } else {
      stream(std::string_view(text->text).substr(streamed_.size()));
    }
    end_stream();
  }

  void asked_question(const core::ApprovalAsked& asked) {
    end_thought();
    end_stream();
    if (options_.questions == DisplayOptions::Questions::asked_here && asked.approval.waits) return;
    line(paint(kBold, "? " + base::one_line(asked.approval.question, columns() - 2)));
  }

  // What happened beside the answers and the calls, a line each.
  void note(const std::string& text) {
    line(paint(kDim, "  " + base::one_line(text, columns() - 2)));
  }
  void show_note(const core::ChangesKept& kept) {
    for (const auto& file : kept.files)
      note(std::string(core::name_of(file.kind)) + " " + file.path +
           (file.opaque ? " (not text)"
                        : " (+" + std::to_string(file.lines_added) + " -" +
                              std::to_string(file.lines_removed) + ")"));
  }
  void show_note(const core::ChangesSettled& settled) {
    if (settled.act != core::ChangesAct::applied)
      note("changes " + std::string(core::name_of(settled.act)) + " (" + settled.by + ")");
    for (const auto& file : settled.files)
      if (file.outcome == core::FileOutcome::conflict)
        note("conflict in " + file.path + ": " + file.reason);
  }
  void show_note(const core::RuleAdded& added) {
    note("rule added: " + added.rule + " (" + added.where + ")");
  }
  void show_note(const core::ModeChanged& changed) {
    note("mode " + std::string(core::name_of(changed.mode)) +
         (changed.reason.empty() ? "" : ": " + changed.reason));
  }
  void show_note(const core::InstructionsLoaded& loaded) {
    note("instructions of " + loaded.path + " (" + base::human_bytes(loaded.text.size()) + ")");
  }
  void show_note(const core::SkillUsed& used) {
    note("skill " + used.name + " (" + used.origin + ")");
  }
  void show_note(const core::TodosSet& todos) {
    for (const auto& item : todos.items) {
      const char* const mark = item.status == core::TodoStatus::completed     ? "[x] "
                               : item.status == core::TodoStatus::in_progress ? "[>] "
                                                                              : "[ ] ";
      note(mark + item.text);
    }
  }
  void show_note(const core::BriefSent& brief) {
    line(base::terminal_safe(brief.text));
    for (const auto& file : brief.attachments)
      note("attached: " + file.path + " (" + base::human_bytes(file.bytes) + ")");
  }
  void show_note(const core::SessionForked& forked) {
    note("forked from session " + forked.from.text);
  }

  void tool(const core::ToolFinished& finished) {
    const core::ToolResult& result = finished.result;
    const auto call = calls_.find(result.call_id);
    line("● " + (call == calls_.end() ? std::string("call") : call->second));
    if (call != calls_.end()) calls_.erase(call);
    const bool ok = result.status == core::ResultStatus::ok;
    const std::string text = (ok ? "  └ " : "  ✗ ") + result_summary(result, columns() - 4);
    line(ok ? paint(kDim, text) : paint(kRed, text));
    for (const auto& image : finished.images)
      line(paint(kDim, "  ▣ " + base::one_line(core::describe(image), columns() - 4)));
  }

  void end_answer() {
    end_thought();
    end_stream();
    thoughts_shown_ = 0;
  }

  void retry(const core::TurnRetried& retried) {
    end_answer();
    line(paint(kDim, "  … " + base::one_line(retried.error.message, columns() - 30) +
                         "; trying again in " + base::human_duration_ms(retried.delay_ms)));
  }

  void end(const core::Event& event, const core::RunEnded& ended) {
    if (!ended.of.empty()) {
      line(paint(kDim, "(the run before was interrupted)"));
      return;
    }
    std::string text(core::name_of(ended.outcome));
    std::ranges::replace(text, '_', ' ');
    text += ": " + std::to_string(ended.turns) + (ended.turns == 1 ? " turn, " : " turns, ") +
            std::to_string(ended.usage.input_tokens) + " tokens in, " +
            std::to_string(ended.usage.output_tokens) + " out";
    if (begun_us_ > 0) text += ", " + duration_text(event.time - begun_us_);
    begun_us_ = 0;
    if (!in_chat()) line("");
    if (ended.outcome == core::Outcome::finished) return line(paint(kDim, text));
    line(paint(kRed, base::terminal_safe(ended.error.message)));
    line(paint(kDim, text));
  }

  const int fd_;
  const DisplayOptions options_;
  std::string streamed_;
  bool open_ = false;
  bool at_line_start_ = true;
  std::size_t thought_columns_ = 0;  // 0: no thought is being shown
  bool thought_is_full_ = false;
  int thoughts_shown_ = 0;  // of the answer in the making, whose blocks are still to come
  base::Timestamp begun_us_ = 0;
  std::map<std::string, std::string> calls_;  // summaries of calls without a result yet, by id
};

class JsonDisplay final : public RunDisplay {
 public:
  explicit JsonDisplay(int fd) : fd_(fd) {}
  void show(const core::Event& event) override { put(core::to_json(event)); }
  void show(const core::Frame& frame) override { put(core::to_json(frame)); }

 private:
  void put(const Json& json) { write_all(fd_, base::to_text(json) + "\n"); }
  const int fd_;
};

}  // namespace

std::unique_ptr<RunDisplay> make_text_display(int fd, DisplayOptions options) {
  return std::make_unique<TextDisplay>(fd, std::move(options));
}

std::unique_ptr<RunDisplay> make_json_display(int fd) { return std::make_unique<JsonDisplay>(fd); }

}  // namespace boxagnts::terminal
