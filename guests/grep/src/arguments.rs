//! The call: JSON on standard input, checked here once more, since the host's schema is another
//! program's promise.

use serde_json::{Map, Value};

use crate::outcome::{Failure, bad_input};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Content,
    Files,
    Count,
}

pub struct Arguments {
    pub pattern: String,
    pub path: Option<String>,
    pub globs: Vec<String>,
    pub types: Vec<String>,
    pub mode: Mode,
    pub before: usize,
    pub after: usize,
    pub ignore_case: bool,
    pub line_numbers: bool,
    pub multiline: bool,
    /// What is shown: `offset` entries are passed over, then at most `limit` (none: all).
    pub limit: Option<u64>,
    pub offset: u64,
}

const CONTEXT_MAX: u64 = 1000;
const LIMIT_DEFAULT: u64 = 250;

impl Arguments {
    pub fn parse(input: &[u8]) -> Result<Arguments, Failure> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(input) else {
            return bad_input("the call's arguments are no JSON object");
        };
        for name in fields.keys() {
            if !NAMES.contains(&name.as_str()) {
                return bad_input(format!("there is no argument \"{name}\""));
            }
        }
        let fields = Fields(fields);
        let Some(pattern) = fields.text(&["pattern"])? else {
            return bad_input("the argument pattern is missing");
        };
        let mode = match fields.text(&["output_mode"])?.as_deref() {
            None | Some("files_with_matches") => Mode::Files,
            Some("content") => Mode::Content,
            Some("count") => Mode::Count,
            Some(other) => {
                return bad_input(format!(
                    "output_mode is files_with_matches, content or count, not \"{other}\""
                ));
            }
        };
        let around = fields.number(&["context", "-C"])?.unwrap_or(0);
        let before = fields.number(&["-B"])?.unwrap_or(around).min(CONTEXT_MAX);
        let after = fields.number(&["-A"])?.unwrap_or(around).min(CONTEXT_MAX);
        let limit = fields.number(&["head_limit"])?.unwrap_or(LIMIT_DEFAULT);
        Ok(Arguments {
            pattern,
            path: fields.text(&["path"])?,
            globs: fields.list("glob", split_globs)?,
            types: fields.list("type", split_types)?,
            mode,
            before: before as usize,
            after: after as usize,
            ignore_case: fields.flag(&["case_insensitive", "-i"])?.unwrap_or(false),
            line_numbers: fields.flag(&["show_line_numbers", "-n"])?.unwrap_or(true),
            multiline: fields.flag(&["multiline"])?.unwrap_or(false),
            limit: (limit > 0).then_some(limit),
            offset: fields.number(&["offset"])?.unwrap_or(0),
        })
    }
}

const NAMES: [&str; 16] = [
    "pattern", "path", "glob", "type", "output_mode", "context", "-C", "-B", "-A",
    "case_insensitive", "-i", "show_line_numbers", "-n", "multiline", "head_limit", "offset",
];

struct Fields(Map<String, Value>);

impl Fields {
    /// The value of an argument under any of its spellings; two that differ are refused.
    fn find(&self, names: &[&str]) -> Result<Option<&Value>, Failure> {
        let mut found: Option<(&str, &Value)> = None;
        for name in names {
            match (self.0.get(*name), found) {
                (None | Some(Value::Null), _) => {}
                (Some(value), Some((first, other))) if value != other => {
                    return bad_input(format!("{first} and {name} mean the same and differ"));
                }
                (Some(value), _) => found = Some((name, value)),
            }
        }
        Ok(found.map(|(_, value)| value))
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, Failure> {
        match self.find(names)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => bad_input(format!("{} takes a text", names[0])),
        }
    }

    fn flag(&self, names: &[&str]) -> Result<Option<bool>, Failure> {
        match self.find(names)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => bad_input(format!("{} takes true or false", names[0])),
        }
    }

    /// Whole numbers, also written as 5.0, the way some writers of JSON do.
    fn number(&self, names: &[&str]) -> Result<Option<u64>, Failure> {
        let Some(value) = self.find(names)? else {
            return Ok(None);
        };
        let whole = value.as_u64().or_else(|| {
            value.as_f64().filter(|x| *x >= 0.0 && *x < 9e15 && x.fract() == 0.0).map(|x| x as u64)
        });
        match whole {
            Some(number) => Ok(Some(number)),
            None => bad_input(format!("{} takes a whole number, 0 or more", names[0])),
        }
    }

    fn list(&self, name: &str, split: fn(&str) -> Vec<String>) -> Result<Vec<String>, Failure> {
        let Some(text) = self.text(&[name])? else {
            return Ok(Vec::new());
        };
        let parts = split(&text);
        if parts.is_empty() {
            return bad_input(format!("{name} is empty; leave it out to search every file"));
        }
        Ok(parts)
    }
}

fn split_types(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c == ',' || c.is_whitespace());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// At blanks and commas, but those inside {…}, […] and behind a backslash.
fn split_globs(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut escaped) = (0usize, false);
    for c in text.chars() {
        let between = depth == 0 && !escaped && (c == ',' || c.is_whitespace());
        if between {
            parts.push(String::new());
            continue;
        }
        match c {
            '{' | '[' if !escaped => depth += 1,
            '}' | ']' if !escaped => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = !escaped && c == '\\';
        parts.last_mut().unwrap().push(c);
    }
    parts.retain(|part| !part.is_empty());
    parts
}
