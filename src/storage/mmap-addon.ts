// The addon of mmap-io, for the modules that know it: mapped-file.ts and huge-pages.ts. Runs on any thread.

import { createRequire } from 'node:module';
import type mmapModule from 'mmap-io';

// The types of mmap-io speak of an ES module; what is loaded is the object itself.
export const mmap = loadAddon();

/**
 * The package looks its addon up by way of its installer, 300 files that every thread would load at its start: a
 * seventh of a second. Where the addon is not in its usual place the package itself is asked.
 */
function loadAddon(): typeof mmapModule.default {
  const require = createRequire(import.meta.url);
  const { platform, arch, versions } = process;
  const folder = `node-v${versions.modules}-${platform}-${arch}`;
  try {
    return require(`mmap-io/build/binding/Release/${folder}/mmap_io.node`);
  } catch {
    return require('mmap-io');
  }
}
