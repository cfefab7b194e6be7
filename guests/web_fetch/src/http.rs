//! `http_open` of the import module `boxagnts`, and the answer it gives (docs/tools.md).

use serde_json::Value;

const EVENT_CLOCK: u8 = 0;
const EVENT_READ: u8 = 1;
const CLOCK_MONOTONIC: u32 = 1;
const FLAG_NONBLOCK: u16 = 4;
const ERRNO_AGAIN: u16 = 6;
const HEAD_BYTES_MAX: u32 = 4 << 20;

#[link(wasm_import_module = "boxagnts")]
unsafe extern "C" {
    fn http_open(
        method: *const u8,
        method_size: usize,
        url: *const u8,
        url_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        timeout_ms: u32,
        fd: *mut u32,
    ) -> u32;
}

#[repr(C)]
struct Buffer {
    at: *mut u8,
    size: usize,
}

#[repr(C)]
struct Subscription {
    userdata: u64,
    tag: u8,
    subject: u64, // clock or descriptor, of 32 bits
    timeout_ns: u64,
    precision_ns: u64,
    flags: u16,
}

#[repr(C)]
struct Event {
    userdata: u64,
    error: u16,
    kind: u8,
    bytes: u64,
    flags: u16,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_read(fd: u32, buffers: *const Buffer, count: usize, read: *mut usize) -> u16;
    fn fd_fdstat_set_flags(fd: u32, flags: u16) -> u16;
    fn fd_close(fd: u32) -> u16;
    fn poll_oneoff(wanted: *const Subscription, events: *mut Event, count: usize, got: *mut usize) -> u16;
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
}

pub fn now_ns() -> u64 {
    let mut time = 0;
    unsafe { clock_time_get(CLOCK_MONOTONIC, 1, &mut time) };
    time
}

/// Why there is no answer: `code` as the host names it.
pub struct Refusal {
    pub code: String,
    pub sentence: String,
    pub rule: String,
}

fn refusal(code: &str, sentence: impl Into<String>) -> Refusal {
    Refusal { code: code.to_owned(), sentence: sentence.into(), rule: String::new() }
}

pub struct Answer {
    descriptor: u32,
    deadline_ns: u64,
    pub status: u16,
    /// As the host reached it.
    pub url: String,
    headers: Vec<(String, String)>,
}

pub struct Body {
    pub bytes: Vec<u8>,
    /// There is more than was asked for.
    pub more: bool,
}

impl Answer {
    pub fn open(url: &str, headers: &str, deadline_ns: u64) -> Result<Answer, Refusal> {
        let left_ms = deadline_ns.saturating_sub(now_ns()) / 1_000_000;
        if left_ms == 0 {
            return Err(refusal("timeout", "the time was over"));
        }
        let mut descriptor = 0;
        let method = "GET";
        let error = unsafe {
            http_open(
                method.as_ptr(),
                method.len(),
                url.as_ptr(),
                url.len(),
                headers.as_ptr(),
                headers.len(),
                std::ptr::null(),
                0,
                left_ms.min(u64::from(u32::MAX)) as u32,
                &mut descriptor,
            )
        };
        if error != 0 {
            return Err(refusal("io", format!("no request could be made (errno {error})")));
        }
        let mut answer =
            Answer { descriptor, deadline_ns, status: 0, url: url.to_owned(), headers: Vec::new() };
        answer.read_head()?;
        unsafe { fd_fdstat_set_flags(descriptor, FLAG_NONBLOCK) };
        Ok(answer)
    }

    /// The first of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// At most so many bytes of the body.
    pub fn read_body(&mut self, bytes_max: usize) -> Result<Body, Refusal> {
        const STEP_BYTES: usize = 64 << 10;
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            if before > bytes_max {
                bytes.truncate(bytes_max);
                return Ok(Body { bytes, more: true });
            }
            bytes.resize(before + STEP_BYTES.min(bytes_max + 1 - before), 0);
            let got = self.read(&mut bytes[before..])?;
            bytes.truncate(before + got);
            if got == 0 {
                return Ok(Body { bytes, more: false });
            }
        }
    }

    fn read_head(&mut self) -> Result<(), Refusal> {
        let broken = || refusal("io", "the host's answer has no head");
        let mut size = [0; 4];
        self.read_all(&mut size)?;
        let size = u32::from_le_bytes(size);
        if size > HEAD_BYTES_MAX {
            return Err(broken());
        }
        let mut bytes = vec![0; size as usize];
        self.read_all(&mut bytes)?;
        let head: Value = serde_json::from_slice(&bytes).map_err(|_| broken())?;
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        if let Some(error) = head.get("error") {
            return Err(Refusal {
                code: text(error, "code"),
                sentence: text(error, "message"),
                rule: text(error, "rule"),
            });
        }
        self.status = head["status"].as_u64().unwrap_or_default() as u16;
        self.url = text(&head, "url");
        for pair in head["headers"].as_array().into_iter().flatten() {
            if let (Some(name), Some(value)) = (pair[0].as_str(), pair[1].as_str()) {
                self.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }

    fn read_all(&mut self, into: &mut [u8]) -> Result<(), Refusal> {
        let mut done = 0;
        while done < into.len() {
            let got = self.read(&mut into[done..])?;
            if got == 0 {
                return Err(refusal("io", "the host's answer ended early"));
            }
            done += got;
        }
        Ok(())
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Refusal> {
        loop {
            let buffer = Buffer { at: into.as_mut_ptr(), size: into.len() };
            let mut got = 0;
            match unsafe { fd_read(self.descriptor, &buffer, 1, &mut got) } {
                0 => return Ok(got),
                ERRNO_AGAIN => self.wait()?,
                _ => return Err(refusal("unavailable", "the connection was cut in the middle of the page")),
            }
        }
    }

    fn wait(&self) -> Result<(), Refusal> {
        let left_ns = self.deadline_ns.saturating_sub(now_ns());
        if left_ns == 0 {
            return Err(refusal("timeout", "the page did not come to its end in time"));
        }
        let wanted = [
            Subscription {
                userdata: 0,
                tag: EVENT_READ,
                subject: u64::from(self.descriptor),
                timeout_ns: 0,
                precision_ns: 0,
                flags: 0,
            },
            Subscription {
                userdata: 1,
                tag: EVENT_CLOCK,
                subject: u64::from(CLOCK_MONOTONIC),
                timeout_ns: left_ns,
                precision_ns: 0,
                flags: 0,
            },
        ];
        let mut events = [const { Event { userdata: 0, error: 0, kind: 0, bytes: 0, flags: 0 } }; 2];
        let mut got = 0;
        match unsafe { poll_oneoff(wanted.as_ptr(), events.as_mut_ptr(), 2, &mut got) } {
            0 => Ok(()),
            error => Err(refusal("io", format!("waiting for the page failed (errno {error})"))),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        unsafe { fd_close(self.descriptor) };
    }
}
