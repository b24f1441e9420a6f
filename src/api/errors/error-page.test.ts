import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, OmoiError, type ErrorCode } from '#telemetry';
import { PUBLIC } from '../access/roles.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';

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
    const place = page.split(`<section id="${code}">`)[1]?.split('</section>')[0] ?? '';
    expect(place).toMatch(/<p>[A-Z`<].*\.<\/p>\n<p><strong>What to do:<\/strong> [A-Z<].*\.<\/p>/);
  });

  it('page needs nothing from anywhere else', () => {
    expect(page).not.toMatch(/<script|src=|href="(?!#)|url\(/);
    expect(page.match(/<section/g)).toHaveLength(CODES.length);
  });
});
