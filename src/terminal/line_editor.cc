#include "terminal/line_editor.h"

#include <algorithm>

#include "base/text.h"
#include "terminal/edit_buffer.h"
#include "terminal/edit_view.h"

namespace boxagnts::terminal {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kPasteMarksOn = "\x1b[?2004h", kPasteMarksOff = "\x1b[?2004l";
constexpr milliseconds kLookWhetherWanted{300};
constexpr std::size_t kMessageBytesMax = 1 << 20;
constexpr std::size_t kCandidatesShown = 40;

std::string common_beginning(const std::vector<std::string>& texts) {
  std::string_view common = texts.front();
  for (const auto& text : texts) {
    const auto [end, other] = std::ranges::mismatch(common, text);
    common = common.substr(0, static_cast<std::size_t>(end - common.begin()));
  }
  return std::string(base::prefix_at_character(common, common.size()));
}

// One line being edited where the cursor moves.
class Editor {
 public:
  Editor(Console& console, const LineRequest& request) : console_(console), request_(request) {
    if (request.history) place_ = request.history->entries().size();
  }

  Line run() {
    const ModeScope mode(console_, request_.mode);
    console_.write(kPasteMarksOn);
    draw();
    std::optional<LineEnd> end;
    while (!end) end = step();
    searching_ = false;
    below_.clear();
    if (*end != LineEnd::ended) draw();
    console_.write(view_.leave());
    console_.write(kPasteMarksOff);
    return {*end, *end == LineEnd::line || *end == LineEnd::interrupted ? buffer_.text() : ""};
  }

 private:
  std::optional<LineEnd> step() {
    using Kind = Console::Input::Kind;
    const auto input = console_.next(
        request_.stop, request_.still_wanted ? std::optional(kLookWhetherWanted) : std::nullopt);
    switch (input.kind) {
      case Kind::stopped: return LineEnd::stopped;
      case Kind::closed: return LineEnd::end_of_input;
      case Kind::notice: return noticed(input.notice);
      case Kind::key: return pressed(input.key);
      case Kind::line:
      case Kind::timeout: break;
    }
    if (request_.still_wanted && !request_.still_wanted()) return LineEnd::stopped;
    return std::nullopt;
  }

  std::optional<LineEnd> noticed(Notice notice) {
    switch (notice) {
      case Notice::interrupt: return LineEnd::interrupted;
      case Notice::end: return LineEnd::ended;
      case Notice::resumed: begin_anew(); break;
      case Notice::resized:
        view_.resized(console_.size().columns);
        draw();
        break;
    }
    return std::nullopt;
  }

  // Others have written to the screen.
  void begin_anew() {
    view_.forget();
    console_.write(kPasteMarksOn);
    draw();
  }

  std::optional<LineEnd> pressed(const Key& key) {
    if (searching_ && search_key(key)) {
      draw();
      return std::nullopt;
    }
    below_.clear();
    std::optional<LineEnd> end;
    switch (key.kind) {
      case KeyKind::enter:
        if (!buffer_.continue_line()) end = LineEnd::line;
        break;
      case KeyKind::interrupt: return LineEnd::interrupted;
      case KeyKind::end_of_input:
        if (buffer_.empty()) return LineEnd::end_of_input;
        (void)buffer_.apply({KeyKind::del});
        break;
      case KeyKind::suspend:
        console_.write(view_.leave());
        console_.write(kPasteMarksOff);
        console_.suspend();
        begin_anew();
        return std::nullopt;
      case KeyKind::redraw:
        console_.write("\x1b[H\x1b[2J");
        view_.forget();
        break;
      case KeyKind::tab: complete(); break;
      case KeyKind::search:
        search_older(request_.history ? request_.history->entries().size() : 0);
        break;
      case KeyKind::up:
      case KeyKind::previous:
        if (key.kind == KeyKind::previous || !buffer_.apply(key)) recall(-1);
        break;
      case KeyKind::down:
      case KeyKind::next:
        if (key.kind == KeyKind::next || !buffer_.apply(key)) recall(+1);
        break;
      case KeyKind::text:
        if (buffer_.text().size() + key.text.size() <= kMessageBytesMax)
          (void)buffer_.apply(key);
        else
          below_ = {"a message holds at most " + base::human_bytes(kMessageBytesMax)};
        break;
      default: (void)buffer_.apply(key);
    }
    if (!end) draw();
    return end;
  }

  // --- history ---

  void recall(int step) {
    if (!request_.history) return;
    const auto& entries = request_.history->entries();
    if (step < 0 ? place_ == 0 : place_ >= entries.size()) return;
    if (place_ == entries.size()) own_ = buffer_.text();
    place_ = step < 0 ? place_ - 1 : place_ + 1;
    buffer_.set(place_ == entries.size() ? own_ : entries[place_]);
  }

  // Shows the newest entry before `from` that holds what is looked for.
  void search_older(std::size_t from) {
    if (!request_.history) return;
    if (!searching_) {
      searching_ = true;
      looked_for_.clear();
      own_ = buffer_.text();
      found_ = from;
    }
    const auto& entries = request_.history->entries();
    while (from > 0 && !looked_for_.empty())
      if (entries[--from].contains(looked_for_)) {
        found_ = from;
        buffer_.set(entries[from]);
        return;
      }
  }

  // Whether the key belongs to the search; others take what was found and do what they do.
  bool search_key(const Key& key) {
    const auto newest = request_.history->entries().size();
    switch (key.kind) {
      case KeyKind::text:
        looked_for_ += key.text;
        search_older(std::min(found_ + 1, newest));
        return true;
      case KeyKind::backspace:
        looked_for_.resize(
            base::prefix_at_character(looked_for_, looked_for_.empty() ? 0 : looked_for_.size() - 1)
                .size());
        search_older(newest);
        return true;
      case KeyKind::search: search_older(found_); return true;
      case KeyKind::escape:
      case KeyKind::interrupt:
        searching_ = false;
        buffer_.set(own_);
        return true;
      default:
        searching_ = false;
        place_ = found_;
        return key.kind == KeyKind::tab;
    }
  }

  void complete() {
    if (!request_.completer) return;
    const auto [begin, candidates] =
        request_.completer(std::string_view(buffer_.text()).substr(0, buffer_.cursor()));
    if (candidates.empty()) return;
    const std::string common = common_beginning(candidates);
    const std::size_t written = buffer_.cursor() - begin;
    if (candidates.size() == 1)
      buffer_.replace_back_to(begin, common + (common.ends_with('/') ? "" : " "));
    else if (common.size() > written)
      buffer_.replace_back_to(begin, common);
    else
      for (const auto& candidate : candidates)
        if (below_.size() < kCandidatesShown) below_.push_back("  " + candidate);
  }

  void draw() {
    const auto screen = console_.size();
    auto below = below_;
    if (searching_) below.insert(below.begin(), "(search) " + looked_for_);
    console_.write(view_.draw(
        lay_out(request_.prompt, buffer_.text(), buffer_.cursor(), screen.columns), below, screen));
  }

  Console& console_;
  const LineRequest& request_;
  EditBuffer buffer_;
  EditView view_;
  std::vector<std::string> below_;
  std::size_t place_ = 0;  // in the history; its size: the person's own text
  std::string own_;
  bool searching_ = false;
  std::string looked_for_;
  std::size_t found_ = 0;
};

// As the terminal edits it: nothing is drawn but the prompt.
Line read_plain(Console& console, const LineRequest& request) {
  using Kind = Console::Input::Kind;
  const ModeScope mode(console, Console::Mode::editing);
  console.write(base::terminal_safe(request.prompt));
  std::string text;
  while (true) {
    const auto input = console.next(
        request.stop, request.still_wanted ? std::optional(kLookWhetherWanted) : std::nullopt);
    if (input.kind == Kind::stopped) return {LineEnd::stopped, ""};
    if (input.kind == Kind::closed) return {LineEnd::end_of_input, ""};
    if (input.kind == Kind::notice && input.notice == Notice::end) return {LineEnd::ended, ""};
    if (input.kind == Kind::notice && input.notice == Notice::interrupt) {
      console.write("\n");
      return {LineEnd::interrupted, text};
    }
    if (input.kind == Kind::timeout && request.still_wanted && !request.still_wanted()) {
      console.write("\n");
      return {LineEnd::stopped, ""};
    }
    if (input.kind != Kind::line) continue;
    text += input.line;
    if (!text.ends_with('\\') || text.size() > kMessageBytesMax)
      return {LineEnd::line, base::repair_utf8(text)};
    text.back() = '\n';
  }
}

}  // namespace

Line read_line(Console& console, const LineRequest& request) {
  if (console.look().cursor == Cursor::fixed) return read_plain(console, request);
  return Editor(console, request).run();
}

}  // namespace boxagnts::terminal
