// `npm run bench -- NAME [ARGS]` runs bench/NAME.ts under the pinned runtime.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutDirectory, installPackages, pinnedNode, sourceFlags } from './checkout.mjs';

const [name, ...args] = process.argv.slice(2);
const file = join(checkoutDirectory, `bench/${name}.ts`);
if (name === undefined || !existsSync(file)) {
  const known = readdirSync(join(checkoutDirectory, 'bench'))
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => entry.slice(0, -'.ts'.length));
  process.stderr.write(`usage: npm run bench -- NAME [--json]\nknown: ${known.join(', ')}\n`);
  process.exit(2);
}
await installPackages();
const result = spawnSync(pinnedNode, [...sourceFlags, '--expose-gc', file, ...args], { stdio: 'inherit' });
process.exitCode = result.status ?? 1;
