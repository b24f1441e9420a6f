import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, OmoiError, type ErrorCode } from '#telemetry';
import { PUBLIC } from '../access/roles.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { renderMarkdown } from './markdown/render.ts';

const CODES = Object.keys(ERROR_CATALOGUE) as readonly ErrorCode[];
let api: TestApi;
let page: string;

beforeAll(async () => {
  api = await startTestApi({
    register: (app) => {
      for (const prefix of ['', '/prometheus']) {
        for (const code of CODES) {
          app.get(
            `${prefix}/fails/${code}`,
            { config: { access: PUBLIC }, schema: { tags: ['test'], summary: code } },
            () => {
              throw new OmoiError(code, 'a thing at a place');
            },
          );
        }
      }
    },
  });
  const answer = await api.app.inject({ url: '/docs/errors', headers: { host: 'localhost' } });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  page = answer.body;
});
afterAll(() => api.close());

async function failureOf(path: string): Promise<{ readonly status: number; readonly docs: string }> {
  const answer = await api.app.inject({ url: path, headers: { host: 'localhost' } });
  return { status: answer.statusCode, docs: answer.json<{ docs: string }>().docs };
}

describe('an error', () => {
  it.each(CODES)('%s links to its place on the server’s own page, which says what to do', async (code) => {
    const { status, docs } = await failureOf(`/fails/${code}`);
    expect([status, docs]).toEqual([ERROR_CATALOGUE[code].status, `/docs/errors#${code}`]);
    expect((await failureOf(`/prometheus/fails/${code}`)).docs).toBe(docs);
    const place = page.split(`<h2 id="${code}">`)[1]?.split('<h2')[0] ?? '';
    const { meaning, remedy } = ERROR_CATALOGUE[code];
    expect(place).toContain(`<p>Status ${status}`);
    expect(place).toContain(` ${renderMarkdown(meaning).slice('<p>'.length)}`);
    expect(place).toContain(renderMarkdown(`What to do: ${remedy}`));
  });

  it('page needs nothing from anywhere else', () => {
    expect(page).not.toMatch(/<script|src=|<link rel="stylesheet|url\(/);
    const hrefs = [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href);
    expect(hrefs.filter((href) => !/^(?:#|\/|data:image\/svg)/.test(href))).toEqual([]);
    expect(page.match(/<h2 id=/g)).toHaveLength(CODES.length);
  });
});
