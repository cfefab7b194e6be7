//! web_fetch: a page of the web as Markdown or text.
//!
//! One call long: arguments as JSON on standard input, the answer on standard output (contract
//! `boxagnts:tool/1`: exit 0 success, 1 failed call, 2 bad input). Each request, a redirect's too, is
//! one `http_open`, which the host decides about. What the page says stands below a line that says
//! so, and nothing of ours stands behind it.

mod answer;
mod charset;
mod content;
mod document;
mod escape;
mod fetch;
mod http;
mod names;
mod outcome;
mod render;
mod request;
mod tags;
mod writer;

use std::io::{self, Read, Write};

use outcome::{Failure, bad_input};
use request::Request;

fn main() {
    let (exit_code, text) = match run() {
        Ok(text) => (0, text),
        Err(Failure { exit_code, sentence }) => (exit_code, sentence),
    };
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
    if exit_code != 0 {
        std::process::exit(exit_code);
    }
}

fn run() -> Result<String, Failure> {
    let mut input = Vec::new();
    if io::stdin().read_to_end(&mut input).is_err() {
        return bad_input("the call's arguments could not be read from standard input");
    }
    let request = Request::parse(&input)?;
    let page = fetch::fetch(&request)?;
    answer::answer(&request, &page)
}
