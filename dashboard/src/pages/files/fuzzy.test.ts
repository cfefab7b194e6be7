import { expect, test } from 'vitest';

import { bestOf } from './fuzzy';

const paths = ['docs/guide.md', 'src/gateway/routes_files.cc', 'src/gateway/routes_files_test.cc', 'src/main.cc', 'README.md'];

test('the name counts more than the folders', () => {
  expect(bestOf(paths, 'main', 5)[0]).toBe('src/main.cc');
  expect(bestOf(paths, 'routes_files', 5)[0]).toBe('src/gateway/routes_files.cc');
  expect(bestOf(paths, 'g/rf', 1)[0]).toBe('src/gateway/routes_files.cc');
  expect(bestOf(paths, 'read me', 1)[0]).toBe('README.md');
});

test('nothing is found for letters that are not there; everything for none', () => {
  expect(bestOf(paths, 'zzz', 5)).toEqual([]);
  expect(bestOf(paths, '', 2)).toEqual(paths.slice(0, 2));
});
