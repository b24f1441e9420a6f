import type { Readable } from 'node:stream';
import { OmoiError, messageOf, nextTurn } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import type { ApiApp } from './app.ts';
import { encodingProblem } from './content-encoding.ts';
import { isNestedDeeper, maxNesting, tooDeep } from './json-nesting.ts';
import { infiniteNumber } from './json-numbers.ts';
import { isWeighed, weighJson } from './json-weight.ts';

const UTF8 = /^application\/json\s*(;\s*charset=("?)utf-?8\2\s*)?$/i;

/** Reads JSON bodies and nothing else; a body that is not well-formed is told where it breaks. */
export function acceptJsonBodies(app: ApiApp): void {
  // `__proto__` keys are refused, so that no handler can be made to write to a prototype.
  const parse = app.getDefaultJsonParser('error', 'ignore');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
    const body = await app.bodyReader.read(request, payload);
    const problem = encodingProblem(request) ?? charsetProblem(request);
    if (problem) throw problem;
    const isLarge = isWeighed(body);
    if (isLarge) await weighJson(body);
    const text = body.toString();
    if (!isLarge && isNestedDeeper(text, maxNesting)) throw tooDeep();
    // To make a text of megabytes takes as long as to read it.
    if (isLarge) await nextTurn();
    const value = await new Promise((resolve, reject) => {
      void parse(request, text, (error, read) => {
        if (error)
          reject(new OmoiError('malformed_json', `the body is no well-formed JSON: ${whyMalformed(text)}`));
        else resolve(read);
      });
    });
    if (isLarge) await nextTurn();
    const infinite = infiniteNumber(text, value);
    if (infinite) throw infinite;
    return value;
  });
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
