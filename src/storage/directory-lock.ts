// A lock file that keeps a second process out of a directory. Runs on the main thread.

import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import { ServiceError } from '../errors.js';
import { isSystemError } from './files.js';

const ATTEMPTS = 3;

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Who holds a lock. A pid alone is used again after a restart; with the start time it names one process. */
interface Owner {
  pid: number;
  /** Boot of the machine and clock tick of the process's start; empty where the system does not tell. */
  started: string;
}

/**
 * Takes the lock, also one whose owner is no longer alive.
 * @throws data_directory_in_use
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'lock');
  // The file is linked into place with its content: nobody ever sees it empty.
  const own = `${path}.${pid}`;
  await writeFile(own, JSON.stringify({ pid, started: await startOf(pid) } satisfies Owner));
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await link(own, path);
        return { release: () => rm(path, { force: true }) };
      } catch (error) {
        if (!isSystemError(error, 'EEXIST')) throw error;
      }
      const owner = await readOwner(path);
      if (owner === undefined) continue;
      if (attempt === ATTEMPTS || (await isAlive(owner))) {
        throw new ServiceError('data_directory_in_use', { path: directory, pid: owner.pid });
      }
      await rm(path, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** Undefined when the lock has just been given back. An unreadable file is a lock without a living owner. */
async function readOwner(path: string): Promise<Owner | undefined> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const { pid: owner, started } = JSON.parse(content) as Partial<Owner>;
    if (Number.isSafeInteger(owner) && typeof started === 'string') return { pid: owner as number, started };
  } catch {
    // Not JSON: falls through.
  }
  return { pid: 0, started: '' };
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.pid <= 0) return false;
  try {
    kill(owner.pid, 0);
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return false;
    if (!isSystemError(error, 'EPERM')) throw error;
  }
  const started = await startOf(owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/** From Linux's /proc; elsewhere empty, and the pid alone decides. */
async function startOf(processId: number): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${processId}/stat`, 'utf8');
    // The name of the program, in parentheses, may hold spaces: count from behind it. Field 22 is the start.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? '' : `${boot.trim()}/${ticks}`;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH')) return '';
    throw error;
  }
}
