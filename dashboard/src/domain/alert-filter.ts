/** Which alerts are shown. What the address does not say is what fires, of any severity. */
export interface AlertSearch {
  readonly state?: Exclude<AlertStateChoice, 'firing'> | undefined;
  readonly severity?: string | undefined;
  /** Whether somebody has acknowledged them. */
  readonly acknowledged?: Exclude<AcknowledgedChoice, 'any'> | undefined;
  /** Matchers with commas between them: `pool_id="coders", host=~"a.*"`. */
  readonly match?: string | undefined;
  /** A regular expression for the name of a receiver to which they go; links in messages have it. */
  readonly receiver?: string | undefined;
  /** The id of an agent that they are about. */
  readonly agent?: string | undefined;
}

export const ALERT_STATE_CHOICES = ['firing', 'resolved', 'all'] as const;
export type AlertStateChoice = (typeof ALERT_STATE_CHOICES)[number];
export const ACKNOWLEDGED_CHOICES = ['any', 'no', 'yes'] as const;
export type AcknowledgedChoice = (typeof ACKNOWLEDGED_CHOICES)[number];
export const SEVERITY_CHOICES = ['any', 'critical', 'error', 'warning', 'info'] as const;

/** Reads an address; what it does not understand is left out. */
export function readAlertSearch(search: Record<string, unknown>): AlertSearch {
  const { state, severity, acknowledged, match, receiver, agent } = search;
  const chosen = ALERT_STATE_CHOICES.find((one) => one === state);
  const seen = ACKNOWLEDGED_CHOICES.find((one) => one === acknowledged);
  return {
    ...(chosen === undefined || chosen === 'firing' ? {} : { state: chosen }),
    ...(typeof severity === 'string' && severity !== '' ? { severity: severity.slice(0, 100) } : {}),
    ...(seen === undefined || seen === 'any' ? {} : { acknowledged: seen }),
    ...(typeof match === 'string' && match.trim() !== '' ? { match: match.slice(0, 4_000) } : {}),
    ...(textOf(receiver) === '' ? {} : { receiver: textOf(receiver).slice(0, 500) }),
    ...(textOf(agent) === '' ? {} : { agent: textOf(agent).slice(0, 200) }),
  };
}

/** An address that says `agent=7` is read as a number. */
function textOf(given: unknown): string {
  return typeof given === 'string' || typeof given === 'number' ? String(given) : '';
}

/** Whether it chooses otherwise than all that fires. */
export function isFiltered(search: AlertSearch): boolean {
  const { state, severity, acknowledged, match, receiver, agent } = search;
  return [state, severity, acknowledged, match, receiver, agent].some((choice) => choice !== undefined);
}

/** As the list of alerts is asked for them. */
export function alertParams(search: AlertSearch): URLSearchParams {
  const { severity, acknowledged, match = '', receiver, agent } = search;
  const state: AlertStateChoice = search.state ?? 'firing';
  const asked = new URLSearchParams();
  if (state !== 'all') asked.set('state', state);
  if (severity !== undefined) asked.set('severity', severity);
  if (acknowledged !== undefined) asked.set('acknowledged', acknowledged === 'yes' ? 'true' : 'false');
  if (receiver !== undefined) asked.set('receiver', receiver);
  if (agent !== undefined) asked.append('matcher', `agent_id=${JSON.stringify(agent)}`);
  for (const matcher of splitMatchers(match)) asked.append('matcher', matcher);
  return asked;
}

/** The matchers of a text: they end at commas and lines, but not within quotes. Braces around them count for nothing. */
export function splitMatchers(text: string): readonly string[] {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? text;
  return [...inner.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^,\n"])+/g)]
    .map(([one]) => one.trim())
    .filter((one) => one !== '');
}

/** A name as an expression that matches it alone. */
export function quotedForRegex(name: string): string {
  return name.replace(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}
