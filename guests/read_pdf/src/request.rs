//! The call: JSON on standard input. `read` has checked the path already.

use serde_json::{Map, Value};

use crate::{Failure, bad_input, failed};

pub struct Request {
    pub path: String,
    pages: Option<(u32, u32)>,
}

impl Request {
    pub fn parse(input: &[u8]) -> Result<Request, Failure> {
        let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(input) else {
            return bad_input("the call's arguments are no JSON object");
        };
        let Some(Value::String(path)) = fields.get("file_path") else {
            return bad_input("the argument file_path is missing");
        };
        if given(&fields, "offset") || given(&fields, "limit") {
            return bad_input(
                "a PDF document is read by pages: give pages, such as \"3\" or \"3-7\", \
                 instead of offset and limit",
            );
        }
        let pages = match fields.get("pages") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(range_of(text)?),
            Some(_) => return malformed(),
        };
        Ok(Request { path: path.clone(), pages })
    }

    /// The first and the last page to show, of a document of so many.
    pub fn range(&self, pages: u32) -> Result<(u32, u32), Failure> {
        let (first, last) = self.pages.unwrap_or((1, pages));
        if first > pages {
            let count = if pages == 1 { "1 page".into() } else { format!("{pages} pages") };
            return failed(format!("{} has only {count}; there is no page {first}", self.path));
        }
        Ok((first, last.min(pages)))
    }
}

fn given(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).is_some_and(|value| !value.is_null())
}

fn range_of(text: &str) -> Result<(u32, u32), Failure> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok((first, last)),
        _ => malformed(),
    }
}

fn malformed<T>() -> Result<T, Failure> {
    bad_input("pages takes one page or a range, such as \"3\" or \"3-7\"; pages begin at 1")
}
