// A map of any size: one Map of V8 takes 2^24 entries, and throws at the next. Runs on any thread.

const MAP_ENTRIES_MAX = 2 ** 24;

export class LargeMap<K, V> {
  readonly #maps: Map<K, V>[] = [new Map()];
  readonly #entriesMax: number;

  /** `entriesMax`: of one part. */
  constructor(entriesMax = MAP_ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#maps.reduce((sum, { size }) => sum + size, 0);
  }

  has(key: K): boolean {
    return this.#mapOf(key) !== undefined;
  }

  /** No value is undefined. */
  get(key: K): V | undefined {
    for (const map of this.#maps) {
      const value = map.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  set(key: K, value: V): void {
    (this.#mapOf(key) ?? this.#mapWithRoom()).set(key, value);
  }

  delete(key: K): void {
    this.#mapOf(key)?.delete(key);
  }

  clear(): void {
    this.#maps.splice(0, this.#maps.length, new Map());
  }

  forEach(visit: (value: V, key: K) => void): void {
    for (const map of this.#maps) map.forEach(visit);
  }

  #mapOf(key: K): Map<K, V> | undefined {
    for (const map of this.#maps) if (map.has(key)) return map;
    return undefined;
  }

  #mapWithRoom(): Map<K, V> {
    let map = this.#maps.find(({ size }) => size < this.#entriesMax);
    if (map === undefined) {
      map = new Map();
      this.#maps.push(map);
    }
    return map;
  }
}
