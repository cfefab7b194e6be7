import { expect, test } from 'vitest';

import { languageOf, loadLanguage } from './languages';

test('a language by the ending or by the whole name', () => {
  expect([languageOf('a.cc'), languageOf('A.MD'), languageOf('Dockerfile'), languageOf('CMakeLists.txt'), languageOf('x.tar.gz'), languageOf('cc'), languageOf('a.constructor')])
    .toEqual(['cpp', 'markdown', 'dockerfile', 'cmake', '', '', '']);
});

test('every language that a name can mean can be loaded', async () => {
  for (const name of ['a.clj', 'a.cmake', 'a.c', 'a.cs', 'a.css', 'a.diff', 'Dockerfile', 'a.go', 'a.gradle', 'a.html', 'a.java', 'a.js', 'a.json', 'a.jsx', 'a.kt', 'a.lua', 'a.md', 'nginx.conf', 'a.pl', 'a.ps1', 'a.ini', 'a.proto', 'a.py', 'a.r', 'a.rb', 'a.rs', 'a.scala', 'a.sh', 'a.sql', 'a.swift', 'a.toml', 'a.tsx', 'a.ts', 'a.wat', 'a.xml', 'a.yaml'])
    expect(await loadLanguage(name), name).not.toEqual([]);
  expect(await loadLanguage('a.unknown')).toEqual([]);
});
