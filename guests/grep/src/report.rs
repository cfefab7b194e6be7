//! What is said of the matches: one sink for all files of a call.

use std::io::{self, Write};
use std::path::Path;

use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{Searcher, Sink, SinkContext, SinkFinish, SinkMatch};

use crate::arguments::{Arguments, Mode};

/// Longer lines are cut to a part around their first match.
const LINE_BYTES_MAX: usize = 500;
/// Without a head_limit an answer still has an end.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

pub struct Report<'a> {
    matcher: &'a RegexMatcher,
    mode: Mode,
    line_numbers: bool,
    has_context: bool,
    /// One named file: its path is known and not repeated.
    named: bool,
    offset: u64,
    limit: u64,
    pub out: Vec<u8>,
    /// Lines or files met so far, those before `offset` included.
    entries: u64,
    /// Something is not shown because of the limit.
    pub more: bool,
    pub full: bool,
    pub files_searched: u64,
    pub files_matched: u64,
    pub matches: u64,
    pub binary_skipped: u64,
    file: File,
}

/// The file being searched.
#[derive(Default)]
struct File {
    shown: Vec<u8>,
    matches: u64,
    binary_at: Option<u64>,
    break_before: bool,
}

impl<'a> Report<'a> {
    pub fn new(arguments: &Arguments, matcher: &'a RegexMatcher, named: bool) -> Report<'a> {
        Report {
            matcher,
            mode: arguments.mode,
            line_numbers: arguments.line_numbers,
            has_context: arguments.before + arguments.after > 0,
            named,
            offset: arguments.offset,
            limit: arguments.limit.unwrap_or(u64::MAX),
            out: Vec::new(),
            entries: 0,
            more: false,
            full: false,
            files_searched: 0,
            files_matched: 0,
            matches: 0,
            binary_skipped: 0,
            file: File::default(),
        }
    }

    pub fn enter(&mut self, path: &Path) {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.file.shown.clear();
        self.file.shown.extend_from_slice(path.as_os_str().as_encoded_bytes());
        self.file.matches = 0;
        self.file.binary_at = None;
        self.file.break_before = self.has_context && !self.out.is_empty();
        self.files_searched += 1;
    }

    pub fn leave(&mut self, quits_at_binary: bool) {
        let binary = self.file.binary_at.is_some();
        if binary && quits_at_binary && (self.file.matches == 0 || self.mode == Mode::Count) {
            self.binary_skipped += 1;
            return;
        }
        if self.file.matches == 0 {
            return;
        }
        self.files_matched += 1;
        self.matches += self.file.matches;
        match self.mode {
            Mode::Content => {
                if let Some(at) = self.file.binary_at {
                    self.put_binary_note(at, quits_at_binary);
                }
            }
            Mode::Files => {
                if self.may_show() {
                    self.out.extend_from_slice(&self.file.shown);
                    self.out.push(b'\n');
                }
            }
            Mode::Count => {
                if self.may_show() {
                    self.out.extend_from_slice(&self.file.shown);
                    let _ = writeln!(self.out, ":{}", self.file.matches);
                }
            }
        }
    }

    fn put_binary_note(&mut self, at: u64, quits: bool) {
        self.out.extend_from_slice(&self.file.shown);
        let said = if quits {
            format!(": [binary from byte {at} on: the rest was not searched]\n")
        } else {
            format!(": [a binary file (a NUL at byte {at}) with matches that are not shown]\n")
        };
        self.out.extend_from_slice(said.as_bytes());
    }

    /// Whether the next entry (a line or a file) lies in the part that is asked for.
    fn may_show(&mut self) -> bool {
        self.entries += 1;
        if self.entries <= self.offset {
            return false;
        }
        if self.entries - self.offset > self.limit || self.out.len() > OUTPUT_BYTES_MAX {
            self.more = true;
            self.full = true;
            return false;
        }
        true
    }

    pub fn shown(&self) -> u64 {
        self.entries - u64::from(self.more) - self.offset.min(self.entries)
    }

    /// False: the answer is full.
    fn put_line(&mut self, number: Option<u64>, line: &[u8], matched: bool) -> bool {
        if !self.may_show() {
            return !self.full;
        }
        if std::mem::take(&mut self.file.break_before) {
            self.out.extend_from_slice(b"--\n");
        }
        let mark = if matched { b':' } else { b'-' };
        if !self.named {
            self.out.extend_from_slice(&self.file.shown);
            self.out.push(mark);
        }
        if let Some(number) = number.filter(|_| self.line_numbers) {
            let _ = write!(self.out, "{number}");
            self.out.push(mark);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.put_cut(line, matched);
        self.out.push(b'\n');
        true
    }

    fn put_cut(&mut self, line: &[u8], matched: bool) {
        if line.len() <= LINE_BYTES_MAX {
            self.out.extend_from_slice(line);
            return;
        }
        let at = match matched.then(|| self.matcher.find(line)) {
            Some(Ok(Some(found))) => found.start(),
            _ => 0,
        };
        let from = at.saturating_sub(LINE_BYTES_MAX / 5).min(line.len() - LINE_BYTES_MAX);
        let from = character_boundary(line, from);
        let to = character_boundary(line, from + LINE_BYTES_MAX);
        if from > 0 {
            self.out.extend_from_slice("… ".as_bytes());
        }
        self.out.extend_from_slice(&line[from..to]);
        let _ = write!(self.out, " … [cut: the line has {} bytes]", line.len());
    }
}

/// The place itself or up to three bytes before, so that a character of UTF-8 stays whole.
fn character_boundary(line: &[u8], at: usize) -> usize {
    let at = at.min(line.len());
    let starts = |i: &usize| *i == line.len() || line[*i] & 0xc0 != 0x80;
    (at.saturating_sub(3)..=at).rev().find(starts).unwrap_or(at)
}

impl Sink for Report<'_> {
    type Error = io::Error;

    fn matched(&mut self, searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let hides_lines = self.file.binary_at.is_some()
            && searcher.binary_detection().convert_byte().is_some();
        match self.mode {
            Mode::Files => {
                self.file.matches = 1;
                Ok(false)
            }
            Mode::Count if searcher.multi_line_with_matcher(self.matcher) => {
                self.file.matches += self.matches_in(found)?;
                Ok(true)
            }
            Mode::Count => {
                self.file.matches += 1;
                Ok(true)
            }
            Mode::Content => {
                self.file.matches += 1;
                if hides_lines {
                    return Ok(false);
                }
                let first = found.line_number();
                for (i, line) in found.lines().enumerate() {
                    if !self.put_line(first.map(|n| n + i as u64), line, true) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    fn context(&mut self, searcher: &Searcher, line: &SinkContext<'_>) -> io::Result<bool> {
        if self.file.binary_at.is_some() && searcher.binary_detection().convert_byte().is_some() {
            return Ok(true);
        }
        Ok(self.put_line(line.line_number(), line.bytes(), false))
    }

    fn context_break(&mut self, _: &Searcher) -> io::Result<bool> {
        self.file.break_before = !self.out.is_empty();
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, at: u64) -> io::Result<bool> {
        self.file.binary_at.get_or_insert(at);
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> io::Result<()> {
        self.file.binary_at = self.file.binary_at.or(end.binary_byte_offset());
        Ok(())
    }
}

impl Report<'_> {
    /// Matches rather than lines are counted where one can span many, as ripgrep does.
    fn matches_in(&self, found: &SinkMatch<'_>) -> io::Result<u64> {
        let range = found.bytes_range_in_buffer();
        let mut count = 0;
        self.matcher
            .find_iter_at(found.buffer(), range.start, |one| {
                let inside = one.start() < range.end;
                count += u64::from(inside);
                inside
            })
            .map_err(io::Error::other)?;
        Ok(count.max(1))
    }
}
