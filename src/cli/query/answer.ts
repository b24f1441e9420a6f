import { labelsSchema } from '#telemetry';
import { z } from 'zod';

const labels = labelsSchema;
const floatPoint = z.tuple([z.number(), z.string()]);
const histogramPoint = z.tuple([z.number(), z.object({ count: z.string(), sum: z.string() })]);

const vectorElement = z.object({
  metric: labels,
  value: floatPoint.optional(),
  histogram: histogramPoint.optional(),
});
const matrixSeries = z.object({
  metric: labels,
  values: z.array(floatPoint).default([]),
  histograms: z.array(histogramPoint).default([]),
});

/** What the server answers to a query: Prometheus's JSON. Times are seconds, values are text. */
export const queryAnswer = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('scalar'), result: floatPoint }),
    z.object({ resultType: z.literal('string'), result: floatPoint }),
    z.object({ resultType: z.literal('vector'), result: z.array(vectorElement) }),
    z.object({ resultType: z.literal('matrix'), result: z.array(matrixSeries) }),
  ]),
  warnings: z.array(z.string()).optional(),
  infos: z.array(z.string()).optional(),
});

export type QueryAnswer = z.output<typeof queryAnswer>;
export type VectorElement = z.output<typeof vectorElement>;
export type MatrixSeries = z.output<typeof matrixSeries>;

/** A value as a number: Prometheus writes the infinite ones as +Inf and -Inf. */
export function toNumber(text: string): number {
  if (text.endsWith('Inf')) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}
