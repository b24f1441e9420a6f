import { describe, expect, it } from 'vitest';
import { createMatcher, type Labels, type Matcher } from '#telemetry';
import type { InhibitRule } from './configuration/notification-configuration.ts';
import type { NotificationParts } from './notification-parts.ts';
import {
  NO_SILENCES,
  openNotificationStage,
  RecordingReceiver,
  useTestNotification,
} from './notification.test-support.ts';
import type { Silence } from './silences/silence.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const A = { alertname: 'A', group: 'one' };
const C = { alertname: 'C', group: 'two' };

const test = useTestNotification();

const pass = (ms: number): Promise<void> => test.stage.clock.advance(ms);

describe('an inhibited alert', () => {
  const SOURCE = { alertname: 'Down', group: 'two' };
  const rule: InhibitRule = {
    name: '',
    sources: [{ matchers: [createMatcher('alertname', '=', 'Down')], equal: [] }],
    targetMatchers: [createMatcher('alertname', '=', 'A')],
    equal: [],
  };

  async function openInhibited(): Promise<RecordingReceiver> {
    const team = new RecordingReceiver();
    test.stage = await openNotificationStage({ receivers: { team: [team] }, inhibitRules: [rule] });
    return team;
  }

  it.each([
    ['before what inhibits it', [['a'], ['s']]],
    ['with what inhibits it', [['s', 'a']]],
    ['just after what inhibits it', [['s'], ['a']]],
  ])('of which nobody has heard is not told of when it is over: %s', async (_name, ends) => {
    const team = await openInhibited();
    await test.stage.alerts.fire({ s: SOURCE, a: A });
    await pass(11 * SECOND);
    expect(team.take()).toEqual(['first_notification +s']);
    for (const together of ends) {
      await test.stage.alerts.resolve(...together);
      await pass(SECOND);
    }
    await pass(2 * MINUTE);
    expect(team.take()).toEqual(['all_resolved -s']);
    expect((await test.stage.notification.decisions.list('a')).decisions.at(-1)).toMatchObject({
      stage: 'inhibition',
      decision: 'kept back',
      reason: 'it was inhibited until it was over',
    });
    expect([...test.stage.notification.dispatcher.groups()]).toEqual([]);
  });

  it('of which somebody has heard is told of when it is over', async () => {
    const team = await openInhibited();
    await test.stage.alerts.fire({ a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.fire({ s: SOURCE });
    await pass(2 * MINUTE);
    await test.stage.alerts.resolve('s', 'a');
    await pass(2 * MINUTE);
    expect(team.take().toSorted()).toEqual([
      'all_resolved -a',
      'all_resolved -s',
      'first_notification +a',
      'first_notification +s',
    ]);
  });

  it('is told of when what inhibits it is over, and it is not', async () => {
    const team = await openInhibited();
    await test.stage.alerts.fire({ s: SOURCE, a: A });
    await pass(11 * SECOND);
    await test.stage.alerts.resolve('s');
    await pass(2 * MINUTE);
    await test.stage.alerts.resolve('a');
    await pass(2 * MINUTE);
    expect(team.take()).toEqual([
      'first_notification +s',
      'first_notification +a',
      'all_resolved -s',
      'all_resolved -a',
    ]);
  });
});

describe('a silence that ends with its alerts', () => {
  it('is looked at once where many of them end together, and anew later', async () => {
    let looks = 0;
    const counting: Matcher = {
      ...createMatcher('group', '=', 'one'),
      matches: (value) => {
        looks++;
        return value === 'one';
      },
    };
    const silence = { matcherSets: [[counting]] } as unknown as Silence;
    const said: boolean[] = [];
    const alertResolved: NotificationParts['silences']['alertResolved'] = async (_labels, silencesMore) => {
      said.push(await silencesMore(silence));
      said.push(await silencesMore(silence));
    };
    const team = new RecordingReceiver();
    test.stage = await openNotificationStage({
      receivers: { team: [team] },
      silences: { ...NO_SILENCES, alertResolved },
    });
    const ids = Array.from({ length: 100 }, (_, at) => `a${at}`);
    const others = Array.from({ length: 100 }, (_, at) => `c${at}`);
    const labels = (base: Labels, instance: string): Labels => ({ ...base, instance });
    await test.stage.alerts.fire(Object.fromEntries(others.map((id) => [id, labels(C, id)])));
    await test.stage.alerts.fire(Object.fromEntries(ids.map((id) => [id, labels(A, id)])));
    await pass(11 * SECOND);
    await test.stage.alerts.resolve('a0');
    await pass(0);
    expect([said, looks]).toEqual([[true, true], 202]);
    await test.stage.alerts.resolve(...ids.slice(1, 50));
    await pass(0);
    expect(looks).toBe(202 + 101 + 49 * 101);
    said.length = 0;
    await test.stage.alerts.resolve(...ids.slice(50));
    await pass(0);
    expect(new Set(said)).toEqual(new Set([false]));
  });
});
