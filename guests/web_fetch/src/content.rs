//! Where a page's content is, and what stands around it. Three passes over the tree, each linear.
//!
//! The content is the page's `main`; else its one `article`; else the smallest element that holds
//! nearly all of the running text (text outside of links and of what stands around).

use crate::document::{Document, Node, flag};
use crate::tags::Tag;

/// Of the running text of the page, so that a named part counts as its content.
const MAIN_SHARE: f64 = 0.3;
const ARTICLE_SHARE: f64 = 0.5;
/// Of the running text of the element it stands in, so that the search goes on inside; and what
/// must be left of the page's at the end.
const STEP_SHARE: f64 = 0.9;
const WHOLE_SHARE: f64 = 0.75;
/// Of the page's text; what holds more is not around it, whatever its class says.
const AROUND_SHARE_MAX: f64 = 0.4;

pub struct Content {
    pub root: usize,
    /// Of nodes: left out.
    left_out: Vec<bool>,
    /// A first heading that stands before the root.
    pub heading: Option<usize>,
}

impl Content {
    /// All that is seen.
    pub fn whole(document: &Document) -> Content {
        let left_out = document.nodes.iter().map(is_unseen).collect();
        Content { root: 0, left_out, heading: None }
    }

    pub fn found(document: &Document) -> Content {
        let mut left_out: Vec<bool> = document
            .nodes
            .iter()
            .map(|node| is_unseen(node) || node.flags & flag::AROUND != 0 || node.tag == Tag::Button)
            .collect();
        let seen = running_text(document, &left_out);
        for (at, node) in document.nodes.iter().enumerate() {
            let small = f64::from(seen[at]) <= f64::from(seen[0]) * AROUND_SHARE_MAX;
            let container = matches!(
                node.tag,
                Tag::Div | Tag::Section | Tag::Aside | Tag::Ul | Tag::Form | Tag::Table | Tag::Header
            );
            left_out[at] |= node.flags & flag::AROUND_BY_NAME != 0 && container && small;
        }
        let running = running_text(document, &left_out);
        if running[0] == 0 {
            return Content::whole(document);
        }
        let root = root_of(document, &left_out, &running);
        let heading = heading_before(document, &left_out, root);
        Content { root, left_out, heading }
    }

    pub fn leaves_out(&self, at: usize) -> bool {
        self.left_out[at]
    }
}

fn is_unseen(node: &Node) -> bool {
    node.flags & flag::HIDDEN != 0 || matches!(node.tag, Tag::Dropped | Tag::Title)
}

/// Of each node: the characters of text in it, links and what is left out aside.
fn running_text(document: &Document, left_out: &[bool]) -> Vec<u32> {
    let nodes = &document.nodes;
    let mut sums = vec![0u32; nodes.len()];
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < nodes.len() {
        close(nodes, &mut open, at, &mut sums);
        let node = &nodes[at];
        if left_out[at] || node.tag == Tag::A {
            at = node.end as usize;
            continue;
        }
        if node.tag == Tag::Text {
            sums[at] = document.text_of(node).split_ascii_whitespace().map(|word| word.len() as u32 + 1).sum();
        }
        open.push(at);
        at += 1;
    }
    close(nodes, &mut open, nodes.len(), &mut sums);
    sums
}

/// Adds up what ends before `at`.
fn close(nodes: &[Node], open: &mut Vec<usize>, at: usize, sums: &mut [u32]) {
    while let Some(last) = open.pop_if(|last| nodes[*last].end as usize <= at) {
        if let Some(parent) = open.last() {
            sums[*parent] += sums[last];
        }
    }
}

fn root_of(document: &Document, left_out: &[bool], running: &[u32]) -> usize {
    let nodes = &document.nodes;
    let share = |at: usize| f64::from(running[at]) / f64::from(running[0].max(1));
    let mut best_main = None;
    let mut best_article = None;
    let mut at = 0;
    while at < nodes.len() {
        if left_out[at] {
            at = nodes[at].end as usize;
            continue;
        }
        let best = if nodes[at].flags & flag::MAIN != 0 {
            &mut best_main
        } else if nodes[at].tag == Tag::Article {
            &mut best_article
        } else {
            at += 1;
            continue;
        };
        if best.is_none_or(|other| running[at] > running[other]) {
            *best = Some(at);
        }
        at += 1;
    }
    if let Some(main) = best_main.filter(|at| share(*at) >= MAIN_SHARE) {
        return main;
    }
    if let Some(article) = best_article.filter(|at| share(*at) >= ARTICLE_SHARE) {
        return article;
    }
    densest(nodes, left_out, running)
}

/// From the page down, as long as one child holds nearly all.
fn densest(nodes: &[Node], left_out: &[bool], running: &[u32]) -> usize {
    let mut root = 0;
    loop {
        let mut next = None;
        let mut child = root + 1;
        while child < nodes[root].end as usize {
            if !left_out[child] && f64::from(running[child]) >= f64::from(running[root]) * STEP_SHARE {
                next = Some(child);
                break;
            }
            child = nodes[child].end as usize;
        }
        let goes_on = |at: &usize| {
            matches!(
                nodes[*at].tag,
                Tag::Div | Tag::Section | Tag::Article | Tag::Main | Tag::Form | Tag::Inline
            ) && f64::from(running[*at]) >= f64::from(running[0]) * WHOLE_SHARE
        };
        match next.filter(goes_on) {
            Some(child) => root = child,
            None => return root,
        }
    }
}

/// The page's own first heading is content wherever it stands.
fn heading_before(document: &Document, left_out: &[bool], root: usize) -> Option<usize> {
    let nodes = &document.nodes;
    let end = nodes[root].end as usize;
    if (root..end).any(|at| nodes[at].tag == Tag::H1 && !left_out[at]) {
        return None;
    }
    let unseen = |at: usize| is_unseen(&nodes[at]);
    let mut at = 0;
    while at < root {
        if unseen(at) {
            at = nodes[at].end as usize;
            continue;
        }
        if nodes[at].tag == Tag::H1 && nodes[at].end as usize <= root {
            return Some(at);
        }
        at += 1;
    }
    None
}
