import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSeededRandom, labelsKey } from '#telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { Webhook, type WebhookMessage } from '../acceptance/support/webhook.ts';
import { heavyPropertyRuns, propertyLimitMs, propertySeed } from '../property-runs.ts';
import { AlertmanagerServer, isAlertmanagerInstalled } from './alertmanager/alertmanager-server.ts';
import { RECEIVERS, ScenarioGenerator, type PhasedAlert } from './alertmanager/random-routing.ts';

/*
 * Random trees, inhibit rules, silences and alerts, posted to Omoi and to a real Alertmanager with the same configuration: who is
 * told what of which alerts, phase by phase. Set OMOI_SEED to a printed seed to see the same again.
 */
const SCENARIOS = heavyPropertyRuns(40);
const isCI = process.env['CI'] === 'true';
if (!isAlertmanagerInstalled && isCI)
  throw new Error('Alertmanager is missing: apt-get install prometheus-alertmanager');
/** Longer than a group interval: what comes later would belong to the next phase. */
const QUIET_MS = 2000;

const random = createSeededRandom(propertySeed);
const generator = new ScenarioGenerator(random);
const scenarios = Array.from({ length: SCENARIOS }, (_, number) => generator.scenario(number));

interface Program {
  readonly name: 'omoi' | 'alertmanager';
  /** Of its Alertmanager API, without a slash at the end. */
  readonly api: string;
  readonly token: string | null;
  readonly webhook: Webhook;
}

function configurationText(webhook: Webhook): string {
  const inhibitRules = scenarios.flatMap(({ inhibitRuleText }) => inhibitRuleText ?? []);
  const receiver = (name: string): string =>
    `  - { name: ${name}, webhook_configs: [{ url: '${webhook.url}/${name}', send_resolved: ${name !== 'quiet'} }] }`;
  return `route:
  receiver: r0
  group_wait: 500ms
  group_interval: 1s
  routes:
${scenarios.map(({ routeText }) => `    - ${routeText}`).join('\n')}
inhibit_rules: [${inhibitRules.join(',\n  ')}]
receivers:
${RECEIVERS.map(receiver).join('\n')}
`;
}

describe.skipIf(!isAlertmanagerInstalled)(
  `who is told what, beside Alertmanager, OMOI_SEED=${propertySeed} (skipped without it: apt-get install prometheus-alertmanager)`,
  () => {
    const data = dataDirectory();
    let programs: readonly Program[] = [];
    const stops: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      const [ofOmoi, ofAlertmanager] = await Promise.all([Webhook.open(), Webhook.open()]);
      const file = (name: string, text: string): string => {
        mkdirSync(join(data.path, name));
        writeFileSync(join(data.path, name, 'alertmanager.yml'), text);
        return join(data.path, name, 'alertmanager.yml');
      };
      const omoi = await OmoiServer.start(join(data.path, 'data'), {
        env: {
          OMOI_NOTIFICATION_CONFIG_FILE: file('omoi', configurationText(ofOmoi)),
          OMOI_ALERTING_DISABLE: '["*"]',
          OMOI_WATCHDOG_DISABLE: '["*"]',
        },
      });
      stops.push(() => omoi.stop());
      const other = file('alertmanager', configurationText(ofAlertmanager));
      const alertmanager = await AlertmanagerServer.start(other, join(data.path, 'alertmanager'));
      stops.push(() => alertmanager.stop());
      programs = [
        { name: 'omoi', api: `${omoi.url}/alertmanager`, token: omoi.adminToken, webhook: ofOmoi },
        { name: 'alertmanager', api: alertmanager.url, token: null, webhook: ofAlertmanager },
      ];
    });

    afterAll(async () => {
      await Promise.all(stops.map((stop) => stop()));
      await Promise.all(programs.map(({ webhook }) => webhook.close()));
      data.remove();
    });

    it(
      `agrees phase by phase on ${SCENARIOS} trees with alerts of their own`,
      { timeout: propertyLimitMs },
      async () => {
        const firing = new Set<string>();
        for (const phase of [0, 1, 2]) {
          await toBoth('silences', silencesBefore(phase));
          const from = programs.map(({ webhook }) => webhook.messages.length);
          const alerts = scenarios.flatMap(({ phases }) => phases[phase] ?? []);
          await toBoth('alerts', [alerts.map(posted)]);
          const told = (): readonly (readonly string[])[] =>
            programs.map(({ webhook }, at) => toldBy(webhook.messages.slice(from[at])));
          await quiet(() => JSON.stringify(told()));
          const [omoi = [], alertmanager = []] = told();
          expect(alertmanager.length).toBeGreaterThan(0);
          const more = omoi.filter((line) => !alertmanager.includes(line) && isEndOfInhibited(line, firing));
          expect(
            omoi.filter((line) => !more.includes(line)),
            `phase ${phase}`,
          ).toEqual(alertmanager);
          for (const line of omoi) if (line.endsWith(FIRING)) firing.add(line.slice(0, -FIRING.length));
        }
      },
    );

    async function toBoth(path: 'alerts' | 'silences', bodies: readonly unknown[]): Promise<void> {
      for (const { name, api, token } of programs) {
        for (const body of bodies) {
          const answer = await fetch(`${api}/api/v2/${path}`, {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              ...(token !== null && { authorization: `Bearer ${token}` }),
            },
            body: JSON.stringify(body),
          });
          if (!answer.ok) throw new Error(`${name} ${path}: ${answer.status} ${await answer.text()}`);
        }
      }
    }
  },
);

const FIRING = ': firing';
const RESOLVED = ': resolved';

/**
 * Who was told that an alert fires hears that it is over, although it is inhibited by then: the one difference, beside those in time.
 * @param firing what was told to fire
 */
function isEndOfInhibited(line: string, firing: ReadonlySet<string>): boolean {
  const isOfRule = scenarios.some(
    ({ number, inhibitRuleText }) =>
      inhibitRuleText !== null && line.includes(labelsKey({ scenario: String(number) })),
  );
  return isOfRule && line.endsWith(RESOLVED) && firing.has(line.slice(0, -RESOLVED.length));
}

function silencesBefore(phase: number): readonly object[] {
  return scenarios.flatMap(({ number, silence }) =>
    silence?.beforePhase === phase
      ? [
          {
            matchers: [
              { name: 'scenario', value: String(number), isRegex: false, isEqual: true },
              { name: 'team', value: silence.team, isRegex: false, isEqual: true },
            ],
            startsAt: new Date().toISOString(),
            endsAt: new Date(Date.now() + 3_600_000).toISOString(),
            createdBy: 'test',
            comment: 'of a scenario',
          },
        ]
      : [],
  );
}

/** By `labelsKey`. What began longer ago than the group wait would be told before what inhibits it is known. */
const startedAt = new Map<string, string>();

function posted({ labels, status }: PhasedAlert): object {
  const key = labelsKey(labels);
  const startsAt = startedAt.get(key) ?? new Date().toISOString();
  startedAt.set(key, startsAt);
  const endsAtMs = status === 'firing' ? Date.now() + 3_600_000 : Date.now();
  return { labels, startsAt, endsAt: new Date(endsAtMs).toISOString() };
}

/** Of each receiver and group: what was said last of each alert. */
function toldBy(messages: readonly WebhookMessage[]): readonly string[] {
  const last = new Map<string, string>();
  for (const { path, body } of messages) {
    for (const { labels, status } of body.alerts) {
      last.set(`${path} ${labelsKey(body.groupLabels)} ${labelsKey(labels)}`, status);
    }
  }
  return [...last].map(([what, status]) => `${what}: ${status}`).sort();
}

/** Resolves when something was told, and nothing else for a while. */
async function quiet(told: () => string): Promise<void> {
  let seen = told();
  let sinceMs = performance.now();
  await until(
    () => {
      const now = told();
      if (now !== seen) {
        seen = now;
        sinceMs = performance.now();
      }
      return seen.includes('/') && performance.now() - sinceMs > QUIET_MS;
    },
    'nothing more is told',
    120_000,
  );
}
