import { expect, it } from 'vitest';
import { agentLabels } from './agent-labels.ts';

it.each<[string, readonly string[], string | null, object]>([
  ['the machine that it runs on', [], 'web-1', { host: 'web-1' }],
  ['no machine where that is not known', [], null, {}],
  ['what is said', ['rack=r7', 'provider=acme'], 'web-1', { host: 'web-1', rack: 'r7', provider: 'acme' }],
  ['another machine', ['host=laptop'], 'web-1', { host: 'laptop' }],
  ['none at all', ['host='], 'web-1', {}],
  ['a value with equals signs', ['query=a=b'], null, { query: 'a=b' }],
  ['a name that objects have', ['__proto__=x'], null, JSON.parse('{"__proto__":"x"}') as object],
])('an agent is labelled with %s', (_what, said, host, expected) => {
  expect(JSON.stringify(agentLabels(said, host))).toBe(JSON.stringify(expected));
});

it.each([
  ['a label without a value', ['rack'], '--label: "rack" is not name=value'],
  ['a label without a name', ['=r7'], '--label: "=r7" is not name=value'],
  ['a long one', [`rack=${'x'.repeat(257)}`], 'has more than 256 characters'],
  ['too many', Array.from({ length: 33 }, (_, at) => `l${at}=x`), 'at most 32 labels'],
])('%s is refused', (_what, said, message) => {
  expect(() => agentLabels(said, null)).toThrow(message);
});
