// CodeMirror's part of an open file: its text with undo and cursor. A chunk of its own, loaded with
// the first text.

import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension, type TransactionSpec } from '@codemirror/state';
import {
  crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers, rectangularSelection,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { markRaw } from 'vue';

import { visibleName } from '../../state/text';
import { loadLanguage } from './languages';
import { judge, type OpenFile } from './open_files';
import { nameOf } from './paths';
import { changeBetween } from './text_file';
import { wrapsLines } from './wrap';



export const language = new Compartment();
export const wrapping = new Compartment();
export const naming = new Compartment();

const colors = HighlightStyle.define([
  { tag: [tags.comment, tags.quote], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.atom, tags.bool, tags.tagName, tags.operatorKeyword], color: 'var(--code-word)' },
  { tag: [tags.string, tags.regexp, tags.inserted, tags.attributeValue], color: 'var(--code-text)' },
  { tag: [tags.number, tags.typeName, tags.className, tags.propertyName, tags.attributeName], color: 'var(--code-value)' },
  { tag: [tags.function(tags.variableName), tags.link, tags.url, tags.labelName, tags.meta, tags.processingInstruction], color: 'var(--code-name)' },
  { tag: tags.heading, fontWeight: '650', color: 'var(--code-name)' },
  { tag: [tags.deleted, tags.invalid], color: 'var(--bad)' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strong, fontWeight: '650' },
]);

export const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'var(--text)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', scrollbarWidth: 'thin', scrollbarColor: 'var(--border-strong) transparent' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 5%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
  },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--accent) 16%, transparent)' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in srgb, var(--warn) 40%, transparent)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--border-strong)' },
  '.cm-specialChar': { color: 'var(--bad)' },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)', fontFamily: 'var(--font)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--border)' },
  '.cm-panel.cm-search': { padding: '8px 32px 6px 10px', fontSize: '13px' },
  '.cm-panel.cm-search label': { fontSize: '13px', display: 'inline-flex', alignItems: 'center', gap: '4px', marginRight: '8px', minHeight: '28px' },
  '.cm-panel.cm-search [name=close]': { fontSize: '18px', width: '28px', height: '28px', color: 'var(--text)', cursor: 'pointer' },
  '.cm-textfield': {
    font: 'inherit', color: 'var(--text)', backgroundColor: 'var(--surface)', border: '1px solid var(--border-strong)', borderRadius: '6px',
    padding: '3px 8px', minHeight: '28px',
  },
  '.cm-button': {
    font: 'inherit', color: 'var(--text)', backgroundColor: 'var(--raised)', backgroundImage: 'none', border: '1px solid var(--border)',
    borderRadius: '6px', padding: '3px 10px', minHeight: '28px', cursor: 'pointer',
  },
  '.cm-button:active': { backgroundImage: 'none', backgroundColor: 'var(--sunken)' },
  '.cm-panel :focus-visible': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
});

const kPhrases = {
  next: 'Next', previous: 'Previous', all: 'Select all', replace: 'Replace', 'replace all': 'Replace all',
  'match case': 'Match case', regexp: 'Regular expression', 'by word': 'Whole words',
};

// What every editor of the page has, for files and for merges alike.
export function commonExtensions(): Extension[] {
  return [
    // The text holds "\n" between lines whatever the file has; a stray \r is a character, and shown.
    EditorState.lineSeparator.of('\n'),
    // Files that are dropped on it are uploads, as everywhere on the page, and no text to insert.
    EditorView.domEventHandlers({ drop: event => event.dataTransfer?.types.includes('Files') ?? false }),
    EditorView.clipboardInputFilter.of(text => text.replace(/\r\n?/g, '\n')),
    // What scrolls must be reached by keys; that an edited element is, not every checker sees.
    EditorView.contentAttributes.of({ tabindex: '0' }),
    EditorState.phrases.of(kPhrases), lineNumbers(), highlightSpecialChars(), drawSelection(), EditorState.allowMultipleSelections.of(true),
    syntaxHighlighting(colors), bracketMatching(), theme,
  ];
}

function extensionsOf(file: OpenFile): Extension[] {
  return [
    commonExtensions(),
    highlightActiveLineGutter(), highlightActiveLine(), history(), dropCursor(), rectangularSelection(), crosshairCursor(),
    indentOnInput(), closeBrackets(), highlightSelectionMatches(), search({ top: true }),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
    EditorState.readOnly.of(file.readOnly !== ''),
    language.of([]),
    wrapping.of(wrapExtension()),
    naming.of(nameExtension(file.path)),
    EditorView.updateListener.of(update => {
      file.state = markRaw(update.state);
      if (!update.docChanged) return;
      file.revision += 1;
      file.told = '';
      judge(file);
    }),
  ];
}

export function wrapExtension(): Extension {
  return wrapsLines.value ? EditorView.lineWrapping : [];
}
export function nameExtension(path: string): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': `Text of ${visibleName(nameOf(path))}`, spellcheck: 'false' });
}

// The editor that shows a file now.
const views = new Map<OpenFile, EditorView>();

export function shownBy(file: OpenFile, view: EditorView | undefined): void {
  if (view) views.set(file, view);
  else views.delete(file);
}

function apply(file: OpenFile, spec: TransactionSpec): void {
  const view = views.get(file);
  if (view) view.dispatch(spec);
  else if (file.state) file.state = markRaw(file.state.update(spec).state);
}

// The state of its text, made when it is first shown.
export function stateOf(file: OpenFile): EditorState {
  if (!file.state) {
    const state = EditorState.create({ doc: file.saved, extensions: extensionsOf(file) });
    file.state = markRaw(state);
    file.savedDoc = markRaw(state.doc);
    void setLanguage(file);
  }
  return file.state!;
}

// Again after a rename.
export async function setLanguage(file: OpenFile): Promise<void> {
  const extension = await loadLanguage(nameOf(file.path)).catch(() => []);
  apply(file, { effects: language.reconfigure(extension) });
}

// Another text in its place, as one change that can be undone.
export function replaceText(file: OpenFile, text: string): void {
  if (!file.state) return;
  const change = changeBetween(file.state.sliceDoc(), text);
  if (change.from === change.to && !change.insert) return;
  apply(file, { changes: change, userEvent: 'set' });
}
