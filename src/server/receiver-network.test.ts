import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { defaultConfiguration } from '#notification';
import { createSeededRandom, VirtualClock } from '#telemetry';
import { createReceiverNetwork } from './receiver-network.ts';

it('keeps nothing of a configuration that is no longer used', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('garbage cannot be collected here');
  const network = createReceiverNetwork({
    clock: new VirtualClock(),
    random: createSeededRandom(1),
    environment: {},
    version: '0',
  });
  const configuration = await defaultConfiguration();
  const clients = Array.from({ length: 10 }, () => new WeakRef(network.toolsOf(configuration).http));
  // What a turn of the event loop has looked at through a weak reference lives to its end.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(clients.filter((client) => client.deref() !== undefined)).toEqual([]);
  network.close();
});
