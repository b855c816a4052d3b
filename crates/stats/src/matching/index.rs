//! Departures by flow and sequence number.

use tailbed_format::packet::Departure;

/// Departures in order of flow and sequence number.
pub(super) struct Index<'a> {
    departures: &'a [Departure],
    /// Positions of departures in order; `None` when they are in order as they stand.
    order: Option<Vec<u32>>,
    /// The flows there are, ascending, each with where it begins in order.
    flows: Vec<(u32, usize)>,
}

impl<'a> Index<'a> {
    pub(super) fn new(departures: &'a [Departure]) -> Self {
        let key = |departure: &Departure| (departure.flow, departure.sequence);
        let order = (!departures.is_sorted_by_key(key)).then(|| {
            let order = by_flow(departures);
            // packets of one flow mostly stand in order as they are, so that this finds nothing to do
            sorted_within_flows(order, departures)
        });
        let mut index = Self { departures, order, flows: Vec::new() };
        for at in 0..departures.len() {
            let flow = departures[index.departure(at)].flow;
            if index.flows.last().is_none_or(|(last, _)| *last != flow) {
                index.flows.push((flow, at));
            }
        }
        index
    }

    /// The flows there are, ascending.
    pub(super) fn flows(&self) -> impl Iterator<Item = u32> + '_ {
        self.flows.iter().map(|(flow, _)| *flow)
    }

    /// Position of a flow among those there are. They are mostly numbered from 0 on.
    #[inline]
    pub(super) fn flow(&self, flow: u32) -> Option<usize> {
        let guess = flow as usize;
        if self.flows.get(guess).is_some_and(|(there, _)| *there == flow) {
            return Some(guess);
        }
        self.flows.binary_search_by_key(&flow, |(there, _)| *there).ok()
    }

    /// Position among the departures of the `at`-th in order.
    #[inline]
    pub(super) fn departure(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }

    /// Position in order of a packet of the flow at a position. Packets mostly come in as they left, so the one after the last found is
    /// tried first.
    #[inline]
    pub(super) fn find(&self, flow: usize, sequence: u64, guess: usize) -> Option<usize> {
        let key = |at: usize| self.departures[self.departure(at)].sequence;
        let first = self.flows[flow].1;
        let end = self.flows.get(flow + 1).map_or(self.departures.len(), |(_, next)| *next);
        let guess = guess.max(first);
        if guess < end && key(guess) == sequence && (guess == first || key(guess - 1) < sequence) {
            return Some(guess);
        }
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low.midpoint(high);
            if key(middle) < sequence { low = middle + 1 } else { high = middle }
        }
        (low < end && key(low) == sequence).then_some(low)
    }
}

/// Positions of departures by flow, those of one flow as they stand. Flows that are numbered from 0 on are counted, not compared:
/// each packet is looked at twice, however many flows there are.
fn by_flow(departures: &[Departure]) -> Vec<u32> {
    let positions = 0..u32::try_from(departures.len()).unwrap_or(u32::MAX);
    let flows = departures.iter().map(|departure| departure.flow as usize + 1).max().unwrap_or(0);
    if flows > 2 * departures.len() {
        let mut order: Vec<u32> = positions.collect();
        order.sort_by_key(|&at| departures[at as usize].flow);
        return order;
    }
    let mut next = vec![0_u32; flows + 1];
    for departure in departures {
        next[departure.flow as usize + 1] += 1;
    }
    for flow in 0..flows {
        next[flow + 1] += next[flow];
    }
    let mut order = vec![0; departures.len()];
    for (position, departure) in positions.zip(departures) {
        let place = &mut next[departure.flow as usize];
        order[*place as usize] = position;
        *place += 1;
    }
    order
}

fn sorted_within_flows(mut order: Vec<u32>, departures: &[Departure]) -> Vec<u32> {
    let of = |at: &u32| &departures[*at as usize];
    for flow in order.chunk_by_mut(|a, b| of(a).flow == of(b).flow) {
        if !flow.is_sorted_by_key(|at| of(at).sequence) {
            flow.sort_by_key(|at| of(at).sequence);
        }
    }
    order
}
