import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';

const data = dataDirectory();
const copies = dataDirectory();
afterAll(() => {
  data.remove();
  copies.remove();
});

it('what was backed up while the server ran is there again when it is restored as docs/operations.md says', async () => {
  let server = await OmoiServer.start(data.path);
  const admin = new Client(() => server.url, server.adminToken);
  const enqueue = async (type: string): Promise<string> => {
    const body = { task_type: type, phase_id: 'PHASE_TESTING' };
    const { task } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body,
    });
    return task.task_id;
  };
  const file = join(copies.path, 'omoi.sqlite');
  const backUp = () => omoi(['backup', file, '--data-directory', data.path, '--json']);

  const before = await enqueue('before');
  const made = await backUp();
  expect(made).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(made.stdout)).toEqual({ file, bytes: expect.any(Number) });
  const after = await enqueue('after');
  expect(await backUp()).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/^omoi: .*omoi\.sqlite is there already.* \(backup_failed\)\n/),
  });
  await server.stop();

  renameSync(file, join(data.path, 'state.sqlite'));
  for (const name of ['state.sqlite-wal', 'state.sqlite-shm']) rmSync(join(data.path, name), { force: true });
  server = await OmoiServer.start(data.path);
  expect(existsSync(file)).toBe(false);
  // Tokens are in it, too.
  expect(await admin.read(`/api/v1/fleet/tasks/${before}`)).toMatchObject({ state: 'queued' });
  expect((await admin.call(`/api/v1/fleet/tasks/${after}`)).status).toBe(404);
  await server.stop();
});
