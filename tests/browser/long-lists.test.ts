import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';

const program = chromiumForTests();

/** More than the API gives of a list at once. */
const AGENTS = 1500;
const ALERTS = 2000;
/** So many of them change their status at once. */
const CHANGING = 300;
/** Pools of one agent that is as it should be. */
const WELL_POOLS = 8;
const WITHIN_MS = 60_000;
/** Elements, texts and comments. */
const NODES = `(() => {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
  let nodes = 1;
  while (walker.nextNode() !== null) nodes++;
  return nodes;
})()`;
const RULES = `
groups:
  - name: many
    rules: [{ alert: Broken, expr: part_broken > 0, labels: { severity: error } }]
`;

describe.skipIf(program === null)('mission control of a large fleet', () => {
  const data = dataDirectory();
  const files = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;

  beforeAll(async () => {
    const ruleFile = join(files.path, 'rules.yaml');
    writeFileSync(ruleFile, RULES);
    const configFile = join(files.path, 'omoi.yaml');
    const log = join(files.path, 'omoi.log');
    writeFileSync(
      configFile,
      `alerting: { rule_files: [${ruleFile}], disable: ['*'] }\nwatchdog: { disable: ['*'] }\nlog: { destination: ${log} }\n`,
    );
    server = await OmoiServer.start(data.path, { configFile });
    admin = new Client(() => server.url, server.adminToken);
    for (let first = 0; first < AGENTS; first += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, at) => {
          const agentId = `worker-${first + at + 1}`;
          // Patient enough to be silent for as long as the test lasts.
          const body = { agent_type: 'worker', nonce: agentId, heartbeat_interval_ms: 300_000 };
          return admin.read('/api/v1/fleet/agents', { method: 'POST', body: { agent_id: agentId, ...body } });
        }),
      );
    }
    const dataPoints = Array.from({ length: ALERTS }, (_, at) => ({
      asInt: 1,
      attributes: [{ key: 'part', value: { stringValue: `${at + 1}` } }],
    }));
    const metrics = [{ name: 'part_broken', gauge: { dataPoints } }];
    await admin.read('/v1/metrics', {
      method: 'POST',
      body: { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] },
    });
    await until(
      async () => (await admin.read<Overview>('/api/v1/overview')).alerts.firing === ALERTS,
      'all alerts fire',
      WITHIN_MS,
    );
    browser = await openBrowser(program ?? '');
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    data.remove();
    files.remove();
  });

  it('shows more and more of its alerts up to the last, and holds only those near the screen', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    const alerts = page.getByRole('region', { name: 'Alerts' });

    await alerts.getByText('20 of 2,000 alerts, the most urgent first.').waitFor();
    const acknowledge = alerts.getByRole('button', { name: /^Acknowledge/ });
    // The first few of the one rule stand for all, until somebody wants to see them.
    expect(await acknowledge.count()).toBe(3);
    await alerts.getByText(/^17 more of /).waitFor();
    await alerts.getByRole('button', { name: /^Show all of / }).click();
    await until(async () => (await acknowledge.count()) === 20, 'all that were read are there');
    for (const shown of ['80', '320', '1,280']) {
      await alerts.getByRole('button', { name: /^Show more/ }).click();
      await alerts.getByText(`${shown} of 2,000 alerts, the most urgent first.`).waitFor();
    }
    await alerts.getByRole('button', { name: /^Show more/ }).click();
    await alerts.getByText('2,000 firing').waitFor();
    await alerts.getByRole('button', { name: /^Show more/ }).waitFor({ state: 'detached' });

    const last = alerts.getByRole('list').last();
    const inLast = last.getByRole('button', { name: /^Acknowledge/ });
    expect(await inLast.count()).toBe(0);
    expect(await acknowledge.count()).toBeLessThan(ALERTS / 2);

    // Places become as high as what they hold once that has been near.
    await until(async () => {
      await last.scrollIntoViewIfNeeded();
      return (await inLast.count()) === 20;
    }, 'the last alerts are there');
    expect(await acknowledge.count()).toBeLessThan(ALERTS / 2);
    await page.close();
  });

  it('acknowledges and silences all that fire at once, and holds at most 1,500 nodes meanwhile', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    await page.goto(`${server.url}/alerts?severity=error`);
    const alerts = page.getByRole('region', { name: 'Alerts' });
    for (const shown of ['40', '160', '640']) {
      await alerts.getByText(`The first ${shown} alerts, the newest first.`).waitFor();
      await alerts.getByRole('button', { name: /^Show more/ }).click();
    }
    await alerts.getByRole('button', { name: 'Select all 2,000 shown' }).click();
    const bulk = alerts.getByRole('group', { name: 'Selected alerts' });
    await bulk.getByText('2,000 alerts selected').waitFor();
    expect(await page.evaluate<number>(NODES)).toBeLessThanOrEqual(1_500);
    await page.mouse.move(400, 600);
    await page.mouse.wheel(0, 100_000);
    expect(await page.evaluate<number>(NODES)).toBeLessThanOrEqual(1_500);
    await bulk.getByRole('button', { name: 'Silence 2,000 alerts' }).click();
    const dialog = page.getByRole('dialog', { name: 'Silence 2,000 alerts' });
    // More than one silence has alternatives: what all have in common stands for them.
    expect(await dialog.getByLabel('For alerts that match all of').inputValue()).toContain(
      'alertname="Broken"',
    );
    await dialog.getByText(/^2,000 alerts that fire now: /).waitFor();
    await dialog.getByLabel('Why').fill('new parts');
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await bulk.waitFor({ state: 'detached' });
    await alerts.getByRole('button', { name: 'Select all 2,000 shown' }).click();
    await bulk.getByRole('button', { name: 'Acknowledge 2,000 alerts' }).click();
    await bulk.waitFor({ state: 'detached' });
    const overview = await admin.read<Overview>('/api/v1/overview');
    expect(overview.alerts).toMatchObject({ firing: ALERTS, unacknowledged: 0 });
    await page.close();
  });

  it('draws its agents as a grid, and leads to the page of each by the keyboard', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    const fleet = page.getByRole('region', { name: 'Fleet' });
    const grid = fleet.getByRole('slider', { name: /^1,500 agents of no pool/ });
    await grid.waitFor();
    await fleet.getByText('1,500 agents', { exact: true }).waitFor();
    await fleet.getByText('1,500 idle', { exact: true }).waitFor();
    const warning = page.getByRole('group', { name: 'warning about watchdog.policy_files' });
    await warning
      .getByText(/^watchdog\.policy_files: 0 policies: whatever fires, nothing is repaired/)
      .waitFor();
    expect(await fleet.getByRole('link', { name: /^worker-/ }).count()).toBe(0);
    await grid.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `worker-${AGENTS}` }).waitFor();
    await page.close();
  });

  it('holds at most 1,500 nodes in the page of the fleet, whatever changes and wherever somebody is', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    await page.goto(`${server.url}/fleet`);
    await page.getByText('1,500 agents', { exact: true }).first().waitFor();
    const heartbeats = Array.from({ length: CHANGING }, (_, at) => ({
      agent_id: `worker-${at + 1}`,
      generation: 1,
      sequence: 1,
      health: 'degraded',
      reason: 'slow answers',
    }));
    await admin.read('/api/v1/fleet/agents/heartbeats', { method: 'POST', body: { heartbeats } });
    // By events alone: the whole list is read again every few seconds only.
    await page.getByText(`1,500 agents, ${CHANGING} in trouble`, { exact: true }).waitFor();
    await page.getByRole('slider', { name: /^1,500 agents of no pool/ }).waitFor();
    expect(await page.evaluate<number>(NODES)).toBeLessThanOrEqual(1_500);
    await page.mouse.move(640, 450);
    await page.mouse.wheel(0, 100_000);
    expect(await page.evaluate<number>(NODES)).toBeLessThanOrEqual(1_500);
    await page.close();
  });

  it('folds many pools with which all is well into a line of the overview, which the address opens', async () => {
    for (let at = 1; at <= WELL_POOLS; at++) {
      const body = { agent_id: `crawler-${at}`, pool_id: `site-${at}`, agent_type: 'worker' };
      const more = { nonce: `crawler-${at}`, heartbeat_interval_ms: 300_000 };
      await admin.read('/api/v1/fleet/agents', { method: 'POST', body: { ...body, ...more } });
    }
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    const fold = page.getByRole('button', { name: `${WELL_POOLS} more pools` });
    const first = page.getByRole('link', { name: /^site-1 idle/ });
    await fold.waitFor();
    expect([await fold.getAttribute('aria-expanded'), await first.count()]).toEqual(['false', 0]);
    await fold.click();
    await first.waitFor();
    expect([await fold.getAttribute('aria-expanded'), new URL(page.url()).search]).toEqual([
      'true',
      '?well=listed',
    ]);
    await page.reload();
    await first.waitFor();
    await fold.click();
    await first.waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('');
    await page.close();
  });
});

interface Overview {
  readonly alerts: { readonly firing: number; readonly unacknowledged: number };
}
