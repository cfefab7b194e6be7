//! grep: searches the contents of files as ripgrep does, with ripgrep's own crates.
//!
//! One call long: arguments as JSON on standard input, the answer on standard output in one write
//! (contract `boxagnts:tool/1`: exit 0 success, 1 failed call, 2 bad input). Files are met in the
//! order of their paths, so the same tree gives the same answer.

mod arguments;
mod outcome;
mod places;
mod report;

use std::io::{self, Read, Write};
use std::path::Path;

use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::types::{Types, TypesBuilder};
use ignore::{Walk, WalkBuilder};

use arguments::{Arguments, Mode};
use outcome::{Failure, bad_input};
use places::Place;
use report::Report;

/// Of a compiled pattern, and of the states that a search makes of it as it goes.
const PATTERN_BYTES_MAX: usize = 10 << 20;
/// Of one line, or of one file where matches may span lines.
const HEAP_BYTES_MAX: usize = 64 << 20;
const NESTING_MAX: u32 = 200;

fn main() {
    let (exit_code, text) = match run() {
        Ok(text) => (0, text),
        Err(Failure { exit_code, sentence }) => (exit_code, sentence.into_bytes()),
    };
    let _ = io::stdout().write_all(&text);
    let _ = io::stdout().flush();
    if exit_code != 0 {
        std::process::exit(exit_code);
    }
}

fn run() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    if io::stdin().read_to_end(&mut input).is_err() {
        return bad_input("the call's arguments could not be read from standard input");
    }
    let arguments = Arguments::parse(&input)?;
    let matcher = matcher(&arguments)?;
    let place = places::find(arguments.path.as_deref())?;
    let files = walk(&arguments, &place)?;
    let mut report = Report::new(&arguments, &matcher, place.is_file);
    let mut unreadable = Vec::new();
    search(&arguments, &place, &matcher, files, &mut report, &mut unreadable);
    Ok(answer(&arguments, &place, report, unreadable))
}

fn matcher(arguments: &Arguments) -> Result<RegexMatcher, Failure> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .case_insensitive(arguments.ignore_case)
        .multi_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .nest_limit(NESTING_MAX);
    if arguments.multiline {
        builder.dot_matches_new_line(true).crlf(true).line_terminator(None);
    } else {
        builder.crlf(true).ban_byte(Some(b'\0'));
    }
    builder.build(&arguments.pattern).or_else(|error| {
        bad_input(format!("the pattern is no valid regular expression: {}", why(arguments, &error)))
    })
}

/// The parser's own words show the place in the pattern as it was given; the builder's do not.
fn why(arguments: &Arguments, error: &grep_regex::Error) -> String {
    const SHOWN_BYTES_MAX: usize = 1000;
    let parsed =
        regex_syntax::ParserBuilder::new().nest_limit(NESTING_MAX).utf8(false).build().parse(&arguments.pattern);
    let text = match parsed {
        Err(error) => error.to_string(),
        Ok(_) if arguments.pattern.contains("\\n") && !arguments.multiline => {
            format!("{error}; set multiline to search across lines")
        }
        Ok(_) => error.to_string(),
    };
    match text.rsplit_once("error: ") {
        Some((_, sentence)) if text.len() > SHOWN_BYTES_MAX => sentence.to_owned(),
        _ => text,
    }
}

fn walk(arguments: &Arguments, place: &Place) -> Result<Walk, Failure> {
    let mut builder = WalkBuilder::new(&place.path);
    builder
        .git_global(false)
        .hidden(!arguments.globs.iter().any(|glob| names_hidden(glob)))
        .overrides(globs(&arguments.globs)?)
        .types(types(&arguments.types)?)
        .sort_by_file_name(|a, b| a.cmp(b));
    Ok(builder.build())
}

fn names_hidden(glob: &str) -> bool {
    !glob.starts_with('!') && glob.split('/').any(|name| name.starts_with('.') && name.len() > 1)
}

fn globs(globs: &[String]) -> Result<Override, Failure> {
    let mut builder = OverrideBuilder::new(places::workspace());
    for glob in globs {
        if let Err(error) = builder.add(glob) {
            return bad_input(format!("glob is malformed: {error}"));
        }
    }
    builder.build().or_else(|error| bad_input(format!("glob is malformed: {error}")))
}

fn types(names: &[String]) -> Result<Types, Failure> {
    let mut builder = TypesBuilder::new();
    if !names.is_empty() {
        builder.add_defaults();
    }
    for name in names {
        builder.select(name);
    }
    builder.build().or_else(|error| {
        bad_input(format!("{error}; use a name as rust, py, js, ts, go, cpp, java, or glob"))
    })
}

fn search(
    arguments: &Arguments,
    place: &Place,
    matcher: &RegexMatcher,
    files: Walk,
    report: &mut Report<'_>,
    unreadable: &mut Vec<String>,
) {
    let mut searcher = searcher(arguments, place);
    for entry in files {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                unreadable.push(error.to_string());
                continue;
            }
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if !is_file && !(entry.depth() == 0 && place.is_file) {
            continue;
        }
        report.enter(entry.path());
        let result = searcher.search_path(matcher, entry.path(), &mut *report);
        report.leave(!place.is_file);
        if let Err(error) = result {
            unreadable.push(format!("{}: {}", shown(entry.path()), places::words_of(&error)));
        }
        if report.full {
            return;
        }
    }
}

fn searcher(arguments: &Arguments, place: &Place) -> Searcher {
    let mut builder = SearcherBuilder::new();
    builder
        .line_terminator(LineTerminator::crlf())
        .line_number(arguments.mode == Mode::Content)
        .multi_line(arguments.multiline)
        .heap_limit(Some(HEAP_BYTES_MAX))
        .binary_detection(if place.is_file {
            BinaryDetection::convert(b'\0')
        } else {
            BinaryDetection::quit(b'\0')
        });
    if arguments.mode == Mode::Content {
        builder.before_context(arguments.before).after_context(arguments.after);
    }
    builder.build()
}

fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned()
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn answer(
    arguments: &Arguments,
    place: &Place,
    report: Report<'_>,
    unreadable: Vec<String>,
) -> Vec<u8> {
    let mut notes = Vec::new();
    if report.more {
        notes.push(format!(
            "the first {} {}; there are more: narrow the search, or go on with offset {}",
            report.shown(),
            if arguments.mode == Mode::Content { "lines" } else { "files" },
            arguments.offset + report.shown()
        ));
    } else if report.matches == 0 {
        notes.push(nothing_found(arguments, place, &report));
    } else if report.out.is_empty() {
        notes.push(format!("there is nothing after offset {}", arguments.offset));
    } else if arguments.mode == Mode::Count && report.files_matched > 1 {
        notes.push(format!(
            "{} in all, in {} files",
            report.matches, report.files_matched
        ));
    }
    if !unreadable.is_empty() {
        let some = unreadable.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        let dots = if unreadable.len() > 3 { "; …" } else { "" };
        let number = count(unreadable.len() as u64, "place");
        notes.push(format!("{number} could not be searched: {some}{dots}"));
    }
    let mut text = report.out;
    for note in notes {
        text.extend_from_slice(format!("[{note}]\n").as_bytes());
    }
    text
}

fn nothing_found(arguments: &Arguments, place: &Place, report: &Report<'_>) -> String {
    let mut said = format!(
        "no match for {} in {} ({} searched",
        arguments.pattern.chars().take(200).collect::<String>(),
        place.shown,
        count(report.files_searched, "file")
    );
    if report.binary_skipped > 0 {
        said += &format!(", {} of them binary", report.binary_skipped);
    }
    said + ")"
}
