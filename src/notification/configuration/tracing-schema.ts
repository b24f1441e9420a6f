import { z } from 'zod';
import { headersSchema, tlsConfig } from './http-config-schema.ts';
import { checkedBy, duration, flag, text } from './setting-schemas.ts';

/** `tracing`: read as Alertmanager reads it; Omoi's own traces are configured in omoi.yaml. */
export const tracingSchema = z
  .strictObject({
    client_type: z.enum(['http', 'grpc'], 'expected http or grpc').nullish(),
    endpoint: text(),
    sampling_fraction: z.number('expected a number').nullish(),
    insecure: flag(),
    tls_config: tlsConfig(),
    headers: headersSchema,
    compression: text(),
    timeout: duration(0),
  })
  .superRefine(
    checkedBy(({ endpoint, compression }) => [
      ...(endpoint === '' ? [{ path: [], message: 'tracing endpoint must be set' }] : []),
      ...(compression !== '' && compression !== 'gzip'
        ? [
            {
              path: ['compression'],
              message: `invalid compression type ${compression} provided, valid options: gzip`,
            },
          ]
        : []),
    ]),
  )
  .nullish();
