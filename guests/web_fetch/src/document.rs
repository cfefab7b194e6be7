//! A page as a flat tree: elements and texts in the order of the page, each with the place where
//! it ends. Made in one pass over the tokens, in linear time: elements nest at most `DEPTH_MAX`
//! deep (what is deeper stands beside its parent), and there are at most `NODES_MAX`.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::names;
use crate::tags::{TAGS, Tag};

/// As deep as a browser nests.
pub const DEPTH_MAX: usize = 512;
const NODES_MAX: usize = 1_500_000;
/// Of an address; what is longer leads nowhere here.
const ADDRESS_BYTES_MAX: usize = 2048;
const ALT_BYTES_MAX: usize = 400;

pub mod flag {
    /// Not seen, wherever it stands.
    pub const HIDDEN: u8 = 1;
    /// Navigation and the like, by its element or role.
    pub const AROUND: u8 = 2;
    /// The same, by its class or id alone.
    pub const AROUND_BY_NAME: u8 = 4;
    pub const MAIN: u8 = 8;
    /// A table that only arranges.
    pub const LAYOUT: u8 = 16;
    /// Of a cell: the kind of alignment.
    pub const RIGHT: u8 = 32;
    pub const CENTER: u8 = 64;
}

#[derive(Clone, Copy)]
pub struct Node {
    pub tag: Tag,
    pub flags: u8,
    /// Behind the last node inside.
    pub end: u32,
    /// Text: where it stands in `Document::text`. Element: the extra, 0 for none.
    at: u32,
    size: u32,
}

/// What few elements have.
#[derive(Default)]
pub struct Extra {
    pub address: String, // href, src
    pub text: String,    // alt
    pub language: String,
    pub start: u32, // of an ordered list
    pub columns: u32,
    pub rows: u32,
}

#[derive(Default)]
pub struct Document {
    pub nodes: Vec<Node>,
    text: String,
    extras: Vec<Extra>,
    pub title: String,
    pub base: Option<String>,
    /// There was more than is kept.
    pub cut: bool,
}

impl Document {
    pub fn parse(html: &str) -> Document {
        let mut builder = Builder::new();
        let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
            builder.take(event);
            None::<Infallible>
        });
        emitter.naively_switch_states(true);
        let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
        builder.finish()
    }

    pub fn text_of(&self, node: &Node) -> &str {
        if node.tag != Tag::Text {
            return "";
        }
        &self.text[node.at as usize..(node.at + node.size) as usize]
    }

    pub fn extra(&self, node: &Node) -> &Extra {
        &self.extras[if node.tag == Tag::Text { 0 } else { node.at as usize }]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Other,
    Href,
    Src,
    LaterSrc,
    Alt,
    Class,
    Id,
    Role,
    Hidden,
    AriaHidden,
    Style,
    Start,
    Colspan,
    Rowspan,
    Align,
    Open,
    Language,
}

impl Attribute {
    fn of(name: &[u8]) -> Attribute {
        match name {
            b"href" => Attribute::Href,
            b"src" => Attribute::Src,
            b"data-src" | b"data-original" | b"data-lazy-src" => Attribute::LaterSrc,
            b"alt" | b"alttext" => Attribute::Alt,
            b"class" => Attribute::Class,
            b"id" => Attribute::Id,
            b"role" => Attribute::Role,
            b"hidden" => Attribute::Hidden,
            b"aria-hidden" => Attribute::AriaHidden,
            b"style" => Attribute::Style,
            b"start" => Attribute::Start,
            b"colspan" => Attribute::Colspan,
            b"rowspan" => Attribute::Rowspan,
            b"align" => Attribute::Align,
            b"open" => Attribute::Open,
            b"data-lang" | b"data-language" => Attribute::Language,
            _ => Attribute::Other,
        }
    }
}

/// A start tag whose attributes are still coming.
struct Starting {
    tag: Tag,
    flags: u8,
    is_dialog: bool,
    extra: Option<Extra>,
    attribute: Attribute,
}

#[derive(Default)]
struct TableSums {
    rows: u32,
    row_columns: u32,
    columns: u32,
    has_headers: bool,
    has_blocks: bool,
    has_tables: bool,
}

struct Builder {
    document: Document,
    open: Vec<(Tag, u32)>,
    counts: [u32; TAGS],
    tables: Vec<TableSums>,
    starting: Option<Starting>,
    /// The last node is a text that what comes next may go on in.
    text_goes_on: bool,
}

impl Builder {
    fn new() -> Builder {
        let root = Node { tag: Tag::Body, flags: 0, end: 0, at: 0, size: 0 };
        Builder {
            document: Document {
                nodes: vec![root],
                extras: vec![Extra::default()],
                ..Document::default()
            },
            open: Vec::with_capacity(64),
            counts: [0; TAGS],
            tables: Vec::new(),
            starting: None,
            text_goes_on: false,
        }
    }

    fn finish(mut self) -> Document {
        self.close_to(0);
        self.document.nodes[0].end = self.document.nodes.len() as u32;
        self.document
    }

    fn take(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.starting = Some(Starting {
                    tag: Tag::of(name),
                    flags: 0,
                    is_dialog: name == b"dialog",
                    extra: None,
                    attribute: Attribute::Other,
                });
            }
            CallbackEvent::AttributeName { name } => {
                if let Some(starting) = &mut self.starting {
                    starting.attribute(b"");
                    starting.attribute = Attribute::of(name);
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some(starting) = &mut self.starting {
                    starting.attribute(value);
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                if let Some(mut starting) = self.starting.take() {
                    starting.attribute(b"");
                    self.start(starting, self_closing);
                }
            }
            CallbackEvent::EndTag { name } => {
                self.starting = None;
                self.end(Tag::of(name));
            }
            CallbackEvent::String { value } => self.text(value),
            _ => {}
        }
    }

    fn start(&mut self, mut starting: Starting, self_closing: bool) {
        let tag = starting.tag;
        match tag {
            Tag::Html | Tag::Head | Tag::Body => return,
            Tag::Base => {
                if self.document.base.is_none() {
                    self.document.base = starting.extra.map(|extra| extra.address);
                }
                return;
            }
            Tag::Void => return,
            Tag::Nav => starting.flags |= flag::AROUND,
            Tag::Aside | Tag::Header | Tag::Footer
                if self.counts[Tag::Main as usize] + self.counts[Tag::Article as usize] == 0 =>
            {
                starting.flags |= flag::AROUND;
            }
            Tag::Main => starting.flags |= flag::MAIN,
            _ => {}
        }
        if starting.is_dialog {
            starting.flags |= flag::HIDDEN;
        }
        self.close_before(tag);
        self.note_for_table(tag, &starting);
        let foreign = self.counts[Tag::Dropped as usize] + self.counts[Tag::Math as usize] > 0;
        let at = self.document.nodes.len() as u32;
        if self.document.nodes.len() >= NODES_MAX {
            self.document.cut = true;
            return;
        }
        let extra = starting.extra.map_or(0, |extra| {
            self.document.extras.push(extra);
            self.document.extras.len() as u32 - 1
        });
        self.text_goes_on = false;
        self.document.nodes.push(Node { tag, flags: starting.flags, end: at + 1, at: extra, size: 0 });
        if tag.is_void() || (self_closing && foreign) {
            return;
        }
        if self.open.len() >= DEPTH_MAX {
            self.pop();
        }
        self.open.push((tag, at));
        self.counts[tag as usize] += 1;
        if tag == Tag::Table {
            self.tables.push(TableSums::default());
        }
    }

    /// Closes what an element of this kind ends by beginning.
    fn close_before(&mut self, tag: Tag) {
        if tag.is_block() {
            self.close(|open| open == Tag::P, Tag::is_barrier);
        }
        let is_table = |open: Tag| open == Tag::Table;
        match tag {
            Tag::Li => self.close(
                |open| open == Tag::Li,
                |open| matches!(open, Tag::Ul | Tag::Ol) || open.is_barrier(),
            ),
            Tag::Dt | Tag::Dd => self.close(
                |open| matches!(open, Tag::Dt | Tag::Dd),
                |open| open == Tag::Dl || open.is_barrier(),
            ),
            Tag::Td | Tag::Th => {
                self.close(|open| matches!(open, Tag::Td | Tag::Th | Tag::Caption), is_table);
            }
            Tag::Tr => {
                self.close(|open| matches!(open, Tag::Tr | Tag::Caption), is_table);
            }
            Tag::TableSection | Tag::Thead => self.close(
                |open| matches!(open, Tag::TableSection | Tag::Thead | Tag::Caption),
                is_table,
            ),
            Tag::A => self.close(|open| open == Tag::A, |open| open.is_block() || open.is_barrier()),
            _ if tag.is_heading() => {
                if self.open.last().is_some_and(|(open, _)| open.is_heading()) {
                    self.pop();
                }
            }
            _ => {}
        }
    }

    fn note_for_table(&mut self, tag: Tag, starting: &Starting) {
        let Some(sums) = self.tables.last_mut() else { return };
        match tag {
            Tag::Tr => {
                sums.rows += 1;
                sums.row_columns = 0;
            }
            Tag::Td | Tag::Th => {
                let wide = starting.extra.as_ref().map_or(1, |extra| extra.columns.max(1));
                sums.row_columns += wide;
                sums.columns = sums.columns.max(sums.row_columns);
                sums.has_headers |= tag == Tag::Th;
            }
            Tag::Table => sums.has_tables = true,
            Tag::Pre => sums.has_tables = true,
            Tag::Article | Tag::Section | Tag::Form => sums.has_blocks = true,
            _ if tag.is_heading() => sums.has_blocks = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: Tag) {
        match tag {
            Tag::Br => {
                let line = Starting {
                    tag,
                    flags: 0,
                    is_dialog: false,
                    extra: None,
                    attribute: Attribute::Other,
                };
                self.start(line, false);
            }
            Tag::Table => self.close(|open| open == Tag::Table, |_| false),
            Tag::Tr | Tag::Td | Tag::Th | Tag::TableSection | Tag::Thead | Tag::Caption => {
                self.close(|open| open == tag, |open| open == Tag::Table);
            }
            Tag::Li => self.close(
                |open| open == Tag::Li,
                |open| matches!(open, Tag::Ul | Tag::Ol) || open.is_barrier(),
            ),
            Tag::Dropped | Tag::Title => self.close(|open| open == tag, |_| false),
            _ if tag.is_heading() => self.close(Tag::is_heading, Tag::is_barrier),
            _ if tag.is_phrase() => {
                self.close(|open| open == tag, |open| open.is_block() || open.is_barrier());
            }
            _ => self.close(|open| open == tag, Tag::is_barrier),
        }
    }

    /// Closes the innermost open element that is wanted, and all inside, unless a barrier stands
    /// before it. Elements nest at most DEPTH_MAX deep, so this takes bounded time.
    fn close(&mut self, wanted: impl Fn(Tag) -> bool, barrier: impl Fn(Tag) -> bool) {
        for (at, (tag, _)) in self.open.iter().enumerate().rev() {
            if wanted(*tag) {
                return self.close_to(at);
            }
            if barrier(*tag) {
                return;
            }
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some((tag, at)) = self.open.pop() else { return };
        self.counts[tag as usize] -= 1;
        self.text_goes_on = false;
        let end = self.document.nodes.len() as u32;
        self.document.nodes[at as usize].end = end;
        if tag == Tag::Table {
            let sums = self.tables.pop().unwrap_or_default();
            let node = &mut self.document.nodes[at as usize];
            let arranges = (sums.has_blocks && !sums.has_headers) || sums.has_tables;
            if arranges || sums.rows < 2 || sums.columns < 2 {
                node.flags |= flag::LAYOUT;
            }
            // Of all tables together as many as of elements: each extra is made here once.
            let extra = Extra { columns: sums.columns, rows: sums.rows, ..Extra::default() };
            self.document.extras.push(extra);
            self.document.nodes[at as usize].at = self.document.extras.len() as u32 - 1;
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        let Ok(text) = str::from_utf8(bytes) else { return };
        let parent = self.open.last().map_or(Tag::Body, |(tag, _)| *tag);
        if parent == Tag::Title {
            if self.document.title.is_empty() && self.counts[Tag::Dropped as usize] == 0 {
                self.document.title = text.chars().take(1000).collect();
            }
            return;
        }
        if self.counts[Tag::Dropped as usize] > 0 {
            return;
        }
        let between = matches!(
            parent,
            Tag::Table | Tag::TableSection | Tag::Thead | Tag::Tr | Tag::Ul | Tag::Ol | Tag::Dl
        );
        if between && text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return;
        }
        let document = &mut self.document;
        if self.text_goes_on {
            if let Some(last) = document.nodes.last_mut() {
                last.size += text.len() as u32;
                document.text.push_str(text);
            }
            return;
        }
        if document.nodes.len() >= NODES_MAX {
            document.cut = true;
            return;
        }
        let end = document.nodes.len() as u32 + 1;
        let (at, size) = (document.text.len() as u32, text.len() as u32);
        document.nodes.push(Node { tag: Tag::Text, flags: 0, end, at, size });
        document.text.push_str(text);
        self.text_goes_on = true;
    }
}

impl Starting {
    /// The value of the attribute whose name came last; the first of a name counts.
    fn attribute(&mut self, value: &[u8]) {
        match std::mem::replace(&mut self.attribute, Attribute::Other) {
            Attribute::Other => {}
            Attribute::Href if matches!(self.tag, Tag::A | Tag::Base) => self.address(value),
            Attribute::Src if self.tag == Tag::Img => {
                // Before the picture has come there is often a placeholder.
                if !value.starts_with(b"data:") {
                    self.address(value);
                }
            }
            Attribute::LaterSrc if self.tag == Tag::Img => self.address(value),
            Attribute::Alt if matches!(self.tag, Tag::Img | Tag::Math) => {
                let text = cut_text(value, ALT_BYTES_MAX);
                self.extra().text = text;
            }
            Attribute::Class | Attribute::Id => {
                if names::stands_around(value) {
                    self.flags |= flag::AROUND_BY_NAME;
                }
                if names::is_unseen(value) {
                    self.flags |= flag::HIDDEN;
                }
                if let Some(language) = names::language_of(value) {
                    self.extra().language = language.to_owned();
                }
            }
            Attribute::Language if names::language_of(&[b"lang-", value].concat()).is_some() => {
                self.extra().language = cut_text(value, 20);
            }
            Attribute::Role => self.role(value),
            Attribute::Hidden if !value.eq_ignore_ascii_case(b"until-found") => {
                self.flags |= flag::HIDDEN;
            }
            Attribute::AriaHidden if value.eq_ignore_ascii_case(b"true") => {
                self.flags |= flag::HIDDEN;
            }
            Attribute::Style => {
                if names::style_hides(value) {
                    self.flags |= flag::HIDDEN;
                }
                let value = value[..value.len().min(1000)].to_ascii_lowercase();
                let value = String::from_utf8_lossy(&value).replace(' ', "");
                if let Some((_, side)) = value.split_once("text-align:") {
                    self.align(side.as_bytes());
                }
            }
            Attribute::Start if self.tag == Tag::Ol => self.extra().start = number(value),
            Attribute::Colspan => self.extra().columns = number(value).clamp(1, 100),
            Attribute::Rowspan => self.extra().rows = number(value).clamp(1, 1000),
            Attribute::Align => self.align(&value.to_ascii_lowercase()),
            Attribute::Open => self.is_dialog = false,
            _ => {}
        }
    }

    fn role(&mut self, role: &[u8]) {
        if names::role_stands_around(role) {
            self.flags |= flag::AROUND;
        } else if role.eq_ignore_ascii_case(b"main") {
            self.flags |= flag::MAIN;
        } else if role.eq_ignore_ascii_case(b"presentation") || role.eq_ignore_ascii_case(b"none") {
            self.flags |= flag::LAYOUT;
        }
    }

    fn align(&mut self, side: &[u8]) {
        if side.starts_with(b"right") {
            self.flags |= flag::RIGHT;
        } else if side.starts_with(b"center") {
            self.flags |= flag::CENTER;
        }
    }

    fn address(&mut self, value: &[u8]) {
        let extra = self.extra();
        if extra.address.is_empty() && value.len() <= ADDRESS_BYTES_MAX {
            extra.address = String::from_utf8_lossy(value).trim().to_owned();
        }
    }

    fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}

fn number(value: &[u8]) -> u32 {
    str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1)
}

fn cut_text(value: &[u8], bytes_max: usize) -> String {
    let text = String::from_utf8_lossy(value);
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
