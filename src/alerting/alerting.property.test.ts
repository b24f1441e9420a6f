import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSeededRandom, labelsKey, nextTurn, parseLabels } from '#telemetry';
import { propertyLimitMs, heavyPropertyRuns } from '../../tests/property-runs.ts';
import { openStage, type Stage } from './alerting.test-support.ts';

const HIGH = '{alert: High, expr: queue > 30}';
const HIGHER = '{alert: High, expr: queue > 40}';
const SECOND = '{alert: High, expr: queue > 20, labels: {second: "1"}}';
const SLOW = '{alert: Slow, expr: queue > 10, for: 2s, keep_firing_for: 2s}';
const RECORDED = '{record: twice, expr: queue}';
const OF_RECORDED = '{alert: Recorded, expr: twice > 30}';

/** What may be loaded, one after the other: the same, changed, doubled, in another order, fewer. */
const RULE_SETS = [
  [HIGH, SLOW, RECORDED, OF_RECORDED],
  [HIGHER, SLOW],
  [SECOND, HIGH, SLOW],
  [SLOW, HIGH],
  [SLOW, HIGH, SECOND, RECORDED, OF_RECORDED],
  [SECOND],
] as const;

const SERIES = ['queue{phase="a"}', 'queue{phase="b"}', 'queue{phase="c"}'] as const;
const LOW = 3;
const HIGH_VALUE = 50;
/** Longer than every `for`, stability, retry and pace together. */
const QUIET_MS = 8000;

const kindOf = <Kind extends string>(kind: Kind) => ({ kind: fc.constant(kind) });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ...kindOf('append'),
      series: fc.constantFrom(...SERIES),
      value: fc.constantFrom(LOW, 15, 35, HIGH_VALUE, null),
    }),
  },
  { weight: 6, arbitrary: fc.record({ ...kindOf('wait'), ms: fc.constantFrom(10, 250, 1200, 2500) }) },
  { weight: 4, arbitrary: fc.record({ ...kindOf('resolve'), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ ...kindOf('acknowledge'), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ ...kindOf('reload'), set: fc.nat(RULE_SETS.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ ...kindOf('break_query') }) },
  { weight: 1, arbitrary: fc.record({ ...kindOf('restart'), crash: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ ...kindOf('fault'), fault: fc.constantFrom('lost', 'unanswered') }) },
  { weight: 4, arbitrary: fc.record(kindOf('settle')) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function rulesText(rules: readonly string[]): string {
  return `groups:\n  - name: g\n    interval: 1m\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join('')}`;
}

/** What was done to the alerts, as far as their end may show it. */
interface Doings {
  /** Alerts that somebody tried to resolve. */
  readonly resolved: Set<string>;
  /** Whether rules were removed, and whether series ended. */
  removed: boolean;
  vanished: boolean;
}

/**
 * The alerting under everything that may happen to it, at once: no step waits for the one before unless it says
 * `settle`, and each transaction begins and answers after a number of turns that the seed gives.
 */
class Play {
  readonly #random;
  readonly #doings: Doings = { resolved: new Set(), removed: false, vanished: false };
  #running: Promise<unknown>[] = [];
  #set = 0;
  /** What was appended last of each series. */
  readonly #newest = new Map<string, number | null>();
  #stage: Stage;

  private constructor(stage: Stage, seed: number) {
    this.#stage = stage;
    this.#random = createSeededRandom(seed);
  }

  static async begin(seed: number): Promise<Play> {
    const play = new Play(await openStage(rulesText(RULE_SETS[0])), seed);
    play.#delayTransactions();
    return play;
  }

  async do(next: Step): Promise<void> {
    const { alerting, clock, faults, queries } = this.#stage;
    switch (next.kind) {
      case 'append':
        await clock.advance(1);
        this.#doings.vanished ||= next.value === null;
        this.#newest.set(next.series, next.value);
        this.#stage.appendNow({ [next.series]: next.value });
        return;
      case 'wait':
        return clock.advance(next.ms);
      case 'acknowledge':
        return this.#onOne(next.pick, (id) => alerting.handling.acknowledge(id, 'ada'));
      case 'resolve':
        return this.#onOne(next.pick, (id) => {
          this.#doings.resolved.add(id);
          return alerting.alerts.resolve(id);
        });
      case 'reload':
        this.#set = next.set;
        this.#doings.removed = true;
        this.#run(this.#load());
        return;
      case 'break_query':
        if (!queries.failures.delete('queue')) queries.failures.set('queue', 'down');
        return;
      case 'restart':
        return this.#restart(next.crash);
      case 'fault':
        faults.push(next.fault);
        return;
      case 'settle':
        return this.#settle();
    }
  }

  /** Lets everything come to rest, and compares what people see with what is on disk and with what was done. */
  async checkAtRest(): Promise<void> {
    this.#stage.faults.length = 0;
    this.#stage.queries.failures.clear();
    await this.#settle();
    // A load that a fault hit is done again, as a person would.
    await this.#load();
    // A rule that could not be evaluated is evaluated again when data comes.
    await this.#stage.append(Object.fromEntries(this.#newest));
    await this.#stage.advance(QUIET_MS);
    await this.#checkEpisodes();
    await this.#checkState();
    await this.#checkThatNothingIsStuck();
  }

  async end(): Promise<void> {
    this.#stage.observer.pause = null;
    await this.#stage.close();
  }

  #delayTransactions(): void {
    this.#stage.observer.pause = async () => {
      for (let turns = Math.floor(this.#random.next() * 4); turns > 0; turns--) await nextTurn();
    };
  }

  #run(work: Promise<unknown>): void {
    this.#running.push(work.catch(() => undefined));
  }

  #load(): Promise<unknown> {
    const text = rulesText(RULE_SETS[this.#set] ?? RULE_SETS[0]);
    return this.#stage.alerting.rules.load([{ name: 'rules.yml', text }]);
  }

  async #onOne(pick: number, work: (alertId: string) => Promise<unknown>): Promise<void> {
    const { alerts } = await this.#stage.alerting.alerts.list({ state: 'firing', matchers: [], limit: 100 });
    const alert = alerts[pick % Math.max(1, alerts.length)];
    if (alert) this.#run(work(alert.id));
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#running.splice(0));
    await this.#stage.advance(1);
  }

  async #restart(crash: boolean): Promise<void> {
    if (!crash) await this.#settle();
    // Whoever waits for a process that was killed waits for ever.
    this.#running = [];
    this.#stage.faults.length = 0;
    this.#stage.observer.pause = null;
    const rules = rulesText(RULE_SETS[this.#set] ?? RULE_SETS[0]);
    this.#stage = await this.#stage.restart({ downMs: 500, crash, rules });
    this.#delayTransactions();
  }

  /** One row an episode, with one event for its beginning and one for its end, which has a cause that can be. */
  async #checkEpisodes(): Promise<void> {
    const { alerts } = await this.#stage.alerting.alerts.list({ matchers: [], limit: 1000 });
    const events = await this.#stage.database.reader.selectFrom('events').selectAll().orderBy('id').execute();
    const typesById = Map.groupBy(events, (event) => event.entity_id);
    expect(typesById.size).toBe(alerts.length);
    for (const row of alerts) {
      const types = (typesById.get(row.id) ?? []).map((event) => event.event_type);
      const told = types.filter((type) => type !== 'monitor.alert.acknowledged');
      expect(told).toEqual([
        'monitor.alert.triggered',
        ...(row.state === 'resolved' ? ['monitor.alert.resolved'] : []),
      ]);
      expect(types.length - told.length).toBe(row.acknowledged_by === null ? 0 : 1);
      if (row.rule_id === 'g/Slow') expect(row.fired_at_ms - row.active_at_ms).toBeGreaterThanOrEqual(2000);
      if (row.cause === 'manual')
        expect(this.#doings.removed || this.#doings.resolved.has(row.id)).toBe(true);
      if (row.cause === 'data_vanished') expect(this.#doings.vanished).toBe(true);
      expect([null, 'manual', 'recovered', 'data_vanished']).toContain(row.cause);
    }
  }

  /** What rules have in mind, the open rows, the saved states and the series say the same. */
  async #checkState(): Promise<void> {
    const { alerting, clock, database, samples } = this.#stage;
    const rules = [...alerting.rules.states.values()];
    const open = await database.reader
      .selectFrom('alerts')
      .selectAll()
      .where('state', '=', 'firing')
      .execute();
    const inMind = rules.flatMap((rule) => [...rule.instances.values()]);
    const ids = inMind.flatMap(({ alertId }) => (alertId === null ? [] : [alertId]));
    expect(ids.sort()).toEqual(open.map(({ id }) => id).sort());
    expect(open.every((row) => alerting.rules.states.has(row.rule_key))).toBe(true);
    const saved = await database.reader.selectFrom('alert_rule_state').selectAll().execute();
    const savedTexts = saved.map((row) => `${row.rule_key} ${row.fingerprint} ${row.state}`);
    const toSave = rules.flatMap((rule) =>
      [...rule.instances.values()]
        .filter(({ phase }) => phase.kind !== 'firing')
        .map(({ fingerprint, phase }) => `${rule.key} ${fingerprint} ${phase.kind}`),
    );
    expect(savedTexts.sort()).toEqual(toSave.sort());
    const labelsOf = (row: { readonly labels: string }) => parseLabels(row.labels);
    const expected = open.map((row) => labelsKey({ ...labelsOf(row), alertstate: 'firing' }));
    const live = samples
      .live('ALERTS', clock.wallMs())
      .filter((labels) => labels['alertstate'] === 'firing')
      .map(({ __name__: _name, ...labels }) => labelsKey(labels));
    expect(live.sort()).toEqual(expected.sort());
  }

  /** Where every condition is false nothing fires; where every condition then holds, everything does. */
  async #checkThatNothingIsStuck(): Promise<void> {
    await this.#stage.append(Object.fromEntries(SERIES.map((series) => [series, LOW])));
    await this.#stage.advance(QUIET_MS);
    expect(await this.#firing()).toEqual([]);
    await this.#stage.append(Object.fromEntries(SERIES.map((series) => [series, HIGH_VALUE])));
    await this.#stage.advance(QUIET_MS);
    const rules = [...this.#stage.alerting.rules.states.values()].filter(
      ({ definition }) => definition.rule.kind === 'alerting',
    );
    const expected = rules.flatMap(({ key }) => ['a', 'b', 'c'].map((phase) => `${key} ${phase}`));
    expect(await this.#firing()).toEqual(expected.sort());
  }

  async #firing(): Promise<readonly string[]> {
    const { alerts } = await this.#stage.alerting.alerts.list({ state: 'firing', matchers: [], limit: 1000 });
    return alerts.map((row) => `${row.rule_key} ${parseLabels(row.labels)['phase'] ?? ''}`).sort();
  }
}

/** New rules were not evaluated: that a removed one had waited for its turn was taken for what its end cost. */
const RULES_THAT_COME_AND_GO: readonly Step[] = [
  { kind: 'wait', ms: 10 },
  { kind: 'resolve', pick: 0 },
  { kind: 'append', series: 'queue{phase="a"}', value: 50 },
  { kind: 'fault', fault: 'unanswered' },
  { kind: 'restart', crash: false },
  { kind: 'append', series: 'queue{phase="c"}', value: 3 },
  { kind: 'reload', set: 1 },
  { kind: 'wait', ms: 2500 },
  { kind: 'resolve', pick: 795_409_029 },
  { kind: 'fault', fault: 'lost' },
  { kind: 'resolve', pick: 461_673_963 },
  { kind: 'wait', ms: 2500 },
  { kind: 'resolve', pick: 0 },
  { kind: 'reload', set: 0 },
  { kind: 'append', series: 'queue{phase="a"}', value: 3 },
  { kind: 'settle' },
  { kind: 'reload', set: 0 },
  { kind: 'reload', set: 0 },
  { kind: 'fault', fault: 'lost' },
  { kind: 'reload', set: 0 },
  { kind: 'reload', set: 0 },
];

/** An alert ended since its data had vanished: the reload that removed its rule had removed the recording rule before. */
const RULES_AND_THEIR_DATA_GO: readonly Step[] = [
  { kind: 'reload', set: 0 },
  { kind: 'resolve', pick: 0 },
  { kind: 'append', series: 'queue{phase="c"}', value: 50 },
  { kind: 'fault', fault: 'lost' },
  { kind: 'restart', crash: false },
  { kind: 'append', series: 'queue{phase="c"}', value: 3 },
  { kind: 'reload', set: 1 },
  { kind: 'wait', ms: 2500 },
  { kind: 'resolve', pick: 0 },
  { kind: 'fault', fault: 'lost' },
  { kind: 'resolve', pick: 0 },
  { kind: 'wait', ms: 10 },
  { kind: 'resolve', pick: 0 },
  { kind: 'reload', set: 0 },
  { kind: 'append', series: 'queue{phase="a"}', value: 3 },
  { kind: 'settle' },
  { kind: 'reload', set: 0 },
  { kind: 'reload', set: 0 },
  { kind: 'fault', fault: 'lost' },
  { kind: 'reload', set: 0 },
  { kind: 'reload', set: 0 },
];

/** The series of an alert ended under it: a rule that gave the same labels before had ended its own. */
const TWO_RULES_OF_THE_SAME_LABELS: readonly Step[] = [
  { kind: 'append', series: 'queue{phase="c"}', value: 50 },
  { kind: 'wait', ms: 2500 },
  { kind: 'settle' },
  { kind: 'reload', set: 5 },
  { kind: 'break_query' },
  { kind: 'reload', set: 2 },
];

it(
  'an episode is one row with one beginning and one end, and all that tells of alerts agrees, whatever happens at once',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 20, maxLength: 40 }), async (seed, script) => {
        const play = await Play.begin(seed);
        try {
          for (const next of script) await play.do(next);
          await play.checkAtRest();
        } finally {
          await play.end();
        }
      }),
      {
        numRuns: heavyPropertyRuns(40),
        examples: [
          [0, [...RULES_THAT_COME_AND_GO]],
          [90_712_152, [...RULES_AND_THEIR_DATA_GO]],
          [0, [...TWO_RULES_OF_THE_SAME_LABELS]],
        ],
      },
    );
  },
  propertyLimitMs,
);
