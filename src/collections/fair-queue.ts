// What waits for the search pool, and whose turn it is: of the collections that wait, the one that has had the least
// work done, and inside of it the lane that has (start-time fair queuing). Main thread.

/** Kinds of work that must not wait behind each other: a short search neither behind a batch nor behind long scans. */
export type Lane = 'search' | 'batch' | 'scan' | 'encode';

export interface Waiting {
  readonly collection: string;
  readonly lane: Lane;
  /** What it will take on a thread, estimated. */
  readonly costNs: number;
}

export class FairQueue<Entry extends Waiting> {
  readonly #collections = new Turns<CollectionQueue<Entry>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Entries of one collection. */
  sizeOf(collection: string): number {
    return this.#collections.get(collection)?.size ?? 0;
  }

  push(entry: Entry): void {
    const queue = this.#collections.join(entry.collection, () => new CollectionQueue<Entry>());
    queue.lanes.join(entry.lane, () => new LaneQueue<Entry>()).entries.push(entry);
    queue.size++;
    this.#size++;
  }

  /** Takes an entry out; false where it does not wait any more. */
  remove(entry: Entry): boolean {
    const queue = this.#collections.get(entry.collection);
    const entries = queue?.lanes.get(entry.lane)?.entries ?? [];
    const index = entries.indexOf(entry);
    if (queue === undefined || index < 0) return false;
    entries.splice(index, 1);
    queue.size--;
    this.#size--;
    this.#forget();
    return true;
  }

  /**
   * The entry whose turn it is and, in their order, those behind it in its lane that `fits` takes along: at most
   * `countMax` together, and no further one once they cost `costNsMax`. Empty where nothing waits.
   */
  take(
    countMax: number,
    costNsMax: number,
    fits: (head: Entry, other: Entry) => boolean,
  ): [Entry, ...Entry[]] | undefined {
    const queue = this.#collections.next();
    const lane = queue?.lanes.next();
    const head = lane?.entries[0];
    if (queue === undefined || lane === undefined || head === undefined) return undefined;
    const taken: [Entry, ...Entry[]] = [head];
    const left: Entry[] = [];
    let costNs = head.costNs;
    for (const entry of lane.entries.slice(1)) {
      if (taken.length < countMax && costNs + entry.costNs <= costNsMax && fits(head, entry)) {
        taken.push(entry);
        costNs += entry.costNs;
      } else {
        left.push(entry);
      }
    }
    lane.entries = left;
    queue.size -= taken.length;
    this.#size -= taken.length;
    queue.lanes.charge(head.lane, costNs);
    this.#collections.charge(head.collection, costNs);
    this.#forget();
    return taken;
  }

  /** Nobody waits: nobody has an advantage any more. */
  #forget(): void {
    if (this.#size === 0) this.#collections.clear();
  }
}

class CollectionQueue<Entry> {
  readonly lanes = new Turns<LaneQueue<Entry>>();
  size = 0;
}

class LaneQueue<Entry> {
  entries: Entry[] = [];

  get size(): number {
    return this.entries.length;
  }
}

interface Seat<Member> {
  member: Member;
  /** Where the member's next work begins on the common clock. */
  startNs: number;
}

/** Members that wait take turns: each one's start moves on by what it is charged, and the earliest start is next. */
class Turns<Member extends { readonly size: number }> {
  readonly #seats = new Map<string, Seat<Member>>();
  /** Start of what was taken last: a member that was away begins here, so that it has saved up nothing. */
  #nowNs = 0;

  get(key: string): Member | undefined {
    return this.#seats.get(key)?.member;
  }

  /** The member named so, about to wait. */
  join(key: string, make: () => Member): Member {
    const known = this.#seats.get(key);
    if (known !== undefined) return known.member;
    const member = make();
    this.#seats.set(key, { member, startNs: this.#nowNs });
    return member;
  }

  next(): Member | undefined {
    return this.#earliest()?.member;
  }

  charge(key: string, costNs: number): void {
    const seat = this.#seats.get(key) as Seat<Member>;
    this.#nowNs = Math.max(this.#nowNs, seat.startNs);
    seat.startNs += costNs;
    // Who is away and owes nothing is forgotten: it comes back at the clock of that moment.
    for (const [other, { member, startNs }] of this.#seats) {
      if (member.size === 0 && startNs <= this.#nowNs) this.#seats.delete(other);
    }
  }

  clear(): void {
    this.#seats.clear();
    this.#nowNs = 0;
  }

  #earliest(): Seat<Member> | undefined {
    let earliest: Seat<Member> | undefined;
    for (const seat of this.#seats.values()) {
      if (seat.member.size === 0) continue;
      if (earliest === undefined || seat.startNs < earliest.startNs) earliest = seat;
    }
    return earliest;
  }
}
