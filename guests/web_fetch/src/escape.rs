//! Page text made harmless: it can make no structure of Markdown, and holds nothing that is not seen.
//! Each takes one word, in linear time.

/// Where in its line a word stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Nothing but margins before it: a list, a heading, a quote could begin.
    Start,
    /// Digits alone before it.
    Number,
    Inside,
    /// In a cell of a table no block can begin.
    Cell,
}

/// What comes behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Blank,
    Unknown, // the text goes on in another element, perhaps without a blank
}

/// Controls, marks that turn the direction, and characters without a shape (also the "tags" that
/// spell out sentences that only a machine reads).
pub fn is_unseen(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

pub fn text(word: &str, out: &mut String) {
    if word.is_ascii() && word.bytes().all(|byte| byte >= b' ' && byte != 0x7f) {
        out.push_str(word);
    } else {
        out.extend(word.chars().filter(|c| !is_unseen(*c)));
    }
}

/// Gives where in the line the next word stands.
pub fn markdown(word: &str, next: Next, line: Line, out: &mut String) -> Line {
    let begun = matches!(line, Line::Inside | Line::Cell);
    if word.bytes().all(|byte| is_plain(byte, begun)) {
        out.push_str(word);
        return if begun { line } else { Line::Inside };
    }
    // What is not seen must not stand between a mark and what makes it one.
    let seen: String;
    let mut word = word;
    if word.chars().any(is_unseen) {
        seen = word.chars().filter(|c| !is_unseen(*c)).collect();
        word = &seen;
    }
    let mut line = line;
    let mut rest = word.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let after = rest.peek().map(|(_, c)| *c);
        let place = Place { before: out.chars().next_back(), after, next, rest: &word[at + c.len_utf8()..] };
        if must_escape(c, line, &place) {
            out.push('\\');
        }
        out.push(c);
        line = match line {
            Line::Cell => Line::Cell,
            Line::Start | Line::Number if c.is_ascii_digit() => Line::Number,
            _ => Line::Inside,
        };
    }
    line
}

/// What stands for itself wherever it is, or inside of a line; of other characters than ASCII those that
/// cannot begin one without a shape.
fn is_plain(byte: u8, inside: bool) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b',' | b';' | b'?' | b'\'' | b'"' | b'/' | b'%' | b'@' | b'$' => true,
        b'0'..=b'9' | b'.' | b':' | b'(' | b')' | b'-' | b'=' | b'+' => inside,
        0xc2 | 0xe2 | 0xef | 0xf3 => false,
        0x80.. => true,
        _ => false,
    }
}

struct Place<'a> {
    before: Option<char>,
    after: Option<char>,
    next: Next,
    rest: &'a str,
}

impl Place<'_> {
    /// A blank may come next, or the line may end.
    fn may_end(&self) -> bool {
        self.after.is_none()
    }
    fn is_alone(&self) -> bool {
        self.before.is_none_or(|c| c.is_whitespace()) && self.may_end() && self.next == Next::Blank
    }
}

fn must_escape(c: char, line: Line, place: &Place<'_>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '\\' => place.after.is_none_or(|c| c.is_ascii_punctuation()),
        '`' | '[' | ']' => true,
        '*' => line == Line::Start || !place.is_alone(),
        '_' => !(word(place.before) && word(place.after)),
        '~' => place.before == Some('~') || place.after.is_none_or(|c| c == '~'),
        '|' => matches!(line, Line::Start | Line::Cell),
        '<' => place.after.is_none_or(|c| c.is_ascii_alphabetic() || "/!?".contains(c)) && !place.is_alone(),
        '&' => place.after.map_or(place.next == Next::Unknown, |_| is_reference(place)),
        '#' | '=' if line == Line::Start => place.after.is_none_or(|after| after == c),
        '>' => line == Line::Start,
        '+' if line == Line::Start => place.may_end(),
        '-' | ':' if line == Line::Start => !word(place.after),
        '.' | ')' if line == Line::Number => place.may_end(),
        _ => false,
    }
}

/// Whether what stands behind an ampersand makes it a character reference.
fn is_reference(place: &Place<'_>) -> bool {
    const NAME_BYTES_MAX: usize = 33;
    let bytes = place.rest.as_bytes();
    let name = bytes.iter().take(NAME_BYTES_MAX).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#');
    let size = name.count();
    size > 0 && bytes.get(size).map_or(place.next == Next::Unknown, |byte| *byte == b';')
}
