// npm run bench -- rules: what an evaluation on arrival costs, and how soon an alert is committed.
import { measureRule } from './rules/measure-rule.ts';

console.log(JSON.stringify(await measureRule(), null, 2));
