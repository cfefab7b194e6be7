//! The call: JSON on standard input, checked here once more, since the host's schema is another
//! program's promise.

use serde_json::{Map, Value};

use crate::outcome::{Failure, bad_input};
use crate::writer::Mode;

pub struct Request {
    pub url: String,
    /// Of the text: where the shown part begins, and how long it is, in characters.
    pub offset: usize,
    pub chars_max: usize,
    pub response_bytes_max: usize,
    pub timeout_s: u64,
    pub redirects_max: usize,
    pub user_agent: String,
    pub readability: bool,
    pub mode: Mode,
}

const CHARS: u64 = 40_000;
const CHARS_CAP: u64 = 400_000;
const RESPONSE_BYTES: u64 = 5 << 20;
const RESPONSE_BYTES_CAP: u64 = 16 << 20;
const TIMEOUT_S: u64 = 25;
const REDIRECTS: u64 = 5;
const REDIRECTS_CAP: u64 = 20;
const USER_AGENT: &str = "boxagnts web_fetch/1.0";

const NAMES: [&str; 10] = [
    "url", "offset", "max_chars", "max_chars_cap", "max_response_bytes", "timeout_seconds",
    "max_redirects", "user_agent", "readability", "extract_mode",
];

impl Request {
    pub fn parse(input: &[u8]) -> Result<Request, Failure> {
        let Ok(Value::Object(given)) = serde_json::from_slice(input) else {
            return bad_input("the call's arguments are no JSON object");
        };
        let fields = Fields::of(given)?;
        let url = match fields.text("url")? {
            Some(url) if !url.trim().is_empty() => url.trim().to_owned(),
            _ => return bad_input("the argument url is missing: an address such as https://example.com/"),
        };
        let user_agent = fields.text("user_agent")?.unwrap_or_else(|| USER_AGENT.to_owned());
        if user_agent.is_empty() || user_agent.len() > 200 || user_agent.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
            return bad_input("user_agent takes 1 to 200 characters of ASCII, without line ends");
        }
        let cap = fields.number("max_chars_cap", CHARS_CAP, 1, CHARS_CAP)?;
        Ok(Request {
            url,
            offset: fields.number("offset", 0, 0, u64::from(u32::MAX))? as usize,
            chars_max: fields.number("max_chars", CHARS, 1, u64::MAX)?.min(cap) as usize,
            response_bytes_max: fields
                .number("max_response_bytes", RESPONSE_BYTES, 1, RESPONSE_BYTES_CAP)? as usize,
            timeout_s: fields.number("timeout_seconds", TIMEOUT_S, 1, 600)?,
            redirects_max: fields.number("max_redirects", REDIRECTS, 0, REDIRECTS_CAP)? as usize,
            user_agent,
            readability: fields.flag("readability")?.unwrap_or(true),
            mode: match fields.text("extract_mode")?.as_deref() {
                None | Some("markdown") => Mode::Markdown,
                Some("text") => Mode::Text,
                Some(other) => {
                    return bad_input(format!("extract_mode is markdown or text, not \"{other}\""));
                }
            },
        })
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn of(mut given: Map<String, Value>) -> Result<Fields, Failure> {
        if let Some(name) = given.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return bad_input(format!("there is no argument \"{name}\""));
        }
        given.retain(|_, value| !value.is_null());
        Ok(Fields(given))
    }

    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => bad_input(format!("{name} takes a text")),
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => bad_input(format!("{name} takes true or false")),
        }
    }

    /// Whole numbers, also written as 5.0; more than `most` is taken for it.
    fn number(&self, name: &str, usual: u64, least: u64, most: u64) -> Result<u64, Failure> {
        let Some(value) = self.0.get(name) else { return Ok(usual) };
        let whole = value.as_u64().or_else(|| {
            value.as_f64().filter(|x| *x >= 0.0 && *x < 9e15 && x.fract() == 0.0).map(|x| x as u64)
        });
        match whole {
            Some(number) if number >= least => Ok(number.min(most)),
            _ => bad_input(format!("{name} takes a whole number, {least} or more")),
        }
    }
}
