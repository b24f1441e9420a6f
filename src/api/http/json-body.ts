import type { Readable } from 'node:stream';
import { OmoiError, SerialQueue, messageOf, nextTurn } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import type { ApiApp } from './app.ts';
import type { TakeBytes } from './body-reader.ts';
import { encodingProblem } from './content-encoding.ts';
import { isJsonList, piecesOfList } from './json-list.ts';
import { infiniteNumber } from './json-numbers.ts';
import { isLargeJson, weighJson, weighLargeJson } from './json-weight.ts';
import { withoutForged } from './refused-element.ts';

const UTF8 = /^application\/json\s*(;\s*charset=("?)utf-?8\2\s*)?$/i;

/** Reads JSON bodies and nothing else; a body that is not well-formed is told where it breaks. */
export function acceptJsonBodies(app: ApiApp): void {
  // `__proto__` keys are refused, so that no handler can be made to write to a prototype.
  const parse = app.getDefaultJsonParser('error', 'ignore');
  const valueOf = (request: FastifyRequest, text: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      void parse(request, text, (error, value) => {
        if (error)
          reject(new OmoiError('malformed_json', `the body is no well-formed JSON: ${whyMalformed(text)}`));
        else resolve(value);
      });
    });
  /** The elements of a list, where those that forge a prototype are refused one by one. */
  const elementsOf = async (request: FastifyRequest, text: string): Promise<unknown> => {
    try {
      return await valueOf(request, text);
    } catch (thrown) {
      const elements = withoutForged(text);
      if (elements === null) throw thrown;
      return elements;
    }
  };
  const large = new SerialQueue();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
    const take = app.takeBytes(request);
    const body = await app.bodyReader.read(request, payload, take);
    const problem = encodingProblem(request) ?? charsetProblem(request);
    if (problem) throw problem;
    const { takesList = false } = request.routeOptions.config;
    const isList = takesList && isJsonList(body);
    const parsed = isList ? elementsOf : valueOf;
    if (isLargeJson(body)) {
      const read = isList ? readList : readLarge;
      return large.run(() => read(body, take, (text) => parsed(request, text)));
    }
    take(weighJson(body));
    const text = body.toString();
    return finite(text, await parsed(request, text));
  });
}

/** Each of its steps takes as long as all others that wait may be let wait: it has a turn of the event loop for itself. */
async function readLarge(
  body: Buffer,
  take: TakeBytes,
  valueOf: (text: string) => Promise<unknown>,
): Promise<unknown> {
  try {
    take(await weighLargeJson(body));
    const text = body.toString();
    await nextTurn();
    const value = await valueOf(text);
    await nextTurn();
    return finite(text, value);
  } finally {
    await nextTurn();
  }
}

/** A list of which no element is large may be as long as a body: it is weighed and parsed in pieces. */
async function readList(
  body: Buffer,
  take: TakeBytes,
  valueOf: (text: string) => Promise<unknown>,
): Promise<unknown> {
  const values: unknown[] = [];
  try {
    for await (const piece of piecesOfList(body)) {
      take(await weighLargeJson(piece));
      const text = `[${piece.toString()}]`;
      const value = finite(text, await valueOf(text));
      // Between brackets it is a list.
      for (const one of value as unknown[]) values.push(one);
      await nextTurn();
    }
    return values;
  } finally {
    await nextTurn();
  }
}

/** @throws OmoiError `invalid_request` where a number of it is infinite */
function finite(text: string, value: unknown): unknown {
  const problem = infiniteNumber(text, value);
  if (problem) throw problem;
  return value;
}

/** What says that it is written otherwise would be read as something it is not. */
function charsetProblem({ headers }: FastifyRequest): OmoiError | null {
  const type = headers['content-type'] ?? '';
  if (!/charset/i.test(type) || UTF8.test(type)) return null;
  return new OmoiError('unsupported_media_type', `the body is sent as ${type}; JSON is read as UTF-8`);
}

function whyMalformed(text: string): string {
  if (text === '') return 'it is empty';
  try {
    JSON.parse(text);
    return 'the key "__proto__" is not allowed';
  } catch (thrown) {
    return messageOf(thrown);
  }
}
