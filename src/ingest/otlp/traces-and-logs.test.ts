import { beforeEach, describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const TRACE = 'ab'.repeat(16);
const SPAN = 'cd'.repeat(8);
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'api' } }] };
const traces = (...spans: readonly object[]) => ({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
const logs = (...logRecords: readonly object[]) => ({
  resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }],
});
const deep = (levels: number): object =>
  levels === 0 ? { intValue: '1' } : { arrayValue: { values: [deep(levels - 1)] } };

describe.each(['json', 'protobuf'] as const)('spans in %s', (encoding) => {
  const send = (...spans: readonly object[]) => otlp.send('traces', traces(...spans), { encoding });
  const span = (more: object = {}) => ({
    traceId: TRACE,
    spanId: SPAN,
    name: 'work',
    startTimeUnixNano: otlp.ns(1),
    endTimeUnixNano: otlp.ns(3),
    ...more,
  });

  it('are read with all they say', async () => {
    const attributes = [
      { key: 'text', value: { stringValue: 'ü' } },
      { key: 'exact', value: { intValue: '9007199254740993' } },
      { key: 'exact too', value: { intValue: '9007199254740992' } },
      { key: 'safe', value: { intValue: '-42' } },
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'bytes', value: { bytesValue: 'AQI=' } },
      { key: 'yes', value: { boolValue: true } },
      { key: 'nothing', value: {} },
      { key: '__proto__', value: { kvlistValue: { values: [{ key: 'a', value: { stringValue: 'b' } }] } } },
      { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
    ];
    const events = [
      { timeUnixNano: otlp.ns(2), name: 'event', attributes: [{ key: 'k', value: { intValue: '1' } }] },
    ];
    const links = [{ traceId: TRACE, spanId: SPAN }];
    const status = { code: 2, message: 'boom' };
    const answer = await send(
      span({ kind: 2, parentSpanId: 'ef'.repeat(8), attributes, events, links, status }),
    );
    expect(answer).toEqual({ rejected: 0, message: '' });
    const startUs = otlp.clock.wallMs() * 1000;
    expect(otlp.spans).toEqual([
      {
        traceId: TRACE,
        spanId: SPAN,
        parentSpanId: 'ef'.repeat(8),
        name: 'work',
        kind: 2,
        startUs: startUs + 1000,
        endUs: startUs + 3000,
        statusCode: 2,
        statusMessage: 'boom',
        serviceName: 'api',
        attributes: Object.fromEntries([
          ['service.name', 'api'],
          ['text', 'ü'],
          ['exact', '9007199254740993'],
          ['exact too', '9007199254740992'],
          ['safe', -42],
          ['nan', 'NaN'],
          ['bytes', 'AQI='],
          ['yes', true],
          ['nothing', null],
          ['__proto__', { a: 'b' }],
          ['list', [1, null]],
        ]),
        events: [{ name: 'event', atUs: startUs + 2000, attributes: { k: 1 } }],
        links: [{ traceId: TRACE, spanId: SPAN, attributes: {} }],
      },
    ]);
  });

  it.each([
    ['with an all-zero parent is a root', { parentSpanId: '0'.repeat(16) }, { parentSpanId: null }],
    ['with an end of 0 has not ended', { endTimeUnixNano: '0' }, { endUs: null }],
    ['without an end has not ended', { endTimeUnixNano: undefined }, { endUs: null }],
    ['of an unknown kind says none', { kind: 77 }, { kind: 0 }],
  ])('one %s', async (_, more, expected) => {
    expect(await send(span(more))).toEqual({ rejected: 0, message: '' });
    expect(otlp.spans).toMatchObject([expected]);
  });

  it('one that ends before it starts ends at once, and its sender is told', async () => {
    expect(await send(span({ startTimeUnixNano: otlp.ns(9) }))).toEqual({
      rejected: 0,
      message: 'put right: a span that ends before it starts has no duration (1)',
    });
    expect(otlp.spans).toMatchObject([{ startUs: otlp.spans[0]?.endUs }]);
  });

  it.each([
    ['a trace id of another length', { traceId: 'abcd' }, 'trace id of 2 bytes instead of 16'],
    ['an all-zero trace id', { traceId: '0'.repeat(32) }, 'without a trace id'],
    ['no span id', { spanId: '' }, 'without a span id'],
    ['no start', { startTimeUnixNano: '0' }, 'without a start'],
    ['a start of a nanosecond', { startTimeUnixNano: '1' }, 'before the year 2000; times are nanoseconds'],
    ['a start in milliseconds', { startTimeUnixNano: '1764000000000' }, 'before the year 2000'],
    [
      'the year 2255',
      { startTimeUnixNano: '9007199254740992000', endTimeUnixNano: '9007199254740992000' },
      'more than a day ahead',
    ],
    ['an end at the end of time', { endTimeUnixNano: '18446744073709551615' }, 'more than a day ahead'],
  ])('one with %s is refused among its siblings', async (_, more, reason) => {
    const answer = await send(span(), span(more), span());
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining(reason) });
    expect(otlp.spans).toHaveLength(2);
  });

  it.each([
    ['a link without ids', { links: [{}, { traceId: TRACE, spanId: SPAN }] }, 'a link without', 'links'],
    [
      'an attribute without a key',
      {
        attributes: [
          { key: '', value: {} },
          { key: 'a', value: { intValue: '1' } },
        ],
      },
      'an attribute without a key',
      'attributes',
    ],
    [
      'an attribute that is nested too deeply',
      {
        attributes: [
          { key: 'deep', value: deep(34) },
          { key: 'a', value: deep(1) },
        ],
      },
      'attribute deep is nested deeper',
      'attributes',
    ],
    [
      'an event of the year 2255',
      { events: [{ timeUnixNano: '9007199254740992000' }, { name: 'e' }] },
      'an event more than a day ahead',
      'events',
    ],
  ] as const)('%s is left out of its span', async (_, more, reason, list) => {
    const answer = await send(span(more));
    expect(answer).toEqual({ rejected: 0, message: expect.stringContaining(`left out: ${reason}`) });
    const kept: object = otlp.spans[0]?.[list] ?? {};
    expect(Object.keys(kept)).toHaveLength(list === 'attributes' ? 2 : 1);
  });

  it('long texts are cut at a character', async () => {
    await send(
      span({
        name: 'é'.repeat(40_000),
        attributes: [{ key: 'a', value: { stringValue: 'x'.repeat(50_000) } }],
      }),
    );
    expect(otlp.spans[0]?.name).toBe('é'.repeat(16 * 1024));
    expect(String(otlp.spans[0]?.attributes['a'])).toHaveLength(32 * 1024);
  });

  it('are handed over in pieces', async () => {
    const sizes: number[] = [];
    otlp = await startOtlp({ stores: { spans: async (piece) => void sizes.push(piece.length) } });
    await send(...Array.from({ length: 1050 }, () => span()));
    expect(sizes).toEqual([400, 400, 250]);
    sizes.length = 0;
    // Pieces are of so many bytes at most: four of three, and what is left.
    const attributes = ['a', 'b'].map((key) => ({ key, value: { stringValue: 'x'.repeat(32_000) } }));
    await send(...Array.from({ length: 18 }, () => span({ attributes })));
    expect(sizes).toEqual([8, 8, 2]);
  });
});

describe.each(['json', 'protobuf'] as const)('log records in %s', (encoding) => {
  const send = (...records: readonly object[]) => otlp.send('logs', logs(...records), { encoding });

  it('are read with all they say', async () => {
    const attributes = [{ key: 'exact', value: { intValue: '9007199254740993' } }];
    const body = { stringValue: 'it broke' };
    const ids = { traceId: TRACE, spanId: SPAN };
    await send({ timeUnixNano: otlp.ns(2), severityNumber: 17, severityText: 'E', body, attributes, ...ids });
    expect(otlp.logs).toEqual([
      {
        atMs: otlp.clock.wallMs() + 2,
        severityNumber: 17,
        severityText: 'E',
        message: 'it broke',
        serviceName: 'api',
        traceId: TRACE,
        spanId: SPAN,
        attributes: { 'service.name': 'api', exact: '9007199254740993' },
      },
    ]);
  });

  it.each([
    ['NaN', { body: { doubleValue: 'NaN' } }, 'NaN'],
    ['a number', { body: { doubleValue: 2.5 } }, '2.5'],
    ['a list', { body: { arrayValue: { values: [{ stringValue: 'a' }, {}] } } }, '["a",null]'],
    ['a map of an event', { eventName: 'clicked', body: { kvlistValue: { values: [] } } }, 'clicked'],
    ['nothing', {}, ''],
    ['what is nested too deeply', { body: deep(34) }, ''],
  ])('with a body of %s', async (_, record, message) => {
    expect(await send(record)).toMatchObject({ rejected: 0 });
    expect(otlp.logs).toMatchObject([{ message }]);
  });

  it('without a time are of the time they were observed, or came', async () => {
    await send({ observedTimeUnixNano: otlp.ns(5) }, {});
    expect(otlp.logs.map(({ atMs }) => atMs - otlp.clock.wallMs())).toEqual([5, 0]);
  });

  it('keep what they say where their ids are wrong', async () => {
    const answer = await send({ body: { stringValue: 'kept' }, traceId: 'abcd', spanId: '0'.repeat(16) });
    expect(answer).toEqual({ rejected: 0, message: "left out: a record's trace id of 2 bytes (1)" });
    expect(otlp.logs).toMatchObject([{ message: 'kept', traceId: null, spanId: null }]);
  });
});

describe('what is sent in the name of Omoi itself', () => {
  it.each([['omoi'], ['OMOI'], [' omoi ']])('as %j is kept under who has sent it', async (said) => {
    const own = { attributes: [{ key: 'service.name', value: { stringValue: said } }] };
    const name = 'agent:coder-1';
    const logRecords = [{ timeUnixNano: otlp.ns(1), body: { stringValue: 'Remediation healed' } }];
    await otlp.send('logs', { resourceLogs: [{ resource: own, scopeLogs: [{ logRecords }] }] }, { name });
    const spans = [{ traceId: TRACE, spanId: SPAN, name: 'heal', startTimeUnixNano: otlp.ns(1) }];
    await otlp.send('traces', { resourceSpans: [{ resource: own, scopeSpans: [{ spans }] }] }, { name });
    for (const { serviceName, attributes } of [...otlp.logs, ...otlp.spans]) {
      expect([serviceName, attributes['service.name']]).toEqual([name, name]);
    }
    expect([otlp.logs.length, otlp.spans.length]).toEqual([1, 1]);
  });

  it('is not what only begins like it', async () => {
    const logRecords = [{ timeUnixNano: otlp.ns(1), body: { stringValue: 'x' } }];
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'omoi-worker' } }] };
    await otlp.send('logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
    expect(otlp.logs.map(({ serviceName }) => serviceName)).toEqual(['omoi-worker']);
  });
});
