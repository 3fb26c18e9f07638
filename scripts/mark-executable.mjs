// Makes the compiled command one that `npx coppice` can run: tsc writes files without that right.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

chmodSync(join(import.meta.dirname, '..', 'dist', 'src', 'main.js'), 0o755);
