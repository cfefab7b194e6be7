//! The crate `url` (the URL Standard of the WHATWG) for `src/net/url.cc`, which alone calls it. The C side's
//! declarations are in `engine/boxagnts_url.h`.

use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// A piece of UTF-8, valid while the callback runs.
#[repr(C)]
pub struct Piece {
    at: *const u8,
    bytes: usize,
}

impl From<&str> for Piece {
    fn from(text: &str) -> Piece {
        Piece { at: text.as_ptr(), bytes: text.len() }
    }
}

#[repr(C)]
pub struct Parts {
    text: Piece,
    scheme: Piece,
    host: Piece,
    target: Piece,
    port: u16,
    has_credentials: bool,
}

unsafe fn text_of<'a>(at: *const u8, bytes: usize) -> Result<&'a str, String> {
    if bytes == 0 {
        return Ok("");
    }
    std::str::from_utf8(std::slice::from_raw_parts(at, bytes)).map_err(|_| "it is not UTF-8".into())
}

fn parse(text: &str, base: &str) -> Result<url::Url, String> {
    let parsed = if base.is_empty() {
        url::Url::parse(text)
    } else {
        url::Url::parse(base).and_then(|base| base.join(text))
    };
    parsed.map_err(|error| error.to_string())
}

/// Parses `text`, against `base` unless that is empty, and calls either callback once, before it returns.
///
/// # Safety
/// Both texts are readable for their lengths; the callbacks do not unwind.
#[no_mangle]
pub unsafe extern "C" fn boxagnts_url_parse(
    text: *const u8,
    text_bytes: usize,
    base: *const u8,
    base_bytes: usize,
    on_url: extern "C" fn(*mut c_void, *const Parts),
    on_error: extern "C" fn(*mut c_void, Piece),
    context: *mut c_void,
) {
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        parse(text_of(text, text_bytes)?, text_of(base, base_bytes)?)
    }))
    .unwrap_or_else(|_| Err("the parser failed on it".into()));
    match parsed {
        Ok(url) => {
            let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
            on_url(
                context,
                &Parts {
                    text: url.as_str().into(),
                    scheme: url.scheme().into(),
                    host: url.host_str().unwrap_or("").into(),
                    target: target.into(),
                    port: url.port_or_known_default().unwrap_or(0),
                    has_credentials: !url.username().is_empty() || url.password().is_some(),
                },
            );
        }
        Err(why) => on_error(context, why.as_str().into()),
    }
}
