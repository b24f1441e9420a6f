import { describe, expect, it } from 'vitest';
import { seriousFindings } from './axe.ts';
import { chromiumForTests } from './chromium.ts';
import { Pages, WITHIN_MS } from './pages.ts';

const program = chromiumForTests();

/** More tasks than the page reads at first. */
const ENDED_TASKS = 110;

describe.skipIf(program === null)('the pages of tasks and what they order', () => {
  const pages = new Pages(program ?? '', {});

  it('enqueues a task, shows its life, cancels it, and retries one that failed', async () => {
    const { page } = pages;
    await pages.open('/tasks');
    const form = pages.panel('Enqueue a task');
    await form.getByRole('button', { name: 'Enqueue' }).click();
    await form.getByText('What kind of task?', { exact: false }).waitFor();
    await form.getByLabel('Type').fill('dig');
    await form.getByLabel('Payload (JSON)').fill('{"deep": 2}');
    await form.getByRole('button', { name: 'Enqueue' }).click();
    await form.getByRole('status').getByRole('link', { name: /^dig / }).click();
    await page.getByText('"deep": 2').waitFor();
    const life = page.getByRole('list', { name: 'Life of this task, oldest first' });
    await life.getByText(/^dig \w{6} enqueued$/).waitFor();
    const taskId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const name = `dig ${taskId.slice(-6)}`;
    await pages.order(`Cancel ${name}`, /^It ends for good/);
    await page.getByText('cancelled', { exact: true }).waitFor();
    await life.getByText(/cancelled$/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    const worker = {
      agent_id: 'digger-1',
      agent_type: 'worker',
      nonce: 'nonce of digger',
      heartbeat_interval_ms: 300_000,
    };
    const { generation } = await pages.admin.read<{ generation: number }>('/api/v1/fleet/agents', {
      method: 'POST',
      body: worker,
    });
    const body = { task_type: 'dig', phase_id: 'PHASE_TESTING' };
    const { task } = await pages.admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    const holder = { agent_id: 'digger-1', generation };
    await pages.admin.read('/api/v1/fleet/tasks/claim', {
      method: 'POST',
      body: { ...holder, task_types: ['dig'] },
    });
    await pages.open('/tasks?state=running');
    await page.getByRole('link', { name: `dig ${task.task_id.slice(-6)}` }).click();
    await page.getByRole('button', { name: /^Take it back/ }).waitFor();
    const failed = { ...holder, error: 'hit a rock', retry: false };
    await pages.admin.read(`/api/v1/fleet/tasks/${task.task_id}/fail`, { method: 'POST', body: failed });
    await page.getByText(/hit a rock\.$/).waitFor();
    await pages.order(`Retry dig ${task.task_id.slice(-6)}`, /^It is queued again with all its/);
    await page.getByText('queued', { exact: true }).waitFor();
    expect(await pages.admin.read(`/api/v1/fleet/tasks/${task.task_id}`)).toMatchObject({ state: 'queued' });
  });

  it('shows tasks that have ended as far back as they are kept, page by page', async () => {
    const { page } = pages;
    const tasks = Array.from({ length: ENDED_TASKS }, () => ({ task_type: 'sow', phase_id: 'PHASE_DESIGN' }));
    const made = await pages.admin.read<{ tasks: { task_id: string }[] }>('/api/v1/fleet/tasks/batch', {
      method: 'POST',
      body: { tasks },
    });
    const cancel = (taskId: string) =>
      pages.admin.read(`/api/v1/fleet/tasks/${taskId}/cancel`, { method: 'POST', body: {} });
    const [last = '', ...others] = made.tasks.map(({ task_id: id }) => id).toReversed();
    await Promise.all(others.map(cancel));
    await cancel(last);
    await pages.open('/tasks?state=finished&phase=PHASE_DESIGN');
    const rows = page
      .getByRole('list', { name: 'Tasks that ended, the newest first' })
      .getByRole('link', { name: /^sow \w{6}$/ });
    await page.getByText('The first 50 tasks that ended, the newest first.').waitFor();
    expect(await rows.count()).toBe(50);
    await page.getByRole('button', { name: /^Show more/ }).click();
    await expect.poll(() => rows.count(), { timeout: WITHIN_MS }).toBe(ENDED_TASKS);
    expect(await rows.first().textContent()).toBe(`sow ${last.slice(-6)}`);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('says which tasks nobody serves, on the overview and among the tasks, until somebody does', async () => {
    const { page } = pages;
    const body = { task_type: 'dgi', phase_id: 'PHASE_TESTING' };
    const { task } = await pages.admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    const said = /^1 task of type "dgi" waits: no living agent claims it/;
    for (const path of ['/', '/tasks']) {
      await pages.open(path);
      await page.getByRole('group', { name: 'warning about tasks' }).getByText(said).waitFor();
    }
    await page
      .getByRole('listitem')
      .getByText(/^no living agent claims it/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('link', { name: `dgi ${task.task_id.slice(-6)}` }).click();
    await page.getByText(/It waits: no living agent claims it/).waitFor();
    const worker = { agent_id: 'digger-2', agent_type: 'worker', nonce: 'nonce of digger' };
    await pages.admin.read('/api/v1/fleet/agents', {
      method: 'POST',
      body: { ...worker, capabilities: ['dgi'], heartbeat_interval_ms: 300_000 },
    });
    await pages.open('/tasks');
    await page.getByRole('link', { name: `dgi ${task.task_id.slice(-6)}` }).waitFor();
    await page.getByText(/no living agent claims it/).waitFor({ state: 'detached' });
  });
});
