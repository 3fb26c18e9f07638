// The RAM of this process as Linux counts it. Main thread.

import { readFile } from 'node:fs/promises';

/** `anonymous` is what nothing can take back; `file` is mapped files, which give way. */
export type ProcessMemoryKind = 'anonymous' | 'file' | 'shared';

const LINES = { anonymous: 'RssAnon', file: 'RssFile', shared: 'RssShmem' } as const;

/** Resident bytes of each kind; empty on other systems. */
export async function readProcessMemory(): Promise<{ kind: ProcessMemoryKind; bytes: number }[]> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return (Object.keys(LINES) as ProcessMemoryKind[]).flatMap((kind) => {
    const kibibytes = new RegExp(`^${LINES[kind]}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kibibytes === undefined ? [] : [{ kind, bytes: Number(kibibytes) * 1024 }];
  });
}
