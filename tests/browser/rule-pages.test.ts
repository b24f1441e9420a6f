import { describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, WITHIN_MS } from './pages.ts';

const program = chromiumForTests();

const RULES = `groups:
  - name: house
    interval: 5s
    rules:
      - alert: ServerIsThere
        expr: omoi_event_loop_lag_seconds >= 0 or vector(1) > 0
        labels: { severity: info }
        annotations: { summary: it is there, runbook_url: 'https://example.org/there' }
      - alert: Patience
        expr: vector(5) > 4
        for: 1h
      - { record: 'house:five', expr: vector(5) }
      - { alert: ReadsTheRecord, expr: 'house:five > 9' }
      - { alert: TooMany, expr: 'label_replace(house:five, "a", "x", "", "") and on () vector(1) > 100' }
`;

describe.skipIf(program === null)('the pages of rules', () => {
  const pages = new Pages(program ?? '', { rules: RULES });

  it('list what is loaded, by what it does, by text and by cost', async () => {
    const { page } = pages;
    await pages.open('/alerts/rules');
    const list = page.getByRole('list', { name: 'Rules' });
    await list.getByRole('link', { name: 'Patience' }).waitFor();
    await list.getByRole('link', { name: 'house:five' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('link', { name: /^pending/ }).click();
    await expect.poll(() => list.getByRole('listitem').count(), { timeout: WITHIN_MS }).toBe(1);
    await list.getByRole('link', { name: 'Patience' }).waitFor();
    await page.getByRole('link', { name: 'all', exact: true }).click();
    await page.getByRole('textbox', { name: 'Text' }).fill('house:five');
    await page.getByRole('textbox', { name: 'Text' }).press('Enter');
    await expect.poll(() => list.getByRole('listitem').count(), { timeout: WITHIN_MS }).toBe(3);
    await page.getByRole('link', { name: 'dearest first' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('sort')).toBe('cost');
    expect(await list.getByRole('listitem').count()).toBe(3);
  });

  it('show one rule: its state, graph, history, and what it stands on', async () => {
    const { page } = pages;
    await pages.open('/alerts/rules?text=ServerIsThere');
    await page.getByRole('link', { name: 'ServerIsThere' }).click();
    await page.getByRole('heading', { name: /ServerIsThere/ }).waitFor();
    await page.getByText('1 alert firing').first().waitFor();
    await pages
      .panel('When it fired')
      .getByRole('img', { name: /^1 alert/ })
      .waitFor();
    await pages.panel('When it fired').getByRole('link', { name: '7d' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('history')).toBe('7d');
    await pages
      .panel('About')
      .getByText(/rules\.yaml:5$/)
      .waitFor();
    await pages.panel('About').getByRole('link', { name: 'https://example.org/there' }).waitFor();
    await pages
      .panel('What it stands on')
      .getByText('none: the watchdog does nothing about its alerts')
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await pages.open('/alerts/rules?text=ReadsTheRecord');
    await page.getByRole('link', { name: 'ReadsTheRecord' }).click();
    await pages.panel('What it stands on').getByRole('link', { name: 'house/house:five' }).click();
    await page.getByText('Recorded as house:five every 5s', { exact: false }).waitFor();
    await pages
      .panel('Expression')
      .getByRole('img', { name: /^Now 5/ })
      .waitFor();
  });

  it('let a rule be edited where it stands: checked as it is typed, tried over what is stored', async () => {
    const { page } = pages;
    await pages.open('/alerts/rules?text=ServerIsThere');
    await page.getByRole('link', { name: 'ServerIsThere' }).click();
    const source = pages.panel('Source');
    await source.getByRole('button', { name: 'Edit' }).click();
    const text = source.getByLabel('The rule as YAML');
    const written = await text.inputValue();
    expect(written).toMatch(/^alert: ServerIsThere\nexpr: /);
    await text.fill(`${written}foor: 5m\n`);
    await source.getByText(/^Line \d+, column 1: unknown key "foor"; did you mean "for"\?$/).waitFor();
    expect(await source.getByRole('button', { name: 'Preview' }).isDisabled()).toBe(true);
    await text.fill(`${written}for: 7h\n`);
    await source.getByText('Nothing wrong with it.').waitFor();
    await source.getByRole('button', { name: 'Preview' }).click();
    await source.getByRole('img', { name: /^As it is loaded: 1 alert/ }).waitFor();
    await source
      .getByRole('img', { name: /^As it is written here: it would not have fired, 1 more pending only/ })
      .waitFor();
    // An operator may look and try; saving needs an admin.
    await source.getByText('It can’t be saved here: that needs an admin.').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await source.getByRole('button', { name: 'Discard' }).click();
    await source.getByLabel('Source of the rule').waitFor();
  });

  it('are led to from an alert, and say where there is no such rule', async () => {
    const { page } = pages;
    await pages.open('/alerts');
    await page
      .getByRole('link', { name: /ServerIsThere/ })
      .first()
      .click();
    await pages.panel('Condition').getByRole('link', { name: 'house/ServerIsThere' }).click();
    await page.getByText('1 alert firing').first().waitFor();
    await pages.open('/alerts/rules/nobody');
    await page.getByText(/no rule "nobody" is loaded/i).waitFor();
  });
});
