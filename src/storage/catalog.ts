// The names and settings of all collections, in LMDB. Runs on the main thread.

import type { Precision } from '../contract/index-settings.js';
import { ServiceError } from '../errors.js';
import { decodeJson, encodeJson } from './checked-json.js';
import { openStore, type Store, type Table } from './lmdb.js';

/** What a collection was created with; it does not change later. `Index` is data that JSON can carry. */
export interface CatalogEntry<Index = unknown> {
  /** Names its directory; not the client's to choose. */
  id: string;
  name: string;
  dimension: number;
  metric: 'l2' | 'cosine' | 'dot';
  precision: Precision;
  index: Index;
  /** ISO 8601, UTC. */
  createdAt: string;
}

export class Catalog<Index = unknown> {
  readonly #store: Store;
  readonly #path: string;
  readonly #collections: Table<string>;

  private constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = path;
    this.#collections = store.textTable('collections');
  }

  /** @throws storage_corrupt */
  static async open<Index = unknown>(path: string): Promise<Catalog<Index>> {
    return new Catalog<Index>(await openStore(path), path);
  }

  /** In the byte order of names. @throws storage_corrupt */
  list(): CatalogEntry<Index>[] {
    return Array.from(this.#collections.entries(), ([name, bytes]) => this.#decode(name, bytes));
  }

  /** @throws storage_corrupt */
  get(name: string): CatalogEntry<Index> | undefined {
    const bytes = this.#collections.get(name);
    return bytes && this.#decode(name, bytes);
  }

  /** Resolves when the entry is on the disk. */
  async put(entry: CatalogEntry<Index>): Promise<void> {
    const bytes = encodeJson(entry);
    await this.#store.commit(() => this.#collections.put(entry.name, bytes));
  }

  /** Resolves when the removal is on the disk; a name that is not there is no error. */
  async remove(name: string): Promise<void> {
    await this.#store.commit(() => this.#collections.remove(name));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #decode(name: string, bytes: Uint8Array): CatalogEntry<Index> {
    const entry = decodeJson(bytes) as CatalogEntry<Index> | undefined;
    // Entries of before there was a choice have none.
    if (entry?.name === name) return { ...entry, precision: entry.precision ?? 'float32' };
    throw new ServiceError('storage_corrupt', {
      path: this.#path,
      reason: `the entry of collection ${name} does not fit its checksum`,
    });
  }
}
