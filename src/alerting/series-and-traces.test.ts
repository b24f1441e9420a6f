import { describe, expect, it } from 'vitest';
import type { Stage } from './alerting.test-support.ts';
import { HIGH, rule, stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();

describe('series', () => {
  it('ALERTS and ALERTS_FOR_STATE are written and end in a staleness marker', async () => {
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 1s'));
    await stage.append({ queue: 31 });
    await stage.advance(1500);
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(stage.samples.history('ALERTS')).toEqual({
      'alertname=High,alertstate=pending': ['1', 'stale'],
      'alertname=High,alertstate=firing': ['1', 'stale'],
    });
    expect(stage.samples.history('ALERTS_FOR_STATE')['alertname=High']?.at(-1)).toBe('stale');
  });

  it('a recording rule writes what changes, and later rules of the group see it', async () => {
    const stage = await stages.open(
      'groups:\n  - name: g\n    rules:\n      - {record: r, expr: queue, labels: {team: x}}\n      - {alert: High, expr: r > 30}\n',
    );
    await stage.append({ 'queue{phase="a"}': 31 });
    await stage.advance(10);
    expect(stage.samples.history('r')).toEqual({ 'phase=a,team=x': ['31'] });
    expect(await stage.episodes()).toEqual(['g/High{"phase":"a","team":"x"}: firing']);
    await stage.append({ 'queue{phase="a"}': null });
    expect(stage.samples.history('r')).toEqual({ 'phase=a,team=x': ['31', 'stale'] });
  });

  it('of two rules that give the same labels go on until both have ended', async () => {
    const stage = await stages.open(
      'groups:\n  - name: g\n    interval: 1h\n    rules:\n' +
        '      - {alert: High, expr: queue > 30}\n      - {alert: High, expr: queue > 20}\n' +
        '      - {record: r, expr: depth > 30}\n      - {record: r, expr: depth > 20}\n',
    );
    const live = () => ['ALERTS', 'r'].map((name) => stage.samples.live(name, stage.clock.wallMs()).length);
    await stage.append({ queue: 31, depth: 31 });
    await stage.advance(100);
    await stage.append({ queue: 25, depth: 25 });
    await stage.advance(1500);
    expect((await stage.episodes()).toSorted()).toEqual(['g/High{}: firing', 'g/High{}: resolved recovered']);
    expect(live()).toEqual([1, 1]);
    await stage.append({ queue: 3, depth: 3 });
    await stage.advance(1500);
    expect(live()).toEqual([0, 0]);
  });
});

describe('the trace of an alert', () => {
  const parentsOf = (stage: Stage): readonly string[] => {
    const names = new Map(stage.tracing.spans.map((span) => [span.traceparent, span.name]));
    return stage.tracing.spans.map(
      (span) => `${span.name} < ${span.parent === null ? 'root' : (names.get(span.parent) ?? span.parent)}`,
    );
  };
  const anomaly = '00-0000000000000000000000000000beef-00000000000000aa-01';

  it('begins at the append where nothing upstream was traced', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ queue: 3 });
    expect(stage.tracing.spans).toEqual([]);
    await stage.advance(100);
    await stage.append({ queue: 31 });
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(parentsOf(stage)).toEqual([
      'telemetry.append < root',
      'alerting.evaluate < telemetry.append',
      'alerting.alert < alerting.evaluate',
      'alerting.resolve < alerting.alert',
    ]);
  });

  it('descends from a traced series that still holds, though an untraced append fired it', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ 'queue{phase="a"}': 20 }, anomaly);
    await stage.advance(100);
    await stage.append({ 'queue{phase="b"}': 31 });
    await stage.append({ 'queue{phase="a"}': 31 }, anomaly);
    await stage.advance(100);
    const evaluated = stage.tracing.spans.filter((span) => span.name === 'alerting.evaluate');
    expect(evaluated.map((span) => span.parent === anomaly)).toEqual([false, true]);
    await stage.append({ 'queue{phase="c"}': 99, 'queue{phase="a"}': 20 });
    expect((await stage.events()).map((event) => event.traceparent?.includes('beef'))).toEqual([
      false,
      true,
      false,
    ]);
  });
});
