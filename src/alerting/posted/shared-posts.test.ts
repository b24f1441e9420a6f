import { expect, it } from 'vitest';
import { SerialQueue } from '#telemetry';
import type { PostedAlert } from './posted-alert.ts';
import { maxAlertsPerWrite, SharedPosts, type Post } from './shared-posts.ts';

const from = { sender: 'token:a', traceparent: null } as const;

function postOf(...hosts: readonly string[]): Post {
  const times = { startsAtMs: 0, endsAtMs: 1, timesOut: false };
  const alerts = hosts.map((host): PostedAlert => ({
    labels: { host },
    annotations: {},
    generatorUrl: '',
    ...times,
  }));
  return { alerts, from };
}

/** What was written together, by hosts; a post of `bad` cannot be written. */
function open(): { readonly posts: SharedPosts; readonly written: string[] } {
  const written: string[] = [];
  const posts = new SharedPosts(new SerialQueue(), async (together) => {
    await Promise.resolve();
    const hosts = together.flatMap(({ alerts }) => alerts.map(({ labels }) => labels['host'] ?? ''));
    if (hosts.includes('bad')) throw new Error('it cannot be written');
    written.push(hosts.length > 5 ? String(hosts.length) : hosts.join(' '));
    return together.map(({ alerts }) => [`${alerts.length} refused`]);
  });
  return { posts, written };
}

it('answers each of the posts that share a transaction with its own problems', async () => {
  const { posts, written } = open();
  const answers = [postOf('a'), postOf('b', 'c'), postOf('d')].map((post) => posts.take(post));
  expect(await Promise.all(answers)).toEqual([['1 refused'], ['2 refused'], ['1 refused']]);
  expect(written).toEqual(['a', 'b c d']);
});

it('writes posts of the same label set one after the other', async () => {
  const { posts, written } = open();
  await Promise.all(
    [postOf('a'), postOf('b'), postOf('c', 'b'), postOf('b')].map((post) => posts.take(post)),
  );
  expect(written).toEqual(['a', 'b', 'c b', 'b']);
});

it(`takes at most ${maxAlertsPerWrite} alerts at once, of a large post in parts`, async () => {
  const { posts, written } = open();
  const hosts = Array.from({ length: maxAlertsPerWrite * 2 + 50 }, (_, number) => `h${number}`);
  const answers = await Promise.all([posts.take(postOf(...hosts)), posts.take(postOf('a'))]);
  expect(written).toEqual(['200', '200', '51']);
  expect(answers).toEqual([['200 refused', '200 refused', '50 refused'], ['1 refused']]);
});

it('lets a post that cannot be written fail alone', async () => {
  const { posts, written } = open();
  const answers = [postOf('a'), postOf('b'), postOf('bad'), postOf('c')].map((post) => posts.take(post));
  const settled = await Promise.allSettled(answers);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(written).toEqual(['a', 'b', 'c']);
});
