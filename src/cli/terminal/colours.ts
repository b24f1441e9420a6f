const CODES = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90, bold: 1 } as const;

export type Colour = keyof typeof CODES;

/** Whether a stream is a terminal whose reader wants colours (https://no-color.org). */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function painted(text: string, colour: Colour | null): string {
  if (colour === null || text === '') return text;
  return `\u001b[${CODES[colour]}m${text}\u001b[${colour === 'bold' ? 22 : 39}m`;
}

const GOOD: ReadonlySet<string> = new Set([
  'IDLE',
  'RUNNING',
  'active',
  'completed',
  'resolved',
  'healed',
  'ok',
]);
const BAD: ReadonlySet<string> = new Set([
  'FAILED',
  'UNRESPONSIVE',
  'STALLED',
  'failed',
  'parked',
  'firing',
  'critical',
  'error',
  'escalated',
  'worsened',
  'problem',
]);
const DOUBTFUL: ReadonlySet<string> = new Set([
  'DEGRADED',
  'QUARANTINED',
  'SPAWNING',
  'pending',
  'awaiting_approval',
  'executing',
  'verifying',
  'planned',
  'warning',
  'relapsed',
  'no_effect',
  'unknown',
]);

/** Of a status, a state, a severity or an outcome. */
export function colourOfState(state: string): Colour | null {
  if (GOOD.has(state)) return 'green';
  if (BAD.has(state)) return 'red';
  return DOUBTFUL.has(state) ? 'yellow' : null;
}
