import { maxListedProblems, messageOf, nearestWord, OmoiError } from '#telemetry';
import { z } from 'zod';
import { printable } from '../query/printable.ts';
import { readPages } from '../read-pages.ts';
import type { ServerClient } from '../server-client.ts';
import { note } from '../terminal/print.ts';

const PATH = '/api/v1/alerts';
const PAGE_ROWS = 1000;
/** Alerts, or rules, that are looked at for one name. */
export const maxNamedAtOnce = 10_000;
const ALERT_ID = /^alrt_/;

const alertPage = z.object({
  alerts: z.array(z.looseObject({ id: z.string() })),
  next_cursor: z.string().nullable(),
});
const rulePage = z.object({
  groups: z.array(
    z.looseObject({
      rules: z.array(z.looseObject({ rule_id: z.string(), name: z.string(), kind: z.string() })),
    }),
  ),
  next_cursor: z.string().nullable(),
});

export interface NamedAlerts {
  readonly ids: readonly string[];
  /** Words that stand for none; why has been told. */
  readonly unknown: number;
}

/**
 * The ids of what people name: an alert by its id, or by its rule (`AgentFailed`, `fleet/AgentFailed`) each one of it that
 * fires. Of several words one that stands for nothing keeps the others from nothing.
 * @throws OmoiError `unknown_alert` where the only word stands for nothing
 */
export async function alertsNamed(client: ServerClient, words: readonly string[]): Promise<NamedAlerts> {
  const ids = new Set<string>();
  let unknown = 0;
  for (const word of words) {
    try {
      for (const id of ALERT_ID.test(word) ? [word] : await firingOf(client, word)) ids.add(id);
    } catch (thrown) {
      if (words.length === 1) throw thrown;
      unknown++;
      const code = thrown instanceof OmoiError ? ` (${thrown.code})` : '';
      note(`${printable(messageOf(thrown))}${code}`);
    }
  }
  return { ids: [...ids], unknown };
}

/**
 * The id of the one alert that a word stands for.
 * @throws OmoiError `unknown_alert`; `invalid_request` where several of the rule fire, with their ids
 */
export async function oneAlertNamed(client: ServerClient, word: string): Promise<string> {
  const { ids } = await alertsNamed(client, [word]);
  const [id = word, ...others] = ids;
  if (others.length === 0) return id;
  const listed = ids.slice(0, maxListedProblems).join(', ');
  const rest = ids.length > maxListedProblems ? `, and ${ids.length - maxListedProblems} more` : '';
  throw new OmoiError('invalid_request', `${ids.length} alerts of ${word} fire; name one: ${listed}${rest}`);
}

/** @throws OmoiError `unknown_alert` where none of the rule fires, or there is no such rule */
async function firingOf(client: ServerClient, rule: string): Promise<readonly string[]> {
  const ofRule = rule.includes('/') ? { rule_id: rule } : { matcher: `alertname=${JSON.stringify(rule)}` };
  const { rows: ids, more } = await readPages(
    client,
    {
      path: PATH,
      query: { state: 'firing', ...ofRule },
      maxRows: PAGE_ROWS,
      read(answer: unknown) {
        const { alerts, next_cursor: cursor } = alertPage.parse(answer);
        return { rows: alerts.map(({ id }) => id), next: cursor === null ? null : { cursor } };
      },
    },
    maxNamedAtOnce,
  );
  if (more)
    note(`more than ${maxNamedAtOnce} alerts of ${rule} fire: the newest ${maxNamedAtOnce} are meant`);
  if (ids.length === 0) throw await whyNone(client, rule);
  return ids;
}

async function whyNone(client: ServerClient, rule: string): Promise<OmoiError> {
  const names = await ruleNames(client);
  if (names.has(rule)) return new OmoiError('unknown_alert', `no alert of the rule ${rule} fires`);
  const near = nearestWord(rule, names);
  const hint = near === null ? 'omoi alerts list shows what fires' : `did you mean ${near}?`;
  return new OmoiError('unknown_alert', `there is no alert and no alert rule "${rule}"; ${hint}`);
}

/** Each alert rule by its name, and as `group/alert`. */
async function ruleNames(client: ServerClient): Promise<ReadonlySet<string>> {
  const pages = {
    path: `${PATH}/rules`,
    query: {},
    maxRows: PAGE_ROWS,
    read(answer: unknown) {
      const { groups, next_cursor: cursor } = rulePage.parse(answer);
      const rules = groups.flatMap((group) => group.rules).filter(({ kind }) => kind === 'alerting');
      return { rows: rules, next: cursor === null ? null : { cursor } };
    },
  };
  const { rows } = await readPages(client, pages, maxNamedAtOnce);
  return new Set([...rows.map(({ name }) => name), ...rows.map(({ rule_id: id }) => id)]);
}
