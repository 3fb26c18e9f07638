// Writes payloads as JSON text straight into one piece, as a batch keeps them. Runs on any thread.

import type { PayloadColumn } from './payload-column.js';

const UTF8_BYTES_PER_UNIT_MAX = 3;
const FIRST_BYTES = 64 * 1024;

export class PayloadWriter {
  readonly #encoder = new TextEncoder();
  readonly #ends: number[] = [];
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #end = 0;

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#end;
  }

  /** Adds the payload of the next point: JSON text, or none; returns its bytes. */
  add(text: string | null): number {
    const written = text === null ? 0 : this.#write(text);
    this.#end += written;
    this.#ends.push(this.#end);
    return written;
  }

  /** Takes the last payload back. */
  drop(): void {
    this.#ends.pop();
    this.#end = this.#ends.at(-1) ?? 0;
  }

  finish(): PayloadColumn {
    return { bytes: this.#bytes.slice(0, this.#end), ends: Uint32Array.from(this.#ends) };
  }

  #write(text: string): number {
    this.#reserve(text.length * UTF8_BYTES_PER_UNIT_MAX);
    return this.#encoder.encodeInto(text, this.#bytes.subarray(this.#end)).written;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(FIRST_BYTES, this.#end + count, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}
