import { sql } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';
import { PROBE_POLICY, HOLD_POLICY, RESTART_POLICY } from '../rule-files.ts';
import { inBlocks, numbers, type SeededColumns } from './seeded-rows.ts';

const ROWS_PER_BLOCK = 25_000;
/** The watchdog's consumer has read all of the past. */
const CONSUMER = 'watchdog';

export interface PastState {
  readonly database: StateDatabase;
  readonly columns: SeededColumns;
  readonly remediations: number;
  readonly events: number;
  readonly fromMs: number;
  readonly toMs: number;
}

type Rows = { readonly [Table in keyof StateTables]?: readonly (keyof StateTables[Table] & string)[] };

const COLUMNS = {
  alerts: [
    'id',
    'rule_id',
    'rule_key',
    'fingerprint',
    'labels',
    'annotations',
    'source_labels',
    'severity',
    'state',
    'value',
    'threshold',
    'metric_name',
    'active_at_ms',
    'fired_at_ms',
    'resolved_at_ms',
    'cause',
    'remediation_id',
    'remediation_acted',
    'updated_at_ms',
  ],
  remediations: [
    'id',
    'policy',
    'alert_id',
    'rule_id',
    'target_kind',
    'target_id',
    'pool_id',
    'state',
    'plan',
    'step',
    'outcome',
    'generation',
    'value_before',
    'planned_at_ms',
    'step_started_at_ms',
    'verify_until_ms',
    'ended_at_ms',
    'reason',
    'updated_at_ms',
  ],
  watchdog_actions: [
    'id',
    'remediation_id',
    'step',
    'action',
    'params',
    'intended_at_ms',
    'attempts',
    'finished_at_ms',
    'result',
  ],
  events: ['event_type', 'entity_type', 'entity_id', 'payload', 'at_ms'],
} as const satisfies Rows;

/**
 * Episodes from alert to healed remediation, evenly over the time and the policies of the bench, and the events of
 * them and of finished tasks. All of it is over: nothing here is looked at again but by what looks at all of history.
 */
export async function writePastState(past: PastState): Promise<void> {
  const { database, remediations, events } = past;
  await writeRows(past, 'alerts', { count: remediations, select: alertRows(past) });
  await writeRows(past, 'remediations', { count: remediations, select: remediationRows(past) });
  await writeRows(past, 'watchdog_actions', { count: remediations, select: actionRows(past) });
  await writeRows(past, 'events', { count: events, select: eventRows(past) });
  await database.transaction(async (tx) => {
    const newest = await tx.db
      .selectFrom('events')
      .select((row) => row.fn.max('id').as('id'))
      .executeTakeFirstOrThrow();
    await tx.db
      .insertInto('event_cursors')
      .values({ consumer: CONSUMER, last_event_id: newest.id, updated_at_ms: past.toMs })
      .execute();
  });
}

async function writeRows(
  { database }: PastState,
  table: keyof typeof COLUMNS,
  { count, select }: { readonly count: number; readonly select: string },
): Promise<void> {
  const columns = sql.join(COLUMNS[table].map((column) => sql.ref(column)));
  await inBlocks(count, ROWS_PER_BLOCK, (from, some) =>
    database.transaction(async (tx) => {
      await sql`insert into ${sql.table(table)} (${columns}) ${numbers(from, some)} ${sql.raw(select)}`.execute(
        tx.db,
      );
    }),
  );
}

const POLICIES = `case n.i % 3 when 0 then '${PROBE_POLICY}' when 1 then '${HOLD_POLICY}' else '${RESTART_POLICY}' end`;
const STEPS = `'{"steps":[{"action":"scale","add":1,"ttl":120000,"release_after":300000,"verify":{"within":60000}}],"guardian":"operators"}'`;
const RULE = `'past/Past' || (n.i % 40)`;
/** Ids of the past sort before those of the present, as ids made from the time do. */
const alertId = (of: string): string => `printf('alt_0%012d', ${of})`;
const remediationId = (of: string): string => `printf('rem_0%012d', ${of})`;
const POOL = `'past-' || (n.i % 200)`;
const FIRED_FOR_MS = 45_000;

function startMs({ fromMs, toMs, remediations }: PastState, of: string): string {
  return `(${fromMs} + (${of}) * ${Math.floor((toMs - FIRED_FOR_MS - fromMs) / remediations)})`;
}

function alertRows(past: PastState): string {
  const at = startMs(past, 'n.i');
  return `select ${alertId('n.i')}, ${RULE}, ${RULE}, ${past.columns.hex('n.i', 2)},
    json_object('alertname', 'Past' || (n.i % 40), 'pool', ${POOL}, 'severity', 'error'), '{}',
    json_object('pool', ${POOL}), 'error', 'resolved', '1', 0, 'past_value',
    ${at}, ${at}, ${at} + ${FIRED_FOR_MS}, 'remediated', ${remediationId('n.i')}, 1, ${at} + ${FIRED_FOR_MS}
    from n`;
}

function remediationRows(past: PastState): string {
  const at = startMs(past, 'n.i');
  return `select ${remediationId('n.i')}, ${POLICIES}, ${alertId('n.i')}, ${RULE}, 'pool', ${POOL}, ${POOL},
    'completed', ${STEPS}, 0, 'healed', null, 1, ${at} + 10, ${at} + 20, ${at} + 60000,
    ${at} + ${FIRED_FOR_MS}, null, ${at} + ${FIRED_FOR_MS}
    from n`;
}

function actionRows(past: PastState): string {
  const at = startMs(past, 'n.i');
  return `select printf('act_0%012d', n.i), ${remediationId('n.i')}, 0, 'scale', '{"add":1}', ${at} + 20, 1,
    ${at} + 40, 'done'
    from n`;
}

/** Of five events four tell an episode and one tells of a task. */
function eventRows(past: PastState): string {
  const episode = `(n.i * ${past.remediations} / ${past.events})`;
  const at = startMs(past, episode);
  const remediation = `'remediation_id', ${remediationId(episode)}, 'policy', '${PROBE_POLICY}',
    'alert_id', ${alertId(episode)}, 'target', 'pool:past-' || (${episode} % 200)`;
  const alert = `'alert_id', ${alertId(episode)}, 'rule_id', 'past/Past', 'severity', 'error',
    'labels', json_object('alertname', 'Past', 'pool', 'past-' || (${episode} % 200))`;
  return `select
    case n.i % 5 when 0 then 'monitor.alert.triggered' when 1 then 'watchdog.remediation.started'
      when 2 then 'watchdog.remediation.completed' when 3 then 'monitor.alert.resolved'
      else 'fleet.task.completed' end,
    case n.i % 5 when 0 then 'alert' when 1 then 'remediation' when 2 then 'remediation' when 3 then 'alert'
      else 'task' end,
    case n.i % 5 when 0 then ${alertId(episode)} when 1 then ${remediationId(episode)}
      when 2 then ${remediationId(episode)} when 3 then ${alertId(episode)} else printf('tsk_0%012d', n.i) end,
    case n.i % 5
      when 0 then json_object(${alert}, 'metric_name', 'past_value', 'current_value', 1, 'threshold', 0)
      when 1 then json_object(${remediation}, 'step', 'scale')
      when 2 then json_object(${remediation}, 'outcome', 'healed', 'duration_ms', ${FIRED_FOR_MS})
      when 3 then json_object(${alert}, 'cause', 'remediated', 'duration_ms', ${FIRED_FOR_MS})
      else json_object('task_id', printf('tsk_0%012d', n.i), 'task_type', 'past', 'phase_id', 'PHASE_TESTING',
        'agent_id', 'past-' || (n.i % 200), 'generation', 1, 'duration_ms', 1200) end,
    ${at} + (n.i % 5) * 10
    from n`;
}
