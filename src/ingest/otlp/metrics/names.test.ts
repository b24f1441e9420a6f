import { describe, expect, it } from 'vitest';
import { floatText, prometheusLabel, prometheusName } from './names.ts';

describe('metric names', () => {
  // What prometheus/otlptranslator gives: its own test tables, and the faults that were seen.
  it.each([
    ['http.server.duration', 's', 'histogram', 'http_server_duration_seconds'],
    ['http.server.requests', '{request}', 'counter', 'http_server_requests_total'],
    ['requests_total', '', 'counter', 'requests_total'],
    ['total.requests', '1', 'counter', 'requests_total'],
    ['system.memory.utilization', '1', 'gauge', 'system_memory_utilization_ratio'],
    ['cache.ratio.hit', '1', 'gauge', 'cache_hit_ratio'],
    ['disk.io', 'By', 'counter', 'disk_io_bytes_total'],
    ['disk.speed', 'By/s', 'gauge', 'disk_speed_bytes_per_second'],
    ['rate', '1/s', 'gauge', 'rate_per_second'],
    ['disk.size', 'TBy', 'gauge', 'disk_size_terabytes'],
    ['disk.size', 'TiBy', 'gauge', 'disk_size_tibibytes'],
    ['fuel', 'l/100km', 'gauge', 'fuel_l_per_100km'],
    ['errors', '{error}/min', 'gauge', 'errors_per_min'],
    ['speed', 'm/h', 'gauge', 'speed_meters_per_hour'],
    ['process.uptime.seconds', 's', 'gauge', 'process_uptime_seconds'],
    ['a__b..c', '', 'gauge', 'a_b_c'],
    ['_leading', '', 'gauge', 'leading'],
    ['2xx', '', 'gauge', '_2xx'],
    ['naïve', '', 'gauge', 'na_ve'],
    ['', 's', 'gauge', null],
    ['…', '', 'gauge', null],
  ] as const)('%s in %j as a %s is %s', (name, unit, type, expected) => {
    expect(prometheusName({ name, unit, type })).toBe(expected);
  });
});

describe('label names', () => {
  it.each([
    ['http.method', 'http_method'],
    ['a..b__c', 'a_b_c'],
    ['1st', 'key_1st'],
    ['_private', '_private'],
    ['__reserved__', '__reserved__'],
    ['__proto__', '__proto__'],
    ['名前', null],
    ['', null],
  ])('%j is %j', (key, expected) => {
    expect(prometheusLabel(key)).toBe(expected);
  });
});

it.each([
  [0.5, '0.5'],
  [1, '1'],
  [1e21, '1000000000000000000000'],
  [1.5e22, '15000000000000000000000'],
  [1e-7, '0.0000001'],
  [-1.25e-8, '-0.0000000125'],
  [Infinity, '+Inf'],
])('writes the bound %d as %s', (bound, expected) => {
  expect(floatText(bound)).toBe(expected);
});
