// Typed access to one LMDB environment; the only module that knows lmdb. Written on the main thread, read on others, too.

import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ServiceError } from '../errors.js';
import { freeBytes, isSystemError, makeDirectoryDurable } from './files.js';
import { checkLmdbFile, markLmdbFile } from './lmdb-file.js';

/** Values and text keys are bytes: LMDB's own key encoding cannot hold every string. */
type Key = string | number;

const DATA_FILE = 'data.mdb';

/** One named table of a store. Numeric keys are u32 and ordered by value, text keys by their UTF-8 bytes. */
export class Table<K extends Key> {
  readonly #database: Database<Buffer, Buffer | number>;
  readonly #path: string;
  readonly #isText: boolean;

  constructor(database: Database<Buffer, Buffer | number>, path: string, isText: boolean) {
    this.#database = database;
    this.#path = path;
    this.#isText = isText;
  }

  /** A copy of the value, as of the last commit. @throws storage_corrupt */
  get(key: K): Uint8Array | undefined {
    const value = reading(this.#path, () => this.#database.getBinary(this.#encode(key)));
    return value && plainBytes(value);
  }

  /** @throws storage_corrupt */
  has(key: K): boolean {
    return reading(this.#path, () => this.#database.doesExist(this.#encode(key)));
  }

  /** Lazy; sees the state of the moment it starts. `after` leaves out everything up to that key. @throws storage_corrupt */
  *entries(after?: K): Generator<[key: K, value: Uint8Array]> {
    const from = after === undefined ? {} : { start: this.#encode(after), exclusiveStart: true };
    const range = reading(this.#path, () => this.#database.getRange(from)[Symbol.iterator]());
    try {
      for (;;) {
        const next = reading(this.#path, () => range.next());
        if (next.done) return;
        yield [this.#decode(next.value.key), plainBytes(next.value.value)];
      }
    } finally {
      // Closes the read transaction when the caller stops early.
      range.return?.();
    }
  }

  /**
   * Only inside `Store.commit`, whose promise stands for this one. The value must not change until that is done. A text
   * key may be given as the UTF-8 bytes of it, which is faster.
   */
  put(key: K | Uint8Array, value: Uint8Array): void {
    void this.#database.put(this.#encode(key), value as Buffer);
  }

  /** Only inside `Store.commit`. */
  remove(key: K | Uint8Array): void {
    void this.#database.remove(this.#encode(key));
  }

  #encode(key: K | Uint8Array): Buffer | number {
    return typeof key === 'string' ? Buffer.from(key) : (key as Buffer | number);
  }

  #decode(key: Buffer | number): K {
    return (this.#isText ? key.toString() : key) as K;
  }
}

export class Store {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #path: string;
  /** Why commits are stopped; null while they are not. */
  #failure: string | null = null;

  constructor(root: RootDatabase<Buffer, Buffer>, path: string) {
    this.#root = root;
    this.#path = path;
  }

  textTable(name: string): Table<string> {
    const options = { name, encoding: 'binary', keyEncoding: 'binary' } as const;
    return new Table(
      reading(this.#path, () => this.#root.openDB<Buffer, Buffer>(options)),
      this.#path,
      true,
    );
  }

  /** Keys are u32. */
  numberTable(name: string): Table<number> {
    const options = { name, encoding: 'binary', keyEncoding: 'uint32' } as const;
    return new Table(
      reading(this.#path, () => this.#root.openDB<Buffer, number>(options)),
      this.#path,
      false,
    );
  }

  /**
   * Applies the puts and removals that `write` makes as one transaction; resolves when it is on the disk, and not
   * before. Commits made while another one is written share a flush. `write` must not throw half-way.
   * After an error nothing of it is visible.
   * @throws disk_full; writes_stopped when the disk failed, and ever after: what it kept is unknown then
   */
  async commit(write: () => void): Promise<void> {
    if (this.#failure !== null) throw new ServiceError('writes_stopped', { reason: this.#failure });
    try {
      await this.#root.batch(write);
      await this.#root.flushed;
    } catch (error) {
      const cause = await commitCause(error);
      if (isDiskFull(cause))
        throw new ServiceError('disk_full', { free: await freeBytes(this.#path), reserve: 0 });
      this.#failure ??= cause instanceof Error ? cause.message : String(cause);
      throw new ServiceError('writes_stopped', { reason: this.#failure });
    }
  }

  /** Reads from now on see every commit that has been made, also by other threads. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  async diskBytes(): Promise<number> {
    return (await stat(join(this.#path, DATA_FILE))).blocks * 512;
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

/**
 * Opens the environment in a directory, creating both when they are not there.
 * @throws storage_corrupt when the file is damaged at its head, or missing although it was there before
 */
export async function openStore(path: string): Promise<Store> {
  await makeDirectoryDurable(path);
  const file = join(path, DATA_FILE);
  const isMarked = await checkLmdbFile(file);
  const root = reading(path, () => open<Buffer, Buffer>(environment(path)));
  if (!isMarked) await markLmdbFile(file);
  return new Store(root, path);
}

/** An environment that this process has open already, on another thread, which is the one that writes. */
export function openReader(path: string): Store {
  const root = reading(path, () => open<Buffer, Buffer>({ ...environment(path), readOnly: true }));
  return new Store(root, path);
}

function environment(path: string) {
  return {
    path,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    // Each commit is on the disk before its promise resolves, and a failed flush rejects it. With overlapping
    // flushes a failure would leave `flushed` pending for ever.
    overlappingSync: false,
    // Each commit is a batch of its own. The batches of a turn that lmdb would make around them have a promise that
    // nobody can reach: when a commit fails, its rejection would end the process.
    eventTurnBatching: false,
  } as const;
}

/** Without the methods of a Buffer, whose `slice` is another one than that of a Uint8Array. */
function plainBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Whatever LMDB throws on reading is damage of its file: there is nothing else to go wrong. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error) || isSystemError(error, 'EMFILE', 'ENOMEM', 'EACCES')) throw error;
    throw new ServiceError('storage_corrupt', { path: join(path, DATA_FILE), reason: error.message });
  }
}

/** lmdb hides the reason of a failed commit in a promise of its own, which must be looked at in any case. */
async function commitCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

/** LMDB gives the number of the operating system's error. */
function isDiskFull(error: unknown): boolean {
  const { ENOSPC, EDQUOT, EFBIG } = constants.errno;
  return error instanceof Error && 'code' in error && [ENOSPC, EDQUOT, EFBIG].includes(Number(error.code));
}
