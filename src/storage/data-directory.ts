// The layout of DATA_DIR, and its lock against a second process. Runs on the main thread.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DirectoryLock, lockDirectory } from './directory-lock.js';
import { makeDirectoryDurable, removeDurable } from './files.js';

/** The paths of one collection. */
export interface CollectionPaths {
  root: string;
  points: string;
  segments: string;
  generations: string;
}

const ID = /^[a-z0-9][a-z0-9-]{0,63}$/;

export class DataDirectory {
  readonly path: string;
  readonly #lock: DirectoryLock;

  private constructor(path: string, lock: DirectoryLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates the directory where it is missing, and locks it.
   * @throws data_directory_in_use when another process has it
   */
  static async open(path: string): Promise<DataDirectory> {
    await makeDirectoryDurable(join(path, 'collections'));
    return new DataDirectory(path, await lockDirectory(path));
  }

  get catalogPath(): string {
    return join(this.path, 'catalog');
  }

  /** @throws RangeError for an id that could lead out of the directory */
  collection(id: string): CollectionPaths {
    if (!ID.test(id)) throw new RangeError('a collection id has only a-z, 0-9 and -');
    const root = join(this.path, 'collections', id);
    return {
      root,
      points: join(root, 'points'),
      segments: join(root, 'segments'),
      generations: join(root, 'generations'),
    };
  }

  generationPath(id: string, generation: number): string {
    if (!Number.isSafeInteger(generation) || generation < 0) throw new RangeError(`generation ${generation}`);
    return join(this.collection(id).generations, String(generation));
  }

  /** Ids of all collection directories, also those that the catalog does not know. */
  async collectionIds(): Promise<string[]> {
    const entries = await readdir(join(this.path, 'collections'), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && ID.test(entry.name)).map((entry) => entry.name);
  }

  /** Creates the directories of a new collection, durably. */
  async createCollection(id: string): Promise<CollectionPaths> {
    const paths = this.collection(id);
    for (const path of [paths.points, paths.segments, paths.generations]) await makeDirectoryDurable(path);
    return paths;
  }

  /** Removes a collection's files, after the catalog has forgotten it: a crash half-way leaves only an unknown directory. */
  async removeCollection(id: string): Promise<void> {
    await removeDurable(this.collection(id).root);
  }

  /** Numbers of the generations that are there, whole or not, in ascending order. */
  async generations(id: string): Promise<number[]> {
    const names = await readdir(this.collection(id).generations);
    return names
      .filter((name) => /^\d{1,15}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async removeGeneration(id: string, generation: number): Promise<void> {
    await removeDurable(this.generationPath(id, generation));
  }

  /** Gives the lock back. */
  async close(): Promise<void> {
    await this.#lock.release();
  }
}
