//! read_pdf: the text of a PDF document's pages. A call of `read` that meets a PDF goes on here, so
//! that text files need none of this.
//!
//! One call long: arguments as JSON on standard input, the answer on standard output (contract
//! `boxagnts:tool/1`: exit 0 success, 1 failed call, 2 bad input). The libraries panic on some damaged
//! documents: then the pages read so far are the answer.

mod document;
mod request;

use std::io::{self, Read, Write};
use std::sync::Mutex;

use document::Document;
use request::Request;

/// What a call shows at most; whole pages, at least one.
const SHOWN_BYTES_MAX: usize = 100 << 10;

pub struct Failure {
    pub exit_code: i32,
    pub sentence: String,
}

pub fn failed<T>(sentence: String) -> Result<T, Failure> {
    Err(Failure { exit_code: 1, sentence })
}

pub fn bad_input<T>(sentence: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { exit_code: 2, sentence: sentence.into() })
}

/// How far the call came, for the answer after a panic.
struct Progress {
    shown: String,  // the document, as people see it
    text: String,   // of the pages so far
    first: u32,
    page: u32,      // being read; 0 while the document is opened
    pages: u32,
}

static PROGRESS: Mutex<Progress> =
    Mutex::new(Progress { shown: String::new(), text: String::new(), first: 0, page: 0, pages: 0 });

fn main() {
    std::panic::set_hook(Box::new(|_| answer_after_panic()));
    match run() {
        Ok(()) => answer(0, &finished()),
        Err(Failure { exit_code, sentence }) => answer(exit_code, &sentence),
    }
}

fn answer(exit_code: i32, text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
    std::process::exit(exit_code);
}

fn run() -> Result<(), Failure> {
    let mut input = Vec::new();
    if io::stdin().read_to_end(&mut input).is_err() {
        return bad_input("the call's arguments could not be read from standard input");
    }
    let request = Request::parse(&input)?;
    let bytes = document::read_file(&request.path)?;
    change(|progress| progress.shown = request.path.clone());
    let document = Document::open(&request.path, &bytes)?;
    let (first, last) = request.range(document.pages)?;
    change(|progress| (progress.first, progress.pages) = (first, document.pages));
    for page in first..=last {
        change(|progress| progress.page = page);
        let text = document.page(page);
        let full = change(|progress| {
            let full = page > first && progress.text.len() + text.len() > SHOWN_BYTES_MAX;
            if !full {
                progress.text += &format!("[page {page}]\n{text}");
            }
            full
        });
        if full {
            return Ok(());
        }
    }
    change(|progress| progress.page = last + 1);
    Ok(())
}

/// The pages so far; `page` is the one after them.
fn finished() -> String {
    change(|progress| {
        let last = progress.page - 1;
        let mut text = std::mem::take(&mut progress.text);
        if progress.first > 1 || last < progress.pages {
            text += &format!("[pages {}-{last} of {}", progress.first, progress.pages);
            if last < progress.pages {
                text += &format!("; continue with pages \"{}-{}\"", last + 1, progress.pages);
            }
            text += "]\n";
        }
        text
    })
}

fn answer_after_panic() {
    let (page, shown, pages) =
        change(|progress| (progress.page, std::mem::take(&mut progress.shown), progress.pages));
    let first = change(|progress| progress.first);
    if page > first {
        let note = format!("[page {page} cannot be read: it is damaged, or of a kind not known here]\n");
        change(|progress| progress.text += &note);
        change(|progress| progress.page += 1);
        answer(0, &finished());
    }
    let what = if page == 0 { String::new() } else { format!("page {page} of {pages} of ") };
    answer(1, &format!("{what}{shown} cannot be read: it is damaged, or of a kind not known here"));
}

fn change<T>(what: impl FnOnce(&mut Progress) -> T) -> T {
    what(&mut PROGRESS.lock().unwrap_or_else(|broken| broken.into_inner()))
}
