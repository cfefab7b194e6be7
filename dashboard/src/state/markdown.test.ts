import { describe, expect, it } from 'vitest';

import { clean, renderParts, safeAddress } from './markdown';

const html = (text: string) => renderParts(text).map(part => part.html).join('');

describe('Markdown', () => {
  it('makes what Markdown means', () => {
    expect(html('# A\n\n- **b** `c`')).toMatch(/<h1>A<\/h1>[\s\S]*<li><strong>b<\/strong> <code>c<\/code>/);
    expect(html('|a|\n|-:|\n|1|')).toContain('<td class="right">1</td>');
  });

  const hostile = [
    '<script>x()</script>', '<img src=x onerror=x()>', '<svg onload=x()><circle/></svg>', '<iframe srcdoc="x"></iframe>',
    '<style>*{display:none}</style>', '<form action=//evil><button>go</button></form>', '<a href="javascript:x()">a</a>',
    '[a](javascript:x())', '[a](JaVaScRiPt:x())', '[a](java\nscript:x())', '[a](data:text/html,<script>x()</script>)',
    '[a](vbscript:x)', '[a](//evil.example/x)', '[a](\\\\evil\\x)', '[a](/api/v1/runs)', '[a](#/settings)', '[a](../../x)', '[a](file:///etc)',
    '![a](http://evil.example/p.png)', '![a](x" onerror="x())', '<https://evil.example/">', '```"><script>x()</script>\ncode\n```',
    '```js onmouseover=x\n</code></pre><script>x()</script>\n```', '&lt;script&gt;', '[x]: http://evil "t"\n\n[x]', '<!-- --><script>x()</script>',
    '<base href=//evil>', '<meta http-equiv=refresh content="0;url=//evil">', '<math><mtext></form><form><mglyph><style></math><img src onerror=x()>',
    '[a](<javascript:x()>)', '`<img src=x onerror=x()>`', '<details open ontoggle=x()>',
  ];
  it.each(hostile)('can do nothing: %s', text => {
    const shown = html(text);
    const place = document.createElement('div');
    place.innerHTML = shown;
    for (const element of place.querySelectorAll('*')) {
      expect(['A', 'BLOCKQUOTE', 'BR', 'BUTTON', 'CODE', 'DIV', 'EM', 'H1', 'LI', 'OL', 'P', 'PRE', 'SPAN', 'STRONG', 'UL']).toContain(element.tagName);
      for (const { name, value } of element.attributes) {
        expect(['class', 'href', 'rel', 'tabindex', 'target', 'title', 'type']).toContain(name);
        if (name === 'href') expect(value).toMatch(/^(https?:\/\/|mailto:|#\/files\/)/);
      }
      if (element.tagName === 'A' && !element.getAttribute('href')?.startsWith('#'))
        expect(element.getAttribute('rel')).toBe('noopener noreferrer');
      if (element.tagName === 'BUTTON') expect(element.className).toBe('code-copy');
    }
  });

  it('is looked over once more, whatever HTML came of it', () => {
    const place = document.createElement('div');
    for (const text of hostile) {
      place.innerHTML = clean('<p onclick=x() style="position:fixed" data-answer=yes aria-label=x>kept</p>' + text);
      expect(place.querySelector('script,img,svg,iframe,style,form,base,meta,math,details,input'), text).toBeNull();
      expect(place.textContent, text).toContain('kept');
      for (const element of place.querySelectorAll('*'))
        for (const { name, value } of element.attributes) {
          expect(name, text).toMatch(/^(class|href|rel|start|tabindex|target|title|type)$/);
          if (name === 'href') expect(value, text).toMatch(/^(https?:|mailto:|#\/)/);
        }
    }
  });

  it('leads to files of the workspace and to pages of others, and nowhere else', () => {
    expect(safeAddress('src/a b.c')).toEqual({ href: '#/files/src/a%20b.c', outside: false });
    expect(safeAddress('./x.md#part')).toEqual({ href: '#/files/x.md', outside: false });
    expect(safeAddress('https://a.example')).toEqual({ href: 'https://a.example', outside: true });
    for (const bad of ['javascript:x', 'a/../../b', '/etc/passwd', '//x', '#x', '', 'data:x']) expect(safeAddress(bad), bad).toBeUndefined();
  });

  it('takes a line\'s end as a blank in a document alone', () => {
    expect(html('a\nb')).toContain('a<br>b');
    expect(renderParts('a\nb', [], { document: true })[0]!.html).not.toContain('<br>');
  });

  it('draws again only what changed while a text grows', () => {
    const first = renderParts('one\n\ntwo\n\nthr');
    const second = renderParts('one\n\ntwo\n\nthree', first);
    expect(second[0]).toBe(first[0]);
    expect(second[1]).toBe(first[1]);
    expect(second[2]!.html).toContain('three');
  });
});
