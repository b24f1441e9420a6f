import { firstWrong, type Invariant } from './observation.ts';

/** 1, 9: what was once read from the log is in it for ever, and nothing is put in before it. */
export const theLogIsNeverRewritten: Invariant = ({ archive, chronicle }) => {
  const written = archive.count('SELECT count(*) AS count FROM events WHERE id <= ?', chronicle.lastId);
  return written === chronicle.events.length
    ? null
    : `${chronicle.events.length} events were read up to ${chronicle.lastId}; now there are ${written}`;
};

/** 1 */
export const cursorsNeverPassTheLog: Invariant = ({ archive, chronicle }) =>
  firstWrong(
    archive.rows('SELECT consumer, last_event_id FROM event_cursors'),
    (row) =>
      Number(row['last_event_id']) > chronicle.lastId &&
      `the cursor of ${row['consumer']} is at ${row['last_event_id']}, the log ends at ${chronicle.lastId}`,
  );

/** 1 */
export const agentsAreAsTheirLastEventSays: Invariant = ({ archive, chronicle }) =>
  firstWrong(archive.rows('SELECT agent_id, status, generation FROM agents'), (row) => {
    const told = chronicle.agents.get(String(row['agent_id']));
    return (
      (told?.status !== row['status'] || told?.generation !== row['generation']) &&
      `agent ${row['agent_id']} is ${row['status']} in generation ${row['generation']}, its last event says ` +
        `${told?.status} in generation ${told?.generation}`
    );
  });

/** 1 */
export const tasksAreAsTheirLastEventSays: Invariant = ({ archive, chronicle }) => {
  const rows = archive.rows('SELECT task_id, state FROM tasks');
  if (rows.length !== chronicle.tasks.size)
    return `${rows.length} tasks, ${chronicle.tasks.size} enqueued by events`;
  return firstWrong(rows, (row) => {
    const told = chronicle.tasks.get(String(row['task_id']));
    return (
      told?.state !== row['state'] &&
      `task ${row['task_id']} is ${row['state']}, its events say ${told?.state}`
    );
  });
};

const ENDED = new Set(['completed', 'escalated', 'cancelled']);

/** 1 */
export const remediationsAreAsTheirLastEventSays: Invariant = ({ archive, chronicle }) =>
  firstWrong(archive.rows('SELECT id, state, outcome FROM remediations'), (row) => {
    const told = chronicle.remediations.get(String(row['id'])) ?? { state: 'planned', outcome: null };
    const state = String(row['state']);
    const agrees = told.state === 'ended' ? ENDED.has(state) : told.state === state;
    return (
      !(agrees && told.outcome === row['outcome']) &&
      `remediation ${row['id']} is ${state} (${row['outcome']}), its events say ${told.state} (${told.outcome})`
    );
  });

/** 1: an episode is triggered once and resolved at most once, each with its row. */
export const alertsAreAsTheirEventsSay: Invariant = ({ archive, chronicle }) => {
  const rows = archive.rows('SELECT id, state, cause FROM alerts');
  if (rows.length !== chronicle.alerts.size)
    return `${rows.length} alerts, ${chronicle.alerts.size} triggered by events`;
  return firstWrong(rows, (row) => {
    const told = chronicle.alerts.get(String(row['id']));
    const resolved = row['state'] === 'resolved' ? 1 : 0;
    return (
      (told?.triggered !== 1 || told.resolved !== resolved || told.cause !== row['cause']) &&
      `alert ${row['id']} is ${row['state']} (${row['cause']}), was triggered ${told?.triggered} times and ` +
        `resolved ${told?.resolved} times (${told?.cause})`
    );
  });
};

/** 1 */
export const anomaliesAreAsTheirEventsSay: Invariant = ({ archive, chronicle }) => {
  const open = archive.rows(`SELECT id FROM monitor_anomalies WHERE state = 'open'`);
  if (open.length !== chronicle.openAnomalies.size)
    return `${open.length} anomalies are open, ${chronicle.openAnomalies.size} by events`;
  return firstWrong(
    open,
    (row) => !chronicle.openAnomalies.has(String(row['id'])) && `anomaly ${row['id']} is open without event`,
  );
};
