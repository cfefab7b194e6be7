// read: the lines of a text file, numbered; the cells of a notebook likewise.
//
// A small file is one allocation and one read; a large one goes through in pieces, only as far as
// needed, so that memory stays bounded whatever the file's size.
#include <algorithm>

#include "guests/read/file.h"
#include "guests/read/file_type.h"
#include "guests/read/line_printer.h"
#include "guests/read/notebook.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr std::uint64_t kWholeBytesMax = 1 << 20;  // read at once up to here
constexpr std::size_t kPieceBytes = 256 << 10;     // and in such pieces beyond
constexpr std::uint64_t kCountedBytesMax = 16
                                           << 20;  // the lines of larger files are not all counted
constexpr std::uint64_t kNotebookBytesMax = 32 << 20;  // larger ones are shown as text
constexpr std::uint64_t kLinesDefault = 2000;

struct Shown {
  bool whole = true;  // the end of the file was seen
  bool unterminated = false;
  Text remark;  // the first of the notes
};

void print_notes(const LinePrinter& printer, const File& file, const Shown& shown) {
  Text separator = "[";
  const auto note = [&]() -> Output& {
    out.put(separator);
    separator = "; ";
    return out;
  };
  const bool whole = shown.whole;
  if (!shown.remark.empty()) note().put(shown.remark);
  const std::uint64_t last = printer.last_shown();
  if (!whole || printer.first() > 1 || last < printer.lines()) {
    note().put("lines ").put_number(printer.first()).put('-').put_number(last).put(" of ");
    if (whole)
      out.put_number(printer.lines());
    else
      out.put("a file of ").put_size(file.size);
    if (!whole || last < printer.lines()) note().put("continue with offset ").put_number(last + 1);
  }
  if (printer.cut_lines() > 0)
    note().put_count(printer.cut_lines(), "line").put(" cut at 2000 characters");
  if (printer.begins_with_mark()) note().put("begins with a byte order mark");
  if (printer.crlf_lines() > 0)
    note().put(printer.crlf_lines() == printer.ended_lines()
                   ? "the lines end in CRLF"
                   : "some lines end in CRLF, some in LF");
  if (printer.repaired_bytes() > 0)
    note()
        .put("not valid UTF-8 (perhaps Latin-1): ")
        .put_count(printer.repaired_bytes(), "byte")
        .put(" shown as �");
  if (whole && shown.unterminated && last == printer.lines()) note().put("no newline at the end");
  if (separator != "[") out.put("]\n");
}

void check_offset(const File& file, const LinePrinter& printer, std::uint64_t offset) {
  if (printer.shown() > 0) return;
  out.clear();
  out.put(file.path.shown()).put(" has only ").put_count(printer.lines(), "line");
  out.put("; offset ").put_number(offset).put(" is past its end");
  finish(kFailed);
}

// Reads pieces, each after what the last one left over. Returns whether the end of the file was
// seen.
bool print_in_pieces(const File& file, LinePrinter& printer, Shown& shown) {
  char* const buffer = allocate(kPieceBytes + 1);
  std::size_t kept = 0;
  for (bool first = true;; first = false) {
    const std::size_t got = read_some(file.path, file.fd, buffer + kept, kPieceBytes - kept);
    const Text piece(buffer, kept + got);
    const bool last = piece.size() < kPieceBytes;
    if (first)
      if (const Text type = binary_type(piece.substr(0, kTypeBytes)); !type.empty())
        show_binary(file, piece, type);
    if (got > 0) shown.unterminated = piece.back() != '\n';
    const std::size_t used =
        printer.print(piece, last ? LinePrinter::Piece::last : LinePrinter::Piece::more_follows);
    if (last) return true;
    if (printer.done() && file.size > kCountedBytesMax) return false;
    kept = piece.size() - used;
    __builtin_memmove(buffer, buffer + used, kept);
  }
}

// What is shown of a notebook's file: its cells, or the file as it is.
Text notebook_view(Text text, Text& remark) {
  Output view;
  const Notebook notebook = put_notebook(text, view);
  if (!notebook.valid) {
    remark = "no valid notebook (nbformat 4), so it is shown as the text that it is";
    return text;
  }
  if (notebook.cells == 0) view.put("[no cells]\n");
  Output note;
  note.put("a notebook of ").put_count(notebook.cells, "cell");
  if (!notebook.language.empty()) note.put(" in ").put(notebook.language);
  note.put(", shown as text: its file is JSON, which is what edit and grep see");
  remark = note.text();
  view.reserve(1);  // the printer writes behind the end
  return view.text();
}

}  // namespace

int run() {
  const auto arguments = Arguments::read({"file_path", "offset", "limit", "pages"});
  const std::uint64_t offset = arguments.number_or("offset", 1, 1);
  const std::uint64_t limit = arguments.number_or("limit", kLinesDefault, 1);
  const bool given_pages = !arguments.text_or("pages", {}).empty();
  const File file = open_file(Path::of("file_path", arguments.text("file_path")));

  LinePrinter printer(offset, limit);
  Shown shown;
  const bool notebook = file.path.text().ends_with(".ipynb");
  if (file.size > 0 && file.size <= (notebook ? kNotebookBytesMax : kWholeBytesMax)) {
    const auto bytes = static_cast<std::size_t>(file.size);
    char* const data = allocate(bytes + 1);
    Text text(data, read_some(file.path, file.fd, data, bytes));
    if (const Text type = binary_type(text.substr(0, kTypeBytes)); !type.empty())
      show_binary(file, text, type);
    if (notebook) text = notebook_view(text, shown.remark);
    shown.unterminated = !text.empty() && text.back() != '\n';
    printer.print(text, LinePrinter::Piece::last);
  } else {
    shown.whole = print_in_pieces(file, printer, shown);
  }
  if (given_pages)
    fail(kBadInput, {"pages is for PDF documents; ", file.path.shown(),
                     " is read by lines: give offset and limit instead"});
  if (printer.lines() == 0) {
    out.put(file.path.shown()).put(" is empty");
    return kSuccess;
  }
  check_offset(file, printer, offset);
  print_notes(printer, file, shown);
  return kSuccess;
}

}  // namespace boxagnts::guest
