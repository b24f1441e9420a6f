/** Which alerts are shown. What the address does not say is what fires, of any severity. */
export interface AlertSearch {
  readonly state?: Exclude<AlertStateChoice, 'firing'> | undefined;
  readonly severity?: string | undefined;
  /** Whether somebody has acknowledged them. */
  readonly acknowledged?: Exclude<AcknowledgedChoice, 'any'> | undefined;
  /** Matchers with commas between them: `pool_id="coders", host=~"a.*"`. */
  readonly match?: string | undefined;
}

export const ALERT_STATE_CHOICES = ['firing', 'resolved', 'all'] as const;
export type AlertStateChoice = (typeof ALERT_STATE_CHOICES)[number];
export const ACKNOWLEDGED_CHOICES = ['any', 'no', 'yes'] as const;
export type AcknowledgedChoice = (typeof ACKNOWLEDGED_CHOICES)[number];
export const SEVERITY_CHOICES = ['any', 'critical', 'error', 'warning', 'info'] as const;

/** Reads an address; what it does not understand is left out. */
export function readAlertSearch(search: Record<string, unknown>): AlertSearch {
  const { state, severity, acknowledged, match } = search;
  const chosen = ALERT_STATE_CHOICES.find((one) => one === state);
  const seen = ACKNOWLEDGED_CHOICES.find((one) => one === acknowledged);
  return {
    ...(chosen === undefined || chosen === 'firing' ? {} : { state: chosen }),
    ...(typeof severity === 'string' && severity !== '' ? { severity: severity.slice(0, 100) } : {}),
    ...(seen === undefined || seen === 'any' ? {} : { acknowledged: seen }),
    ...(typeof match === 'string' && match.trim() !== '' ? { match: match.slice(0, 4_000) } : {}),
  };
}

/** Whether it chooses otherwise than all that fires. */
export function isFiltered({ state, severity, acknowledged, match }: AlertSearch): boolean {
  return [state, severity, acknowledged, match].some((choice) => choice !== undefined);
}

/** As the list of alerts is asked for them. */
export function alertParams(search: AlertSearch): URLSearchParams {
  const { severity, acknowledged, match = '' } = search;
  const state: AlertStateChoice = search.state ?? 'firing';
  const asked = new URLSearchParams();
  if (state !== 'all') asked.set('state', state);
  if (severity !== undefined) asked.set('severity', severity);
  if (acknowledged !== undefined) asked.set('acknowledged', acknowledged === 'yes' ? 'true' : 'false');
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
