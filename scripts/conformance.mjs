// `npm run conformance -- SUITE [ARGS]` runs tests/conformance/SUITE/run.ts under the pinned runtime.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutDirectory, installPackages, pinnedNode, sourceFlags } from './checkout.mjs';

const [suite, ...args] = process.argv.slice(2);
const file = join(checkoutDirectory, `tests/conformance/${suite}/run.ts`);
if (suite === undefined || !existsSync(file)) {
  process.stderr.write('usage: npm run conformance -- promql|alertmanager|rules [DIRECTORY] [--verbose]\n');
  process.exit(2);
}
await installPackages();
const result = spawnSync(pinnedNode, [...sourceFlags, file, ...args], { stdio: 'inherit' });
process.exitCode = result.status ?? 1;
