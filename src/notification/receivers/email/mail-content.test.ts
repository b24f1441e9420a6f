import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSystemClock, SharedStretch } from '#telemetry';
import { composeMail, type ComposedMail, type Mail } from './mail-content.ts';
import { decodedHeader, headersOf } from './mail-server.test-support.ts';

const mail: Mail = {
  from: 'omoi@example.org',
  to: ['ops@example.org'],
  headers: [],
  messageId: '<1@example.org>',
  threadId: null,
  dateMs: 0,
  text: '',
  html: 'html',
  boundarySeed: 'seed',
};

const writing = new SharedStretch(createSystemClock());
const composed = (meant: Mail): Promise<ComposedMail> => composeMail(meant, writing);

const FREE = ['Subject', 'X-Label'];
const STRUCTURED = ['From', 'To', 'Reply-To', 'Cc', 'Sender', 'Message-Id'];

/** What tries hard to be more than a value. */
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        ':',
        'X-Injected: 1',
        '<a@b.org>',
        ',',
        '"',
        '\\',
        ' ',
        '\t',
        '=?utf-8?B?',
        '?=',
        'ä',
        '😀',
        '\0',
      ),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join('')),
);

describe('composeMail', () => {
  it.each<[name: string, text: string, written: RegExp]>([
    ['Subject', 'word '.repeat(7_000).slice(0, 32_767) + '!', /!$/],
    ['Subject', 'word '.repeat(7_000).slice(0, 32_768) + '!', /^.{32767}…$/],
    ['To', 'ops@example.org, '.repeat(2_000) + 'eva@example.org', /eva@example.org$/],
  ])('cuts a long header that is no address: %s', async (name, text, written) => {
    const { content } = await composed({ ...mail, headers: [[name, text]] });
    expect(decodedHeader(headersOf(content.toString())[name.toLowerCase()] ?? '')).toMatch(written);
  });

  it('has the headers that it is given and no other, whatever stands in them', async () => {
    const headers = fc.record(Object.fromEntries([...FREE, ...STRUCTURED].map((name) => [name, value])));
    await fc.assert(
      fc.asyncProperty(headers, async (given) => {
        const { envelope, content } = await composed({
          ...mail,
          messageId: null,
          headers: Object.entries(given),
        });
        const text = content.toString('latin1');
        const [head = '', body] = text.split('\r\n\r\n');
        const known = [
          ...FREE,
          ...STRUCTURED,
          'Date',
          'Content-Type',
          'Content-Transfer-Encoding',
          'MIME-Version',
        ];
        const names = Object.keys(headersOf(content.toString('utf8')));
        expect(known.map((name) => name.toLowerCase())).toEqual(expect.arrayContaining(names));
        expect(head).not.toMatch(/[^\r]\n|\r[^\n]|\0/);
        expect(body).toBe('html\r\n');
        expect(envelope).toEqual({ from: 'omoi@example.org', to: ['ops@example.org'] });
      }),
    );
  });

  it('says a subject as it was given, but for what cannot stand in a header', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (subject) => {
        fc.pre(
          !/=\?|\p{Cc}|[\u2028\u2029]/u.test(subject) && subject.trim() === subject && !/\s\s/.test(subject),
        );
        const { content } = await composed({ ...mail, headers: [['Subject', subject]] });
        expect(decodedHeader(headersOf(content.toString('utf8'))['subject'] ?? '')).toBe(subject);
      }),
    );
  });

  it.each([
    ['', 'html', /^text\/html; charset=utf-8/],
    ['text', '', /^text\/plain; charset=utf-8/],
    ['text', 'html', /^multipart\/alternative/],
    ['', '', /^text\/plain; charset=utf-8/],
  ])('with the text %j and the page %j is what it says', async (text, html, type) => {
    const { content } = await composed({ ...mail, text, html });
    expect(headersOf(content.toString('utf8'))['content-type']).toMatch(type);
  });

  it('does not cut a character in two where it encodes in slices', async () => {
    for (const shift of ['', 'x']) {
      const html = shift + '😀'.repeat(20_000);
      const { content } = await composed({ ...mail, html });
      const encoded = content.toString('latin1').split('\r\n\r\n')[1] ?? '';
      expect(encoded.replaceAll(/=\r\n|\r\n/g, '') === `${shift}${'=F0=9F=98=80'.repeat(20_000)}`).toBe(true);
    }
  });

  it('encodes one slice a turn, however many mails there are', async () => {
    let turn = 0;
    let isOver = false;
    const count = (): void => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const turnsOfSlices: number[] = [];
    class CountingStretch extends SharedStretch {
      override async roomForPiece(): Promise<void> {
        await super.roomForPiece();
        turnsOfSlices.push(turn);
      }
    }
    const shared = new CountingStretch(createSystemClock());
    const long = { ...mail, html: '😀'.repeat(40_000), text: 'text '.repeat(10_000) };
    const mails = await Promise.all(Array.from({ length: 8 }, () => composeMail(long, shared)));
    isOver = true;
    expect(new Set(turnsOfSlices).size).toBe(turnsOfSlices.length);
    expect(turnsOfSlices.length).toBeGreaterThanOrEqual(8 * (5 + 4));
    const alone = await composed(long);
    for (const { content } of mails) expect(content.equals(alone.content)).toBe(true);
  });
});
