// Reads full vectors of single points on the main thread, wherever the row is: in a slot or among the appended rows.
// For a handful of rows; scans belong to the workers.

import { crc32c } from '@node-rs/crc32';
import { loadVector } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import type { PointRecord } from '../storage/points-store.js';
import { VectorReader, type VectorsDescriptor } from '../storage/vectors.js';
import type { LiveView } from './views.js';

interface Readers {
  rows: VectorReader;
  slots: VectorReader | null;
}

export class StoredVectors {
  /** Maps are opened once for a view and go with it. */
  readonly #readers = new WeakMap<VectorsDescriptor, VectorReader>();

  /** The row's vector. @throws RangeError for a row that the view does not hold. */
  read(live: LiveView, row: number): Float32Array {
    return loadVector(this.#stored(live, row), live.view.vectors);
  }

  /** Its stored bytes, without a copy. */
  #stored(live: LiveView, row: number): Uint8Array {
    const { rows, slots } = this.#of(live);
    if (row >= live.view.rowBase) return rows.get(row);
    const slot = live.served.slotOf(row);
    if (slot === undefined || slots === null)
      throw new RangeError(`row ${row} is not in generation ${live.served.number}`);
    return slots.get(slot);
  }

  /** A point's vector, checked against the point's record. @throws storage_corrupt */
  readPoint(live: LiveView, record: PointRecord): Float32Array {
    const stored = this.#stored(live, record.row);
    if (crc32c(stored) === record.vectorChecksum) return loadVector(stored, live.view.vectors);
    throw new ServiceError('storage_corrupt', {
      path: live.view.key,
      reason: `the vector of row ${record.row} does not fit the checksum of its point`,
    });
  }

  #of({ view }: LiveView): Readers {
    return {
      rows: this.#reader(view.vectors),
      slots: view.leafVectors && this.#reader(view.leafVectors),
    };
  }

  #reader(descriptor: VectorsDescriptor): VectorReader {
    let reader = this.#readers.get(descriptor);
    if (!reader) {
      reader = new VectorReader(descriptor);
      this.#readers.set(descriptor, reader);
    }
    return reader;
  }
}
