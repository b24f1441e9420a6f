import { afterEach, expect, it } from 'vitest';
import type { Message } from '../message.ts';
import {
  DELIVERED,
  failed,
  openNotificationStage,
  prepared,
  RecordingReceiver,
  testRoute,
  type NotificationStage,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { A, B, expectNothingKept, parted } from './reload.test-support.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** More than any of the runs has. */
const maxCommits = 200;

let stage: NotificationStage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});

/** Somebody who reads the messages of a receiver, of whichever process: each as it was accepted. */
class Reader {
  isDown = false;
  readonly accepted: Message[] = [];
  /** Alerts that they believe to fire; of a service that opens incidents, the groups whose incidents are open. */
  readonly believed = new Set<string>();
  /** Messages about ends that told nothing that they had not heard. */
  readonly repeated: string[] = [];
  readonly #opensIncidents: boolean;
  readonly #ended = new Set<string>();

  constructor(opensIncidents: boolean) {
    this.#opensIncidents = opensIncidents;
  }

  /** The receiver that a process sends to. @param isAlive whether that process lives: what a dead one sends arrives nowhere */
  receiver(isAlive: () => boolean): RecordingReceiver {
    const receiver = new RecordingReceiver({ opensIncidents: this.#opensIncidents });
    receiver.answer = (message) => {
      if (this.isDown || !isAlive()) return failed('connection', { retryable: true });
      this.accepted.push(message);
      this.#read(message);
      return DELIVERED;
    };
    return receiver;
  }

  #read({ alerts, groupKey, reason, notificationId }: Message): void {
    const isOver = alerts.every(({ status }) => status === 'resolved');
    const of = this.#opensIncidents ? groupKey : '';
    const ends = alerts
      .filter(({ status }) => status === 'resolved')
      .map(({ alertId }) => `${alertId} ${of}`);
    const isAboutEnds = reason === 'all_resolved' || reason === 'new_resolved' || reason === 'brief';
    const isNews = ends.some((end) => !this.#ended.has(end)) || (isOver && this.believed.has(groupKey));
    if (isAboutEnds && !isNews) this.repeated.push(notificationId);
    for (const end of ends) this.#ended.add(end);
    if (this.#opensIncidents) {
      if (isOver) this.believed.delete(groupKey);
      else this.believed.add(groupKey);
      return;
    }
    for (const { alertId, status } of alerts) {
      if (status === 'firing') this.believed.add(alertId);
      else this.believed.delete(alertId);
    }
  }
}

const LABELS = { a: A, b: B, c: { ...A, alertname: 'C' } };
const before = testRoute({ receiver: 'ada' });

type Change = Pick<TestConfiguration, 'route' | 'groupedBy'>;

const CHANGES: readonly (readonly [string, Change])[] = [
  ['another group tells the same receiver', { route: parted('ada') }],
  ['another group tells others', { route: parted('grace') }],
  ['groups of their own tell the same receiver', { route: before, groupedBy: 'alertname' }],
  ['groups of their own tell others', { route: testRoute({ receiver: 'grace' }), groupedBy: 'alertname' }],
];

interface Run {
  readonly readers: Readers;
  /** Whether the process was killed on the way. */
  readonly wasKilled: boolean;
  /** What was accepted while the process died, before it had written that down. */
  readonly lost: ReadonlySet<string>;
}

/** Who reads the messages of each receiver. */
type Readers = Readonly<Record<'ada' | 'grace', Reader>>;

/**
 * Of three alerts that were told, the end of one waits as a reload takes their group away, those of two come after it; the process is
 * killed after so many commits from the first end on.
 */
async function run(change: Change, commits: number, opensIncidents: boolean): Promise<Run> {
  const readers: Readers = { ada: new Reader(opensIncidents), grace: new Reader(opensIncidents) };
  let processes = 0;
  const configured = (changes: Change): TestConfiguration => {
    const own = processes;
    const isAlive = (): boolean => own === processes && stage?.isDead !== true;
    return {
      receivers: { ada: [readers.ada.receiver(isAlive)], grace: [readers.grace.receiver(isAlive)] },
      ...changes,
    };
  };
  const opened = await openNotificationStage(configured({ route: before }));
  stage = opened;
  let inForce: Change = { route: before };
  let lost: ReadonlySet<string> = new Set();
  const pass = async (ms: number): Promise<void> => {
    // In steps: one that died is soon followed by another.
    for (let left = ms; left > 0; left -= 5 * SECOND) {
      await opened.clock.advance(Math.min(left, 5 * SECOND));
      if (!opened.isDead) continue;
      processes++;
      await opened.revive(configured(inForce));
      lost = await unwritten([...readers.ada.accepted, ...readers.grace.accepted]);
    }
  };
  const unwritten = async (accepted: readonly Message[]): Promise<ReadonlySet<string>> => {
    const { reader } = opened.database;
    const rows = await reader.selectFrom('notifications').select(['id', 'state']).execute();
    const written = new Set(rows.filter(({ state }) => state === 'delivered').map(({ id }) => id));
    return new Set(accepted.map(({ notificationId }) => notificationId)).difference(written);
  };
  await opened.alerts.fire(LABELS);
  await pass(15 * SECOND);
  expect(readers.ada.accepted).toHaveLength(1);

  opened.killAfterCommits(commits);
  readers.ada.isDown = true;
  await opened.alerts.resolve('a');
  await pass(70 * SECOND);
  inForce = change;
  // It never ends in a process that dies meanwhile.
  void opened.notification.take(prepared(configured(change)));
  await pass(SECOND);
  await opened.alerts.resolve('b');
  await pass(70 * SECOND);
  readers.ada.isDown = false;
  await pass(2 * MINUTE);
  await opened.alerts.resolve('c');
  await pass(2 * MINUTE);
  opened.killAfterCommits(Infinity);
  await pass(5 * MINUTE);
  await expectNothingKept(opened);
  await opened.close();
  stage = null;
  return { readers, wasKilled: processes > 0, lost };
}

const CASES = [false, true].flatMap((opensIncidents) =>
  CHANGES.map(([what, change]) => ({ what, change, opensIncidents })),
);

it.each(CASES)(
  'where $what by a reload (opensIncidents: $opensIncidents), ends are told once, whichever write is the last of a process',
  async ({ change, opensIncidents }) => {
    let commits = 0;
    for (let isOver = false; !isOver;) {
      commits++;
      expect(commits).toBeLessThan(maxCommits);
      const { readers, wasKilled, lost } = await run(change, commits, opensIncidents);
      isOver = !wasKilled;
      for (const [name, { believed, repeated, accepted }] of Object.entries(readers)) {
        const about = { commits, name, told: accepted.map(shown) };
        const twice = repeated.filter((id) => !lost.has(id));
        expect({ ...about, believed: [...believed], twice }).toEqual({ ...about, believed: [], twice: [] });
      }
    }
    expect(commits).toBeGreaterThan(10);
  },
);

function shown({ groupKey, reason, alerts }: Message): string {
  const told = alerts.map(({ alertId, status }) => `${status === 'firing' ? '+' : '-'}${alertId}`);
  return [groupKey, reason, ...told].join(' ');
}
