//! The page behind an address: redirects one by one, each a request of its own.

use url::Url;

use crate::escape;
use crate::http::{Answer, Refusal, now_ns};
use crate::outcome::{Failure, failed};
use crate::request::Request;

const ACCEPT: &str = "text/html, application/xhtml+xml, text/markdown, text/plain, \
                      application/json;q=0.9, */*;q=0.5";

pub struct Page {
    /// Where it was found, and how the way there was.
    pub address: Url,
    pub way: Vec<String>,
    pub status: u16,
    pub content_type: String,
    /// As the server said.
    pub size: Option<u64>,
    pub bytes: Vec<u8>,
    pub more: bool,
}

impl Page {
    /// "text/html", in lower case; "" when the server did not say.
    pub fn media_type(&self) -> String {
        self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub fn charset(&self) -> Option<String> {
        let lower = self.content_type.to_ascii_lowercase();
        let (_, value) = lower.split_once("charset=")?;
        let value = value.trim_start_matches(['"', '\'']);
        let end = value.find(['"', '\'', ';', ' ']).unwrap_or(value.len());
        Some(value[..end].to_owned())
    }
}

pub fn fetch(request: &Request) -> Result<Page, Failure> {
    let deadline_ns = now_ns() + request.timeout_s * 1_000_000_000;
    let headers = format!("User-Agent: {}\nAccept: {ACCEPT}\n", request.user_agent);
    let mut way: Vec<String> = Vec::new();
    let mut next = request.url.clone();
    loop {
        let mut answer = match Answer::open(&next, &headers, deadline_ns) {
            Ok(answer) => answer,
            Err(refusal) => return refused(&way, &next, refusal, request.timeout_s),
        };
        let Ok(address) = Url::parse(&answer.url) else {
            return failed(format!("{} is no address", one_line(&answer.url)));
        };
        let reached = without_fragment(&address);
        match location(&answer, &address) {
            Some(to) => {
                way.push(reached);
                next = follow(&way, to?, request.redirects_max)?;
            }
            None => {
                // What is neither shown nor told is not read.
                let wanted = if is_shown(&answer) { request.response_bytes_max } else { 0 };
                let body = answer.read_body(wanted);
                let body = match body {
                    Ok(body) => body,
                    Err(refusal) => return refused(&way, &reached, refusal, request.timeout_s),
                };
                return Ok(Page {
                    address,
                    way,
                    status: answer.status,
                    content_type: one_line(answer.header("content-type").unwrap_or_default()),
                    size: answer.header("content-length").and_then(|size| size.parse().ok()),
                    bytes: body.bytes,
                    more: body.more,
                });
            }
        }
    }
}

/// Where a redirect leads. Nothing: it is none.
fn location(answer: &Answer, address: &Url) -> Option<Result<Url, Failure>> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = answer.header("location")?;
    Some(match address.join(target.trim()) {
        Ok(to) if matches!(to.scheme(), "http" | "https") => Ok(to),
        _ => failed(format!(
            "{address} redirects to \"{}\", which is no address of http or https",
            one_line(target)
        )),
    })
}

fn follow(way: &[String], to: Url, redirects_max: usize) -> Result<String, Failure> {
    let next = without_fragment(&to);
    let shown = || format!("{} -> {next}", way.join(" -> "));
    if way.contains(&next) {
        return failed(format!("the redirects go round in a circle: {}", shown()));
    }
    if way.len() > redirects_max {
        return failed(format!(
            "there are more than {redirects_max} redirects: {}; raise max_redirects (at most 20), or fetch the last one",
            shown()
        ));
    }
    Ok(next)
}

fn refused<T>(way: &[String], to: &str, refusal: Refusal, timeout_s: u64) -> Result<T, Failure> {
    let from = match way.last() {
        Some(_) => format!("{} redirects to {}: ", way.join(" -> "), one_line(to)),
        None => format!("{}: ", one_line(to)),
    };
    let rule = if refusal.rule.is_empty() { String::new() } else { format!(" [{}]", refusal.rule) };
    let more = if refusal.code == "timeout" {
        format!(" (timeout_seconds is {timeout_s})")
    } else {
        String::new()
    };
    failed(format!("{from}{}{rule}{more}", refusal.sentence))
}

fn without_fragment(address: &Url) -> String {
    let mut address = address.clone();
    address.set_fragment(None);
    address.into()
}

/// Whether there is text in it; a server that does not say so may well send text.
fn is_shown(answer: &Answer) -> bool {
    let media_type = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    !["image/", "audio/", "video/", "font/"].iter().any(|kind| media_type.starts_with(kind))
        || media_type == "image/svg+xml"
}

/// Short, on one line, without what is not seen.
pub fn one_line(text: &str) -> String {
    const CHARS_MAX: usize = 500;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        escape::text(word, &mut line);
    }
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => line[..end].to_owned() + "…",
        None => line,
    }
}
