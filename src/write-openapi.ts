// Writes openapi/openapi.json from the routes: run by `npm run openapi`. Needs no store and opens no port.

import { mkdir, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { buildApp } from './app.js';
import { loadConfig } from './config.js';

const target = new URL('../../openapi/openapi.json', import.meta.url);

const app = await buildApp({
  config: loadConfig({}),
  collections: undefined,
  log: pino({ level: 'silent' }),
});
await mkdir(new URL('.', target), { recursive: true });
await writeFile(target, `${JSON.stringify(app.swagger(), null, 2)}\n`);
await app.close();
