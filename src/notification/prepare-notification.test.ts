import { expect, it } from 'vitest';
import { silentLogger, createSeededRandom, VirtualClock } from '#telemetry';
import { prepareNotification } from './prepare-notification.ts';
import { readConfigurationFile } from './read-configuration-file.ts';
import { createCheckedNetwork } from './receivers/http/checked-lookup.ts';
import { NO_SILENCES_FOUND } from './silences/silences.test-support.ts';

const CONFIGURATION = `
route: { receiver: infra }
receivers:
  - name: infra
    x-omoi: { on_call: infra }
  - { name: ada, webhook_configs: [{ url: 'http://ada.test' }] }
  - { name: grace, webhook_configs: [{ url: 'http://grace.test' }] }
x-omoi:
  people:
    grace: { receiver: grace }
  on_call:
    infra:
      layers: [{ people: [grace], rotation: daily, starts_on: 2026-01-01 }]
`;

it('finds the integration of whoever was told, also of a person who is named no more', async () => {
  const clock = new VirtualClock(Date.parse('2026-12-01T19:00:00Z'));
  const noFile = () => Promise.reject(new Error('no file'));
  const noNetwork = () => Promise.reject(new Error('no network'));
  const configuration = await readConfigurationFile(
    { name: 'alertmanager.yml', text: CONFIGURATION, directory: '/' },
    { files: { list: () => Promise.resolve([]), read: noFile } },
  );
  const { routing } = prepareNotification(configuration, {
    logger: silentLogger,
    toolsOf: () => ({
      clock,
      random: createSeededRandom(3),
      http: { request: noNetwork },
      network: createCheckedNetwork([], noNetwork),
      readSecret: noFile,
    }),
    maintenanceOf: () => null,
    silences: NO_SILENCES_FOUND,
    overrides: { at: () => null, list: () => [] },
    clock,
  });
  expect(routing.integrationsOf('infra').map(({ key }) => key)).toEqual(['grace/webhook/0']);
  expect(routing.integrationByKey('ada/webhook/0')).toMatchObject({ receiver: 'ada' });
  expect(routing.integrationByKey('lin/webhook/0')).toBeNull();
});
