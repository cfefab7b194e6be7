// read on Jupyter notebooks: the cells as text; what is no valid notebook stays the text it is.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;

constexpr std::string_view kFallback =
    "[no valid notebook (nbformat 4), so it is shown as the text";

class ReadNotebooks : public GuestToolTest {
 protected:
  std::string read(const std::string& content, JsonObject more = {}) {
    put("n.ipynb", content);
    more["file_path"] = "n.ipynb";
    return succeed("read", Json(std::move(more)));
  }
  // Without the numbers and the closing note.
  std::string lines(const std::string& content) {
    std::string text, shown = read(content);
    EXPECT_TRUE(shown.contains("[a notebook of ")) << shown;
    shown.resize(shown.rfind("[a notebook of "));
    for (std::size_t at = 0; at < shown.size();) {
      const auto end = shown.find('\n', at) + 1;
      text += shown.substr(at + 7, end - at - 7);
      at = end;
    }
    return text;
  }
  static std::string notebook(const std::string& cells) {
    return R"({"cells":[)" + cells +
           R"(],"metadata":{"kernelspec":{"language":"python"}},"nbformat":4,"nbformat_minor":5})";
  }
  static std::string code(const std::string& source, const std::string& outputs = "") {
    return R"({"cell_type":"code","execution_count":3,"metadata":{},"outputs":[)" + outputs +
           R"(],"source":)" + source + "}";
  }
};

TEST_F(ReadNotebooks, CellsAreShownWithTheirKindSourceAndOutputs) {
  const auto content =
      notebook(R"({"cell_type":"markdown","metadata":{},"source":["# Title\n","words"]},)" +
               code("\"import x\\nx.go()\"",
                    R"({"output_type":"stream","name":"stdout","text":["one\n","two\n"]},)"
                    R"({"output_type":"stream","name":"stderr","text":"careful"},)"
                    R"({"output_type":"execute_result","execution_count":3,"metadata":{},"data":)"
                    R"({"text/html":["<b>5</b>"],"text/plain":["5"]}})") +
               R"(,{"cell_type":"raw","metadata":{},"source":""})");
  EXPECT_EQ(read(content),
            "     1\t[cell 1: markdown]\n     2\t# Title\n     3\twords\n     4\t\n"
            "     5\t[cell 2: code, run 3]\n     6\timport x\n     7\tx.go()\n"
            "     8\t[output: stdout]\n     9\tone\n    10\ttwo\n"
            "    11\t[output: stderr]\n    12\tcareful\n    13\t[result]\n    14\t5\n    15\t\n"
            "    16\t[cell 3: raw]\n"
            "[a notebook of 3 cells in python, shown as text: its file is JSON, which is what edit "
            "and grep see]\n");
}

TEST_F(ReadNotebooks, ErrorsLoseTheirColours) {
  EXPECT_EQ(
      lines(notebook(
          code(R"("1/0")",
               R"({"output_type":"error","ename":"ZeroDivisionError","evalue":"division by\nzero",)"
               R"("traceback":["\u001b[0;31m---\u001b[0m","line \u001b[1;32m1\u001b[0m\nend"]})"))),
      "[cell 1: code, run 3]\n1/0\n[error: ZeroDivisionError: division by zero]\n---\nline 1\n"
      "end\n");
}

TEST_F(ReadNotebooks, PicturesAreNamedWithTypeAndSize) {
  const std::string picture = base::to_text(Json(std::string(4000, 'A') + "\n"));
  EXPECT_EQ(
      lines(notebook(
          code("\"plot()\"",
               R"({"output_type":"display_data","metadata":{},"data":{"image/png":)" + picture +
                   R"(,"text/plain":["<Figure>"]}},)"
                   R"({"output_type":"display_data","metadata":{},"data":{"image/svg+xml":)"
                   R"(["<svg>","</svg>"]}},)"
                   R"({"output_type":"display_data","metadata":{},"data":{"application/json":)"
                   R"({"a":[1]}}})") +
          R"(,{"cell_type":"markdown","metadata":{},"source":"x",)"
          R"("attachments":{"a.png":{"image/png":"QUJDRA=="}}})")),
      "[cell 1: code, run 3]\nplot()\n[output]\n<Figure>\n[image/png, 3.0 KB; not shown]\n"
      "[output]\n[image/svg+xml, 11 bytes; not shown]\n"
      "[output]\n[application/json, 9 bytes; not shown]\n\n"
      "[cell 2: markdown]\nx\n[attachment a.png] [image/png, 4 bytes; not shown]\n");
}

TEST_F(ReadNotebooks, ProgressBarsAreShownAsTheyWereLeft) {
  EXPECT_EQ(lines(notebook(code(R"("")", R"({"output_type":"stream","name":"stdout",)"
                                         R"("text":["10%\r50%\r100%\nnext\r\n","x\r"]})"))),
            "[cell 1: code, run 3]\n[output: stdout]\n100%\nnext\nx\n");
}

TEST_F(ReadNotebooks, EscapesAreDecoded) {
  EXPECT_EQ(lines(notebook(code(R"("\u00e9 \ud83c\udf89 \\ \" \/ \t \ud800 \udc00x")"))),
            "[cell 1: code, run 3]\n\u00e9 \U0001f389 \\ \" / \t \ufffd \ufffdx\n");
}

TEST_F(ReadNotebooks, OffsetAndLimitCountTheLinesThatAreShown) {
  const auto text =
      read(notebook(code(R"("a\nb\nc")") + "," + code(R"("d")")), {{"offset", 3}, {"limit", 2}});
  EXPECT_TRUE(text.starts_with("     3\tb\n     4\tc\n[a notebook of 2 cells")) << text;
  expect_has(text, "; lines 3-4 of 7; continue with offset 5]");
}

TEST_F(ReadNotebooks, OneWithoutCellsSaysSo) {
  expect_has(read(notebook("")), "[no cells]\n[a notebook of 0 cells");
}

TEST_F(ReadNotebooks, OtherLanguagesAreTold) {
  expect_has(read(R"({"nbformat":4,"cells":[],"metadata":{"language_info":{"name":"julia"}}})"),
             "in julia,");
  expect_has(read(R"({"nbformat":4,"cells":[]})"), "of 0 cells, shown");
  const auto long_word = base::to_text(Json(std::string(100'000, 'x') + "\n"));
  EXPECT_LT(
      read(R"({"nbformat":4,"cells":[],"metadata":{"kernelspec":{"language":)" + long_word + "}}}")
          .size(),
      300u);
  expect_has(read(R"({"nbformat":4,"cells":[],"metadata":{"kernelspec":{"language":[{}]}}})"),
             "of 0 cells, shown");
}

TEST_F(ReadNotebooks, AnotherSuffixIsText) {
  put("n.json", notebook(""));
  EXPECT_FALSE(succeed("read", {{"file_path", "n.json"}}).contains("notebook of"));
}

struct BadCase {
  const char* name;
  std::string content;
};
class ReadBadNotebooks : public ReadNotebooks, public testing::WithParamInterface<BadCase> {};

// Exactly as a text of another name, but for the note.
TEST_P(ReadBadNotebooks, StayText) {
  const auto& content = GetParam().content;
  put("n.txt", content);
  const auto plain = succeed("read", {{"file_path", "n.txt"}});
  const auto text = read(content);
  expect_has(text, kFallback);
  const auto note = text.rfind(kFallback);
  EXPECT_EQ(text.substr(0, note), plain.substr(0, note));
}

const std::string kDeep(5000, '[');

INSTANTIATE_TEST_SUITE_P(
    Table, ReadBadNotebooks,
    testing::Values(BadCase{"Words", "not a notebook\n"}, BadCase{"Array", "[]\n"},
                    BadCase{"NoCells", R"({"nbformat":4})"}, BadCase{"NoFormat", R"({"cells":[]})"},
                    BadCase{"Version3", R"({"nbformat":3,"worksheets":[{"cells":[]}]})"},
                    BadCase{"CellsNoArray", R"({"nbformat":4,"cells":{}})"},
                    BadCase{"CellNoObject", R"({"nbformat":4,"cells":[1]})"},
                    BadCase{"Cut", R"({"nbformat":4,"cells":[{"cell_type":"code","source":"x)"},
                    BadCase{"TwoValues", R"({"nbformat":4,"cells":[]} {})"},
                    BadCase{"MergeConflict", "<<<<<<< HEAD\n{\"nbformat\":4,\"cells\":[]}\n"},
                    BadCase{"Comma", R"({"nbformat":4,"cells":[],})"},
                    BadCase{"Control", "{\"nbformat\":4,\"cells\":[],\"a\":\"\x01\"}"},
                    BadCase{"BadEscape", R"({"nbformat":4,"cells":[],"a":"\u12g4"})"},
                    BadCase{"BadNumber", R"({"nbformat":4,"cells":[],"a":1.})"},
                    BadCase{"Deep", R"({"nbformat":4,"cells":)" + kDeep},
                    BadCase{"DeepClosed",
                            R"({"nbformat":4,"cells":)" + kDeep + std::string(5000, ']') + "}"}),
    [](const auto& info) { return std::string(info.param.name); });

// Fields of every wrong type: something sensible is shown, nothing breaks.
TEST_F(ReadNotebooks, FieldsMayBeOfAnyType) {
  for (const auto* wrong :
       {"1", "null", "true", "[]", "{}", "[1,null,{}]", R"({"a":{"b":[]}})", "\"\"", "-1.5e3"})
    for (const auto* field : {"cell_type", "source", "outputs", "execution_count", "attachments"})
      expect_has(read(notebook("{\"" + std::string(field) + "\":" + wrong + "}")), "1 cell in");
  for (const auto* wrong : {"1", "null", "[]", "{}", "[1]", R"({"text/plain":{}})"})
    for (const auto* field : {"data", "text", "traceback", "output_type", "name", "ename"})
      for (const auto* type : {"stream", "error", "display_data", "\\u0000"})
        expect_has(read(notebook(code("\"\"", "{\"output_type\":\"" + std::string(type) + "\",\"" +
                                                  field + "\":" + wrong + "}"))),
                   "1 cell in");
}

TEST_F(ReadNotebooks, LargeOnesAreReadAndMemoryHasABound) {
  const auto output = [](const std::string& text) {
    return R"({"output_type":"stream","name":"stdout","text":")" + text + "\"}";
  };
  const auto content = notebook(code("\"a\"", output(std::string(20 << 20, 'x'))));
  expect_has(read(content), "1 line cut at 2000 characters");
  grant_.limits.memory_bytes = 8 << 20;
  put("n.ipynb", content);
  expect_has(be_refused("read", {{"file_path", "n.ipynb"}}), "memory");
  grant_.limits.memory_bytes = 2 << 20;
  expect_has(read(notebook(code("\"a\"", output(std::string(40 << 20, 'x'))))), "1\t{\"cells\"");
}

}  // namespace
}  // namespace boxagnts::toolbox
