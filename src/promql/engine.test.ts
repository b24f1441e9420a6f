import { type Clock, createSystemClock, type Queryable, wordsOf, writeStaleMarker } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { createEngine } from './engine.ts';
import { ALL_FEATURES, NO_FEATURES } from './syntax/features.ts';
import { engineWith, MemoryQueryable, SECOND_MS, series } from './engine.test-support.ts';
import type { QueryResult } from './query-result.ts';
import { expressionTree } from './syntax/expression-tree.ts';
import { formatExpression } from './syntax/formatter.ts';
import { maxExpressionDepth, parseExpression } from './syntax/parser.ts';
import { prettyPrint } from './syntax/pretty-printer.ts';

const store = (): MemoryQueryable =>
  new MemoryQueryable(
    series({ __name__: 'up', job: 'a' }, 1, 1, 0),
    series({ __name__: 'up', job: 'b' }, 1, 1, 1),
    series({ __name__: 'errors_total', job: 'a' }, 0, 5, 10),
  );

function settled(result: QueryResult | Promise<QueryResult>): QueryResult {
  if (result instanceof Promise) return expect.fail('the result had to be waited for');
  return result;
}

describe('an instant query', () => {
  it('answers at once where the store does', () => {
    const result = settled(engineWith().prepare('up == 1').instant(store(), 2000));
    expect(result).toEqual({
      kind: 'vector',
      elements: [{ labels: { __name__: 'up', job: 'b' }, value: 1, timestampMs: 2000 }],
      warnings: [],
      infos: [],
    });
  });

  it('waits for a store that answers later', async () => {
    const memory = store();
    const later: Queryable = { select: (selection) => Promise.resolve(memory.select(selection)) };
    const result = engineWith().prepare('sum(up)').instant(later, 2000);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toMatchObject({ elements: [{ labels: {}, value: 1 }] });
  });

  it('has a text of so many characters at most', () => {
    const longest = `up{job=~"${'api|'.repeat(16_381)}a"}`;
    expect(longest).toHaveLength(65_536);
    expect(() => engineWith().prepare(longest)).not.toThrow();
    expect(() => engineWith().prepare(`${longest} `)).toThrow(
      expect.objectContaining({
        code: 'query_limit',
        message: 'the query has 65537 characters: more than maxQueryLength (65536)',
      }),
    );
  });

  it.each([
    ['operators and numbers', (tokens: number) => `-1${'+1'.repeat((tokens - 2) / 2)}`],
    ['names', (tokens: number) => `sum by (${'a,'.repeat((tokens - 8) / 2)}) (up)`],
    ['matchers', (tokens: number) => `{${'a="b",'.repeat((tokens - 4) / 4)}} + 1`],
  ])('has 10,000 %s at most, and says what to do', (_, textOf) => {
    expect(() => engineWith().prepare(textOf(10_000))).not.toThrow();
    expect(() => engineWith().prepare(textOf(10_004))).toThrow(
      expect.objectContaining({
        code: 'query_limit',
        message: expect.stringContaining('write many values of a label as one regular expression'),
        details: { limit: 'maxQueryTokens', value: 10_000 },
      }),
    );
  });

  it('has regular expressions of so large a sum at most, and says which is too much', () => {
    const half = `x{1000}`.repeat(5);
    expect(() => engineWith().prepare(`up{a=~"${half}"} + up{b!~"${half}"}`)).not.toThrow();
    expect(() => engineWith().prepare(`up{a=~"${half}"} + up{b!~"${half}"} + up{c=~"[ab]"}`)).toThrow(
      expect.objectContaining({
        code: 'query_invalid',
        message:
          '1:98: parse error: the regular expression "[ab]" is too large: size 10001, more than maxRegexSize (10000)',
      }),
    );
    const names = Array.from({ length: 3000 }, (_, at) => `host-${at}\\\\.local`).join('|');
    expect(() => engineWith().prepare(`up{a=~"${names}"}`)).not.toThrow();
  });

  it('compiles no larger expression for label_replace either', () => {
    const text = `label_replace(up, "a", "$1", "job", "${'x{1000}'.repeat(11)}")`;
    expect(() => engineWith().prepare(text).instant(store(), 2000)).toThrow(
      expect.objectContaining({
        code: 'query_failed',
        message: expect.stringContaining('size 11000, more than maxRegexSize (10000)'),
      }),
    );
  });

  it.each([
    ['sort(m)', [0, 1]],
    ['sort_desc(m)', [4999, 4998]],
    ['sort_by_label(m, "at")', [0, 1]],
    ['topk(2000, m)', [4999, 4998]],
    ['bottomk(2000, m)', [0, 1]],
  ])('%s gives turns while it sorts', (text, first) => {
    const many = Array.from({ length: 5000 }, (_, at) => {
      const value = (at * 7919) % 5000;
      return series({ __name__: 'm', at: String(value) }, value);
    });
    const turnsOf = (query: string): { turns: number; result: QueryResult } => {
      const work = engineWith()
        .prepare(query)
        .instantWork(new MemoryQueryable(...many), 0);
      let turns = 0;
      for (let step = work.next(); ; step = work.next(), turns++) {
        if (step.done === true) return { turns, result: step.value };
      }
    };
    const { turns, result } = turnsOf(text);
    expect(turns).toBeGreaterThan(turnsOf('m').turns + 10);
    const values = result.kind === 'vector' ? result.elements.map(({ value }) => value) : [];
    expect(values.slice(0, 2)).toEqual(first);
  });

  it('as work gives turns while it is at it, and answers the same', () => {
    const many = Array.from({ length: 30_000 }, (_, at) =>
      series({ __name__: 'big_total', job: String(at % 10), unit: String(at) }, 1, 2, 5),
    );
    const memory = new MemoryQueryable(...many);
    const query = engineWith().prepare('sum by (job) (rate(big_total[3s]))');
    const work = query.instantWork(memory, 2000);
    let turns = 0;
    let step = work.next();
    for (; !step.done; step = work.next()) turns++;
    expect(turns).toBeGreaterThan(4);
    expect(step.value).toEqual(settled(query.instant(memory, 2000)));
  });

  it('as work begins anew where samples have left for where they can’t be read at once', async () => {
    const memory = store();
    let reads = 0;
    const moving: Queryable = {
      select: (selection) => Promise.resolve(memory.select(selection)),
      open: () => ({
        seriesCount: 2,
        read: (place) =>
          ++reads > 1 ? null : (memory.select({ matchers: [], startMs: 0, endMs: 1 })[place] ?? null),
      }),
    };
    const work = engineWith().prepare('sum(sum_over_time(up[3s]))').instantWork(moving, 2000);
    let step = work.next();
    while (!step.done) step = work.next(await step.value);
    expect(step.value).toMatchObject({ elements: [{ value: 5 }] });
  });

  it('takes the newest samples in flat arrays where the store offers them', () => {
    const values = Float64Array.of(1, 2, 3);
    writeStaleMarker(wordsOf(values), 2);
    const store: Queryable = {
      select: () => expect.fail('no arrays a series are needed'),
      selectLatest: () => ({
        labels: [{ a: '1' }, { a: '2' }, { a: '3' }],
        timestampsMs: Float64Array.of(-300_000, -299_999, 0),
        values,
      }),
    };
    const result = settled(engineWith().prepare('x').instant(store, 0));
    expect(result).toMatchObject({ elements: [{ labels: { a: '2' }, value: 2 }] });
  });

  it.each([
    ['1 + 1', { kind: 'scalar', value: 2, timestampMs: 1500 }],
    ['"a"', { kind: 'string', value: 'a', timestampMs: 1500 }],
  ])('%s is no vector', (query, expected) => {
    expect(settled(engineWith().prepare(query).instant(store(), 1500))).toMatchObject(expected);
  });

  it('tells warnings and infos with their places', () => {
    const engine = engineWith({ features: NO_FEATURES });
    const result = settled(engine.prepare('quantile(2, rate(up[10s]))').instant(store(), 2000));
    expect(result.warnings).toEqual([
      'PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)',
    ]);
    expect(result.infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (1:18)',
    ]);
  });
});

describe('a chain of thousands of operators', () => {
  const range = { startMs: 0, endMs: 2000, stepMs: SECOND_MS };

  it('is evaluated at one time and at many', async () => {
    const chain = `up${' or up'.repeat(4999)}`;
    const query = engineWith().prepare(chain);
    expect(query.selectors).toHaveLength(5000);
    expect(settled(query.instant(store(), 2000))).toMatchObject({ elements: [{ value: 0 }, { value: 1 }] });
    const answer = await query.range(store(), range);
    expect(answer).toEqual(await engineWith().prepare('up').range(store(), range));
  });

  it('is evaluated once where nothing of it changes from step to step', async () => {
    const sum = `up @ 1${' + up @ 1'.repeat(2000)}`;
    const answer = await engineWith().prepare(`${sum} + up`).range(store(), range);
    if (answer.kind !== 'matrix') return expect.fail(answer.kind);
    expect(answer.series.map(({ values }) => [...values])).toEqual([
      [2002, 2002, 2001],
      [2002, 2002, 2002],
    ]);
  });

  it('can be a threshold, or stand beside a comparison', () => {
    const number = `0${' + 1'.repeat(2000)}`;
    const { comparison } = engineWith().prepare(`up > ${number}${' and up'.repeat(2000)}`);
    expect(comparison).toEqual({ metricName: 'up', operator: '>', threshold: 2000 });
  });
});

describe('an expression as deep as may be', () => {
  const depth = maxExpressionDepth - 2;

  it.each([
    ['parentheses', '('.repeat(depth) + 'up' + ')'.repeat(depth)],
    ['signs', `${'-'.repeat(depth)}up`],
    ['calls', 'abs('.repeat(depth) + 'up' + ')'.repeat(depth)],
    ['aggregations', 'sum by (job) ('.repeat(depth) + 'up' + ')'.repeat(depth)],
    ['subqueries', `max_over_time(`.repeat(depth / 2) + 'up' + '[1s:1s])'.repeat(depth / 2)],
    ['right sides', 'up + ('.repeat(depth / 2) + 'up' + ')'.repeat(depth / 2)],
    ['powers', `up${' ^ up'.repeat(depth)}`],
  ])('of %s is evaluated at one time and at many, and written', async (_, text) => {
    const query = engineWith().prepare(text);
    const instant = settled(query.instant(store(), 2000));
    expect(instant).toMatchObject({ elements: [{}, {}] });
    expect(await query.range(store(), { startMs: 0, endMs: 2000, stepMs: SECOND_MS })).toMatchObject({
      series: [{}, {}],
    });
    expect(formatExpression(parseExpression(prettyPrint(query.expression)))).toBe(
      formatExpression(query.expression),
    );
    expect(JSON.stringify(expressionTree(query.expression)).length).toBeGreaterThan(depth);
  });
});

describe('bytes that are no UTF-8', () => {
  it.each([
    ['"a\\xff"', { value: 'a\uFFFD' }],
    ['label_replace(vector(1), "x", "\\xff$1", "", ".*")', { elements: [{ labels: { x: '\uFFFD' } }] }],
    ['label_join(vector(1), "x", "\\xfe", "a", "b")', { elements: [{ labels: { x: '\uFFFD' } }] }],
    ['absent(nothing{x="\\xff"})', { elements: [{ labels: { x: '\uFFFD' } }] }],
    ['absent_over_time({"\\xff"="x"}[1m])', { elements: [{ labels: { '\uFFFD': 'x' } }] }],
    ['label_replace(vector(1), "x", "\\xe2\\x82\\xac", "", ".*")', { elements: [{ labels: { x: '€' } }] }],
  ])('in %s read as U+FFFD', (text, expected) => {
    expect(settled(engineWith().prepare(text).instant(store(), 0))).toMatchObject(expected);
  });

  it.each([
    ['up{a=~"\\xff("}', /missing closing \): `\(\?s\)\uFFFD\(`/],
    ['label_replace(vector(1), "\\xff", "x", "", "")', /label_replace\(\): \uFFFD$/],
    ['label_join(vector(1), "a", "x", "\\xff")', /label_join\(\): \uFFFD$/],
    ['label_replace(vector(1), "a", "x", "", "\\xff(")', /label_replace\(\): \uFFFD\($/],
  ])('in what is said of %s, too', (text, message) => {
    const run = () => settled(engineWith().prepare(text).instant(store(), 0));
    expect(run).toThrow(message);
  });
});

describe('what a query asks of the store', () => {
  it.each([
    ['up', [[-299_000, 1000]]],
    ['up offset 1m', [[-359_000, -59_000]]],
    ['rate(up[30s])', [[-29_000, 1000]]],
    ['rate(up[30s] @ 100 offset 10s)', [[60_000, 90_000]]],
    ['rate(up[30s] anchored)', [[-329_000, 1000]]],
    ['rate(up[30s] smoothed offset 10s)', [[-339_000, 291_000]]],
    ['up anchored', [[-299_000, 1000]]],
    ['up smoothed', [[-299_000, 301_000]]],
    ['max_over_time(rate(up[30s] smoothed)[1m:10s])', [[-389_000, 301_000]]],
    ['max_over_time(up[1m:10s])', [[-359_000, 1000]]],
    ['max_over_time(rate(up[30s])[1m:10s] offset 1m)', [[-149_000, -59_000]]],
    [
      'up + on () errors_total offset 5s',
      [
        [-299_000, 1000],
        [-304_000, -4000],
      ],
    ],
  ])('%s', (query, expected) => {
    const memory = store();
    settled(engineWith().prepare(query).instant(memory, 1000));
    expect(memory.selections.map(({ startMs, endMs }) => [startMs, endMs])).toEqual(expected);
  });

  it.each([
    ['rate(up[30s])', 30_000],
    ['rate(up[30s] anchored)', 330_000],
    ['up smoothed offset 1m', 360_000],
    ['max_over_time(delta(up[30s] smoothed)[1m:10s])', 390_000],
  ])('reaches back for %s by %d ms', (query, reachMs) => {
    expect(engineWith().prepare(query).reachMs).toBe(reachMs);
  });

  it('is listed for subscriptions', () => {
    const { selectors } = engineWith().prepare('rate(a[5m] offset 1m) > on (x) b{c="d"} @ 5');
    expect(
      selectors.map(({ matchers, rangeMs, offsetMs }) => [
        matchers.map(({ name, value }) => `${name}=${value}`).join(),
        rangeMs,
        offsetMs,
      ]),
    ).toEqual([
      ['__name__=a', 300_000, 60_000],
      ['c=d,__name__=b', 0, 0],
    ]);
  });
});

describe('the comparison of a query', () => {
  it.each([
    ['up < 1', { metricName: 'up', operator: '<', threshold: 1 }],
    [
      '5 * 60 <= (sum by (job) (errors_total{a="b"}))',
      { metricName: 'errors_total', operator: '>=', threshold: 300 },
    ],
    ['max(up) == bool -1 and on () vector(1) > 0', { metricName: 'up', operator: '==', threshold: -1 }],
    ['{"my.metric"} != 0', { metricName: 'my.metric', operator: '!=', threshold: 0 }],
    ['count(up) > 1', null],
    ['rate(errors_total[5m]) > 1', null],
    ['up > errors_total', null],
    ['up > 1 or up < 0', null],
    ['{a="b"} > 1', null],
    ['up + 1', null],
  ])('%s', (query, expected) => {
    expect(engineWith().prepare(query).comparison).toEqual(expected);
  });
});

describe('a range query', () => {
  it('has a point at every step at which there is a value, series sorted by labels', async () => {
    const result = await engineWith()
      .prepare('up or errors_total > 4')
      .range(store(), { startMs: 0, endMs: 2500, stepMs: 1000 });
    expect(result).toMatchObject({
      kind: 'matrix',
      series: [
        { labels: { __name__: 'up', job: 'a' }, values: Float64Array.of(1, 1, 0) },
        { labels: { __name__: 'up', job: 'b' }, values: Float64Array.of(1, 1, 1) },
      ],
    });
  });

  it.each([
    [
      'up[5m]',
      {},
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    ],
    ['"a"', {}, 'invalid expression type "string" for range query, must be Scalar or instant Vector'],
    ['up', { stepMs: 0 }, 'the step of a range must be greater than 0'],
    ['up', { endMs: -1 }, 'the end of a range must not be before its start'],
  ])('refuses %s with %j', async (query, change, message) => {
    const options = { startMs: 0, endMs: 1000, stepMs: 1000, ...change };
    await expect(engineWith().prepare(query).range(store(), options)).rejects.toMatchObject({ message });
  });

  it('lets the event loop run again and again', async () => {
    const many = Array.from({ length: 3000 }, (_, at) =>
      series(
        { __name__: 'm', at: String(at), group: String(at % 7) },
        ...Array.from({ length: 200 }, () => at),
      ),
    );
    const engine = createEngine({ clock: createSystemClock(), features: ALL_FEATURES });
    // Time of the processor: what other work takes of the machine is not the query's.
    const cpuMs = (): number => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    };
    let longestMs = 0;
    let lastMs = cpuMs();
    let finished = false;
    const watch = (): void => {
      longestMs = Math.max(longestMs, cpuMs() - lastMs);
      lastMs = cpuMs();
      if (!finished) setImmediate(watch);
    };
    const range = { startMs: 0, endMs: 400_000, stepMs: 500 };
    const queryable = new MemoryQueryable(...many);
    const query = engine.prepare('sort(sum by (group) (rate(m[5m])) + on (group) group_right -m)');
    await query.range(queryable, { ...range, endMs: 5000 });
    const startMs = cpuMs();
    lastMs = startMs;
    setImmediate(watch);
    await query.range(queryable, range);
    finished = true;
    // A share and not a time, which machines take as they like.
    expect(longestMs).toBeLessThan((cpuMs() - startMs) / 10);
  });
});

describe('limits', () => {
  const big = new MemoryQueryable(
    ...Array.from({ length: 20 }, (_, at) => series({ __name__: 'm', at: String(at) }, 1, 2, 3)),
  );

  it.each([
    [{ maxSeries: 19 }, 'maxSeries', 19],
    [{ maxSamples: 59 }, 'maxSamples', 59],
  ])('%j is named when it is reached', (options, limit, value) => {
    expect(() => engineWith(options).prepare('m').instant(big, 2000)).toThrow(
      expect.objectContaining({ code: 'query_limit', details: { limit, value } }),
    );
  });

  it('count what is computed, too', async () => {
    const query = engineWith({ maxSamples: 1000 }).prepare('m');
    const range = { startMs: 0, endMs: 200_000, stepMs: 1000 };
    await expect(query.range(big, range)).rejects.toMatchObject({
      code: 'query_limit',
      message: expect.stringContaining('maxSamples (1000)'),
    });
  });

  it.each([
    'count_over_time(up[1000d:1ms])',
    'count_over_time(vector(1)[1000d:1ms])',
    'rate(errors_total[5m]) + on() group_right() max_over_time(rate(up[5m])[1000d:1ms])',
    'up[1000d:1ms]',
  ])('are asked before memory is: %s', async (text) => {
    await expect(engineWith().prepare(text).instantInSlices(store(), 2000)).rejects.toMatchObject({
      code: 'query_limit',
      details: { limit: 'maxSubquerySteps' },
    });
  });

  it('are asked before the table of a range is made', async () => {
    const query = engineWith({ maxSamples: 100 }).prepare('up');
    await expect(query.range(store(), { startMs: 0, endMs: 101, stepMs: 1 })).rejects.toMatchObject({
      code: 'query_limit',
      details: { limit: 'maxSamples' },
    });
  });

  it('include the time', () => {
    let asked = 0;
    const idle = { cancel: () => {} };
    const clock: Clock = {
      wallMs: () => 0,
      monotonicMs: () => (asked++ === 0 ? 0 : 1001),
      cpuMs: () => 0,
      bootMs: () => 0,
      bootId: 'boot',
      after: () => idle,
      every: () => idle,
    };
    const engine = createEngine({ clock, features: ALL_FEATURES, timeoutMs: 1000 });
    expect(() => engine.prepare('m').instant(big, 2000)).toThrow(
      expect.objectContaining({ code: 'query_timeout', details: { limit: 'timeoutMs', value: 1000 } }),
    );
  });

  it('are looked at in the middle of one series with long windows, too', async () => {
    let asked = 0;
    const idle = { cancel: () => {} };
    const clock: Clock = {
      wallMs: () => 0,
      monotonicMs: () => ++asked,
      cpuMs: () => 0,
      bootMs: () => 0,
      bootId: 'boot',
      after: () => idle,
      every: () => idle,
    };
    const long = new MemoryQueryable(series({ __name__: 'm' }, ...Array<number>(2000).fill(1)));
    const range = { startMs: 0, endMs: 1_999_000, stepMs: SECOND_MS };
    const query = createEngine({ clock, features: ALL_FEATURES, timeoutMs: 100 }).prepare(
      'sum_over_time(m[30m])',
    );
    await expect(query.range(long, range)).rejects.toMatchObject({ code: 'query_timeout' });
  });

  it('include the caller’s patience', () => {
    const signal = AbortSignal.abort(new Error('gone'));
    expect(() => engineWith().prepare('m').instant(big, 2000, { signal })).toThrow(
      'the query was cancelled: gone',
    );
  });
});
