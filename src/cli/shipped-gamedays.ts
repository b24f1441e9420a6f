import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OmoiError, suggestKey } from '#telemetry';
import { loadExperiment } from './gameday/experiment.ts';
import { printJson } from './terminal/print.ts';

const SHIPPED = fileURLToPath(new URL('../../config/gamedays', import.meta.url));
const ENDING = '.yaml';
/** What can only be a path. */
const PATH = /[/.]/;

/** The names of the game days that Omoi comes with. */
export function shippedNames(): readonly string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
}

/**
 * The file of a game day that is called by the name of a shipped one or by its path.
 * @throws OmoiError `gameday_file_invalid` where a word is neither
 */
export function gamedayFile(given: string): string {
  if (PATH.test(given)) return given;
  const names = shippedNames();
  if (names.includes(given)) return join(SHIPPED, `${given}${ENDING}`);
  if (existsSync(given)) return given;
  throw new OmoiError(
    'gameday_file_invalid',
    `there is no game day and no file "${given}"${suggestKey(given, names)} (\`omoi gameday list\` lists the shipped ones)`,
  );
}

/** `omoi gameday list`: the shipped game days, and what each shows. */
export function listGamedays({ json = false }: { readonly json?: boolean }): void {
  const gamedays = shippedNames().map((name) => ({
    name,
    title: loadExperiment(gamedayFile(name)).title,
  }));
  if (json) return printJson({ gamedays });
  const width = Math.max(...gamedays.map(({ name }) => name.length));
  for (const { name, title } of gamedays) process.stdout.write(`${name.padEnd(width)}  ${title}\n`);
}
