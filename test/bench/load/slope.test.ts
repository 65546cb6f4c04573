import { expect, test } from "vitest";

import { slopeOf } from "./slope.ts";

test.each([
  {
    points: [
      [0, 5],
      [1, 7],
      [2, 9],
    ],
    slope: 2,
  },
  {
    points: [
      [0, 5],
      [1, 5],
      [2, 5],
    ],
    slope: 0,
  },
  {
    points: [
      [0, 0],
      [1, 3],
      [2, 0],
      [3, 3],
    ],
    slope: 0.6,
  },
  { points: [[4, 4]], slope: 0 },
  { points: [], slope: 0 },
])("the slope of $points is $slope", ({ points, slope }) => {
  expect(slopeOf(points.map(([x = 0, y = 0]) => ({ x, y })))).toBeCloseTo(slope);
});
