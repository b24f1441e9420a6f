import { glanceOf } from '../terminal/ages.ts';
import { ok, problem, type Diagnosis } from './diagnosis.ts';
import type { Receiver } from './receivers.ts';

/** So many that refuse are named. */
export const maxNamedRefusals = 10;

const CHECK = 'receivers';
const REMEDY =
  'repair what it answers (its address, key or rights), then omoi reload; omoi receivers test NAME tells whether it takes messages again, and what waits for it is sent by itself';

/** Which receivers take nothing of what they are sent: name, since when, what was answered, and what to do. */
export function diagnosesOfReceivers(receivers: readonly Receiver[], nowMs: number): readonly Diagnosis[] {
  const integrations = receivers.flatMap(({ name, integrations: all }) =>
    all.map((one) => ({ ...one, name })),
  );
  if (integrations.length === 0) {
    return [ok(CHECK, 'no receiver sends anything: alerts stand on the dashboard and in the log')];
  }
  const refusing = integrations.filter(({ refuses_since: since }) => since !== null);
  if (refusing.length === 0) {
    const all = receivers.length === 1 ? '1 receiver' : `${receivers.length} receivers`;
    return [ok(CHECK, `none of ${all} refuses messages`)];
  }
  const named = refusing.slice(0, maxNamedRefusals);
  const told = named.map(({ name, integration, refuses_since: since, refusal, pending }) =>
    problem(
      CHECK,
      `${integration} takes nothing since ${since} (${glanceOf(nowMs - Date.parse(since ?? ''))}), ${waits(pending)}: ${refusal ?? ''}`,
      REMEDY.replace('NAME', () => quotedForShell(name)),
    ),
  );
  const rest = refusing.length - named.length;
  if (rest === 0) return told;
  return [...told, problem(CHECK, `${rest} more take nothing`, 'omoi receivers list names them')];
}

function waits(pending: number): string {
  if (pending === 0) return 'nothing waits for it';
  return pending === 1 ? '1 message waits for it' : `${pending} messages wait for it`;
}

/** A name as one word of a shell. */
function quotedForShell(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
