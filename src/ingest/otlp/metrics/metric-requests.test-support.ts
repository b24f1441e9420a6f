/** Requests of OTLP metrics as ProtoJSON has them. */

export const ENCODINGS = ['json', 'protobuf'] as const;

export const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
export const int = (key: string, intValue: string) => ({ key, value: { intValue } });

export const ofResource = (attributes: readonly object[], ...metrics: readonly object[]) => ({
  resource: { attributes },
  scopeMetrics: [{ metrics }],
});
export const metrics = (...list: readonly object[]) => ({ resourceMetrics: [ofResource([], ...list)] });

export const gauge = (...dataPoints: readonly object[]) => metrics({ name: 'g', gauge: { dataPoints } });

const sum = (aggregationTemporality: number, ...dataPoints: readonly object[]) =>
  metrics({ name: 'c', sum: { aggregationTemporality, isMonotonic: true, dataPoints } });
export const delta = (...dataPoints: readonly object[]) => sum(1, ...dataPoints);
export const cumulative = (...dataPoints: readonly object[]) => sum(2, ...dataPoints);
