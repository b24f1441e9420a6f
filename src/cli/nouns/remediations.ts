import { z } from 'zod';
import { tellsOf } from '../follow-rows.ts';
import { clientForNamed } from '../named-client.ts';
import { behindLast, readPages } from '../read-pages.ts';
import {
  clientOf,
  serverOf,
  type FollowFlags,
  type ServerClient,
  type ServerFlags,
} from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import type { Column } from '../terminal/table.ts';
import { repairLines, remediation as told } from '../why.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';
import { showList, showWhole } from './shown.ts';

const PATH = '/api/v1/watchdog/remediations';
const PAGE_ROWS = 500;

const remediation = z.looseObject({
  ...told.shape,
  id: z.string(),
  alert_id: z.string(),
  rule_id: z.string(),
  target: z.object({ kind: z.string(), id: z.string() }),
  ended_at: z.string().nullable(),
  approved_by: z.string().nullable(),
});
type Remediation = z.output<typeof remediation>;

const COLUMNS: readonly Column<Remediation>[] = [
  { heading: 'REMEDIATION', of: (row) => row.id },
  { heading: 'STATE', of: stateOf, colourOf: (row) => colourOfState(row.outcome ?? row.state) },
  { heading: 'AGE', of: (row) => ageOf(row.planned_at), align: 'right' },
  { heading: 'TARGET', of: (row) => `${row.target.kind}:${row.target.id}` },
  { heading: 'POLICY', of: (row) => row.policy },
  { heading: 'TRY', of: attemptOf, align: 'right' },
  { heading: 'NOTE', of: noteOn, mayShrink: true },
];

function stateOf({ state, outcome }: Remediation): string {
  return outcome === null || outcome === state ? state : `${state} (${outcome})`;
}

/** Which attempt it is; none before it begins, nor where the end of the agent is its task's doing. */
export function attemptOf({ attempts, max_attempts: most }: Pick<Remediation, 'attempts' | 'max_attempts'>) {
  return attempts === 0 ? '-' : `${attempts}/${most}`;
}

function noteOn({ suppressions, reason, evidence, id, state }: Remediation): string {
  if (state === 'awaiting_approval') return `omoi approve ${id}, or omoi remediations reject ${id}`;
  const holding = suppressions.filter(({ holds }) => holds);
  if (holding.length > 0)
    return holding.map(({ guard, reason: why }) => `held by ${guard}: ${why}`).join('; ');
  return reason ?? evidence ?? '';
}

export interface RemediationListFlags extends FollowFlags {
  readonly state?: string;
  readonly policy?: string;
  readonly target?: string;
  readonly limit: number;
}

/** `omoi remediations list` */
export async function listRemediations(flags: RemediationListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'remediations',
    columns: COLUMNS,
    readAll: () => readRemediations(client, flags),
    empty: noneListed(flags),
    more: flags.state === undefined ? null : `there are more than ${flags.limit}: --limit shows them`,
    follow: {
      types: ['watchdog.remediation'],
      idOf({ payload }) {
        const said = z.object({ remediation_id: z.string() }).safeParse(payload);
        return said.success ? said.data.remediation_id : null;
      },
      async read(id) {
        const answer = await readIfThere(client, pathOf(id));
        const row = answer === null ? null : remediation.parse(answer);
        const isMeant =
          row &&
          (flags.state ?? row.state) === row.state &&
          (flags.policy ?? row.policy) === row.policy &&
          (flags.target ?? row.target.id) === row.target.id;
        return isMeant ? row : null;
      },
    },
  });
}

/** What is said where the list is empty: of a choice it says nothing about the others. */
export function noneListed({
  state,
  policy,
  target,
}: Pick<RemediationListFlags, 'state' | 'policy' | 'target'>): string {
  const of = [policy === undefined ? '' : ` by ${policy}`, target === undefined ? '' : ` of ${target}`].join(
    '',
  );
  if (state !== undefined) return `no repair${of} is ${state}`;
  return of === '' ? 'no repair was needed' : `no repair${of} is known`;
}

function readRemediations(client: ServerClient, { state, policy, target, limit }: RemediationListFlags) {
  const pages = {
    path: PATH,
    query: { state, policy, target_id: target },
    maxRows: PAGE_ROWS,
    read(answer: unknown, asked: number) {
      const { remediations: rows } = z.object({ remediations: z.array(remediation) }).parse(answer);
      return { rows, next: behindLast({ rows, asked }, 'before', (row) => row.id) };
    },
  };
  return readPages(client, pages, limit);
}

/** `omoi remediations show` */
export async function showRemediation(id: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', pathOf(id)),
    linesOf: (answer) => linesOf(remediation.parse(answer)),
    types: ['watchdog'],
    isMeant: tellsOf(id),
  });
}

function linesOf(shown: Remediation): readonly string[] {
  return [
    ...fieldsOf([
      ['remediation', shown.id],
      ['target', `${shown.target.kind}:${shown.target.id}`],
      ['alert', `${shown.alert_id} (${shown.rule_id})`],
      ['approved by', shown.approved_by],
      ['ended', shown.ended_at],
    ]),
    '',
    ...repairLines(shown, Date.now()),
  ];
}

/** `omoi remediations approve` and `reject`. @returns the exit status */
export async function decideRemediations(
  decision: 'approve' | 'reject',
  ids: readonly string[],
  flags: ServerFlags,
): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/${decision}`),
    told: (id, answer) => `${id} is ${stateOf(remediation.parse(answer))}`,
  });
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
