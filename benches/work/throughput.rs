//! Both throughputs of a benchmark, links and bytes a second: Criterion itself has one or the other.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};
use std::time::{Duration, Instant};

/// A [`Criterion`] for work of which so many links have so many bytes. Its groups give their links as `Throughput::Elements`.
pub fn criterion(links: usize, bytes: usize) -> Criterion<LinksAndBytes> {
    let short = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let criterion = short.without_plots().configure_from_args();
    criterion.with_measurement(LinksAndBytes { wall: WallTime, links: links as u64, bytes: bytes as u64 })
}

/// Wall time, printed with both.
pub struct LinksAndBytes {
    wall: WallTime,
    links: u64,
    bytes: u64,
}

impl Measurement for LinksAndBytes {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        self.wall.start()
    }

    fn end(&self, start: Instant) -> Duration {
        self.wall.end(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        self.wall.add(one, other)
    }

    fn zero(&self) -> Duration {
        self.wall.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        self.wall.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for LinksAndBytes {
    fn format_throughput(&self, links: &Throughput, nanoseconds: f64) -> String {
        let formatter = self.wall.formatter();
        let Throughput::Elements(count) = *links else { return formatter.format_throughput(links, nanoseconds) };
        let bytes = Throughput::BytesDecimal(count * self.bytes / self.links);
        let bytes = formatter.format_throughput(&bytes, nanoseconds);
        format!("{}, {bytes}", formatter.format_throughput(links, nanoseconds).replace("elem", "links"))
    }

    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        self.wall.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(&self, typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        self.wall.formatter().scale_throughputs(typical, throughput, values)
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        self.wall.formatter().scale_for_machines(values)
    }
}
