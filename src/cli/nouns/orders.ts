import { messageOf, OmoiError } from '#telemetry';
import type { ServerClient } from '../server-client.ts';
import { note, printJson, printLines } from '../terminal/print.ts';
import { printable } from '../query/printable.ts';

export interface Order {
  readonly ids: readonly string[];
  readonly json: boolean;
  readonly send: (id: string) => Promise<unknown>;
  /** What is said of one that was obeyed. */
  readonly told: (id: string, answer: unknown) => string;
}

/**
 * Gives the same order about each; where one fails the others are given all the same.
 * @returns the exit status: 1 where one failed
 */
export async function giveOrders({ ids, json, send, told }: Order): Promise<number> {
  let failed = 0;
  for (const id of ids) {
    try {
      const answer = await send(id);
      if (json) printJson(answer);
      else printLines([told(id, answer)]);
    } catch (thrown) {
      if (ids.length === 1) throw thrown;
      failed++;
      const code = thrown instanceof OmoiError ? ` (${thrown.code})` : '';
      note(`${id}: ${printable(messageOf(thrown))}${code}`);
    }
  }
  return failed > 0 ? 1 : 0;
}

/** What the server answers, or null where it knows no such thing (any more). */
export async function readIfThere(client: ServerClient, path: string): Promise<unknown> {
  try {
    return await client.call('GET', path);
  } catch (thrown) {
    if (thrown instanceof OmoiError && (thrown.code === 'not_found' || thrown.code.startsWith('unknown_')))
      return null;
    throw thrown;
  }
}

/** `name: value` lines under each other; what has no value is left out. */
export function fieldsOf(fields: readonly (readonly [string, string | null])[]): readonly string[] {
  const shown = fields.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[name, value] as const],
  );
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`);
}
