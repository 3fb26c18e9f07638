// Durable file operations: full writes, fsync of files and directories, disk usage. Runs on any thread.

import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** True for an error of the operating system with one of these codes (`ENOENT`, `ENOSPC`, ...). */
export function isSystemError(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** What went wrong, in words that may leave the service: messages of the operating system's errors name files. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && 'syscall' in error ? `${error.code} in ${error.syscall}` : error.message;
}

/** Writes all bytes at a file position; a short write is continued, as POSIX allows one at any time. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** Fills `target` from a file position. Returns how many bytes there were: fewer only at the end of the file. */
export async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const { bytesRead } = await file.read(target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Makes the names in a directory durable: creations, renames and removals before this call survive a power loss. */
export async function fsyncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Creates a directory and the missing ones above it, each made durable in its parent. */
export async function makeDirectoryDurable(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let created = path; ; created = dirname(created)) {
    await fsyncDirectory(dirname(created));
    if (created === first || created === dirname(created)) return;
  }
}

/**
 * Replaces a file as a whole: after a crash there is the old content or the new one, never a mixture.
 * Another writer of the same path at the same time is a defect of the caller.
 */
export async function writeFileDurable(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    let position = 0;
    for (const part of parts) {
      await writeFully(file, part, position);
      position += part.byteLength;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await fsyncDirectory(dirname(path));
}

/** Removes a file or a directory with all in it, durably. A path that is not there is no error. */
export async function removeDurable(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await fsyncDirectory(dirname(path));
}

/** Bytes that a directory occupies on the disk, in blocks really allocated; files that vanish meanwhile count 0. */
export async function directoryBytes(path: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdirIfThere(path)) {
    const child = join(path, entry.name);
    bytes += entry.isDirectory() ? await directoryBytes(child) : await allocatedBytes(child);
  }
  return bytes;
}

/** Bytes an unprivileged process may still write to the file system of `path`. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

async function readdirIfThere(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

async function allocatedBytes(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * 512;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 0;
    throw error;
  }
}
