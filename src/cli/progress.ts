// How far an import is: a bar on a terminal, else a line now and then. Command line.

import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

const LINE_INTERVAL_MS = 5000;

export interface Progress {
  /** Adds points stored, and the bytes of the input they were made of. */
  add(points: number, inputBytes: number): void;
  /** A line beside the progress. */
  note(text: string): void;
  stop(): void;
}

export interface ProgressOptions {
  output: Writable & { isTTY?: boolean };
  /** Of the whole input; undefined where it is not known. */
  inputBytes: number | undefined;
}

export function startProgress({ output, inputBytes }: ProgressOptions): Progress {
  return output.isTTY === true ? barProgress(output, inputBytes) : lineProgress(output, inputBytes);
}

/** "12,345 points, 6,789 points/s" */
export function rateText(points: number, seconds: number): string {
  return `${thousands(points)} points, ${thousands(points / seconds)} points/s`;
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

class Count {
  points = 0;
  bytes = 0;
  readonly #startedMs = performance.now();

  add(points: number, bytes: number): void {
    this.points += points;
    this.bytes += bytes;
  }

  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** Until all is stored, by the bytes; undefined while that cannot be told. */
  secondsLeft(inputBytes: number | undefined): number | undefined {
    if (inputBytes === undefined || this.bytes === 0) return undefined;
    return Math.max(0, (this.seconds * (inputBytes - this.bytes)) / this.bytes);
  }

  text(inputBytes: number | undefined): string {
    const left = this.secondsLeft(inputBytes);
    return `${rateText(this.points, this.seconds)}${left === undefined ? '' : `, ${Math.ceil(left)} s left`}`;
  }
}

function barProgress(output: Writable, inputBytes: number | undefined): Progress {
  const count = new Count();
  const format = inputBytes === undefined ? '{text}' : '{bar} {percentage} %  {text}';
  const bar = new SingleBar(
    { format, stream: output as NodeJS.WritableStream, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(inputBytes ?? 1, 0, { text: '' });
  return {
    add(points, bytes) {
      count.add(points, bytes);
      bar.update(inputBytes === undefined ? 0 : Math.min(count.bytes, inputBytes), {
        text: count.text(inputBytes),
      });
    },
    note(text) {
      bar.update({ text });
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(output: Writable, inputBytes: number | undefined): Progress {
  const count = new Count();
  let shownSeconds = 0;
  return {
    add(points, bytes) {
      count.add(points, bytes);
      if ((count.seconds - shownSeconds) * 1000 < LINE_INTERVAL_MS) return;
      shownSeconds = count.seconds;
      output.write(`${count.text(inputBytes)}\n`);
    },
    note(text) {
      output.write(`${text}\n`);
    },
    stop() {},
  };
}
