// Which language a file is in, by its name; each is loaded when the first such file is opened.

import type { Extension } from '@codemirror/state';

const kByEnding = new Map(Object.entries({
  bash: 'shell', c: 'cpp', cc: 'cpp', cjs: 'javascript', clj: 'clojure', cmake: 'cmake', cpp: 'cpp', cs: 'csharp',
  css: 'css', cts: 'typescript', cxx: 'cpp', diff: 'diff', go: 'go', gradle: 'groovy', h: 'cpp', hh: 'cpp', hpp: 'cpp', htm: 'html',
  html: 'html', inc: 'cpp', ini: 'properties', java: 'java', js: 'javascript', json: 'json', jsonc: 'javascript', jsx: 'jsx',
  kt: 'kotlin', kts: 'kotlin', less: 'css', lua: 'lua', markdown: 'markdown', md: 'markdown', mjs: 'javascript', mts: 'typescript',
  patch: 'diff', pl: 'perl', pm: 'perl', properties: 'properties', proto: 'protobuf', ps1: 'powershell', py: 'python', pyi: 'python',
  r: 'r', rb: 'ruby', rs: 'rust', scala: 'scala', scss: 'css', sh: 'shell', sql: 'sql', svg: 'xml', swift: 'swift', toml: 'toml',
  ts: 'typescript', tsx: 'tsx', vue: 'html', wat: 'wast', xhtml: 'xml', xml: 'xml', yaml: 'yaml', yml: 'yaml', zsh: 'shell',
}));
const kByName = new Map(Object.entries({
  '.bashrc': 'shell', '.clang-format': 'yaml', '.clang-tidy': 'yaml', '.gitconfig': 'properties', '.profile': 'shell',
  '.zshrc': 'shell', 'cargo.lock': 'toml', 'cmakelists.txt': 'cmake', 'containerfile': 'dockerfile', 'dockerfile': 'dockerfile',
  'gemfile': 'ruby', 'jenkinsfile': 'groovy', 'nginx.conf': 'nginx', 'rakefile': 'ruby',
}));

// '' where no language is known.
export function languageOf(name: string): string {
  const lower = name.toLowerCase();
  return kByName.get(lower) ?? kByEnding.get(/\.([^.]+)$/.exec(lower)?.[1] ?? '') ?? '';
}

export function isMarkdown(name: string): boolean {
  return languageOf(name) === 'markdown';
}
export function isSvg(name: string): boolean {
  return /\.svg$/i.test(name);
}

// One of the older modes.
async function legacy(load: Promise<Record<string, unknown>>, mode: string): Promise<Extension> {
  const [{ StreamLanguage }, module] = await Promise.all([import('@codemirror/language'), load]);
  return StreamLanguage.define(module[mode] as Parameters<typeof StreamLanguage.define>[0]);
}

async function javascript(options: { jsx?: boolean; typescript?: boolean }): Promise<Extension> {
  return (await import('@codemirror/lang-javascript')).javascript(options);
}

const kLoaders: Record<string, () => Promise<Extension>> = {
  clojure: () => legacy(import('@codemirror/legacy-modes/mode/clojure'), 'clojure'),
  cmake: () => legacy(import('@codemirror/legacy-modes/mode/cmake'), 'cmake'),
  cpp: async () => (await import('@codemirror/lang-cpp')).cpp(),
  csharp: () => legacy(import('@codemirror/legacy-modes/mode/clike'), 'csharp'),
  css: async () => (await import('@codemirror/lang-css')).css(),
  diff: () => legacy(import('@codemirror/legacy-modes/mode/diff'), 'diff'),
  dockerfile: () => legacy(import('@codemirror/legacy-modes/mode/dockerfile'), 'dockerFile'),
  go: () => legacy(import('@codemirror/legacy-modes/mode/go'), 'go'),
  groovy: () => legacy(import('@codemirror/legacy-modes/mode/groovy'), 'groovy'),
  html: async () => (await import('@codemirror/lang-html')).html(),
  java: () => legacy(import('@codemirror/legacy-modes/mode/clike'), 'java'),
  javascript: () => javascript({}),
  json: async () => (await import('@codemirror/lang-json')).json(),
  jsx: () => javascript({ jsx: true }),
  kotlin: () => legacy(import('@codemirror/legacy-modes/mode/clike'), 'kotlin'),
  lua: () => legacy(import('@codemirror/legacy-modes/mode/lua'), 'lua'),
  markdown: async () => (await import('@codemirror/lang-markdown')).markdown(),
  nginx: () => legacy(import('@codemirror/legacy-modes/mode/nginx'), 'nginx'),
  perl: () => legacy(import('@codemirror/legacy-modes/mode/perl'), 'perl'),
  powershell: () => legacy(import('@codemirror/legacy-modes/mode/powershell'), 'powerShell'),
  properties: () => legacy(import('@codemirror/legacy-modes/mode/properties'), 'properties'),
  protobuf: () => legacy(import('@codemirror/legacy-modes/mode/protobuf'), 'protobuf'),
  python: async () => (await import('@codemirror/lang-python')).python(),
  r: () => legacy(import('@codemirror/legacy-modes/mode/r'), 'r'),
  ruby: () => legacy(import('@codemirror/legacy-modes/mode/ruby'), 'ruby'),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
  scala: () => legacy(import('@codemirror/legacy-modes/mode/clike'), 'scala'),
  shell: () => legacy(import('@codemirror/legacy-modes/mode/shell'), 'shell'),
  sql: () => legacy(import('@codemirror/legacy-modes/mode/sql'), 'standardSQL'),
  swift: () => legacy(import('@codemirror/legacy-modes/mode/swift'), 'swift'),
  toml: () => legacy(import('@codemirror/legacy-modes/mode/toml'), 'toml'),
  tsx: () => javascript({ jsx: true, typescript: true }),
  typescript: () => javascript({ typescript: true }),
  wast: () => legacy(import('@codemirror/legacy-modes/mode/wast'), 'wast'),
  xml: () => legacy(import('@codemirror/legacy-modes/mode/xml'), 'xml'),
  yaml: async () => (await import('@codemirror/lang-yaml')).yaml(),
};

export const kLanguages: readonly string[] = Object.keys(kLoaders);

// What makes an editor show it; nothing for a name of no known language.
export async function loadLanguage(name: string): Promise<Extension> {
  return (await kLoaders[languageOf(name)]?.()) ?? [];
}
