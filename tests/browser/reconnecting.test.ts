import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, freePort, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';

const program = chromiumForTests();
const WITHIN_MS = 30_000;
/** Somebody who looks at the page is not to be told that all is well by a server that has gone. */
const TOLD_WITHIN_MS = 2000;

describe.skipIf(program === null)('a page whose server goes away', () => {
  const directory = dataDirectory();
  let port: number;
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;

  beforeAll(async () => {
    port = await freePort();
    server = await OmoiServer.start(directory.path, { port });
    admin = new Client(() => server.url, server.adminToken);
    browser = await openBrowser(program ?? '');
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    directory.remove();
  });

  it('says so, and when it is back shows what has happened meanwhile, without being reloaded', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(WITHIN_MS);
    let loads = 0;
    page.on('load', () => loads++);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    const state = page.getByRole('status').and(page.locator('[data-live]'));
    await state.getByText('Live', { exact: true }).waitFor();
    const newcomer = page.getByRole('link', { name: /^newcomer,/ });
    expect(await newcomer.count()).toBe(0);
    const loadsBefore = loads;

    const main = page.getByRole('main');
    expect(await main.getAttribute('data-lost')).toBe('false');
    await server.stop();
    const goneAt = performance.now();
    await state.getByText('Reconnecting', { exact: true }).waitFor();
    const alert = page.getByRole('alert');
    await alert.getByText(/^Disconnected since \d\d:\d\d:\d\d\.$/).waitFor();
    expect(performance.now() - goneAt).toBeLessThan(TOLD_WITHIN_MS);
    expect(await main.getAttribute('data-lost')).toBe('true');
    const icon = () => page.locator('link[rel="icon"]').getAttribute('href');
    const iconOfNothingKnown = await icon();
    await page
      .getByText(/^Disconnected since [\d:]+\.$/, { exact: true })
      .first()
      .waitFor();
    expect(await page.title()).toMatch(/^Disconnected since [\d:]+ · Overview · Omoi$/);
    // A page that nobody has opened yet is shown all the same, as is the way back.
    await page.getByRole('link', { name: 'Fleet', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    await page.getByRole('link', { name: 'Overview', exact: true }).click();

    // Elsewhere, so that the page sees nothing of it.
    server = await OmoiServer.start(directory.path);
    const body = { agent_id: 'newcomer', agent_type: 'worker', nonce: 'nonce-of-newcomer' };
    await admin.read('/api/v1/fleet/agents', { method: 'POST', body });
    await server.stop();
    expect(await state.textContent()).toBe('Reconnecting');
    expect(await newcomer.count()).toBe(0);

    server = await OmoiServer.start(directory.path, { port });
    await state.getByText('Live', { exact: true }).waitFor();
    await newcomer.waitFor();
    expect(await main.getAttribute('data-lost')).toBe('false');
    expect(await alert.textContent()).toBe('');
    await expect.poll(icon).not.toBe(iconOfNothingKnown);
    await page
      .getByRole('list', { name: 'Events, newest first' })
      .getByText(/^newcomer registered$/)
      .waitFor();
    expect(loads).toBe(loadsBefore);
    // And it is live: what happens now is shown too.
    await admin.read('/api/v1/fleet/agents', {
      method: 'POST',
      body: { ...body, agent_id: 'another', nonce: 'nonce-of-another' },
    });
    await page.getByRole('link', { name: /^another,/ }).waitFor();
    await page.close();
  });

  it('says so, too, of a server that stands still, and goes on with it', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(WITHIN_MS);
    const { path } = await admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' });
    await page.goto(`${server.url}${path}`);
    await page.locator('[data-live="Live"]').waitFor();
    const main = page.getByRole('main');
    process.kill(server.pid, 'SIGSTOP');
    try {
      await page
        .getByRole('alert')
        .getByText(/^Disconnected since/)
        .waitFor();
      expect(await main.getAttribute('data-lost')).toBe('true');
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    // Who stood still does not trust what it sees at once.
    await page.getByText(/^The watchdog distrusts what it sees/).waitFor();
    expect(await main.getAttribute('data-lost')).toBe('false');
    expect(await page.title()).toMatch(/^The watchdog distrusts what it sees · Overview · Omoi$/);
    await page.close();
  });
});
