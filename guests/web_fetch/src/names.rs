//! What classes, ids, roles and styles say of an element.

/// Names of what stands around a page's content, as whole words of a class or an id.
const AROUND: [&str; 33] = [
    "cookie", "cookies", "consent", "gdpr", "onetrust", "newsletter", "breadcrumb", "breadcrumbs",
    "sidebar", "sidenav", "navbar", "topnav", "navbox", "share", "sharing", "sharedaddy", "social",
    "related", "recommended", "recommendations", "promo", "promoted", "advert", "advertisement",
    "adsbygoogle", "ads", "sponsored", "popup", "modal", "pagination", "skiplink", "noprint",
    "masthead",
];
/// Marks beside the text that are no part of it, and what is for screen readers alone.
const UNSEEN: [&str; 12] = [
    "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only",
    "headerlink", "mw-editsection", "skip-link", "linenos", "lineno", "line-numbers", "gutter",
];
const ROLES_AROUND: [&str; 8] = [
    "navigation", "banner", "complementary", "contentinfo", "search", "dialog", "alertdialog", "menu",
];
/// Of an attribute; longer ones are not looked at to their end.
const LOOKED_AT_MAX: usize = 2048;

fn looked_at(value: &[u8]) -> &[u8] {
    &value[..value.len().min(LOOKED_AT_MAX)]
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    looked_at(value).split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty())
}

fn is_one_of(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

pub fn stands_around(class_or_id: &[u8]) -> bool {
    words(class_or_id)
        .flat_map(|word| word.split(|byte| !byte.is_ascii_alphanumeric()))
        .any(|part| is_one_of(part, &AROUND))
}

pub fn is_unseen(class: &[u8]) -> bool {
    words(class).any(|word| is_one_of(word, &UNSEEN))
}

pub fn role_stands_around(role: &[u8]) -> bool {
    words(role).any(|word| is_one_of(word, &ROLES_AROUND))
}

/// The language that a class gives to code: language-rust, lang-rust, highlight-source-rust.
pub fn language_of(class: &[u8]) -> Option<&str> {
    const PREFIXES: [&str; 4] = ["language-", "lang-", "highlight-source-", "highlight-"];
    words(class).find_map(|word| {
        let word = str::from_utf8(word).ok()?;
        let name = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix))?;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-#_.".contains(&byte));
        (plain && !name.is_empty() && name.len() <= 20 && name != "default").then_some(name)
    })
}

/// Whether a style attribute keeps an element from being seen.
pub fn style_hides(style: &[u8]) -> bool {
    looked_at(style).split(|byte| *byte == b';').any(|declaration| {
        let plain: Vec<u8> = declaration
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace())
            .map(u8::to_ascii_lowercase)
            .collect();
        let value = plain.strip_suffix(b"!important").unwrap_or(&plain);
        matches!(
            value,
            b"display:none" | b"visibility:hidden" | b"visibility:collapse" | b"opacity:0"
                | b"opacity:0.0" | b"font-size:0" | b"font-size:0px" | b"content-visibility:hidden"
        )
    })
}
