import type { RangeFunction, RangeFunctionMaker } from '../evaluation/range-window.ts';
import { ORDER_FUNCTIONS } from './order-over-time.ts';
import * as overTime from './over-time.ts';
import { delta, idelta, increase, irate, rate } from './rates.ts';
import { changes, resets } from './transitions.ts';
import { deriv, doubleExponentialSmoothing, predictLinear } from './trends.ts';

/** Of a function that needs nothing of the parts before. */
function stateless(compute: RangeFunction): RangeFunctionMaker {
  return () => compute;
}

/** The functions of a range vector, each computed for one series at one step. */
export const RANGE_FUNCTIONS: ReadonlyMap<string, RangeFunctionMaker> = new Map<string, RangeFunctionMaker>([
  ['rate', rate],
  ['increase', increase],
  ['delta', delta],
  ['irate', stateless(irate)],
  ['idelta', stateless(idelta)],
  ['deriv', deriv],
  ['predict_linear', predictLinear],
  ['double_exponential_smoothing', doubleExponentialSmoothing],
  ['resets', resets],
  ['changes', changes],
  ['sum_over_time', overTime.sumOverTime],
  ['avg_over_time', overTime.avgOverTime],
  ['min_over_time', overTime.minOverTime],
  ['max_over_time', overTime.maxOverTime],
  ['count_over_time', stateless(overTime.countOverTime)],
  ['first_over_time', stateless(overTime.firstOverTime)],
  ['last_over_time', stateless(overTime.lastOverTime)],
  ['stddev_over_time', overTime.stddevOverTime],
  ['stdvar_over_time', overTime.stdvarOverTime],
  ['present_over_time', stateless(overTime.presentOverTime)],
  ['absent_over_time', stateless(overTime.presentOverTime)],
  ['ts_of_min_over_time', overTime.timeOfMinOverTime],
  ['ts_of_max_over_time', overTime.timeOfMaxOverTime],
  ['ts_of_first_over_time', stateless(overTime.timeOfFirstOverTime)],
  ['ts_of_last_over_time', stateless(overTime.timeOfLastOverTime)],
  ...[...ORDER_FUNCTIONS].map(([name, { compute }]) => [name, stateless(compute)] as const),
]);
