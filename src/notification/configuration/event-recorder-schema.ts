import { z } from 'zod';
import { httpConfig, tlsConfig } from './http-config-schema.ts';
import {
  checkedBy,
  duration,
  filePath,
  flag,
  secretUrl,
  SHOWN_SECRET,
  text,
  texts,
  wholeNumber,
} from './setting-schemas.ts';

const FORMATS = ['json', 'protobuf'];
const ACKS = ['none', 'leader', 'all'];
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

const fileOutput = z
  .strictObject({ path: filePath() })
  .superRefine(
    checkedBy(({ path }) =>
      path === null ? [{ path: [], message: 'event_recorder file output requires a path' }] : [],
    ),
  );

const webhookOutput = z
  .strictObject({
    url: secretUrl(),
    http_config: httpConfig(),
    timeout: duration(0),
    workers: wholeNumber(),
    max_retries: wholeNumber(),
    retry_backoff: duration(0),
    batch: flag(),
    batch_max_events: wholeNumber(),
    batch_max_bytes: wholeNumber(),
    batch_flush_interval: duration(0),
  })
  .superRefine(
    checkedBy((keys) => {
      const batchKeys = (['batch_max_events', 'batch_max_bytes', 'batch_flush_interval'] as const).filter(
        (key) => keys[key] !== 0,
      );
      const negative = batchKeys.find((key) => keys[key] < 0);
      return [
        ...(keys.url === null ? [{ path: [], message: 'event_recorder webhook output requires a url' }] : []),
        ...(keys.url === SHOWN_SECRET
          ? [{ path: ['url'], message: 'event_recorder webhook output requires an absolute http(s) url' }]
          : []),
        ...(negative === undefined
          ? []
          : [{ path: [negative], message: 'event_recorder webhook batch settings cannot be negative' }]),
        ...(!keys.batch && batchKeys[0] !== undefined
          ? [{ path: [batchKeys[0]], message: 'event_recorder webhook batch settings require batch: true' }]
          : []),
      ];
    }),
  );

const kafkaOutput = z
  .strictObject({
    brokers: texts(),
    topic: text(),
    client_id: text(),
    format: text(),
    acks: text(),
    compression: text(),
    buffer_size: wholeNumber(),
    tls_config: tlsConfig(),
  })
  .superRefine(
    checkedBy(({ brokers, topic, format, acks, compression }) => [
      ...(brokers.length === 0
        ? [{ path: [], message: 'event_recorder kafka: at least one broker is required' }]
        : []),
      ...(brokers.includes('')
        ? [{ path: ['brokers'], message: 'event_recorder kafka: broker entries must be non-empty' }]
        : []),
      ...(topic === '' ? [{ path: [], message: 'event_recorder kafka output requires a topic' }] : []),
      ...unknownWord('format', format, FORMATS),
      ...unknownWord('acks', acks, ACKS),
      ...unknownWord('compression', compression, COMPRESSIONS),
    ]),
  );

function unknownWord(key: string, word: string, words: readonly string[]) {
  if (word === '' || words.includes(word)) return [];
  return [
    {
      path: [key],
      message: `event_recorder kafka: unknown ${key} "${word}", must be one of ${words.join(', ')}`,
    },
  ];
}

/** `event_recorder`: read as Alertmanager reads it; Omoi keeps its events itself. */
export const eventRecorderSchema = z
  .strictObject({
    file_outputs: z.array(fileOutput).nullish(),
    webhook_outputs: z.array(webhookOutput).nullish(),
    kafka_outputs: z.array(kafkaOutput).nullish(),
    stdout_outputs: z.array(z.strictObject({}).nullable()).nullish(),
  })
  .nullish();
