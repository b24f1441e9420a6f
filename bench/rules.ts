// npm run bench -- rules: what an evaluation on arrival costs, how soon an alert is committed, and how long a reload of
// many rules holds the event loop.
import { measureReload } from './rules/measure-reload.ts';
import { measureRule } from './rules/measure-rule.ts';

console.log(JSON.stringify({ ...(await measureRule()), ...(await measureReload()) }, null, 2));
