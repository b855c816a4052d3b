//! Percentage points of the statistic of Anderson and Darling where both parameters were fitted.
//!
//! Simulated once with numpy 2.4.6: numpy.random.default_rng(4), 60 000 samples of 200 for each shape, both parameters of each by maximum likelihood as in
//! [`super::pareto`] (34 golden sections from a grid of 0.5), numpy.quantile of the statistics. Choulakian and Stephens (2001, table 2) have fewer
//! points and none for shapes above 0.5; a test holds those that both have against each other.

/// A row for each of [`super::goodness::SHAPES`], a column for each of [`super::goodness::CHANCES`].
#[rustfmt::skip]
pub(super) const POINTS: [[f64; 14]; 7] = [
    [0.1152, 0.1532, 0.1779, 0.2037, 0.2393, 0.3201, 0.4550, 0.6675, 0.9527, 1.1840, 1.4162, 1.7585, 2.0261, 2.6757],
    [0.1076, 0.1443, 0.1682, 0.1913, 0.2246, 0.2991, 0.4216, 0.6101, 0.8649, 1.0710, 1.2779, 1.5462, 1.7652, 2.3253],
    [0.1010, 0.1396, 0.1600, 0.1821, 0.2133, 0.2815, 0.3933, 0.5637, 0.7885, 0.9625, 1.1584, 1.3965, 1.5881, 2.0173],
    [0.1033, 0.1345, 0.1548, 0.1749, 0.2041, 0.2673, 0.3710, 0.5266, 0.7300, 0.8947, 1.0519, 1.2750, 1.4345, 1.8223],
    [0.1027, 0.1327, 0.1520, 0.1715, 0.1988, 0.2587, 0.3565, 0.4989, 0.6835, 0.8292, 0.9772, 1.1807, 1.3390, 1.7503],
    [0.0993, 0.1291, 0.1480, 0.1675, 0.1937, 0.2518, 0.3446, 0.4786, 0.6581, 0.7976, 0.9407, 1.1400, 1.2714, 1.6242],
    [0.1008, 0.1282, 0.1467, 0.1658, 0.1920, 0.2480, 0.3366, 0.4693, 0.6354, 0.7636, 0.9002, 1.0753, 1.2220, 1.5858],
];
