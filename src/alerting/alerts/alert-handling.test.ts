import { describe, expect, it } from 'vitest';
import { createSeededRandom, silentLogger, type SystemEvent } from '#telemetry';
import type { Stage } from '../alerting.test-support.ts';
import { HIGH, stagesOfTest } from '../rule-stage.test-support.ts';
import { maxCommentsPerAlert, maxCommentsShown, maxSnoozeMs } from './alert-handling.ts';
import { maxSnoozedAlerts, Snoozes } from './snoozes.ts';

const MINUTE = 60_000;
const stages = stagesOfTest();

/** An alert that fires, with its id. */
async function firing(): Promise<{ readonly stage: Stage; readonly id: string }> {
  const stage = await stages.open(HIGH);
  await stage.append({ queue: 31 });
  return { stage, id: (await stage.events())[0]?.entity_id ?? '' };
}

/** What was told since the alert began: `snoozed ada 2026-…`. */
async function told(stage: Stage): Promise<readonly SystemEvent[]> {
  return (await stage.events()).filter(({ event_type: type }) => type !== 'monitor.alert.triggered');
}

const snoozeFor = (stage: Stage, id: string, forMs: number) =>
  stage.alerting.handling.snooze(id, { untilMs: stage.clock.wallMs() + forMs, by: 'ada', note: null });

describe('a snooze', () => {
  it('ends by itself at its time, with an event', async () => {
    const { stage, id } = await firing();
    const order = { untilMs: stage.clock.wallMs() + MINUTE, by: 'ada', note: 'at lunch' };
    const row = await stage.alerting.handling.snooze(id, order);
    expect(row).toMatchObject({
      snoozed_by: 'ada',
      snoozed_until_ms: order.untilMs,
      snooze_note: 'at lunch',
    });
    await stage.advance(MINUTE - 1000);
    expect((await told(stage)).map(({ payload }) => payload)).toMatchObject([
      { alert_id: id, snoozed_by: 'ada', until: new Date(order.untilMs).toISOString(), note: 'at lunch' },
    ]);
    await stage.advance(1500);
    expect((await told(stage)).at(-1)).toMatchObject({
      event_type: 'monitor.alert.unsnoozed',
      payload: { alert_id: id, unsnoozed_by: null },
    });
    expect(await stage.alerting.alerts.get(id)).toMatchObject({ snoozed_by: null });
    await stage.advance(2 * MINUTE);
    expect(await told(stage)).toHaveLength(2);
  });

  it('survives a restart, and ends then where its time came meanwhile', async () => {
    const { stage, id } = await firing();
    await snoozeFor(stage, id, 2 * MINUTE);
    const next = await stage.restart({ downMs: MINUTE });
    await next.append({ queue: 31 });
    expect(await told(next)).toHaveLength(1);
    const last = await next.restart({ downMs: 2 * MINUTE, crash: true });
    await last.append({ queue: 31 });
    expect((await told(last)).map(({ event_type: type }) => type)).toEqual([
      'monitor.alert.snoozed',
      'monitor.alert.unsnoozed',
    ]);
    await last.close();
  });

  it('is what was ordered last, and ended by a person once', async () => {
    const { stage, id } = await firing();
    await snoozeFor(stage, id, MINUTE);
    await snoozeFor(stage, id, 3 * MINUTE);
    await stage.advance(1.5 * MINUTE);
    expect(await told(stage)).toHaveLength(2);
    await stage.alerting.handling.unsnooze(id, 'bob');
    await stage.alerting.handling.unsnooze(id, 'bob');
    await stage.advance(2 * MINUTE);
    expect((await told(stage)).slice(2).map(({ payload }) => payload)).toMatchObject([
      { alert_id: id, unsnoozed_by: 'bob' },
    ]);
  });

  it('of an alert that is over ends without a word', async () => {
    const { stage, id } = await firing();
    await snoozeFor(stage, id, MINUTE);
    await stage.append({ queue: 3 });
    await stage.advance(2 * MINUTE);
    expect((await told(stage)).map(({ event_type: type }) => type)).toEqual([
      'monitor.alert.snoozed',
      'monitor.alert.resolved',
    ]);
    await expect(snoozeFor(stage, id, MINUTE)).rejects.toMatchObject({ code: 'alert_resolved' });
  });

  it('is tried again where it could not be written that it has ended', async () => {
    const { stage, id } = await firing();
    await snoozeFor(stage, id, MINUTE);
    await stage.advance(MINUTE - 500);
    stage.faults.push('lost', 'unanswered');
    await stage.advance(10_000);
    expect((await told(stage)).map(({ event_type: type }) => type)).toEqual([
      'monitor.alert.snoozed',
      'monitor.alert.unsnoozed',
    ]);
  });

  it.each([
    ['a time that is past', 0],
    ['too long', maxSnoozeMs + 1],
  ])('is refused: %s', async (_name, forMs) => {
    const { stage, id } = await firing();
    await expect(snoozeFor(stage, id, forMs)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('is refused beyond 10,000, but not of one that is snoozed', async () => {
    const { stage } = await firing();
    const snoozes = new Snoozes({ ...stage, random: createSeededRandom(1), logger: silentLogger });
    for (let at = 0; at < maxSnoozedAlerts; at++) snoozes.add(`alrt_${at}`, stage.clock.wallMs() + MINUTE);
    expect(() => snoozes.checkRoom('alrt_0')).not.toThrow();
    expect(() => snoozes.checkRoom('another')).toThrow('maxSnoozedAlerts');
    await snoozes.stop();
  });
});

describe('what people say', () => {
  it('an acknowledgement keeps the first, with its note', async () => {
    const { stage, id } = await firing();
    const { handling } = stage.alerting;
    await handling.acknowledge(id, 'ada', 'on it');
    expect(await handling.acknowledge(id, 'bob', 'me too')).toMatchObject({
      acknowledged_by: 'ada',
      acknowledged_note: 'on it',
    });
    expect((await told(stage)).map(({ payload }) => payload)).toMatchObject([
      { acknowledged_by: 'ada', note: 'on it' },
    ]);
  });

  it('an alert is somebody’s, then another’s, then nobody’s', async () => {
    const { stage, id } = await firing();
    const { handling } = stage.alerting;
    for (const to of ['ada', 'ada', 'bob']) await handling.assign(id, to, 'eve');
    expect(await stage.alerting.alerts.get(id)).toMatchObject({ assigned_to: 'bob', assigned_by: 'eve' });
    expect(await handling.assign(id, null, 'eve')).toMatchObject({
      assigned_to: null,
      assigned_by: null,
      assigned_at_ms: null,
    });
    expect((await told(stage)).map(({ payload }) => payload)).toMatchObject([
      { assigned_to: 'ada', assigned_by: 'eve' },
      { assigned_to: 'bob' },
      { assigned_to: null },
    ]);
  });

  it('comments stay in order, after its end too, and are bounded', async () => {
    const { stage, id } = await firing();
    const { handling } = stage.alerting;
    await handling.comment(id, 'it was the disk', 'ada');
    await stage.advance(1000);
    await stage.alerting.alerts.resolve(id);
    await handling.comment(id, 'replaced', 'bob');
    expect(await handling.comments(id)).toMatchObject([
      { commented_by: 'ada', text: 'it was the disk' },
      { commented_by: 'bob', text: 'replaced' },
    ]);
    const timeline = await stage.alerting.alerts.timeline(id);
    expect(timeline.map(({ event_type: type }) => type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.commented',
      'monitor.alert.resolved',
      'monitor.alert.commented',
    ]);
    const shown = async () => {
      const { count, newest } = await handling.newestComments(id);
      return [count, newest.length, newest.at(-1)?.text];
    };
    expect((await shown()).slice(0, 2)).toEqual([2, 2]);
    for (let at = 2; at < maxCommentsPerAlert; at++) {
      await stage.clock.advance(1);
      await handling.comment(id, `more ${at}`, 'ada');
      const count = at + 1;
      // At the number that is shown, at one more, and at the end.
      if (![maxCommentsShown, maxCommentsShown + 1, maxCommentsPerAlert].includes(count)) continue;
      expect(await shown()).toEqual([count, Math.min(count, maxCommentsShown), `more ${at}`]);
    }
    expect(await handling.newestComments('alrt_none')).toEqual({ count: 0, newest: [] });
    await expect(handling.comment(id, 'too much', 'ada')).rejects.toMatchObject({
      code: 'alert_limit_reached',
    });
    await expect(handling.comments('alrt_none')).rejects.toMatchObject({ code: 'unknown_alert' });
  });
});
