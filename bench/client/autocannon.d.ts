// What the benchmarks use of autocannon, which has no types of its own.

declare module 'autocannon' {
  interface Options {
    url: string;
    method: 'POST';
    headers: Record<string, string>;
    connections: number;
    /** Seconds. */
    duration?: number;
    /** Requests in all, instead of a duration. */
    amount?: number;
    /** Is given each connection before it is used. */
    setupClient(client: NodeJS.EventEmitter): void;
    /** Sent in turn by each connection. */
    requests: { body: string }[];
  }

  interface Result {
    requests: { average: number };
    latency: { p50: number; p99: number };
    non2xx: number;
    errors: number;
  }

  export default function autocannon(options: Options): Promise<Result>;
}
