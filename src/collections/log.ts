// What the engine needs of a logger; pino's fits. Runs on any thread.

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
