import { expect, it } from 'vitest';
import { encodeProtobuf } from '../otlp.test-support.ts';
import { requestWriters } from './request-writers.ts';

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const service = (name: number) => ({ attributes: [text('service.name', `s${name}`)] });

it.each([
  ['one', { resourceMetrics: [{ resource: service(1) }] }, ['["s1",null]']],
  ['two, one of them twice', { resourceMetrics: [1, 2, 1].map((name) => ({ resource: service(name) })) }, 2],
  ['nobody', { resourceMetrics: [{}] }, ['[null,null]']],
  ['as many as are looked at', { resourceMetrics: Array.from({ length: 200 }, () => ({})) }, 1],
  ['more than are looked at', { resourceMetrics: Array.from({ length: 201 }, () => ({})) }, null],
  [
    'more scopes than are looked at',
    { resourceMetrics: [{ scopeMetrics: Array.from({ length: 5001 }, () => ({})) }] },
    null,
  ],
  [
    'one of more bytes than are looked at',
    { resourceMetrics: [{ resource: { attributes: [text('a', 'x'.repeat(65_536))] } }] },
    null,
  ],
] as const)('tells who writes in a request: %s', (_, message, expected) => {
  const writers = requestWriters(encodeProtobuf('metrics', message));
  if (typeof expected === 'number') expect(writers?.size).toBe(expected);
  else expect(writers && [...writers]).toEqual(expected);
});
