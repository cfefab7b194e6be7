//! The text being made: lines, what each begins with, and where a blank or a break is due. Page text
//! comes in by `words` and `verbatim`, structure of ours by `mark`.

use crate::escape::{self, Line};

/// Of the whole text; beyond it nothing is taken any more.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Of lists and quotes within each other; deeper ones go on at the same margin.
const MARGINS_MAX: usize = 12;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Markdown,
    Text,
}

struct Margin {
    /// Before its first line; empty once written.
    first: String,
    rest: String,
}

pub struct Writer {
    pub out: String,
    pub mode: Mode,
    margins: Vec<Margin>,
    margins_left_out: usize,
    /// Ends of lines due before the next word.
    breaks: u8,
    /// A `br` is due: a break within the paragraph.
    line_break: bool,
    blank: bool,
    line: Line,
    /// Opened before the next word: `**`, `[`.
    due: String,
    cell: bool,
    cell_is_empty: bool,
    pub full: bool,
}

impl Writer {
    pub fn new(mode: Mode) -> Writer {
        Writer {
            out: String::new(),
            mode,
            margins: Vec::new(),
            margins_left_out: 0,
            breaks: 0,
            line_break: false,
            blank: false,
            line: Line::Start,
            due: String::new(),
            cell: false,
            cell_is_empty: false,
            full: false,
        }
    }

    pub fn is_markdown(&self) -> bool {
        self.mode == Mode::Markdown
    }

    /// What comes next begins on a new line, behind an empty one with 2.
    /// Right behind an item's mark there is none.
    pub fn block(&mut self, breaks: u8) {
        let at_mark = self.margins.last().is_some_and(|margin| !margin.first.is_empty());
        self.blank = false;
        self.line_break = false;
        self.breaks = self.breaks.max(if at_mark { 1 } else { breaks });
    }

    pub fn has_line_break(&self) -> bool {
        self.line_break
    }

    pub fn line_break(&mut self) {
        self.blank = false;
        if self.line_break {
            self.block(2);
        } else {
            self.line_break = true;
        }
    }

    pub fn push_margin(&mut self, first: &str, rest: &str) {
        if self.margins.len() < MARGINS_MAX {
            self.margins.push(Margin { first: first.to_owned(), rest: rest.to_owned() });
        } else {
            self.margins_left_out += 1;
        }
    }

    pub fn pop_margin(&mut self) {
        if self.margins_left_out > 0 {
            self.margins_left_out -= 1;
        } else {
            self.margins.pop();
        }
    }

    /// The same, and what follows stands right below: items of a list.
    pub fn pop_item(&mut self) {
        let empty = self.margins.last().is_some_and(|margin| !margin.first.is_empty());
        self.pop_margin();
        self.blank = false;
        self.line_break = false;
        if !empty {
            self.breaks = 1;
        }
    }

    /// The next word stands behind this, which belongs to it: an opening of emphasis or a link.
    pub fn open(&mut self, mark: &str) {
        self.due.push_str(mark);
    }

    /// Takes back an opening that no word came behind. False: one came.
    pub fn unopen(&mut self, mark: &str) -> bool {
        match self.due.strip_suffix(mark) {
            Some(before) => {
                let size = before.len();
                self.due.truncate(size);
                true
            }
            None => false,
        }
    }

    /// Structure of ours, behind what is due.
    pub fn mark(&mut self, text: &str) {
        self.begin();
        self.out.push_str(text);
        self.inside();
    }

    fn inside(&mut self) {
        if self.line != Line::Cell {
            self.line = Line::Inside;
        }
    }

    /// What closes: right behind the last word, before any blank that is due.
    pub fn close(&mut self, mark: &str) {
        self.out.push_str(mark);
    }

    /// Right behind a letter, digit or bracket; nothing where anything is due.
    pub fn attach(&mut self, mark: &str) {
        let last = self.out.chars().next_back();
        let behind = last.is_some_and(|c| c.is_alphanumeric() || c == ')');
        if behind && !self.blank && self.breaks == 0 && !self.line_break && self.due.is_empty() {
            self.out.push_str(mark);
        }
    }

    pub fn blank(&mut self) {
        self.blank = true;
    }

    /// Text of the page, blanks collapsed.
    pub fn words(&mut self, text: &str) {
        let mut rest = text;
        while !self.full {
            let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            if trimmed.len() < rest.len() {
                self.blank = true;
            }
            if trimmed.is_empty() {
                return;
            }
            let end = trimmed.find(|c: char| c.is_ascii_whitespace()).unwrap_or(trimmed.len());
            let (word, after) = trimmed.split_at(end);
            self.word(word, after.is_empty());
            rest = after;
        }
    }

    fn word(&mut self, word: &str, is_last: bool) {
        if word.chars().all(escape::is_unseen) {
            return;
        }
        self.begin();
        let next = if is_last { escape::Next::Unknown } else { escape::Next::Blank };
        if self.is_markdown() {
            self.line = escape::markdown(word, next, self.line, &mut self.out);
        } else {
            escape::text(word, &mut self.out);
            self.inside();
        }
    }

    /// Writes what is due before a word.
    pub fn begin(&mut self) {
        if self.breaks > 0 {
            self.new_lines();
        } else if self.line_break {
            self.break_line();
        } else if self.blank && self.line != Line::Start && !self.cell_is_empty {
            self.out.push(' ');
            self.inside();
        }
        self.blank = false;
        self.line_break = false;
        self.cell_is_empty = false;
        self.full |= self.out.len() > TEXT_BYTES_MAX;
        if !self.due.is_empty() {
            let due = std::mem::take(&mut self.due);
            // "!" before a link would make it a picture.
            if due.contains('[') && self.is_markdown() && self.out.ends_with('!') {
                self.out.pop();
                self.out.push_str("\\!");
            }
            self.out.push_str(&due);
            self.inside();
        }
    }

    fn new_lines(&mut self) {
        if self.cell {
            if !self.cell_is_empty {
                self.out.push_str(if self.is_markdown() { "<br>" } else { " / " });
            }
        } else {
            // A margin that is yet to begin: its first line follows the one before.
            if !self.out.is_empty() {
                for _ in 1..self.breaks {
                    self.out.push('\n');
                    self.empty_margin();
                }
                self.out.push('\n');
            }
            self.margin();
        }
        self.breaks = 0;
    }

    fn break_line(&mut self) {
        match (self.cell, self.is_markdown()) {
            (true, _) if self.cell_is_empty => {}
            (true, true) => self.out.push_str("<br>"),
            (true, false) => self.out.push_str(" / "),
            (false, markdown) => {
                if markdown && !matches!(self.line, Line::Start) {
                    self.out.push_str("  ");
                }
                self.out.push('\n');
                self.margin();
            }
        }
    }

    fn margin(&mut self) {
        for margin in &mut self.margins {
            if margin.first.is_empty() {
                self.out.push_str(&margin.rest);
            } else {
                self.out.push_str(&margin.first);
                margin.first.clear();
            }
        }
        self.line = Line::Start;
    }

    /// Of an empty line: quotes go on, indents need nothing.
    fn empty_margin(&mut self) {
        let from = self.out.len();
        for margin in &self.margins {
            if !margin.first.is_empty() {
                break;
            }
            self.out.push_str(&margin.rest);
        }
        let kept = from + self.out[from..].trim_end_matches(' ').len();
        self.out.truncate(kept);
    }

    /// Lines as they are, each behind the margins.
    pub fn verbatim(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if self.full {
                return;
            }
            if number == 0 {
                self.begin();
            } else {
                self.out.push('\n');
                self.margin();
            }
            self.out.extend(line.chars().filter(|c| *c == '\t' || !escape::is_unseen(*c)));
            self.line = Line::Inside;
            self.full = self.out.len() > TEXT_BYTES_MAX;
        }
    }

    pub fn is_cell(&self) -> bool {
        self.cell
    }

    /// Cells hold one line.
    pub fn begin_cell(&mut self) {
        self.cell = true;
        self.cell_is_empty = true;
        self.drop_due();
        self.line = Line::Cell;
    }

    pub fn end_cell(&mut self) {
        self.cell = false;
        self.cell_is_empty = false;
        self.drop_due();
    }

    fn drop_due(&mut self) {
        self.breaks = 0;
        self.blank = false;
        self.line_break = false;
        self.due.clear();
    }
}
