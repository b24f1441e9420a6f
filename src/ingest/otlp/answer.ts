import type { OmoiError } from '#telemetry';
import type { Signal } from './wire/messages.ts';

/** How a request is written; its answer is written the same way. */
export type Encoding = 'protobuf' | 'json';

/** How much of a request was refused, and why; `rejected` 0 and no message is a full success. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  metrics: 'rejectedDataPoints',
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
};

/** The export response in the encoding of its request. */
export function encodeSuccess(signal: Signal, encoding: Encoding, partial: PartialSuccess): Uint8Array {
  const complete = partial.rejected === 0 && partial.message === '';
  if (encoding === 'json') {
    const body = complete
      ? {}
      : {
          partialSuccess: {
            [REJECTED_NAMES[signal]]: String(partial.rejected),
            errorMessage: partial.message,
          },
        };
    return Buffer.from(JSON.stringify(body));
  }
  if (complete) return new Uint8Array();
  const inner = [...varintField(1, partial.rejected), ...textField(2, partial.message)];
  return Uint8Array.from([(1 << 3) | 2, ...varint(inner.length), ...inner]);
}

const GRPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  413: 8,
  429: 8,
  503: 14,
  507: 8,
};
const GRPC_INTERNAL = 13;

/** A google.rpc.Status in the encoding of the request. */
export function encodeError(encoding: Encoding, error: OmoiError): Uint8Array {
  const code = GRPC_CODES[error.status] ?? GRPC_INTERNAL;
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message: error.message }));
  return Uint8Array.from([...varintField(1, code), ...textField(2, error.message)]);
}

function varintField(number: number, value: number): readonly number[] {
  return [number << 3, ...varint(value)];
}

function textField(number: number, text: string): readonly number[] {
  const bytes = Buffer.from(text);
  return [(number << 3) | 2, ...varint(bytes.length), ...bytes];
}

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}
