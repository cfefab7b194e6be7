//! From the tree to Markdown or text: one walk over the nodes, without recursion.

use url::Url;

use crate::content::Content;
use crate::document::{Document, Node, flag};
use crate::escape::{self, Line, Next};
use crate::tags::Tag;
use crate::writer::{Mode, Writer};

/// Of a code span; what is longer is text.
const CODE_NODES_MAX: usize = 2000;
/// Of all empty cells that stand for the ones above (rowspan).
const FILLED_CELLS_MAX: u32 = 50_000;
const ADDRESS_BYTES_MAX: usize = 2048;
/// Of a table; cells behind them stand in their rows, without a heading.
const COLUMNS_MAX: usize = 200;

pub struct Rendered {
    pub text: String,
    /// The page holds more than is converted.
    pub cut: bool,
}

pub fn render(document: &Document, content: &Content, address: &Url, mode: Mode) -> Rendered {
    let base = document.base.as_ref().and_then(|base| address.join(base).ok());
    let mut renderer = Renderer {
        document,
        content,
        base: base.unwrap_or_else(|| address.clone()),
        writer: Writer::new(mode),
        open: Vec::new(),
        phrases: Vec::new(),
        live: Vec::new(),
        lists: Vec::new(),
        tables: Vec::new(),
        in_heading: 0,
        cells_left: FILLED_CELLS_MAX,
    };
    if let Some(heading) = content.heading {
        renderer.walk(heading);
    }
    renderer.walk(content.root);
    Rendered { cut: document.cut || renderer.writer.full, text: renderer.writer.out }
}

#[derive(Clone, PartialEq)]
enum Phrase {
    Strong,
    Em,
    Del,
    Quote,
    Link(usize), // the node
    Nothing,
}

impl Phrase {
    fn mark(&self) -> &'static str {
        match self {
            Phrase::Strong => "**",
            Phrase::Em => "*",
            Phrase::Del => "~~",
            Phrase::Quote => "\"",
            Phrase::Link(_) => "[",
            Phrase::Nothing => "",
        }
    }
}

struct List {
    /// Of an ordered one: the next number.
    number: Option<u32>,
}

#[derive(Default)]
struct Table {
    layout: bool,
    columns: usize,
    rows: u32,
    in_head: bool,
    /// Cells of the row so far, those of others that reach into it included.
    column: usize,
    row_begun: bool,
    row_is_head: bool,
    /// Of the first row's columns: their alignment.
    kinds: Vec<u8>,
    in_cell: bool,
    /// Columns that the cell spans.
    wide: u32,
    /// Of each column: rows that the cell above still covers.
    covered: Vec<u32>,
}

struct Renderer<'a> {
    document: &'a Document,
    content: &'a Content,
    base: Url,
    writer: Writer,
    open: Vec<usize>,
    phrases: Vec<Phrase>,
    /// Those of them that have a mark, each kind once at most.
    live: Vec<Phrase>,
    lists: Vec<List>,
    tables: Vec<Table>,
    in_heading: u32,
    cells_left: u32,
}

impl Renderer<'_> {
    fn walk(&mut self, root: usize) {
        let nodes = &self.document.nodes;
        let end = nodes[root].end as usize;
        let mut at = root;
        while at < end && !self.writer.full {
            self.leave_before(at);
            let node = &nodes[at];
            if self.content.leaves_out(at) {
                at = node.end as usize;
                continue;
            }
            if node.tag == Tag::Text {
                self.writer.words(self.document.text_of(node));
                at += 1;
            } else if self.whole(at) {
                at = node.end as usize;
            } else {
                self.enter(at);
                self.open.push(at);
                at += 1;
            }
        }
        self.leave_before(end);
        self.writer.block(2);
    }

    fn leave_before(&mut self, at: usize) {
        let nodes = &self.document.nodes;
        while let Some(last) = self.open.pop_if(|last| nodes[*last].end as usize <= at) {
            self.leave(nodes[last].tag);
        }
    }

    /// What is written in one go, with all that is in it. False: it is none of these.
    fn whole(&mut self, at: usize) -> bool {
        let node = &self.document.nodes[at];
        match node.tag {
            Tag::Pre => self.preformatted(at),
            Tag::Code => return self.code(at),
            Tag::Math => {
                let text = self.document.extra(node).text.clone();
                if text.is_empty() {
                    return false;
                }
                self.code_span(&text);
            }
            Tag::Img => self.image(node),
            Tag::Br => self.line_break(),
            Tag::Hr => {
                self.suspend();
                self.writer.block(2);
                if self.writer.is_markdown() && !self.writer.is_cell() {
                    self.writer.mark("---");
                }
                self.writer.block(2);
                self.resume();
            }
            Tag::Base | Tag::Void => {}
            _ => return false,
        }
        true
    }

    fn enter(&mut self, at: usize) {
        let node = &self.document.nodes[at];
        match node.tag {
            Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => {
                self.in_heading += 1;
                let mark = self.heading_mark(node.tag);
                self.suspend();
                self.writer.block(2);
                self.writer.open(mark);
                self.resume();
            }
            Tag::Ul | Tag::Ol => {
                self.block(if self.lists.is_empty() { 2 } else { 1 });
                let number = (node.tag == Tag::Ol).then(|| match self.document.extra(node).start {
                    0 => 1,
                    start => start.min(999_999_999),
                });
                self.lists.push(List { number });
            }
            Tag::Li => self.item(),
            Tag::Dl => self.block(2),
            Tag::Dt => self.block(2),
            Tag::Dd => {
                self.block(1);
                let first = if self.writer.is_markdown() { ": " } else { "  " };
                self.writer.push_margin(first, "  ");
            }
            Tag::Blockquote => {
                self.block(2);
                self.writer.push_margin("> ", "> ");
            }
            Tag::Table => self.begin_table(node),
            Tag::Thead => self.table(|table| table.in_head = true),
            Tag::TableSection => self.table(|table| table.in_head = false),
            Tag::Tr => self.begin_row(at),
            Tag::Td | Tag::Th => self.begin_cell(node),
            Tag::Caption => self.block(2),
            Tag::A => self.begin_link(at),
            Tag::Strong if self.in_heading == 0 => self.begin_phrase(Phrase::Strong),
            Tag::Em => self.begin_phrase(Phrase::Em),
            Tag::Del => self.begin_phrase(Phrase::Del),
            Tag::Quote => self.begin_phrase(Phrase::Quote),
            Tag::Strong => self.phrases.push(Phrase::Nothing),
            Tag::Sup => self.begin_sup(at),
            Tag::Button => self.writer.blank(),
            tag if tag.is_block() => self.block(2),
            _ => {}
        }
    }

    fn leave(&mut self, tag: Tag) {
        match tag {
            Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => {
                self.in_heading -= 1;
                let mark = self.heading_mark(tag);
                self.suspend();
                self.writer.unopen(mark);
                self.writer.block(2);
                self.resume();
            }
            Tag::Ul | Tag::Ol => {
                self.lists.pop();
                self.block(if self.lists.is_empty() { 2 } else { 1 });
            }
            Tag::Li if self.writer.is_cell() => self.block(1),
            Tag::Li => {
                self.suspend();
                self.writer.pop_item();
                self.resume();
            }
            Tag::Dt => self.block(1),
            Tag::Dd | Tag::Blockquote => {
                self.suspend();
                self.writer.pop_margin();
                self.writer.block(2);
                self.resume();
            }
            Tag::Table => self.end_table(),
            Tag::Thead => self.table(|table| table.in_head = false),
            Tag::Tr => self.end_row(),
            Tag::Td | Tag::Th => self.end_cell(),
            Tag::A | Tag::Strong | Tag::Em | Tag::Del | Tag::Quote => self.end_phrase(),
            Tag::Button => self.writer.blank(),
            tag if tag.is_block() => self.block(2),
            _ => {}
        }
    }

    // --- blocks ---

    fn block(&mut self, breaks: u8) {
        self.suspend();
        self.writer.block(breaks);
        self.resume();
    }

    /// Before a block ends a line: what is open ends with it, but a link goes on nowhere.
    fn suspend(&mut self) {
        for at in (0..self.live.len()).rev() {
            let phrase = self.live[at].clone();
            if self.writer.unopen(phrase.mark()) {
                continue;
            }
            self.close(&phrase);
            if let Phrase::Link(_) = phrase {
                self.live.remove(at);
            }
        }
    }

    fn resume(&mut self) {
        for phrase in &self.live {
            self.writer.open(phrase.mark());
        }
    }

    fn heading_mark(&self, tag: Tag) -> &'static str {
        if !self.writer.is_markdown() || self.writer.is_cell() {
            return "";
        }
        match tag {
            Tag::H1 => "# ",
            Tag::H2 => "## ",
            Tag::H3 => "### ",
            Tag::H4 => "#### ",
            Tag::H5 => "##### ",
            _ => "###### ",
        }
    }

    fn item(&mut self) {
        let mark = match self.lists.last_mut().and_then(|list| list.number.as_mut()) {
            Some(number) => {
                let mark = format!("{number}. ");
                *number = (*number + 1).min(999_999_999);
                mark
            }
            None => "- ".to_owned(),
        };
        self.suspend();
        self.writer.block(1);
        if self.writer.is_cell() {
            self.writer.open(&mark);
        } else {
            self.writer.push_margin(&mark, &"            "[..mark.len()]);
        }
        self.resume();
    }

    fn line_break(&mut self) {
        if self.in_heading > 0 {
            self.writer.blank();
        } else if self.writer.has_line_break() {
            self.block(2);
        } else {
            self.writer.line_break();
        }
    }

    fn preformatted(&mut self, at: usize) {
        let mut code = String::new();
        let language = self.gather(at, &mut code).or_else(|| self.language_around());
        let code = code.strip_prefix('\n').unwrap_or(&code).trim_end();
        if code.is_empty() {
            return;
        }
        if self.writer.is_cell() {
            return self.code_span(code);
        }
        self.suspend();
        self.writer.block(2);
        if self.writer.is_markdown() {
            let fence = "`".repeat(longest_run(code).max(2) + 1);
            let language = language.unwrap_or_default();
            self.writer.verbatim(&format!("{fence}{language}\n{code}\n{fence}"));
        } else {
            self.writer.verbatim(code);
        }
        self.writer.block(2);
        self.resume();
    }

    /// The text in an element as it is, and the language that it or its first part names.
    fn gather(&self, at: usize, into: &mut String) -> Option<String> {
        let nodes = &self.document.nodes;
        let mut language = None;
        let mut next = at;
        while next < nodes[at].end as usize {
            let node = &nodes[next];
            if self.content.leaves_out(next) {
                next = node.end as usize;
                continue;
            }
            match node.tag {
                Tag::Text => into.push_str(self.document.text_of(node)),
                Tag::Br => into.push('\n'),
                _ if language.is_none() && next < at + 3 => {
                    let named = &self.document.extra(node).language;
                    language = (!named.is_empty()).then(|| named.clone());
                }
                _ => {}
            }
            next += 1;
        }
        language
    }

    fn language_around(&self) -> Option<String> {
        let around = self.open.iter().rev().take(3);
        let named = |at: &usize| &self.document.extra(&self.document.nodes[*at]).language;
        around.map(named).find(|language| !language.is_empty()).cloned()
    }

    // --- phrases ---

    fn begin_phrase(&mut self, phrase: Phrase) {
        let marked = self.writer.is_markdown() || phrase == Phrase::Quote;
        if phrase == Phrase::Nothing || self.live.contains(&phrase) || !marked {
            return self.phrases.push(Phrase::Nothing);
        }
        self.phrases.push(phrase.clone());
        self.writer.open(phrase.mark());
        self.live.push(phrase);
    }

    fn end_phrase(&mut self) {
        let Some(phrase) = self.phrases.pop() else { return };
        if self.live.last() == Some(&phrase) {
            self.live.pop();
            if !self.writer.unopen(phrase.mark()) {
                self.close(&phrase);
            }
        }
    }

    fn close(&mut self, phrase: &Phrase) {
        match phrase {
            Phrase::Link(at) => {
                let href = &self.document.extra(&self.document.nodes[*at]).address;
                // One that leads nowhere after all keeps its brackets, made harmless.
                match self.address(href) {
                    Some(address) => self.writer.close(&format!("]({address})")),
                    None => self.writer.close("\\]"),
                }
            }
            other => self.writer.close(other.mark()),
        }
    }

    /// A link within a link ends the outer one.
    fn begin_link(&mut self, at: usize) {
        if self.live.iter().any(|phrase| matches!(phrase, Phrase::Link(_))) {
            self.suspend();
            self.live.retain(|phrase| !matches!(phrase, Phrase::Link(_)));
            self.resume();
        }
        let href = &self.document.extra(&self.document.nodes[at]).address;
        let leads = self.writer.is_markdown() && may_lead(href);
        self.begin_phrase(if leads { Phrase::Link(at) } else { Phrase::Nothing });
    }

    fn begin_sup(&mut self, at: usize) {
        let Some(node) = self.document.nodes.get(at + 1) else { return };
        let text = self.document.text_of(node).trim_start();
        let first = text.chars().next().unwrap_or(' ');
        if text.is_empty() {
            return;
        }
        if first.is_ascii_digit() || "+-\u{2212}".contains(first) || text.chars().nth(1).is_none() {
            self.writer.attach("^");
        }
    }

    /// False: it is too long for a span, or holds blocks, and is text like any other.
    fn code(&mut self, at: usize) -> bool {
        let nodes = &self.document.nodes;
        let end = nodes[at].end as usize;
        if end - at > CODE_NODES_MAX || nodes[at..end].iter().any(|node| node.tag.is_block()) {
            return false;
        }
        let mut code = String::new();
        self.gather(at, &mut code);
        if code.starts_with(|c: char| c.is_ascii_whitespace()) {
            self.writer.blank();
        }
        self.code_span(&code);
        if code.ends_with(|c: char| c.is_ascii_whitespace()) {
            self.writer.blank();
        }
        true
    }

    fn code_span(&mut self, code: &str) {
        let mut text = String::with_capacity(code.len());
        for word in code.split_ascii_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            escape::text(word, &mut text);
        }
        if text.is_empty() {
            return;
        }
        if !self.writer.is_markdown() {
            return self.writer.mark(&text);
        }
        if self.writer.is_cell() {
            text = text.replace('|', "\\|");
        }
        let fence = "`".repeat(longest_run(&text) + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        self.writer.mark(&format!("{fence}{pad}{text}{pad}{fence}"));
    }

    fn image(&mut self, node: &Node) {
        let extra = self.document.extra(node);
        let mut alt = String::new();
        for word in extra.text.split_ascii_whitespace() {
            if !alt.is_empty() {
                alt.push(' ');
            }
            if self.writer.is_markdown() {
                escape::markdown(word, Next::Unknown, Line::Cell, &mut alt);
            } else {
                escape::text(word, &mut alt);
            }
        }
        if alt.is_empty() {
            return;
        }
        if !self.writer.is_markdown() {
            return self.writer.mark(&format!("[image: {alt}]"));
        }
        let address = self.address(&extra.address).unwrap_or_default();
        self.writer.mark(&format!("![{alt}]({address})"));
    }

    /// Absolute, and with nothing in it that could end it.
    fn address(&self, reference: &str) -> Option<String> {
        let text = match self.base.join(reference) {
            Ok(address) if is_for_people(address.scheme()) => String::from(address),
            Ok(_) => return None,
            // A host that only the outside can spell (no tables of Unicode here).
            Err(_) if reference.starts_with("https://") || reference.starts_with("http://") => {
                reference.to_owned()
            }
            Err(_) => return None,
        };
        if text.len() > ADDRESS_BYTES_MAX {
            return None;
        }
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            if c <= ' ' || "()[]<>|\\`\"^{}".contains(c) || escape::is_unseen(c) {
                safe.extend(c.to_string().bytes().map(|byte| format!("%{byte:02X}")));
            } else {
                safe.push(c);
            }
        }
        Some(safe)
    }

    // --- tables ---

    fn table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.last_mut() {
            change(table);
        }
    }

    fn begin_table(&mut self, node: &Node) {
        self.block(2);
        let columns = self.document.extra(node).columns as usize;
        let layout = node.flags & flag::LAYOUT != 0 || self.writer.is_cell() || self.in_heading > 0;
        self.tables.push(Table { layout, columns: columns.min(COLUMNS_MAX), ..Table::default() });
    }

    fn end_table(&mut self) {
        self.end_row();
        self.tables.pop();
        self.block(2);
    }

    fn begin_row(&mut self, at: usize) {
        self.end_row();
        self.block(1);
        let Some(table) = self.tables.last_mut() else { return };
        if table.layout {
            return;
        }
        table.row_begun = true;
        table.column = 0;
        if table.rows > 0 {
            return;
        }
        let in_head = table.in_head;
        let (kinds, heads) = self.cells_of_row(at);
        self.suspend();
        self.writer.block(2);
        let Some(table) = self.tables.last_mut() else { return };
        table.row_is_head = in_head || heads;
        table.kinds = kinds;
        if !table.row_is_head && self.writer.is_markdown() {
            let empty = format!("|{}", "  |".repeat(table.columns));
            self.writer.mark(&empty);
            self.delimiter();
            self.writer.block(1);
        }
        self.resume();
    }

    /// The alignments of a row's columns, and whether all cells are headings.
    fn cells_of_row(&self, row: usize) -> (Vec<u8>, bool) {
        let nodes = &self.document.nodes;
        let (mut kinds, mut heads) = (Vec::new(), true);
        let mut child = row + 1;
        while child < nodes[row].end as usize && kinds.len() < COLUMNS_MAX {
            let node = &nodes[child];
            if matches!(node.tag, Tag::Td | Tag::Th) && !self.content.leaves_out(child) {
                let wide = self.document.extra(node).columns.max(1) as usize;
                kinds.extend(std::iter::repeat_n(node.flags, wide));
                heads &= node.tag == Tag::Th;
            }
            child = node.end as usize;
        }
        (kinds, heads)
    }

    fn delimiter(&mut self) {
        let Some(table) = self.tables.last() else { return };
        let mut line = String::from("|");
        for column in 0..table.columns {
            let flags = table.kinds.get(column).copied().unwrap_or(0);
            line += if flags & flag::RIGHT != 0 {
                " ---: |"
            } else if flags & flag::CENTER != 0 {
                " :---: |"
            } else {
                " --- |"
            };
        }
        self.writer.block(1);
        self.writer.mark(&line);
    }

    fn begin_cell(&mut self, node: &Node) {
        let markdown = self.writer.is_markdown();
        let Some(table) = self.tables.last_mut() else {
            return self.block(1);
        };
        if table.layout || !table.row_begun {
            return self.writer.blank();
        }
        self.suspend();
        let Some(table) = self.tables.last_mut() else { return };
        // Cells from above that reach into this row.
        while table.covered.get(table.column).is_some_and(|rows| *rows > 0) && self.cells_left > 0 {
            table.covered[table.column] -= 1;
            table.column += 1;
            self.cells_left -= 1;
            self.writer.mark(if markdown { "|  " } else { " | " });
        }
        let extra = self.document.extra(node);
        let wide = (extra.columns.max(1) as usize).min(100);
        if extra.rows > 1 && table.column + wide <= table.columns {
            if table.covered.len() < table.column + wide {
                table.covered.resize(table.column + wide, 0);
            }
            table.covered[table.column..table.column + wide].fill(extra.rows - 1);
        }
        let first = table.column == 0;
        table.column += wide;
        table.in_cell = true;
        table.wide = wide as u32;
        self.writer.mark(if markdown { "| " } else if first { "" } else { " | " });
        self.writer.begin_cell();
        self.resume();
    }

    fn end_cell(&mut self) {
        let markdown = self.writer.is_markdown();
        if !self.tables.last().is_some_and(|table| table.in_cell) {
            return self.writer.blank();
        }
        self.suspend();
        self.writer.end_cell();
        self.writer.close(if markdown { " " } else { "" });
        let mut empty = 0;
        self.table(|table| {
            table.in_cell = false;
            empty = table.wide - 1;
        });
        // A cell that spans columns keeps the others under their headings.
        empty = empty.min(self.cells_left);
        self.cells_left -= empty;
        for _ in 0..empty {
            self.writer.close(if markdown { "|  " } else { " | " });
        }
        self.resume();
    }

    fn end_row(&mut self) {
        let markdown = self.writer.is_markdown();
        let Some(table) = self.tables.last_mut() else { return };
        if table.layout || !table.row_begun {
            return;
        }
        table.row_begun = false;
        if table.column == 0 {
            return;
        }
        table.rows += 1;
        let heads = table.row_is_head && table.rows == 1;
        self.suspend();
        if markdown {
            self.writer.close("|");
        }
        if heads && markdown {
            self.delimiter();
        }
        self.writer.block(1);
        self.resume();
    }
}

/// Whether a link is worth its brackets; what it resolves to is seen when it ends.
fn may_lead(href: &str) -> bool {
    if href.is_empty() || href.starts_with('#') {
        return false;
    }
    match href.split_once(':') {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte)) => {
            // "localhost:80/x" is read as a scheme too, by browsers as well.
            is_for_people(&scheme.to_ascii_lowercase())
        }
        // Blanks and controls inside of a scheme are taken out by browsers: "java\nscript:".
        Some((before, _)) => before.contains(['/', '?', '#']) || !before.contains(|c: char| c <= ' '),
        None => true,
    }
}

fn is_for_people(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "mailto" | "ftp" | "tel")
}

/// Of backticks.
fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
