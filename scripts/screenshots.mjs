// `npm run screenshots [-- --agents=6|50|2000 …]`: every page of the dashboard, light, dark and as a phone shows it, into
// `.omoi/screenshots/AGENTS/`; of the demo, which has 6 agents, where no number is named.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  buildDashboard,
  buildServer,
  checkoutDirectory,
  installPackages,
  pinnedNode,
  sourceFlags,
} from './checkout.mjs';

await installPackages();
await buildDashboard();
await buildServer();
const script = join(checkoutDirectory, 'tests/browser/screenshots.ts');
const result = spawnSync(pinnedNode, [...sourceFlags, script, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
