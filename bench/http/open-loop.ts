// Load at a given rate: requests leave when their time has come, whether or not earlier ones are answered. (autocannon's
// `overallRate` sends the requests of each second as fast as it can and then pauses, which is full load half of the time.)

import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { seededRandom } from '../../src/index/random.js';

const HEADERS_END = '\r\n\r\n';
const OK = /^HTTP\/1\.1 200 /;
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
const SEED = 1;

export interface OpenLoopOptions {
  origin: string;
  path: string;
  bodies: string[];
  /** Requests a second, at random moments (a Poisson process, the same in each run). */
  rate: number;
  seconds: number;
}

/** Milliseconds from each request's sending to the end of its reply. @throws on a reply that is no 200 */
export async function openLoop({ origin, path, bodies, rate, seconds }: OpenLoopOptions): Promise<number[]> {
  const { hostname, port, host } = new URL(origin);
  const requests = bodies.map((body) => {
    const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
    return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}${HEADERS_END}${body}`);
  });
  const random = seededRandom(SEED);
  const idle: Connection[] = [];
  const all: Connection[] = [];
  const latencies: number[] = [];
  const answers: Promise<void>[] = [];
  const send = async (request: Buffer) => {
    let connection = idle.pop();
    if (connection === undefined) {
      connection = new Connection(hostname, Number(port));
      all.push(connection);
      await connection.isOpen;
    }
    latencies.push(await connection.ask(request));
    idle.push(connection);
  };
  const startedMs = performance.now();
  let dueMs = startedMs;
  while (dueMs < startedMs + seconds * 1000) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    answers.push(send(requests[answers.length % requests.length] as Buffer));
    dueMs += (-Math.log(1 - random()) / rate) * 1000;
  }
  try {
    await Promise.all(answers);
  } finally {
    for (const connection of all) connection.close();
  }
  return latencies;
}

/** One kept connection with one request at a time. */
class Connection {
  readonly isOpen: Promise<void>;
  readonly #socket: Socket;
  #reply = '';
  #sentMs = 0;
  #settle: { resolve: (ms: number) => void; reject: (error: Error) => void } | undefined;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.isOpen = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve);
      this.#socket.once('error', reject);
    });
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error) => this.#settle?.reject(error));
  }

  ask(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#reply = '';
      this.#sentMs = performance.now();
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#reply += text;
    const headersEnd = this.#reply.indexOf(HEADERS_END);
    if (headersEnd < 0) return;
    const length = Number(CONTENT_LENGTH.exec(this.#reply)?.[1]);
    if (!OK.test(this.#reply)) this.#settle?.reject(new Error(`no 200: ${this.#reply}`));
    else if (this.#reply.length >= headersEnd + HEADERS_END.length + length) {
      this.#settle?.resolve(performance.now() - this.#sentMs);
    }
  }
}
