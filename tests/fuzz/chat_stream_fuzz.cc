// A model server's stream, line by line: whatever it sends becomes an answer or an error, and what
// the watcher was shown of the text is the answer's text.
#include "models/openai_chat_codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts;
  std::string_view stream = as_text(data, size);
  models::ChatDecoder decoder("f_");
  std::string shown;
  const auto watch = [&](const models::Piece& piece) {
    if (const auto* text = std::get_if<models::TextPiece>(&piece)) shown += text->text;
  };
  while (!stream.empty() && !decoder.done()) {
    const auto line = stream.substr(0, stream.find('\n'));
    stream.remove_prefix(std::min(line.size() + 1, stream.size()));
    if (!decoder.feed(line, watch)) return 0;
  }
  const auto answer = decoder.finish();
  if (!answer) return 0;
  std::string text;
  for (const auto& block : answer->blocks)
    if (const auto* said = std::get_if<core::TextBlock>(&block)) text += said->text;
  FUZZ_CHECK(shown.size() >= text.size());
  (void)models::describe_chat_error(as_text(data, size));
  return 0;
}
