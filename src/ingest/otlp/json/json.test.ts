import { beforeEach, describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

/** A metrics request with one gauge whose data point is the JSON text. */
const point = (text: string): string =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[${text}]}}]}]}]}`;
const IDS = `"traceId":"${'ab'.repeat(16)}","spanId":"${'cd'.repeat(8)}"`;
const span = (text: string): string =>
  `{"resourceSpans":[{"scopeSpans":[{"spans":[{${IDS},"startTimeUnixNano":"${otlp.ns(0)}",${text}}]}]}]}`;

describe('numbers', () => {
  it.each([
    ['a text', '"asDouble":"3.5"', 3.5],
    ['NaN as text', '"asDouble":"NaN"', 'NaN'],
    ['the largest double', '"asDouble":1.7976931348623157e308', 1.7976931348623157e308],
    ['infinity as text', '"asDouble":"-Infinity"', '-Infinity'],
    ['a number beyond the largest double', '"asDouble":1e999', 'Infinity'],
    ['a number below the least double', '"asDouble":-1.8e308', '-Infinity'],
    ['an integer as number', '"asInt":7', 7],
    ['an integer in another form', '"asInt":"1.5e3"', 1500],
    ['snake_case', '"as_double":2', 2],
  ])('%s', async (_, value, expected) => {
    expect(await otlp.send('metrics', point(`{${value}}`))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ g: { 0: expected } });
  });

  it('nanoseconds as a number, exactly where its digits are', async () => {
    await otlp.send('metrics', point(`{"asInt":1,"timeUnixNano":${otlp.ns(5)}}`));
    await otlp.send('metrics', point(`{"asInt":1,"timeUnixNano":"${otlp.ns(9)}"}`));
    expect(otlp.stored()).toEqual({ g: { 5: 1, 9: 1 } });
  });

  it('1795819000000000000 as a number is the nanoseconds that it is', async () => {
    otlp = await startOtlp({ nowMs: 1_795_819_000_000 });
    const sent = await otlp.send('metrics', point('{"asDouble":1,"timeUnixNano":1795819000000000000}'));
    expect(sent).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ g: { 0: 1 } });
  });

  it('1e999 is infinite in attributes and bodies, too', async () => {
    const attributes = '"attributes":[{"key":"a","value":{"doubleValue":-1e999}}]';
    expect(await otlp.send('traces', span(attributes))).toEqual({ rejected: 0, message: '' });
    expect(otlp.spans[0]?.attributes).toEqual({ a: '-Infinity' });
    const records = '{"body":{"doubleValue":1e999}}';
    const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`;
    expect(await otlp.send('logs', body)).toEqual({ rejected: 0, message: '' });
    expect(otlp.logs.map(({ message }) => message)).toEqual(['Infinity']);
    expect(await otlp.send('metrics', point(`{"asInt":1,${attributes}}`))).toEqual({
      rejected: 0,
      message: '',
    });
    expect(Object.keys(otlp.stored())).toEqual(['g{a="-Infinity"}']);
  });

  it.each([
    ['an integer with a fraction', '"asInt":1.5', 'asInt: an integer belongs here'],
    ['a word', '"asDouble":"many"', 'asDouble: a number belongs here'],
    [
      'a text of a number beyond the largest double',
      '"asDouble":"-1e400"',
      'asDouble: a number that fits into a double',
    ],
    ['a list', '"asDouble":[1]', 'asDouble is a list, where none belongs'],
    ['an object', '"asInt":{}', 'asInt is an object, where none belongs'],
    ['a negative time', '"asInt":1,"timeUnixNano":-1', 'timeUnixNano: an integer from 0'],
    ['flags of 10^12', '"asInt":1,"flags":1e12', 'flags: an integer from 0'],
  ])('%s refuses its point alone', async (_, value, reason) => {
    const answer = await otlp.send('metrics', point(`{"asInt":2},{${value}}`));
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining(reason) });
    expect(otlp.stored()).toEqual({ g: { 0: 2 } });
  });
});

describe('null is unset', () => {
  it('in metrics', async () => {
    const body = `{"resourceMetrics":[null,{"resource":null,"schemaUrl":null,"scopeMetrics":[{"scope":null,"metrics":[
      {"name":"g","unit":null,"description":null,"sum":null,"gauge":{"dataPoints":[
        {"asInt":1,"attributes":null,"exemplars":null,"flags":null,"startTimeUnixNano":null},
        {"asInt":1,"attributes":[{"key":"a","value":null},null]}]}}]}]}]}`;
    expect(await otlp.send('metrics', body)).toEqual({ rejected: 0, message: '' });
    expect(Object.keys(otlp.stored())).toEqual(['g']);
  });

  it('in spans', async () => {
    const values = '[{"key":"a","value":{"doubleValue":null}},{"key":"b","value":{"arrayValue":null}}]';
    await otlp.send('traces', span(`"status":null,"parentSpanId":null,"attributes":${values}`));
    expect(otlp.spans).toMatchObject([
      { parentSpanId: null, statusCode: 0, attributes: { a: null, b: null } },
    ]);
  });
});

describe('enums', () => {
  it('by name', async () => {
    await otlp.send('traces', span('"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"}'));
    expect(otlp.spans).toMatchObject([{ kind: 2, statusCode: 2 }]);
    const record = '{"severityNumber":"SEVERITY_NUMBER_ERROR"},{"severityNumber":"SEVERITY_NUMBER_DEBUG4"}';
    await otlp.send('logs', `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`);
    expect(otlp.logs.map(({ severityNumber }) => severityNumber)).toEqual([17, 8]);
  });

  it('that are none refuse their element by name', async () => {
    const answer = await otlp.send('traces', span('"kind":"SPAN_KIND_CHIEF"'));
    expect(answer).toEqual({ rejected: 1, message: 'kind: SPAN_KIND_CHIEF is no value of this enum (1)' });
  });
});

describe('what does not fit', () => {
  it.each([
    ['a list that is none', '{"key":"a","value":{"arrayValue":{"values":5}}}', 'values is no list'],
    [
      'an entry that is none',
      '{"key":"a","value":{"kvlistValue":{"values":[5,null]}}}',
      'values is no object',
    ],
    ['bytes that are no base64', '{"key":"a","value":{"bytesValue":"%"}}', 'bytesValue: base64 belongs here'],
    ['six bits of a byte', '{"key":"a","value":{"bytesValue":"A"}}', 'bytesValue: base64 belongs here'],
    ['padding of nothing', '{"key":"a","value":{"bytesValue":"="}}', 'bytesValue: base64 belongs here'],
    ['half a padding', '{"key":"a","value":{"bytesValue":"AA="}}', 'bytesValue: base64 belongs here'],
    ['an attribute that is none', '7', 'attributes is no object'],
  ])('%s is left out of a span, and refuses a point', async (_, attribute, reason) => {
    const attributes = `"attributes":[{"key":"good","value":{"boolValue":true}},${attribute}]`;
    const answer = await otlp.send('traces', span(attributes));
    if (attribute === '7') expect(answer).toEqual({ rejected: 1, message: `${reason} (1)` });
    else {
      expect(answer).toEqual({ rejected: 0, message: `left out: ${reason} (1)` });
      expect(otlp.spans[0]?.attributes).toEqual({ good: true });
    }
    const refused = await otlp.send('metrics', point(`{"asInt":1,${attributes}},{"asInt":2}`));
    expect(refused).toEqual({ rejected: 1, message: `${reason} (1)` });
    expect(otlp.stored()).toEqual({ g: { 0: 2 } });
  });

  it.each(['', 'AA', 'AA==', 'AAA', 'AAA=', 'AAAA', '-_-_'])('%j is base64', async (text) => {
    const sent = await otlp.send(
      'traces',
      span(`"attributes":[{"key":"a","value":{"bytesValue":"${text}"}}]`),
    );
    expect(sent).toEqual({ rejected: 0, message: '' });
    expect(otlp.spans).toHaveLength(1);
  });

  it.each(['traces', 'metrics', 'logs'] as const)(
    'an attribute nested 5,000 deep refuses a request of %s, which changes nothing',
    async (signal) => {
      const depth = 5000;
      const value = `${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":1}${']}}'.repeat(depth)}`;
      const attributes = `"attributes":[{"key":"a","value":${value}}]`;
      const body = {
        traces: () => span(attributes),
        metrics: () => point(`{"asInt":2},{"asInt":1,${attributes}}`),
        logs: () => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${attributes}}]}]}]}`,
      }[signal]();
      await expect(otlp.send(signal, body)).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('maxJsonDepth (256)'),
      });
      expect([...otlp.spans, ...otlp.logs, ...Object.keys(otlp.stored())]).toEqual([]);
    },
  );

  it('null in a list of values is a value', async () => {
    await otlp.send('traces', span('"attributes":[{"key":"a","value":{"arrayValue":{"values":[null]}}}]'));
    expect(otlp.spans[0]?.attributes).toEqual({ a: [null] });
  });

  it('a metric that cannot be read counts as its points', async () => {
    const answer = await otlp.send('metrics', {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ gauge: { dataPoints: [{ asInt: 1 }, { asInt: 2 }] }, name: 5 }] }] },
      ],
    });
    expect(answer).toEqual({ rejected: 2, message: 'name: a text belongs here (2)' });
  });

  it('fields may come in any order', async () => {
    await otlp.send(
      'metrics',
      `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":"1"}],"isMonotonic":true,
        "aggregationTemporality":2},"unit":"By","name":"c"}],"scope":{"name":"s"}}],
        "resource":{"attributes":[{"value":{"stringValue":"api"},"key":"service.name"}]}}]}`,
    );
    expect(Object.keys(otlp.stored())).toEqual(['c_bytes_total{job="api", otel_scope_name="s"}']);
  });

  it('unknown fields are passed over, whatever they hold', async () => {
    const answer = await otlp.send(
      'metrics',
      point('{"asInt":1,"more":{"a":[1,{"b":null}],"c":"\\u00e9"},"x":[[]]}'),
    );
    expect(answer).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ g: { 0: 1 } });
  });
});

describe('texts', () => {
  it.each([
    ['escapes', '\\u00fc\\n\\"\\\\\\/', 'ü\n"\\/'],
    ['a pair of surrogates', '\\ud83d\\ude00', '😀'],
    ['half a pair', '\\ud83d', '�'],
    ['other letters', '日本', '日本'],
  ])('with %s', async (_, text, expected) => {
    await otlp.send('traces', span(`"name":"${text}"`));
    expect(otlp.spans).toMatchObject([{ name: expected }]);
  });

  it('of megabytes are read in steps, and cut', async () => {
    for (const letter of ['x', '\\n', '日']) {
      await otlp.send('traces', span(`"name":"${letter.repeat(1_000_000 / Buffer.byteLength(letter))}"`));
    }
    expect(otlp.spans.map(({ name }) => name.length)).toEqual([32_768, 32_768, 10_922]);
  });
});

describe('what is larger than anything is', () => {
  const long = 'x'.repeat(1024 * 1024 + 1);
  const TOO_LARGE = 'larger than maxElementBytes (1048576) (1)';
  it('a text refuses its span, point or metric', async () => {
    const spans = await otlp.send(
      'traces',
      span(`"attributes":[{"key":"a","value":{"stringValue":"${long}"}}]`),
    );
    expect(spans).toEqual({ rejected: 1, message: TOO_LARGE });
    const attributes = `"attributes":[{"key":"${long}","value":{"stringValue":"a"}}]`;
    const points = await otlp.send('metrics', point(`{"asInt":1,${attributes}},{"asInt":2}`));
    expect(points).toEqual({ rejected: 1, message: TOO_LARGE });
    expect(otlp.stored()).toEqual({ g: { 0: 2 } });
    const metric = `{"name":"h","description":"${long}","gauge":{"dataPoints":[{"asInt":1}]}}`;
    const metrics = await otlp.send(
      'metrics',
      `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metric}]}]}]}`,
    );
    expect(metrics).toEqual({ rejected: 1, message: TOO_LARGE });
    expect(Object.keys(otlp.stored())).toEqual(['g']);
  });

  it('a text of a resource refuses the request', async () => {
    const resource = `{"attributes":[{"key":"a","value":{"stringValue":"${long}"}}]}`;
    await expect(otlp.send('logs', `{"resourceLogs":[{"resource":${resource}}]}`)).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('maxElementBytes'),
    });
  });

  it.each([
    ['a number', '1'.repeat(1025)],
    ['white space that is none', `${' '.repeat(100_000)}\f1`],
  ])('%s is no JSON', async (_, value) => {
    await expect(otlp.send('metrics', `{"a":${value}}`)).rejects.toMatchObject({ code: 'malformed_json' });
  });

  it('a text of digits refuses its point', async () => {
    const answer = await otlp.send('metrics', point(`{"asDouble":"${'0'.repeat(2000)}"}`));
    expect(answer).toEqual({ rejected: 1, message: 'asDouble: a number belongs here (1)' });
  });
});

describe('what counts', () => {
  it.each([
    ['resources', 'logs', (nulls: string) => `{"resourceLogs":[${nulls}]}`],
    ['points', 'metrics', point],
    ['spans', 'traces', (nulls: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${nulls}]}]}]}`],
  ] as const)('%s that are null count as elements', async (_, signal, bodyOf) => {
    const nulls = (count: number): string => Array.from({ length: count }, () => 'null').join(',');
    expect(await otlp.send(signal, bodyOf(nulls(400_000)))).toEqual({ rejected: 0, message: '' });
    await expect(otlp.send(signal, bodyOf(nulls(500_001)))).rejects.toMatchObject({
      code: 'body_too_large',
      message: expect.stringContaining('maxRequestElements'),
    });
  });

  it('the memory for what a body becomes is taken before it is used', async () => {
    let taken = 0;
    const body = {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x'.repeat(900_000) } }] }] }],
    };
    await otlp.send('logs', body, { take: (bytes) => void (taken += bytes) });
    expect(taken).toBeGreaterThan(900_000);
    const busy = new OmoiError('ingest_busy', 'no room');
    const take = (): void => {
      throw busy;
    };
    await expect(otlp.send('logs', body, { take })).rejects.toBe(busy);
    expect(otlp.logs).toHaveLength(1);
  });
});

describe('a body that is no request', () => {
  it.each([
    ['nothing', '', 'malformed_json'],
    ['an end in an object', '{', 'malformed_json'],
    ['an end in a text', '{"a', 'malformed_json'],
    ['a comma too many', '{"a":1,}', 'malformed_json'],
    ['a comma too many in a list', '{"a":[1,]}', 'malformed_json'],
    ['no comma', '{"a":1 "b":2}', 'malformed_json'],
    ['another bracket', '{"a":[1}', 'malformed_json'],
    ['a number with a zero in front', '{"a":01}', 'malformed_json'],
    ['a number without digits', '{"a":-}', 'malformed_json'],
    ['a word', '{"a":nul}', 'malformed_json'],
    ['a control character in a text', '{"a":"\n"}', 'malformed_json'],
    ['an unknown escape', '{"a":"\\x"}', 'malformed_json'],
    ['something after the end', '{} {}', 'malformed_json'],
    ['a comment', '{/**/}', 'malformed_json'],
    ['5,000 brackets', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'malformed_json'],
    ['a list', '[]', 'payload_undecodable'],
    ['a number', '5', 'payload_undecodable'],
    ['a list that is none', '{"resourceMetrics":5}', 'payload_undecodable'],
    ['a resource that is none', '{"resourceMetrics":[{"resource":"x"}]}', 'payload_undecodable'],
  ])('%s', async (_, body, code) => {
    await expect(otlp.send('metrics', body)).rejects.toMatchObject({ code });
  });

  it('changes nothing, though good points stand before what is broken', async () => {
    const body = point('{"asInt":1}');
    await expect(otlp.send('metrics', body.slice(0, -1))).rejects.toMatchObject({ code: 'malformed_json' });
    expect((await otlp.tsdb.status()).seriesCount).toBe(0);
  });
});
