// The version of this build, from package.json. Any thread.

import { readFileSync } from 'node:fs';

/** dist/src/version.js and src/version.ts are not equally deep: the nearest package.json above is ours. */
function readVersion(): string {
  for (const above of ['../package.json', '../../package.json']) {
    const url = new URL(above, import.meta.url);
    try {
      const { name, version } = JSON.parse(readFileSync(url, 'utf8')) as { name?: string; version?: string };
      if (name === 'coppice' && version !== undefined) return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return '0.0.0';
}

export const VERSION = readVersion();
