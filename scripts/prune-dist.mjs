// Removes compiled files whose source is gone: tsc leaves them behind, and the test runner would go on running them.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

for (const folder of ['src', 'test', 'bench']) {
  const compiled = join(dist, folder);
  if (!existsSync(compiled)) continue;
  for (const name of readdirSync(compiled, { recursive: true, encoding: 'utf8' })) {
    const stem = /^(.+)\.js(?:\.map)?$/.exec(name)?.[1];
    if (stem !== undefined && !existsSync(join(root, folder, `${stem}.ts`))) rmSync(join(compiled, name));
  }
}
