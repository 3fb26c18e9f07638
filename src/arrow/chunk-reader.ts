// Reads so many bytes from chunks of any size. Runs on any thread.

export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** A copy of the next bytes on a buffer of its own; fewer than `count` only where the chunks end. */
  async read(count: number): Promise<Uint8Array> {
    // Not filled with zeros: memory is taken only as bytes come, so a claimed length alone costs nothing.
    const bytes = Buffer.allocUnsafeSlow(count);
    let filled = 0;
    while (filled < count) {
      if (this.#rest.length === 0 && !(await this.#next())) break;
      const part = this.#rest.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return new Uint8Array(bytes.buffer, 0, filled);
  }

  /** The next bytes, which `read` will give again. */
  async peek(count: number): Promise<Uint8Array> {
    const bytes = await this.read(count);
    this.#rest = Buffer.concat([bytes, this.#rest]);
    return bytes;
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}
