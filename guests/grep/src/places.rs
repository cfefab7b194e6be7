//! Where a search begins, how it is shown, and what is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use crate::outcome::{Failure, bad_input, failed};

pub struct Place {
    /// What is opened and walked: below the workspace relative to it ("." is the workspace itself).
    pub path: PathBuf,
    pub shown: String,
    pub is_file: bool,
}

pub fn workspace() -> String {
    std::env::var("PWD").unwrap_or_else(|_| "/".into())
}

/// Absolute and lexically normal, seen from the workspace.
fn absolute(path: &str) -> String {
    let whole = if path.starts_with('/') { path.into() } else { format!("{}/{path}", workspace()) };
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

pub fn find(argument: Option<&str>) -> Result<Place, Failure> {
    let text = argument.unwrap_or(".");
    if text.is_empty() {
        return bad_input("path is empty; it takes a file or a folder");
    }
    if text.contains('\0') {
        return bad_input("path holds a NUL character; a path cannot");
    }
    let whole = absolute(text);
    let base = workspace();
    let path = if whole == base {
        PathBuf::from(".")
    } else if let Some(below) = whole.strip_prefix(&format!("{}/", base.trim_end_matches('/'))) {
        PathBuf::from(below)
    } else {
        PathBuf::from(&whole)
    };
    match std::fs::metadata(&path) {
        Ok(status) => Ok(Place { path, shown: whole, is_file: !status.is_dir() }),
        Err(error) => match other_mount(&path, &error) {
            Some(place) => Ok(place),
            None => failed(format!("cannot search {text}: {}", reason(&error, &whole))),
        },
    }
}

/// A link out of the folder it stands in may lead into another mount: the kernel follows no link
/// out of the mount that a path was opened in.
fn other_mount(path: &Path, error: &io::Error) -> Option<Place> {
    const LINKS_MAX: usize = 40;
    if !leads_out(error) {
        return None;
    }
    let mut target = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        target = std::fs::read_link(&target).ok().filter(|target| target.is_absolute())?;
        if let Ok(status) = std::fs::metadata(&target) {
            let shown = target.to_string_lossy().into_owned();
            return Some(Place { path: target, shown, is_file: !status.is_dir() });
        }
    }
    None
}

fn leads_out(error: &io::Error) -> bool {
    const NOT_PERMITTED: i32 = 63;
    const NOT_CAPABLE: i32 = 76;
    matches!(error.raw_os_error(), Some(NOT_PERMITTED | NOT_CAPABLE))
}

/// What an error means for a path, as the end of a sentence.
fn reason(error: &io::Error, whole: &str) -> String {
    let mounts = mounts();
    let inside = mounts.iter().any(|mount| Path::new(whole).starts_with(mount));
    if leads_out(error) || !inside {
        return format!(
            "it leads outside of the folders that this tool can see, which are {}",
            mounts.join(", ")
        );
    }
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist; glob can find where it is".into(),
        _ => words_of(error),
    }
}

pub fn words_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is gone".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotADirectory => {
            "a part of its path, which should be a folder, is a file".into()
        }
        _ => match error.raw_os_error() {
            Some(NO_SUCH_DEVICE) => {
                "it is a FIFO, a device or a socket; only plain files can be searched".into()
            }
            Some(LOOP) => "its path goes through too many links, or a link to itself".into(),
            _ => error.to_string(),
        },
    }
}
const NO_SUCH_DEVICE: i32 = 60;
const LOOP: i32 = 32;

/// The folders of the name space: descriptors from 5 on (docs/tools.md).
fn mounts() -> Vec<String> {
    const FIRST_MOUNT: u32 = 5;
    let mut names = Vec::new();
    for descriptor in FIRST_MOUNT.. {
        let mut prestat = [0u32; 2];
        // SAFETY: the kernel writes eight bytes, then as many as it said.
        unsafe {
            if fd_prestat_get(descriptor, prestat.as_mut_ptr()) != 0 {
                break;
            }
            let mut name = vec![0u8; prestat[1] as usize];
            if fd_prestat_dir_name(descriptor, name.as_mut_ptr(), name.len()) != 0 {
                break;
            }
            names.push(String::from_utf8_lossy(&name).into_owned());
        }
    }
    names
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_prestat_get(descriptor: u32, into: *mut u32) -> u16;
    fn fd_prestat_dir_name(descriptor: u32, into: *mut u8, size: usize) -> u16;
}
