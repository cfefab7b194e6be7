// What web_fetch makes of HTML: each element, what is left out, and pages that mean harm.
#include "toolbox/web_fixture.h"

namespace boxagnts::toolbox {
namespace {

using WebPagesTest = WebTest;

struct Made {
  const char* html;
  const char* text;
};

void expect_made(const std::string& got, const Made& wanted) {
  EXPECT_EQ(got, std::string(wanted.text) + "\n") << wanted.html;
}

TEST_F(WebPagesTest, ElementsBecomeMarkdown) {
  const std::vector<Made> cases{
      {"<h1>A</h1><h2>B <b>c</b></h2><h6>D</h6>", "# A\n\n## B c\n\n###### D"},
      {"<p>one\n two<p>three<div>four</div>five", "one two\n\nthree\n\nfour\n\nfive"},
      {"a <b> b </b>c<i>d</i> <em></em><s>e</s>", "a **b** c*d* ~~e~~"},
      {"<b><i>x</i> y</b>", "***x* y**"},
      {"<b>x<p>y</p></b>", "**x**\n\n**y**"},
      {"x<br>y<br><br>z", "x  \ny\n\nz"},
      {"x<hr>y", "x\n\n---\n\ny"},
      {"<ul><li>a<li><p>b</p><p>c</p></li></ul>d", "- a\n- b\n\n  c\n\nd"},
      {"<ol start=9><li>a<li>b<ul><li>c<li>d</ul><li>e</ol>",
       "9. a\n10. b\n    - c\n    - d\n11. e"},
      {"<ul><li></li><li>x</li></ul>", "- x"},
      {"<blockquote><p>a<p>b<blockquote>c</blockquote></blockquote>d",
       "> a\n>\n> b\n>\n> > c\n\nd"},
      {"<ul><li><blockquote>q</blockquote></ul>", "- > q"},
      {"<dl><dt>T<dd>D1<dd>D2<dt>U<dd>E</dl>", "T\n: D1\n\n: D2\n\nU\n: E"},
      {"x <code>a  b</code> <code>`q`</code> <kbd>c``d</kbd>", "x `a b` `` `q` `` ```c``d```"},
      {"<p>10<sup>6</sup> m<sup>2</sup> 1<sup>st</sup> x<sup><a href=#n>[1]</a></sup>",
       "10^6 m^2 1st x\\[1\\]"},
      {"<q>a</q> &amp; &copy; &#x41; &nosuch;", "\"a\" & \xc2\xa9 A \\&nosuch;"},
      {"<math alttext='a^2 + b'><mi>a</mi></math>", "`a^2 + b`"},
      {"<p>x<span> y </span>z<my-element>w</my-element>", "x y zw"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

TEST_F(WebPagesTest, LinksAndPicturesAreAbsoluteAndHarmless) {
  const std::vector<Made> cases{
      {"<a href=x>a</a> <a href=/y?b=1#c>b</a> <a href='//c.test/'>c</a>",
       "[a](http://a.test/dir/x) [b](http://a.test/y?b=1#c) [c](http://c.test/)"},
      {"<a href='javascript:x'>a</a> <a href=' JavaScript:x'>b</a> <a "
       "href='java&#10;script:x'>c</a>"
       "<a href='data:x,y'>d</a> <a href='vbscript:x'>e</a> <a href='#f'>f</a> <a>g</a>",
       "a b cd e f g"},
      {"<a href='mailto:x@y.test'>m</a>", "[m](mailto:x@y.test)"},
      {"<a href='a b(c)\"<>'>x</a>", "[x](http://a.test/dir/a%20b%28c%29%22%3C%3E)"},
      {"<a href=x></a><a href=y> </a>z", "z"},
      {"a<a href=x> b </a>c", "a [b](http://a.test/dir/x) c"},
      {"<a href=x><h2>T</h2><p>more</p></a>", "## [T](http://a.test/dir/x)\n\nmore"},
      {"<a href=x>a<a href=y>b</a>c", "[a](http://a.test/dir/x)[b](http://a.test/dir/y)c"},
      {"<a href=x><b>a</b></a> <b><a href=x>a</a></b>",
       "[**a**](http://a.test/dir/x) **[a](http://a.test/dir/x)**"},
      {"<base href='http://b.test/q/'><a href=x>a</a>", "[a](http://b.test/q/x)"},
      {"Wow!<a href=x>a</a>", "Wow\\![a](http://a.test/dir/x)"},
      {"<img src=p.png alt='A [x](y) |'> <img src=q> <img src='data:z' data-src=r alt=R>",
       "![A \\[x\\](y) \\|](http://a.test/dir/p.png) ![R](http://a.test/dir/r)"},
      {"<a href='https://m\xc3\xbcnchen.test/'>m</a>", "[m](https://m\xc3\xbcnchen.test/)"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

TEST_F(WebPagesTest, TablesAreTables) {
  const std::vector<Made> cases{
      {"<table><tr><th>A<th align=right>B<tr><td>1<td>2|3</table>x",
       "| A | B |\n| --- | ---: |\n| 1 | 2\\|3 |\n\nx"},
      {"<table><thead><tr><td>A<td>B<tbody><tr><td>1<td><p>2<p>3<ul><li>4<li>5</ul></table>",
       "| A | B |\n| --- | --- |\n| 1 | 2<br>3<br>- 4<br>- 5 |"},
      {"<table><caption>C</caption><tr><td>1<td>2<tr><td>3<td>4</table>",
       "C\n\n|  |  |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"},
      {"<table><tr><th colspan=2>A<th>B<tr><td rowspan=2>1<td>2<td>3<tr><td>4<td>5</table>",
       "| A |  | B |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n|  | 4 | 5 |"},
      {"<table><tr><td><b>a</b> <code>x|y</code><td># b<tr><td><td>- c</table>",
       "|  |  |\n| --- | --- |\n| **a** `x\\|y` | # b |\n|  | - c |"},
      // Those that only arrange.
      {"<table><tr><td><table><tr><td>1<td>2<tr><td>3<td>4</table><td>x</table>",
       "|  |  |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n\nx"},
      {"<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>", "a b\nc d"},
      {"<table><tr><td>only<tr><td>one</table>", "only\none"},
      {"<table><tr><td class=linenos><pre>1\n2</pre><td><pre>a\nb</pre></table>", "```\na\nb\n```"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

TEST_F(WebPagesTest, CodeKeepsItsTextAndLanguage) {
  const std::vector<Made> cases{
      {"<pre>\n  a\n\n\tb &lt;x&gt;  \n</pre>", "```\n  a\n\n\tb <x>\n```"},
      {"<pre><code class=\"language-rust\">fn <b>x</b>() {}<br>y</code></pre>",
       "```rust\nfn x() {}\ny\n```"},
      {"<div class='highlight-python'><div><pre>x</pre></div></div>", "```python\nx\n```"},
      {"<pre class='lang-c++'>x</pre>", "```c++\nx\n```"},
      {"<pre class='language-x`y'>x</pre>", "```\nx\n```"},
      {"<pre>```\nforged\n````</pre>", "`````\n```\nforged\n````\n`````"},
      {"<ul><li>a<pre>x\n y</pre></ul>", "- a\n\n  ```\n  x\n   y\n  ```"},
      {"<blockquote><pre>x\ny</pre></blockquote>", "> ```\n> x\n> y\n> ```"},
      {"<b>a<pre>x</pre>b</b>", "**a**\n\n```\nx\n```\n\n**b**"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

TEST_F(WebPagesTest, WhatIsNotSeenIsLeftOut) {
  const std::vector<Made> cases{
      {"a<script>x</script><style>y</style><template>z</template><noscript>n</noscript>b", "ab"},
      {"a<!-- x --><svg><title>t</title><text>x</text></svg><canvas>c</canvas>b", "ab"},
      {"a<p hidden>x</p><p aria-hidden=true>y</p><p style='color:red; DISPLAY : none'>z</p>b",
       "ab"},
      {"a<span style='visibility:hidden'>x</span><span style='font-size: 0px'>y</span>"
       "<span style='opacity:0 !important'>z</span>b",
       "ab"},
      {"a<span class='x sr-only'>x</span><dialog>y</dialog><dialog open>z</dialog>", "a\n\nz"},
      {"<select><option>x</select><textarea><p>y</textarea><input value=z>b", "b"},
      // Characters without a shape, among them the tags that spell what only a machine reads.
      {"a\xe2\x80\x8b\xf3\xa0\x81\xa1\xf3\xa0\x81\xa2\xe2\x80\xae\xef\xbb\xbf"
       "b\x1b[31m c\xc2\xad"
       "d",
       "ab\\[31m cd"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

// Text of the page can make no structure, however it is cut into elements.
TEST_F(WebPagesTest, TextForgesNoStructure) {
  const std::vector<Made> cases{
      {"<p># a<p>## b<p>#c<p>a # b", "\\# a\n\n\\## b\n\n#c\n\na # b"},
      {"<p>- a<p>+ b<p>* c<p>1. d<p>2) e<p>-5<p>1.5<p>a - b",
       "\\- a\n\n\\+ b\n\n\\* c\n\n1\\. d\n\n2\\) e\n\n-5\n\n1.5\n\na - b"},
      {"<p>#<b></b> a<p>1<b></b>.<i></i> x<p>12<i></i>3<b></b>)", "\\# a\n\n1\\. x\n\n123\\)"},
      {"<p>> q<p>a > b<p>---<p>===<p>***<p>___",
       "\\> q\n\na > b\n\n\\---\n\n\\===\n\n\\*\\*\\*\n\n\\_\\_\\_"},
      {"<p>a<br>===<br>---<br># b", "a  \n\\===  \n\\---  \n\\# b"},
      {"<p>*a* **b** _c_ snake_case_x 2 * 3 ~~d~~ a~b",
       "\\*a\\* \\*\\*b\\*\\* \\_c\\_ snake_case_x 2 * 3 \\~\\~d\\~\\~ a~b"},
      {"<p>`a` ```b``` [x](http://e.test) ![y](z) [r]: http://e.test",
       "\\`a\\` \\`\\`\\`b\\`\\`\\` \\[x\\](http://e.test) !\\[y\\](z) \\[r\\]: http://e.test"},
      {"<p>&lt;b&gt; &lt;script&gt; a &lt; b &lt;3 &amp;lt; &amp; R&amp;D &amp;#60;",
       "\\<b> \\<script> a < b <3 \\&lt; & R&D \\&#60;"},
      {"<p>| a | b |<br>|---|---|<p>a|b<br>--|--", "\\| a | b |  \n\\|---|---|\n\na|b  \n\\--|--"},
      {"<p>C:\\dir \\* \\", "C:\\dir \\\\\\* \\\\"},
      {"<p>~~~<br>x<p>: a", "\\~\\~\\~  \nx\n\n\\: a"},
      {"<p>=\x7f<p>-\xe2\x80\x8b x<p>1\xe2\x80\x8b. x", "\\=\n\n\\- x\n\n1\\. x"},
      {"<li># a<li>- b", "- \\# a\n- \\- b"},
      {"<a href=x>a](http://e.test)[b</a>", "[a\\](http://e.test)\\[b](http://a.test/dir/x)"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
}

TEST_F(WebPagesTest, TextModeHasWordsAlone) {
  const std::vector<Made> cases{
      {"<h1>T</h1><p>a <b>b</b> *c* <a href=x>d</a><ul><li>e<li>f</ul>",
       "T\n\na b *c* d\n\n- e\n- f"},
      {"<table><tr><th>A<th>B<tr><td>1<td>2</table><pre>x\n y</pre>", "A | B\n1 | 2\n\nx\n y"},
      {"<p>x <code>y</code><img src=a alt=P><hr>z", "x y[image: P]\n\nz"},
  };
  for (const auto& one : cases) expect_made(made(one.html, "text"), one);
}

TEST_F(WebPagesTest, TheMainContentIsFound) {
  const std::string words = "Enough running text, with commas, so that it counts as such. ";
  std::string text;
  for (int i = 0; i < 10; ++i) text += words;
  const std::string paragraph = "<p>" + text + "</p>";
  const std::string shown = text.substr(0, text.size() - 1);
  const std::string around =
      "<nav><a href=/>Home</a></nav><aside>Aside</aside><footer>Imprint</footer>"
      "<div class='cookie-banner'>We use cookies</div><div id=sidebar>Side</div>"
      "<div role=search>Search</div><button>Press</button>";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"<header>Logo</header>" + around + "<main><h1>T</h1>" + paragraph + "</main>",
       "# T\n\n" + shown},
      {around + "<div role=main>" + paragraph + "</div>", shown},
      {around + "<article><header><h1>T</h1></header>" + paragraph + "</article>",
       "# T\n\n" + shown},
      {"<div><div>" + around + "</div><div><p>Lead</p><div>" + paragraph + paragraph +
           "</div></div></div>",
       shown + "\n\n" + shown},
      {"<header><h1>T</h1></header>" + around + "<main>" + paragraph + "</main>",
       "# T\n\n" + shown},
      // Several articles are a list of them.
      {around + "<article>" + paragraph + "</article><article>" + paragraph +
           "</article><article>" + paragraph + "</article>",
       shown + "\n\n" + shown + "\n\n" + shown},
      // A class that names something around does not hide most of the page.
      {"<div class='page has-sidebar'><div class='sidebar'>" + paragraph + "</div></div>", shown},
      // Nothing but links: all is shown.
      {"<nav><a href=/a>A</a></nav>", "[A](http://a.test/a)"},
  };
  for (const auto& [html, wanted] : cases)
    EXPECT_EQ(made(html, "markdown", false), wanted + "\n") << html;
}

TEST_F(WebPagesTest, WithoutReadabilityAllIsShown) {
  const auto text = made("<nav>N</nav><main>M</main><aside>A</aside><footer>F</footer>");
  EXPECT_EQ(text, "N\n\nM\n\nA\n\nF\n");
}

TEST_F(WebPagesTest, SoupIsRead) {
  const std::vector<Made> cases{
      {"</p></b></div>a<b>b<i>c</b>d</i>", "a**b*c***d"},
      {"<p>a<b>b<p>c", "a**b**\n\nc"},
      {"<td>a<tr>b<li>c", "a\nb\n- c"},
      {"a<div", "a"},
      {"a<a href=\"x", "a"},
      {"<ul>x<li>a</ul></ul></ul>b", "x\n- a\n\nb"},
      {"<table><tr><td>a</div><td>b<tr><td>c<td>d</table>e",
       "|  |  |\n| --- | --- |\n| a | b |\n| c | d |\n\ne"},
      {"<title>x<b>y</title>z", "z"},
      {"<p>a</br>b", "a  \nb"},
  };
  for (const auto& one : cases) expect_made(made(one.html), one);
  EXPECT_EQ(made(std::string("a\0b", 3)), "ab\n");
}

// Each of these took a parser down once, somebody's or ours; all must end within the usual limits
// of a call (256 MiB, 1 MiB of stack, 30 s).
TEST_F(WebPagesTest, HostilePagesEndWithinTheLimits) {
  const auto many = [](std::string_view part, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += part;
    return text;
  };
  constexpr std::size_t kSize = 1 << 20;
  const std::vector<std::pair<const char*, std::string>> cases{
      {"a million nested div", many("<div>", 5'000'000)},
      {"ten million bytes of a table", "<table>" + many("<tr><td>a<td>b", 10'000'000)},
      {"more elements than are kept", many("<i>x", 10'000'000)},
      {"nested div, closed by nothing of theirs",
       many("<div>", kSize / 2) + many("</p>", kSize / 2)},
      {"nested b", many("<b>", kSize)},
      {"nested b with paragraphs", many("<b>", 3000) + many("<p>x", kSize)},
      {"nested a", many("<a href=x>y", kSize)},
      {"links without text", many("<a href=x></a>", kSize)},
      {"long base, many links", "<base href='http://a.test/" + std::string(1900, 'a') + "/'>" +
                                    many("<a href=x>y</a>", kSize)},
      {"nested quotes", many("<blockquote>", kSize / 2) + many("<p>x", kSize / 2)},
      {"nested lists", many("<ul><li>", kSize / 2) + many("<li>x", kSize / 2)},
      {"nested tables", many("<table><tr><td>", kSize)},
      {"rows that reach down",
       "<table><tr>" + many("<td rowspan=65534>", 3000) + many("<tr><td>x", kSize)},
      {"wide cells", "<table>" + many("<tr><td colspan=9999>x<td>y", kSize)},
      {"cells alone", many("<td>", kSize)},
      {"nested code", many("<code>", kSize / 2) + "<p>x"},
      {"nested code with a block", many(many("<code>", 3000) + "<p>", kSize)},
      {"nested pre", many("<pre>", kSize) + "x"},
      {"backticks in code", "<code>" + many("`", kSize) + "</code>"},
      {"unclosed comment", "<p>x<!--" + many("-- >", kSize)},
      {"unclosed script", "<p>x<script>" + many("</scrip", kSize)},
      {"unclosed tag", "<p>x" + many("<a ", kSize)},
      {"one attribute", "<p class='" + many("sidebar ", kSize) + "'>x"},
      {"many attributes", "<p" + many(" a=b class=c style=d", kSize) + ">x"},
      {"entities", many("&amp;&notit;&", kSize)},
      {"escapes", many("*_`[]<>#", kSize)},
      {"one word", many("x", kSize)},
      {"blanks", "<p>" + many(" \n", kSize) + "x"},
      {"line breaks", many("<br>", kSize)},
      {"headings", many("<h1>x", kSize)},
      {"pictures", many("<img src=x alt=y>", kSize)},
      {"svg", many("<svg>", kSize)},
      {"end tags", many("</a></b></i></div></table></td>", kSize)},
      {"definitions", many("<dl><dt>x<dd>", kSize)},
      {"bytes that are no text", many("\xff\xfe\x80\xc3", kSize)},
  };
  for (const auto& [name, page] : cases)
    for (const auto* mode : {"markdown", "text"}) {
      pages_["http://a.test/"] = html(page);
      const auto output = fetch({{"url", "http://a.test/"},
                                 {"extract_mode", mode},
                                 {"max_chars", 1000},
                                 {"max_response_bytes", 16 << 20}});
      EXPECT_EQ(output.status, core::ResultStatus::ok) << name << ": " << output.text;
      EXPECT_LT(output.text.size(), 10'000u) << name;
    }
}

}  // namespace
}  // namespace boxagnts::toolbox
