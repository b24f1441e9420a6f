import { PreparedInsert, type StateDatabase, type StateTables, type StateTransaction } from '#storage';
import { parseLabels, type Labels } from '#telemetry';
import type { ReceiverMemory } from '../receivers/integration.ts';
import type { LogEntry } from '../stages/dedup-stage.ts';
import { joinFingerprints, splitFingerprints } from './fingerprints.ts';

/** Under what a group is told of: what its receivers know it by. */
export interface ToldGroup {
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly routeLabels: Labels;
}

/** What an integration knows of a group, and remembers for its next message about it. */
export interface RememberedEntry extends LogEntry {
  readonly memory: ReceiverMemory | null;
  /** Under what it was told; null where an older version has not kept it. */
  readonly group: ToldGroup | null;
}

export interface LogUpdate {
  readonly groupId: string;
  readonly integration: string;
  readonly entry: RememberedEntry;
}

type Row = StateTables['notification_log'];

const WRITE = new PreparedInsert<Row, unknown>((db, rows) =>
  db
    .insertInto('notification_log')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['group_id', 'integration']).doUpdateSet((row) => ({
        firing: row.ref('excluded.firing'),
        resolved: row.ref('excluded.resolved'),
        notified_at_ms: row.ref('excluded.notified_at_ms'),
        memory: row.ref('excluded.memory'),
        group_key: row.ref('excluded.group_key'),
        group_labels: row.ref('excluded.group_labels'),
        route_labels: row.ref('excluded.route_labels'),
      })),
    ),
);

/**
 * What each integration was told of each group last: what decides whether it has to hear of it again. In memory as on disk;
 * memory follows the commit. A group that is gone has no entries.
 */
export class NotificationLog {
  readonly #database: StateDatabase;
  /** By group, then by integration. */
  readonly #entries = new Map<string, Map<string, RememberedEntry>>();

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  async start(): Promise<void> {
    const rows = await this.#database.reader.selectFrom('notification_log').selectAll().execute();
    for (const row of rows) {
      this.#set(row.group_id, row.integration, {
        firing: splitFingerprints(row.firing),
        resolved: splitFingerprints(row.resolved),
        notifiedAtMs: row.notified_at_ms,
        // Written by this class alone.
        memory: row.memory === null ? null : (JSON.parse(row.memory) as ReceiverMemory),
        group: groupOf(row),
      });
    }
  }

  get(groupId: string, integration: string): RememberedEntry | null {
    return this.#entries.get(groupId)?.get(integration) ?? null;
  }

  /** What the integrations know of a group, by their keys. */
  entriesOf(groupId: string): readonly (readonly [string, RememberedEntry])[] {
    return [...(this.#entries.get(groupId) ?? [])];
  }

  /** The groups of which somebody was told. */
  groupIds(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Whether an integration has been told that it fires, and not that it is over. */
  wasTold(groupId: string, fingerprint: string): boolean {
    for (const entry of this.#entries.get(groupId)?.values() ?? []) {
      if (entry.firing.has(fingerprint)) return true;
    }
    return false;
  }

  /** Writes entries in a transaction; they count from its commit on. */
  async write(tx: StateTransaction, updates: readonly LogUpdate[]): Promise<void> {
    if (updates.length === 0) return;
    // A statement writes a row once.
    const newest = new Map(updates.map((update) => [`${update.groupId} ${update.integration}`, update]));
    await WRITE.rows(tx, [...newest.values()].map(rowOf));
    tx.afterCommit(() => {
      for (const { groupId, integration, entry } of updates) this.#set(groupId, integration, entry);
    });
  }

  /** Forgets groups, in a transaction. @param groupIds at most 500 */
  async forget(tx: StateTransaction, groupIds: readonly string[]): Promise<void> {
    const known = groupIds.filter((groupId) => this.#entries.has(groupId));
    if (known.length === 0) return;
    await tx.db.deleteFrom('notification_log').where('group_id', 'in', known).execute();
    tx.afterCommit(() => {
      for (const groupId of known) this.#entries.delete(groupId);
    });
  }

  #set(groupId: string, integration: string, entry: RememberedEntry): void {
    const ofGroup = this.#entries.get(groupId);
    if (ofGroup) ofGroup.set(integration, entry);
    else this.#entries.set(groupId, new Map([[integration, entry]]));
  }
}

function groupOf({
  group_key: groupKey,
  group_labels: labels,
  route_labels: ofRoute,
}: Row): ToldGroup | null {
  if (groupKey === null) return null;
  return { groupKey, groupLabels: parseLabels(labels ?? '{}'), routeLabels: parseLabels(ofRoute ?? '{}') };
}

function rowOf({ groupId, integration, entry }: LogUpdate): Row {
  const { firing, resolved, notifiedAtMs, memory, group } = entry;
  return {
    group_id: groupId,
    integration,
    firing: joinFingerprints(firing),
    resolved: joinFingerprints(resolved),
    notified_at_ms: notifiedAtMs,
    memory: memory === null ? null : JSON.stringify(memory),
    group_key: group?.groupKey ?? null,
    group_labels: group && JSON.stringify(group.groupLabels),
    route_labels: group && JSON.stringify(group.routeLabels),
  };
}
