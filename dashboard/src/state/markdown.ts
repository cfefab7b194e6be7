// Markdown of models, skills and files to HTML that can do nothing: no tag of the text itself
// passes, links lead only to http, https, mail and files of the workspace, pictures are links, and
// DOMPurify looks over what came of it. Code is highlighted once its language has been loaded.

import DOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
import { ref } from 'vue';

import { addressOf } from './route';
import { visible } from './text';

type Highlight = (code: string, language: string) => string | undefined;
let highlight: Highlight | undefined;
// Rises when code can be shown better than before: who shows Markdown draws it again.
export const highlightVersion = ref(0);
let loading = false;

function loadHighlight(): void {
  if (loading) return;
  loading = true;
  void import('./highlight').then(module => {
    highlight = module.highlight;
    highlightVersion.value += 1;
  });
}

export function highlighted(code: string, language: string): string | undefined {
  if (!highlight) {
    loadHighlight();
    return undefined;
  }
  return highlight(code, language);
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, found => `&#${found.charCodeAt(0)};`);
}

// The folder that relative links are seen from, while a text is rendered.
let linksFrom = '';

// "../b.md" in docs/x is docs/b.md; undefined: it leads out of the workspace.
function resolved(path: string, folder: string): string | undefined {
  const names = folder ? folder.split('/') : [];
  for (const name of path.split('/')) {
    if (name === '..') {
      if (names.pop() === undefined) return undefined;
    } else if (name && name !== '.') {
      names.push(name);
    }
  }
  return names.join('/') || undefined;
}

// Where a link may lead, or undefined. `folder`: of the file that holds it.
export function safeAddress(href: string, folder = ''): { href: string; outside: boolean } | undefined {
  const address = href.trim();
  if (/^(https?:\/\/|mailto:)/i.test(address)) return { href: address, outside: true };
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || /^[/\\]{2}/.test(address) || address.startsWith('#')) return undefined;
  const path = address.replace(/[?#].*$/, '');
  if (!path || path.startsWith('/')) return undefined;
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // A name with a % in it.
  }
  const target = resolved(decoded, folder);
  return target === undefined ? undefined : { href: addressOf('files', target), outside: false };
}

function link(href: string, title: string | null | undefined, inner: string): string {
  const address = safeAddress(href, linksFrom);
  if (!address) return inner;
  const outside = address.outside ? ' target="_blank" rel="noopener noreferrer"' : '';
  const shown = escapeHtml(title || (address.outside ? address.href : ''));
  return `<a href="${escapeHtml(address.href)}"${outside}${shown ? ` title="${shown}"` : ''}>${inner}</a>`;
}

export function codeBlock(code: string, language: string): string {
  const shown = visible(code);
  const inner = highlighted(shown, language) ?? escapeHtml(shown);
  const name = escapeHtml(language.slice(0, 40));
  return (
    `<div class="code"><div class="code-head"><span>${name || 'text'}</span>` +
    `<button type="button" class="code-copy">Copy</button></div>` +
    `<pre tabindex="0"><code>${inner}</code></pre></div>`
  );
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
    code: ({ text, lang }: Tokens.Code) => codeBlock(text, (lang ?? '').trim().split(/\s+/)[0] ?? ''),
    link({ href, title, tokens }: Tokens.Link) {
      return link(href, title, this.parser.parseInline(tokens));
    },
    image: ({ href, title, text }: Tokens.Image) => link(href, title, `[picture: ${escapeHtml(text || href)}]`),
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? '\u2611 ' : '\u2610 '),
    table(token: Tokens.Table) {
      const cell = (one: Tokens.TableCell, tag: string) =>
        `<${tag}${one.align ? ` class="${one.align}"` : ''}>${this.parser.parseInline(one.tokens)}</${tag}>`;
      const head = token.header.map(one => cell(one, 'th')).join('');
      const rows = token.rows.map(row => `<tr>${row.map(one => cell(one, 'td')).join('')}</tr>`).join('');
      return `<div class="table" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
    },
  },
});

const kTags = [
  'a', 'blockquote', 'br', 'button', 'code', 'del', 'div', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'li',
  'ol', 'p', 'pre', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
];
const kAttributes = ['class', 'href', 'rel', 'start', 'tabindex', 'target', 'title', 'type'];

// The second wall: whatever HTML comes in, what goes out can do nothing.
export function clean(html: string): string {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: kTags,
    ALLOWED_ATTR: kAttributes,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#\/)/i,
    ADD_URI_SAFE_ATTR: ['rel', 'start', 'tabindex', 'target', 'type'],  // words, no addresses
  });
}

export interface Part {
  raw: string;
  html: string;
}

// The text's blocks, each with its HTML. A block whose text is that of `before` at the same place is
// taken from there, so that a text that grows costs what is new. In a document, as in a file, lines
// are filled: a line's end is a blank.
export function renderParts(
  text: string,
  before: readonly Part[] = [],
  place: { folder?: string; document?: boolean } = {},
): Part[] {
  linksFrom = place.folder ?? '';
  const tokens = marked.lexer(visible(text), { ...marked.defaults, breaks: !place.document });
  const parts: Part[] = [];
  for (const token of tokens as Token[] & { links: typeof tokens.links }) {
    if (token.type === 'space') continue;
    const known = before[parts.length];
    if (known?.raw === token.raw) {
      parts.push(known);
      continue;
    }
    const one = [token] as unknown as typeof tokens;
    one.links = tokens.links;
    parts.push({ raw: token.raw, html: clean(marked.parser(one)) });
  }
  return parts;
}
