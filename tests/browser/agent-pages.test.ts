import { describe, expect, it } from 'vitest';
import { until } from '../acceptance/support/until.ts';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, talkers, WITHIN_MS } from './pages.ts';

const program = chromiumForTests();

describe.skipIf(program === null)('the pages of agents and what they order', () => {
  const pages = new Pages(program ?? '', { pools: [talkers('talking', 1), talkers('spare', 3)] });

  it('shows an agent with its output as it comes, and how it was', async () => {
    const { page } = pages;
    await pages.hasStatus('talking-1', 'IDLE');
    await pages.open('/fleet/talking-1');
    const output = page.getByRole('log', { name: 'Output of talking-1' });
    // Colours are for terminals.
    await output.filter({ hasText: 'ready nothing to do 1 ' }).waitFor();
    const before = await output.textContent();
    await expect.poll(() => output.textContent(), { timeout: WITHIN_MS }).not.toBe(before);
    await page.getByRole('img', { name: /^In the last 15m: .*well \d/ }).waitFor();
    await page.getByRole('img', { name: /^Silence: \d+(\.\d+)?\w+ now, at most \d/ }).waitFor();
    await page
      .getByRole('list', { name: 'Events of talking-1, newest first' })
      .getByText('talking-1 registered')
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('restarts an agent: another process runs', async () => {
    const { page } = pages;
    await pages.open('/fleet/talking-1');
    const pid = pages.pidOf('talking-1');
    expect(pid).toBeDefined();
    await pages.order(
      'Restart talking-1',
      'Generation 1 takes no new work and ends; then generation 2 starts.',
    );
    await page.getByText('generation 2', { exact: true }).waitFor();
    const other = await until(() => pages.pidOf('talking-1'), 'talking-1 has a process', WITHIN_MS);
    expect(other).not.toBe(pid);
    await pages.hasStatus('talking-1', 'IDLE');
  });

  it('quarantines and releases, stops and starts an agent', async () => {
    const { page } = pages;
    await pages.open('/fleet/talking-1');
    await pages.order('Quarantine talking-1', /^It is given no more work/);
    await page.getByRole('button', { name: 'Release talking-1' }).waitFor();
    expect((await pages.agent('talking-1')).status).toBe('QUARANTINED');
    expect(await page.getByRole('button', { name: 'Restart talking-1' }).isDisabled()).toBe(true);
    await page.getByText('Restart: It is quarantined: release it first.').waitFor();
    await pages.order('Release talking-1', /^Its quarantine ends/);
    await page.getByRole('button', { name: 'Quarantine talking-1' }).waitFor();
    await pages.order('Stop talking-1', /^It takes no new work, and ends\. It stays stopped/);
    await pages.hasStatus('talking-1', 'TERMINATED');
    await until(() => pages.pidOf('talking-1') === undefined, 'its process has gone', WITHIN_MS);
    await page.getByText('Stop: It does not run.', { exact: false }).waitFor();
    await pages.order('Restart talking-1', 'Generation 2 has ended; generation 3 starts.');
    await pages.hasStatus('talking-1', 'IDLE');
  });

  it('asks an external agent to leave, forgets it, and folds its pool where nobody is left', async () => {
    const { page } = pages;
    const body = {
      agent_id: 'laptop-1',
      agent_type: 'worker',
      pool_id: 'laptops',
      nonce: 'nonce of it',
      heartbeat_interval_ms: 300_000,
    };
    const { generation } = await pages.admin.read<{ generation: number }>('/api/v1/fleet/agents', {
      method: 'POST',
      body,
    });
    await pages.open('/fleet/laptop-1');
    await page.getByText(/^Somebody else started it/).waitFor();
    expect(await page.getByRole('button', { name: 'Restart laptop-1' }).count()).toBe(0);
    await pages.order(
      'Drain laptop-1',
      /^Its next heartbeat tells it to leave: .* Nothing ends it where it does not/,
    );
    await page.getByText('Drain: It has been asked to leave already.', { exact: false }).waitFor();
    const beat = { method: 'POST', body: { generation, sequence: 1 } };
    expect(await pages.admin.read('/api/v1/fleet/agents/laptop-1/heartbeat', beat)).toMatchObject({
      desired: 'drain',
    });
    await pages.order('Forget laptop-1', /^It leaves the fleet/);
    await pages.hasStatus('laptop-1', 'TERMINATED');
    await pages.open('/fleet');
    await page.getByText('Ended: 1 pool, 1 agent', { exact: true }).click();
    await pages.panel('Ended pool laptops').getByRole('link', { name: 'laptop-1' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('finds every order, and what an id names, from the keyboard', async () => {
    const { page } = pages;
    await pages.open('/fleet');
    const { generation } = await pages.agent('talking-1');
    const find = page.getByRole('combobox', { name: /^Find a page/ });
    const options = page.getByRole('listbox', { name: 'Found' }).getByRole('option');
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    await page.keyboard.press('Control+k');
    await find.fill('talking-1');
    for (const name of ['Restart', 'Quarantine', 'Stop'])
      await options.filter({ hasText: `${name} talking-1` }).waitFor();
    await find.fill('restart talking-1');
    await options.first().filter({ hasText: 'Restart talking-1' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(`then generation ${generation + 1} starts.`, { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Restart talking-1' }).click();
    await until(
      async () => (await pages.agent('talking-1')).generation === generation + 1,
      'talking-1 has another generation',
      WITHIN_MS,
    );
    const body = { task_type: 'dig', phase_id: 'PHASE_TESTING' };
    const { task } = await pages.admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    await page.keyboard.press('Control+k');
    await find.fill(task.task_id);
    await options
      .first()
      .filter({ hasText: `dig ${task.task_id.slice(-6)}` })
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `dig ${task.task_id.slice(-6)}` }).waitFor();
    await pages.admin.read(`/api/v1/fleet/tasks/${task.task_id}/cancel`, { method: 'POST', body: {} });
  });

  it('finds agents by what is typed, and keeps it in the address', async () => {
    const { page } = pages;
    await pages.admin.read('/api/v1/fleet/agents/spare-2/quarantine', {
      method: 'POST',
      body: { reason: 'to be looked at' },
    });
    await pages.open('/fleet');
    const tiles = page.getByRole('link', { name: /^(talking|spare)-\d, / });
    await tiles.nth(3).waitFor();
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('talk');
    await expect.poll(() => tiles.count(), { timeout: WITHIN_MS }).toBe(1);
    await page.reload();
    await tiles.first().waitFor();
    expect(await tiles.count()).toBe(1);
    expect(await page.getByRole('searchbox', { name: 'Find agents' }).inputValue()).toBe('talk');
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('');
    await page.getByRole('link', { name: /^in trouble/ }).click();
    await page.getByRole('link', { name: /^spare-2, / }).waitFor();
    expect(await tiles.count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?show=sick');
    await tiles.first().click();
    await page.getByRole('heading', { level: 1, name: 'spare-2' }).waitFor();
  });

  it('leads from each error to what to do about it', async () => {
    const { page } = pages;
    await pages.open('/fleet/nosuch');
    await page.getByText('Could not be read: Agent nosuch is unknown.').waitFor();
    const way = page.getByRole('link', { name: 'What to do about unknown_agent' });
    expect(await way.getAttribute('href')).toBe('/docs/errors#unknown_agent');
    expect(await seriousFindings(page)).toEqual([]);
    const [opened] = await Promise.all([page.waitForEvent('popup'), way.click()]);
    await opened.getByRole('heading', { name: 'unknown_agent' }).waitFor();
    await opened.close();

    // What is asked for was true when it was asked about.
    await pages.open('/fleet/spare-3');
    const { generation } = await pages.agent('spare-3');
    await page.getByRole('button', { name: 'Restart spare-3', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Restart spare-3' });
    await question.getByText(`generation ${generation + 1} starts`, { exact: false }).waitFor();
    await pages.admin.read('/api/v1/fleet/agents/spare-3/quarantine', {
      method: 'POST',
      body: { reason: 'to be looked at' },
    });
    await question.getByRole('button', { name: 'Restart spare-3', exact: true }).click();
    await question
      .getByRole('alert')
      .getByRole('link', { name: /^What to do about \w+$/ })
      .waitFor();
    await question.getByRole('button', { name: 'Back' }).click();

    await page.goto(`${pages.url}/login`);
    await page.getByLabel('Token', { exact: true }).fill('omoi_viewer_wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'What to do about unauthenticated' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('draws what an agent uses, and how long its tasks take', async () => {
    const { page } = pages;
    const worker = { agent_id: 'digger-3', agent_type: 'worker', nonce: 'nonce of digger' };
    const pace = { heartbeat_interval_ms: 300_000, capabilities: ['bore'] };
    const post = (path: string, body: object) =>
      pages.admin.read<{ tasks: readonly { task_id: string }[] }>(`/api/v1/fleet/${path}`, {
        method: 'POST',
        body,
      });
    await post('agents', { ...worker, ...pace });
    const holder = { agent_id: 'digger-3', generation: 1 };
    const counted = async (done: number) => {
      const query = encodeURIComponent('sum(tasks_completed_total{agent_id="digger-3"})');
      const { data } = await pages.admin.read<{
        data: { result: readonly { value: readonly [number, string] }[] };
      }>(`/prometheus/api/v1/query?query=${query}`);
      return data.result[0]?.value[1] === String(done);
    };
    // Two samples at least, of which a rate is made.
    for (const done of [1, 2]) {
      await post('tasks', { task_type: 'bore', phase_id: 'PHASE_TESTING' });
      const { tasks } = await post('tasks/claim', { ...holder, wait_ms: 10_000 });
      await post(`tasks/${tasks[0]?.task_id}/complete`, holder);
      await until(() => counted(done), `${done} tasks are counted`, WITHIN_MS);
    }
    await pages.open('/fleet/digger-3');
    await page.getByRole('img', { name: /^Time for a task: .*, at most \d+\w+ in the last/ }).waitFor();
    const memory = page.getByRole('figure').filter({ hasText: /^Memoryno data/ });
    await memory.getByText('Its processes are looked at every 15 s, where Omoi sees them.').waitFor();
    expect(await memory.getByRole('img').count()).toBe(0);
    // Its process is looked at every 15 s.
    await pages.open('/fleet/spare-1');
    await page.getByRole('img', { name: /^Memory: [\d,.]+ MB now, at most [\d,.]+ MB/ }).waitFor();
    await page.getByRole('img', { name: /^CPU: [\d.]+ % now, at most [\d.]+ %/ }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });
});
