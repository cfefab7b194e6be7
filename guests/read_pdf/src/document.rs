//! A PDF document and the text of its pages.

use std::ffi::{CString, c_char, c_int};
use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;

use pdf_extract::PlainTextOutput;

use crate::{Failure, bad_input, failed};

/// Objects take several times the file's size, which must fit the usual memory limit.
const FILE_BYTES_MAX: u64 = 40_000_000;
/// The kernel's promise: the whole name space.
const ROOT: c_int = 3;
const READ_ONLY: c_int = 0x0400_0000;

unsafe extern "C" {
    // wasi-libc's own choice of a preopened directory knows no way out of a mount into another.
    fn openat(directory: c_int, path: *const c_char, flags: c_int, ...) -> c_int;
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Failure> {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", std::env::var("PWD").unwrap_or_default())
    };
    let below = whole.trim_start_matches('/');
    let Ok(name) = CString::new(below) else {
        return bad_input("file_path holds a NUL character; a path cannot");
    };
    let descriptor = unsafe { openat(ROOT, name.as_ptr(), READ_ONLY) };
    if descriptor < 0 {
        return failed(format!("cannot read {path}: {}", std::io::Error::last_os_error()));
    }
    let mut file = unsafe { File::from_raw_fd(descriptor) };
    let size = file.metadata().map(|status| status.len()).unwrap_or(0);
    if size > FILE_BYTES_MAX {
        return failed(format!(
            "{path} is a PDF document of {size} bytes; the text of more than {FILE_BYTES_MAX} is \
             not shown"
        ));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    match (&mut file).take(FILE_BYTES_MAX).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => failed(format!("cannot read {path}: {error}")),
    }
}

pub struct Document {
    inner: lopdf::Document,
    pub pages: u32,
}

impl Document {
    pub fn open(path: &str, bytes: &[u8]) -> Result<Document, Failure> {
        let encrypted = || failed(format!("{path} is a PDF document that a password protects"));
        let mut inner = match lopdf::Document::load_mem(bytes) {
            Ok(document) => document,
            Err(lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword) => return encrypted(),
            Err(error) => {
                return failed(format!("{path} is a PDF document, but damaged: {error}"));
            }
        };
        // Many are encrypted with no password at all, against changes only.
        if inner.is_encrypted() && inner.decrypt("").is_err() {
            return encrypted();
        }
        let pages = inner.get_pages().len() as u32;
        if pages == 0 {
            return failed(format!("{path} is a PDF document without pages, or damaged"));
        }
        Ok(Document { inner, pages })
    }

    /// The page's text, or what there is instead of it, in whole lines.
    pub fn page(&self, number: u32) -> String {
        let mut text = String::new();
        let mut output = PlainTextOutput::new(&mut text);
        match pdf_extract::output_doc_page(&self.inner, &mut output, number) {
            Ok(()) => {
                drop(output);
                tidied(&text)
            }
            Err(error) => format!("[this page cannot be read: {error}]\n"),
        }
    }
}

/// Without blank lines at the ends, and at most one between others.
fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut blank = false;
    for line in text.lines().map(str::trim_end) {
        if line.trim().is_empty() {
            blank = !tidy.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            tidy.push('\n');
        }
        tidy += line;
        tidy.push('\n');
    }
    if tidy.is_empty() {
        tidy += "[no text: blank, or a picture, such as a scan]\n";
    }
    tidy
}
