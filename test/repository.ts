// The checkout that the tests run from, for tests about its files. Compiled tests stand in dist/test/.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is made, fetched or written by a run, and so follows no house rule. */
const GENERATED = new Set([
  'node_modules',
  'dist',
  'data',
  'coverage',
  '.git',
  '.tap',
  '.cache',
  'generated',
]);

/** Text of one file of the repository, path from its root. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Paths of all files under a folder ('' is the root) that end in one of `endings`, with '/' between parts. */
export function filesIn(folder: string, ...endings: string[]): string[] {
  const found: string[] = [];
  const visit = (relative: string): void => {
    for (const entry of readdirSync(join(ROOT, relative), { withFileTypes: true })) {
      const path = join(relative, entry.name).replaceAll(sep, '/');
      if (entry.isDirectory() && !GENERATED.has(entry.name)) visit(path);
      else if (entry.isFile() && endings.some((ending) => path.endsWith(ending))) found.push(path);
    }
  };
  visit(folder);
  return found.sort();
}
