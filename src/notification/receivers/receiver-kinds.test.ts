import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RECEIVER_KINDS } from './receiver-kinds.ts';

/** They meet the same faults, but not over HTTP: `command/command.test.ts`, `email/email*.test.ts`. */
const BESIDE_HTTP: ReadonlySet<string> = new Set(['command', 'email']);

const suites = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.conformance.test.ts'))
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
  .join('\n');

it.each(
  RECEIVER_KINDS.filter(({ type, create }) => create && !BESIDE_HTTP.has(type)).map(({ type }) => type),
)('%s has a row in the conformance suite', (type) => {
  expect(suites).toContain(` from './${type}/`);
});
