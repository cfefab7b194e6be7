//! From bytes to text: a byte-order mark, else the header's charset, else what the page says of itself
//! in its first bytes, else UTF-8 if it is that, else windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Where a page may name its charset.
const PRESCAN_BYTES: usize = 1024;

pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    pub charset: &'static str,
}

pub fn decode<'a>(bytes: &'a [u8], from_header: Option<&str>, is_html: bool) -> Decoded<'a> {
    let named = Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| from_header.and_then(|label| Encoding::for_label(label.as_bytes())))
        .or_else(|| if is_html { declared(bytes) } else { None });
    let encoding = named.unwrap_or_else(|| if is_utf8_so_far(bytes) { UTF_8 } else { WINDOWS_1252 });
    let (text, encoding, _) = encoding.decode(bytes);
    Decoded { text, charset: encoding.name() }
}

/// A character may be cut in two at the end.
fn is_utf8_so_far(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// `<meta charset=…>`, `<meta … content="…charset=…">`, `<?xml encoding=…?>`.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let mut rest = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            rest = &rest[find(rest, b"-->")?..];
            continue;
        }
        let is_meta = rest.len() > 4 && rest[..4].eq_ignore_ascii_case(b"meta");
        if !is_meta && !rest.starts_with(b"?xml") {
            continue;
        }
        let tag = &rest[..rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len())];
        let tag = tag.to_ascii_lowercase();
        let name: &[u8] = if is_meta { b"charset" } else { b"encoding" };
        if let Some(encoding) = find(&tag, name).and_then(|at| value(&tag[at + name.len()..])) {
            // It was read as ASCII, so it cannot be what it says then.
            return Some(if [UTF_16BE, UTF_16LE].contains(&encoding) { UTF_8 } else { encoding });
        }
    }
    None
}

fn value(after_name: &[u8]) -> Option<&'static Encoding> {
    let value = after_name.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"';/?".contains(byte);
    Encoding::for_label(&value[..value.iter().position(ends).unwrap_or(value.len())])
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
