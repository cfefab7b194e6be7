// read on PDF documents, which goes on in a program of its own: text by pages, and documents that
// are damaged, huge or hostile: each ends with one sentence, within the limits.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;

// Objects from number 1 on, with their table and trailer; the first is the catalogue.
std::string pdf_of(const std::vector<std::string>& objects) {
  std::string text = "%PDF-1.7\n", table;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    char entry[32];
    std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", text.size());
    table += entry;
    text += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const auto count = std::to_string(objects.size() + 1);
  const auto start = std::to_string(text.size());
  return text + "xref\n0 " + count + "\n0000000000 65535 f \n" + table + "trailer\n<< /Size " +
         count + " /Root 1 0 R >>\nstartxref\n" + start + "\n%%EOF\n";
}
std::string stream(const std::string& content, const std::string& more = "") {
  return "<< /Length " + std::to_string(content.size()) + more + " >>\nstream\n" + content +
         "\nendstream";
}
std::string words(const std::string& text) { return "BT /F1 12 Tf 72 720 Td (" + text + ") Tj ET"; }

// One page for each content.
std::string pdf(const std::vector<std::string>& contents, const std::string& resources = "",
                const std::vector<std::string>& more = {}) {
  std::string kids;
  for (std::size_t i = 0; i < contents.size(); ++i) kids += std::to_string(4 + 2 * i) + " 0 R ";
  std::vector<std::string> objects{
      "<< /Type /Catalog /Pages 2 0 R >>",
      "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(contents.size()) + " >>",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"};
  for (std::size_t i = 0; i < contents.size(); ++i) {
    objects.push_back(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 "
        "3 0 R >> " +
        resources + " >> /Contents " + std::to_string(5 + 2 * i) + " 0 R >>");
    objects.push_back(contents[i]);
  }
  objects.insert(objects.end(), more.begin(), more.end());
  return pdf_of(objects);
}
std::string pdf_of_pages(int count) {
  std::vector<std::string> contents;
  for (int i = 1; i <= count; ++i)
    contents.push_back(stream(words("This is page " + std::to_string(i))));
  return pdf(contents);
}

class ReadPdf : public GuestToolTest {
 protected:
  tools::ToolOutput read(const std::string& content, const char* pages = nullptr) {
    put("a.pdf", content);
    JsonObject arguments{{"file_path", "a.pdf"}};
    if (pages) arguments["pages"] = pages;
    return call("read", Json(std::move(arguments)));
  }
  void expect_sentence(const std::string& content, const std::string& says) {
    const auto output = read(content);
    EXPECT_EQ(output.status, core::ResultStatus::failed) << output.text.substr(0, 300);
    expect_has(output.text, says);
    EXPECT_LT(output.text.size(), 300u) << output.text;
    EXPECT_FALSE(output.text.contains('\n')) << output.text;
  }
};

TEST_F(ReadPdf, ThePagesAreShownAsText) {
  EXPECT_EQ(read(pdf_of_pages(2)).text, "[page 1]\nThis is page 1\n[page 2]\nThis is page 2\n");
}

TEST_F(ReadPdf, PagesChoosesAndSaysHowToGoOn) {
  const auto content = pdf_of_pages(9);
  EXPECT_EQ(read(content, "3").text,
            "[page 3]\nThis is page 3\n[pages 3-3 of 9; continue with pages \"4-9\"]\n");
  EXPECT_EQ(read(content, "8-20").text,
            "[page 8]\nThis is page 8\n[page 9]\nThis is page 9\n[pages 8-9 of 9]\n");
  EXPECT_EQ(read(content, "10").text, "a.pdf has only 9 pages; there is no page 10");
  EXPECT_EQ(read(content, "10").status, core::ResultStatus::failed);
  for (const auto* wrong : {"0", "5-3", "4294967296", "0-1"})
    expect_has(read(content, wrong).text, "pages begin at 1");
}

TEST_F(ReadPdf, LongOnesStopAtAWholePage) {
  const std::vector<std::string> contents(30, stream(words(std::string(20'000, 'w'))));
  const auto text = read(pdf(contents)).text;
  EXPECT_TRUE(text.ends_with("w\n[pages 1-5 of 30; continue with pages \"6-30\"]\n"))
      << text.substr(text.size() - 100);
  EXPECT_TRUE(read(pdf({stream(words(std::string(200'000, 'w')))})).text.ends_with("www\n"));
}

TEST_F(ReadPdf, LinesAreNotWhatItIsReadBy) {
  put("a.pdf", pdf_of_pages(1));
  expect_has(be_refused("read", {{"file_path", "a.pdf"}, {"offset", 2}}), "read by pages");
  put("a.txt", "x\n");
  expect_has(be_refused("read", {{"file_path", "a.txt"}, {"pages", "2"}}),
             "pages is for PDF documents");
}

TEST_F(ReadPdf, APageWithoutTextSaysSo) {
  EXPECT_EQ(read(pdf({stream("0 0 m 9 9 l S")})).text,
            "[page 1]\n[no text: blank, or a picture, such as a scan]\n");
}

// The second program sees what the first one sees: same paths, same mounts.
TEST_F(ReadPdf, PathsMeanTheSame) {
  put("a/b.pdf", pdf_of_pages(1));
  std::filesystem::create_symlink("a", workspace_ / "link");
  put("x", "");
  std::filesystem::copy_file(workspace_ / "a/b.pdf", root_ / "library/c.pdf");
  const auto folder = workspace_.filename().string();
  for (const auto& path :
       {"a/b.pdf"s, "link/b.pdf"s, "link/../a/./b.pdf"s, "../library/c.pdf"s,
        (root_ / "library/c.pdf").string(), (workspace_ / "link/b.pdf").string()})
    EXPECT_EQ(succeed("read", {{"file_path", path}}), "[page 1]\nThis is page 1\n") << path;
}

TEST_F(ReadPdf, AManifestThatNamesNoProgramLeadsToNone) {
  auto guests = embedded_guests();
  std::erase_if(guests,
                [](const auto& guest) { return guest.name != "read" && guest.name != "read_pdf"; });
  std::string manifest(guests.at(0).manifest);
  manifest.replace(manifest.find("\"read_pdf\""), 10, "\"read_odt\"");
  guests[0].manifest = manifest;
  tools::Registry registry;
  ASSERT_TRUE(add_embedded(registry, *shared_->sandbox, shared_->clock, {}, guests));
  put("a.pdf", pdf_of_pages(1));
  const auto output = execute(*registry.find("read"), {{"file_path", "a.pdf"}});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->status, core::ResultStatus::failed);
  expect_has(output->text, "cannot go on in the program \"read_pdf\"");
}

// --- damaged, huge, hostile
// --------------------------------------------------------------------------

TEST_F(ReadPdf, DamagedOnesEndWithASentence) {
  expect_sentence("%PDF-1.7\n", "a.pdf");
  expect_sentence("%PDF-1.7\n" + std::string(5000, 'x'), "a.pdf");
  expect_sentence("%PDF-1.7\n1 0 obj\n<< /Root 1 0 R >>\nendobj\n", "a.pdf");
  expect_sentence(pdf_of({"<< /Type /Catalog >>"}), "a.pdf");
  expect_sentence(
      pdf_of({"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"}),
      "without pages");
}

TEST_F(ReadPdf, APageThatCannotBeReadLeavesTheOthers) {
  auto contents = std::vector(3, stream(words("fine")));
  contents[1] = "<< /Length 5 /Filter /FlateDecode >>\nstream\nxxxxx\nendstream";
  const auto output = read(pdf(contents));
  EXPECT_EQ(output.status, core::ResultStatus::ok) << output.text;
  EXPECT_TRUE(output.text.starts_with("[page 1]\nfine\n")) << output.text;
}

TEST_F(ReadPdf, CutAnywhereAndWithAnyByteWrongItEnds) {
  const auto content = pdf_of_pages(2);
  for (std::size_t at = 5; at < content.size(); at += 11) {
    EXPECT_FALSE(read(content.substr(0, at)).text.empty()) << at;
    auto damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    EXPECT_FALSE(read(damaged).text.empty()) << at;
  }
}

TEST_F(ReadPdf, TooLargeAFileIsNotTried) {
  put("a.pdf", pdf_of_pages(1));
  std::filesystem::resize_file(workspace_ / "a.pdf", 10ull << 30);
  expect_has(be_refused("read", {{"file_path", "a.pdf"}}), "is not shown");
}

TEST_F(ReadPdf, APageTreeThatLoopsEnds) {
  const auto output =
      read(pdf_of({"<< /Type /Catalog /Pages 2 0 R >>",
                   "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 /Parent 2 0 R >>"}));
  EXPECT_EQ(output.status, core::ResultStatus::failed) << output.text.substr(0, 300);
  EXPECT_LT(output.text.size(), 300u);
}

std::string form(const std::string& content, const std::string& uses) {
  return stream(content,
                " /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << " + uses +
                    " >> >>");
}

TEST_F(ReadPdf, AFormThatDrawsItselfEnds) {
  const auto output =
      read(pdf({stream("/X Do")}, "/XObject << /X 6 0 R >>", {form("/X Do", "/X 6 0 R")}));
  EXPECT_LT(output.text.size(), 300u) << output.text.substr(0, 300);
}

// Each form draws the next one ten times: 10^9 in all.
TEST_F(ReadPdf, FormsThatMultiplyMeetTheTimeLimit) {
  std::vector<std::string> forms;
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += "/X Do ";
  for (int i = 0; i < 9; ++i) forms.push_back(form(ten, "/X " + std::to_string(7 + i) + " 0 R"));
  forms.push_back(form("0 0 m", ""));
  grant_.limits.wall_time = std::chrono::milliseconds(700);
  expect_sentence(pdf({stream(ten)}, "/XObject << /X 6 0 R >>", forms), "time");
}

// Deflate by its fixed code: one byte, then the longest match again and again.
std::string bomb(std::size_t bytes) {
  std::string data = "\x78\x01";
  unsigned bits = 0, count = 0;
  const auto put = [&](unsigned value, int size) {  // the lowest bit first
    for (int i = 0; i < size; ++i) {
      bits |= (value >> i & 1) << count++;
      if (count == 8) {
        data += static_cast<char>(bits);
        bits = count = 0;
      }
    }
  };
  put(0b011, 3);       // the last block, fixed code
  put(0b00001010, 8);  // 'P' is code 0x80, its highest bit first
  for (std::size_t done = 1; done < bytes; done += 258) {
    put(0b10100011, 8);  // length 258: code 0xc5, its highest bit first
    put(0, 5);           // distance 1
  }
  put(0, 7);  // the end
  put(0, 7);
  return data;
}

TEST_F(ReadPdf, AStreamThatUnpacksToMuchMeetsTheMemoryLimit) {
  const auto content = pdf({stream(bomb(600u << 20), " /Filter /FlateDecode")});
  EXPECT_LT(content.size(), 5u << 20);
  const auto output = read(content);
  EXPECT_EQ(output.status, core::ResultStatus::failed) << output.text.substr(0, 300);
  expect_has(output.text, "memory");
  EXPECT_LT(output.text.size(), 300u);
}

}  // namespace
}  // namespace boxagnts::toolbox
