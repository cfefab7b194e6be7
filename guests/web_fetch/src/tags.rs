//! The elements that the conversion tells apart. What is not among them is text that goes on.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Tag {
    Text, // no element
    Html,
    Head,
    Body,
    Title,
    Main,
    Article,
    Section,
    Nav,
    Aside,
    Header,
    Footer,
    Div,
    Form,
    P,
    H1,
    H2,
    H3,
    H4,
    H5,
    H6,
    Ul,
    Ol,
    Li,
    Dl,
    Dt,
    Dd,
    Blockquote,
    Pre,
    Table,
    TableSection,
    Thead,
    Tr,
    Td,
    Th,
    Caption,
    A,
    Strong,
    Em,
    Del,
    Code,
    Sup,
    Quote,
    Inline,
    Button,
    Math,
    Br,
    Hr,
    Img,
    Base,
    Void,
    /// With all that is in it: scripts, drawings, players, choices.
    Dropped,
}

pub const TAGS: usize = Tag::Dropped as usize + 1;

impl Tag {
    pub fn of(name: &[u8]) -> Tag {
        match name {
            b"html" => Tag::Html,
            b"head" => Tag::Head,
            b"body" => Tag::Body,
            b"title" => Tag::Title,
            b"main" => Tag::Main,
            b"article" => Tag::Article,
            b"section" | b"hgroup" | b"search" => Tag::Section,
            b"nav" => Tag::Nav,
            b"aside" => Tag::Aside,
            b"header" => Tag::Header,
            b"footer" => Tag::Footer,
            b"div" | b"center" | b"address" | b"details" | b"summary" | b"dialog" | b"fieldset"
            | b"legend" | b"figure" | b"figcaption" | b"listing" | b"dir" | b"menu" => match name {
                b"menu" | b"dir" => Tag::Ul,
                b"listing" => Tag::Pre,
                _ => Tag::Div,
            },
            b"form" => Tag::Form,
            b"p" => Tag::P,
            b"h1" => Tag::H1,
            b"h2" => Tag::H2,
            b"h3" => Tag::H3,
            b"h4" => Tag::H4,
            b"h5" => Tag::H5,
            b"h6" => Tag::H6,
            b"ul" => Tag::Ul,
            b"ol" => Tag::Ol,
            b"li" => Tag::Li,
            b"dl" => Tag::Dl,
            b"dt" => Tag::Dt,
            b"dd" => Tag::Dd,
            b"blockquote" => Tag::Blockquote,
            b"pre" | b"xmp" | b"plaintext" => Tag::Pre,
            b"table" => Tag::Table,
            b"tbody" | b"tfoot" => Tag::TableSection,
            b"thead" => Tag::Thead,
            b"tr" => Tag::Tr,
            b"td" => Tag::Td,
            b"th" => Tag::Th,
            b"caption" => Tag::Caption,
            b"a" => Tag::A,
            b"strong" | b"b" => Tag::Strong,
            b"em" | b"i" => Tag::Em,
            b"del" | b"s" | b"strike" => Tag::Del,
            b"code" | b"tt" | b"kbd" | b"samp" => Tag::Code,
            b"sup" => Tag::Sup,
            b"q" => Tag::Quote,
            b"button" => Tag::Button,
            b"math" => Tag::Math,
            b"br" => Tag::Br,
            b"hr" => Tag::Hr,
            b"img" => Tag::Img,
            b"base" => Tag::Base,
            b"area" | b"col" | b"embed" | b"input" | b"link" | b"meta" | b"param" | b"source"
            | b"track" | b"wbr" => Tag::Void,
            b"script" | b"style" | b"template" | b"noscript" | b"svg" | b"canvas" | b"iframe"
            | b"audio" | b"video" | b"select" | b"datalist" | b"textarea" | b"noembed"
            | b"noframes" | b"map" | b"colgroup" | b"annotation" | b"annotation-xml" => Tag::Dropped,
            _ => Tag::Inline,
        }
    }

    pub fn is_void(self) -> bool {
        matches!(self, Tag::Br | Tag::Hr | Tag::Img | Tag::Base | Tag::Void)
    }

    pub fn is_heading(self) -> bool {
        matches!(self, Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6)
    }

    /// Begins on a line of its own, and ends a paragraph that is open.
    pub fn is_block(self) -> bool {
        (self as u8 >= Tag::Main as u8 && self as u8 <= Tag::Caption as u8) || self == Tag::Hr
    }

    /// What an end tag of something outside cannot close.
    pub fn is_barrier(self) -> bool {
        matches!(self, Tag::Table | Tag::Td | Tag::Th | Tag::Caption)
    }

    /// What only marks words.
    pub fn is_phrase(self) -> bool {
        self as u8 >= Tag::A as u8 && self as u8 <= Tag::Math as u8
    }
}
