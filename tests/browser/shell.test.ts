import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../acceptance/support/omoi-process.ts';
import { until } from '../acceptance/support/until.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests, openBrowser } from './chromium.ts';
import { logInWithToken } from './log-in.ts';
import { DESKTOP, PHONE, Visits } from './visits.ts';

const program = chromiumForTests();
const WITHIN_MS = 60_000;
/** Of every page axe reads every element, several times. */
const LONG = { timeout: 600_000 };

/** Texts that stand in a place so narrow that hardly a word of them fits into a line. */
const SQUEEZED = `[...document.querySelectorAll('main *')]
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim().length >= 8))
  .filter((element) => { const { width } = element.getBoundingClientRect(); return width > 1 && width < 32; })
  .map((element) => element.textContent)`;
const TRANSITIONS = 'document.getAnimations().filter((one) => one instanceof CSSTransition).length';

/** The pages of the navigation, each with the letter that goes there after `g`. */
const PAGES = [
  { name: 'Overview', path: '/', letter: 'o' },
  { name: 'Fleet', path: '/fleet', letter: 'f' },
  { name: 'Tasks', path: '/tasks', letter: 't' },
  { name: 'Alerts', path: '/alerts', letter: 'a' },
  { name: 'Repairs', path: '/repairs', letter: 'r' },
  { name: 'Events', path: '/events', letter: 'e' },
  { name: 'Traces', path: '/traces', letter: 'x' },
] as const;

describe.skipIf(program === null)('the shell of the dashboard', () => {
  const directory = dataDirectory();
  let server: OmoiServer;
  let admin: Client;
  let browser: Browser;
  let visits: Visits<'operator' | 'viewer'>;
  let page: Page;
  let pageErrors: string[];

  beforeAll(async () => {
    server = await OmoiServer.start(directory.path, { demo: true });
    admin = new Client(() => server.url, server.adminToken);
    browser = await openBrowser(program ?? '');
    let tokens = 0;
    visits = new Visits(browser, {
      withinMs: WITHIN_MS,
      async logIn(opened, role) {
        opened.on('pageerror', (error) => pageErrors.push(error.message));
        opened.on('console', (message) => {
          if (message.type() === 'error') pageErrors.push(message.text());
        });
        // What the browser says of being nobody yet is no error of the page.
        await logInWithToken(opened, { url: server.url, admin }, { name: `${role} ${++tokens}`, role });
        pageErrors = [];
      },
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    directory.remove();
  });

  beforeEach(() => {
    pageErrors = [];
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await visits.end();
    expect(pageErrors).toEqual([]);
  });

  const navigation = () => page.getByRole('navigation', { name: 'Pages' });
  const pathNow = () => new URL(page.url()).pathname;
  const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });

  it('leads to every page, which says its name to the eye, the ear and the tab', async () => {
    page = await visits.as('operator');
    for (const { name, path } of PAGES) {
      const link = navigation().getByRole('link', { name: new RegExp(`^${name}`) });
      await link.click();
      await heading(name).waitFor();
      expect(pathNow()).toBe(path);
      await page
        .getByRole('status', { name: 'Page' })
        .getByText(name, { exact: true })
        .waitFor({ state: 'attached' });
      await until(async () => (await page.title()).endsWith(`${name} · Omoi`), `the tab says ${name}`);
      expect(await link.getAttribute('aria-current')).toBe('page');
    }
  });

  it(
    'has nothing serious for axe to find on any page, in light and dark, on a desktop and a phone',
    LONG,
    async () => {
      page = await visits.as('operator');
      const { tasks } = await admin.read<{ tasks: readonly { task_id: string }[] }>(
        '/api/v1/fleet/tasks?limit=1',
      );
      const details = ['/?agent=demo-1', '/fleet/demo-1', `/tasks/${tasks[0]?.task_id}`];
      const findings: string[] = [];
      for (const path of [...PAGES.map((one) => one.path), ...details]) {
        await page.goto(`${server.url}${path}`);
        await page.locator('h1').waitFor({ state: 'attached' });
        for (const [colorScheme, viewport] of [
          ['light', DESKTOP],
          ['dark', PHONE],
        ] as const) {
          await page.emulateMedia({ colorScheme });
          // Who wants no motion sees no colour on its way.
          expect(await page.evaluate<number>(TRANSITIONS)).toBe(0);
          await page.setViewportSize(viewport);
          await page.getByLabel('Loading').first().waitFor({ state: 'detached' });
          for (const finding of await seriousFindings(page))
            findings.push(`${path} ${colorScheme}: ${finding}`);
        }
        const { width } = PHONE;
        expect(await page.locator('html').evaluate((html) => html.scrollWidth)).toBeLessThanOrEqual(width);
        expect([path, await page.evaluate<readonly string[]>(SQUEEZED)]).toEqual([path, []]);
      }
      expect(findings).toEqual([]);
      await page.setViewportSize(DESKTOP);
      await page.emulateMedia({ colorScheme: null });
    },
  );

  it(
    'leads to the documentation, which is read and walked through on a desktop and a phone, in light and dark',
    LONG,
    async () => {
      page = await visits.as('operator');
      await page.goto(server.url);
      await page.getByRole('button', { name: /^Logged in as/ }).click();
      const way = page.getByRole('menuitem', { name: 'Documentation' });
      expect(await way.getAttribute('href')).toBe('/docs');
      await page.keyboard.press('Escape');
      const findings: string[] = [];
      for (const path of ['/docs', '/docs/alerting/rules', '/docs/cli']) {
        await page.goto(`${server.url}${path}`);
        for (const [colorScheme, viewport, background] of [
          ['light', DESKTOP, 'rgb(245, 246, 248)'],
          ['dark', PHONE, 'rgb(12, 16, 20)'],
        ] as const) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize(viewport);
          const colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
          expect(colour).toBe(background);
          for (const finding of await seriousFindings(page))
            findings.push(`${path} ${colorScheme}: ${finding}`);
          const width = await page.locator('html').evaluate((html) => html.scrollWidth);
          expect([path, width]).toEqual([path, viewport.width]);
          expect([path, await page.evaluate<readonly string[]>(SQUEEZED)]).toEqual([path, []]);
        }
        // Each cell of a table of many columns has the whole width, and says which column it is of.
        const cell = page.locator('.wide td:not(:empty)').first();
        if ((await cell.count()) === 0) continue;
        const place = await cell.boundingBox();
        expect(place?.width).toBeGreaterThan(PHONE.width - 40);
        expect(await cell.getAttribute('data-column')).not.toBe('');
      }
      expect(findings).toEqual([]);
      await page.goto(`${server.url}/docs/errors#unknown_agent`);
      expect(await page.locator('h2:target').textContent()).toMatch(/^unknown_agent/);
      await page.getByRole('link', { name: 'All pages' }).click();
      await page.getByRole('navigation').getByRole('link', { name: 'Alert rules' }).click();
      await heading('Alert rules').waitFor();
      await page.setViewportSize(DESKTOP);
      await page.locator('main a[href="/docs/configuration#rules-and-policies-of-your-own"]').first().click();
      await heading('Configuration').waitFor();
      expect(await page.locator(':target').textContent()).toMatch(/^Rules and policies of your own/);
      await page.emulateMedia({ colorScheme: null });
    },
  );

  it('keeps in the address what a person chose to see', async () => {
    page = await visits.as('operator');
    await page.goto(`${server.url}/`);
    await page
      .getByRole('region', { name: 'Fleet' })
      .getByRole('link', { name: 'demo', exact: true })
      .click();
    await page.getByRole('radiogroup', { name: 'How far back' }).getByText('1h', { exact: true }).click();
    await until(() => new URL(page.url()).search.includes('range=1h'), 'the address has the range');
    const address = page.url();
    expect(new URL(address).searchParams.get('pool')).toBe('demo');
    await page.reload();
    await page.getByText('only demo', { exact: true }).waitFor();
    expect(await page.getByRole('radio', { name: '1h' }).isChecked()).toBe(true);
    expect(page.url()).toBe(address);
  });

  it('goes to each page by two keys, says which they are, and takes none of them while somebody types', async () => {
    page = await visits.as('operator');
    for (const { name, letter } of PAGES) {
      await page.keyboard.press('g');
      await page.keyboard.press(letter);
      await heading(name).waitFor();
    }
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: 'Keys' });
    await keys.getByText('next and previous row of the lists').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'detached' });
    expect(pathNow()).toBe('/traces');

    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox');
    await field.pressSequentially('gf?j');
    expect(await field.inputValue()).toBe('gf?j');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(pathNow()).toBe('/traces');
  });

  it('moves along the rows of a list by keys, and opens one', async () => {
    page = await visits.as('operator');
    await page.goto(`${server.url}/traces`);
    const rows = page.locator('main [data-row]');
    await rows.nth(1).waitFor();
    for (const [key, row] of [
      ['j', 0],
      ['j', 1],
      ['k', 0],
      ['k', 0],
    ] as const) {
      await page.keyboard.press(key);
      await rows.nth(row).and(page.locator(':focus')).waitFor();
    }
    await page.keyboard.press('o');
    await page.getByRole('heading', { level: 1, name: / (?:of|was started)/ }).waitFor();
  });

  it('finds an agent by a few letters, and restarts one when that is confirmed', async () => {
    page = await visits.as('operator');
    const generationOf = async (agentId: string) =>
      (await admin.read<{ generation: number }>(`/api/v1/fleet/agents/${agentId}`)).generation;
    await page.getByRole('button', { name: /^Find/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Find' });
    await dialog.getByRole('combobox').fill('demo-2');
    await dialog.getByRole('option', { name: /demo-2/, selected: true }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await heading('demo-2').waitFor();
    expect(pathNow()).toBe('/fleet/demo-2');

    const before = await generationOf('demo-2');
    await page.keyboard.press('Control+k');
    await dialog.getByRole('combobox').fill('restart demo-2');
    await dialog.getByRole('option', { name: /Restart demo-2/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await dialog.getByRole('heading', { name: 'Restart demo-2?' }).waitFor();
    expect(await generationOf('demo-2')).toBe(before);
    await dialog.getByRole('button', { name: 'Restart demo-2' }).click();
    await dialog.waitFor({ state: 'detached' });
    await until(
      async () => (await generationOf('demo-2')) > before,
      'demo-2 has its next generation',
      WITHIN_MS,
    );
  });

  it('offers no action to who may not act', async () => {
    page = await visits.as('viewer');
    await page.keyboard.press('Control+k');
    const dialog = page.getByRole('dialog', { name: 'Find' });
    await dialog.getByRole('combobox').fill('demo-2');
    await dialog.getByRole('option', { name: /demo-2/ }).waitFor();
    await dialog.getByRole('combobox').fill('restart demo-2');
    await dialog.getByText('Nothing is called so.').waitFor();
    await page.keyboard.press('Escape');
  });
});
