import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { snappy } from '../../../tests/remote-write-request.ts';
import { decoded } from './snappy.test-support.ts';
import { SnappyDecoder } from './snappy.ts';

describe('snappy', () => {
  test('what another implementation compresses comes back', () => {
    const decoder = new SnappyDecoder(1 << 20);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc
        .array(fc.constantFrom('abc', 'aaaaaaaa', 'label=value', '\0'), { maxLength: 500 })
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, (original) => {
        expect(Buffer.from(decoded(decoder, snappy(original))).equals(original)).toBe(true);
      }),
    );
  });

  test('a large block is decoded in steps', () => {
    const original = Buffer.from(Array.from({ length: 300_000 }, (_, at) => `${at % 977} `).join(''));
    const steps = new SnappyDecoder(1 << 24).decode(snappy(original));
    let count = 1;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    expect(Buffer.from(step.value).equals(original)).toBe(true);
    expect(count).toBe(Math.ceil(original.length / (256 * 1024)));
  });

  test('a literal that is the whole block is copied in steps', () => {
    const original = Buffer.from(Array.from({ length: 300_000 }, (_, at) => `${at % 977} `).join(''));
    const header = Buffer.alloc(8);
    // The length in four bytes of seven bits, then the tag of a literal with a length of three bytes.
    for (let byte = 0; byte < 4; byte++) header[byte] = ((original.length >>> (7 * byte)) & 127) | 128;
    header[3] = (header[3] ?? 0) & 127;
    header[4] = 62 << 2;
    header.writeUIntLE(original.length - 1, 5, 3);
    const steps = new SnappyDecoder(1 << 24).decode(Buffer.concat([header, original]));
    let count = 1;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    expect(Buffer.from(step.value).equals(original)).toBe(true);
    expect(count).toBe(Math.ceil(original.length / (256 * 1024)));
  });

  test('a bomb is refused before it is decoded', () => {
    const bomb = Buffer.concat([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), Buffer.alloc(1000, 0xfe)]);
    expect(() => decoded(new SnappyDecoder(1024), bomb)).toThrowError(
      expect.objectContaining({ code: 'body_too_large' }),
    );
  });

  test('any bytes are decoded or refused', () => {
    const decoder = new SnappyDecoder(1 << 16);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expectCoded(() => decoded(decoder, bytes));
      }),
      { numRuns: propertyRuns(2000) },
    );
  });
});

function expectCoded(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ name: 'OmoiError' });
  }
}
