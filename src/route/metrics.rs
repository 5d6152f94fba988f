//! The metrics of a route (`RTA_METRICS`): parameters of IP and TCP for packets that go by it.
//!
//! ```text
//! RTA_METRICS | RTAX_LOCK = 1 << RTAX_MTU | RTAX_MTU = 1400 | RTAX_ADVMSS = 1360 …
//! ```
//!
//! Both families keep and report all of them. A value of 0 counts as none, and is not reported. The kernel refuses an
//! unknown congestion control and unknown features (EINVAL). Sources: `net/ipv4/metrics.c`,
//! `include/uapi/linux/rtnetlink.h`, `man 8 ip-route`.

use super::NewRoute;
use crate::value::{Given, IfName, InvalidValue, Name, flags};
use crate::wire::{Full, Get, Inside, Out, Put, compare_as_printed, fixed, table};

flags! {
    /// What TCP does with the other end of a route (`RTAX_FEATURE_…`). Linux has more bits, which do nothing.
    RouteFeatures: u32 {
        /// Explicit congestion notification, whatever `net.ipv4.tcp_ecn` says.
        1 "RTAX_FEATURE_ECN" ECN "ecn",
        /// Timestamps in microseconds (since Linux 6.7; EINVAL before).
        16 "RTAX_FEATURE_TCP_USEC_TS" TCP_USEC_TS "tcp_usec_ts",
    }
}

flags! {
    /// The metrics of a route that are not learnt anew: what `ip route` says with the word `lock`. Bit `n` is for the metric
    /// of the number `n`.
    MetricLocks: u32 {
        /// No discovery of the path's MTU: packets go out as large as the MTU says, and may be fragmented on the way.
        0x4 "RTAX_MTU" MTU "mtu",
        /// The window.
        0x8 "RTAX_WINDOW" WINDOW "window",
        /// The round trip time.
        0x10 "RTAX_RTT" RTT "rtt",
        /// Its variance.
        0x20 "RTAX_RTTVAR" RTTVAR "rttvar",
        /// The slow start threshold.
        0x40 "RTAX_SSTHRESH" SSTHRESH "ssthresh",
        /// The congestion window. [`NewRoute::cwnd`] sets this lock.
        0x80 "RTAX_CWND" CWND "cwnd",
        /// The segment size that is advertised.
        0x100 "RTAX_ADVMSS" ADVMSS "advmss",
        /// The reordering.
        0x200 "RTAX_REORDERING" REORDERING "reordering",
        /// The hop limit.
        0x400 "RTAX_HOPLIMIT" HOPLIMIT "hoplimit",
        /// The shortest wait for an acknowledgement. [`NewRoute::rto_min`] sets this lock.
        0x2000 "RTAX_RTO_MIN" RTO_MIN "rto_min",
        /// The congestion control, whatever the socket has chosen.
        0x1_0000 "RTAX_CC_ALGO" CONGCTL "congctl",
    }
}

fixed! {
    RouteFeatures: 4 + 0, RouteFeatures::NONE, |v: RouteFeatures| v.0.to_ne_bytes(), |b| RouteFeatures(u32::from_ne_bytes(b));
    MetricLocks: 4 + 0, MetricLocks::NONE, |v: MetricLocks| v.0.to_ne_bytes(), |b| MetricLocks(u32::from_ne_bytes(b));
}

compare_as_printed!(RouteFeatures, MetricLocks);

/// The name of a TCP congestion control, such as `cubic` or `bbr`: 1 to 15 bytes without NUL.
///
/// ```
/// use sublink::route::CongestionControl;
/// assert!(CongestionControl::new("bbr").is_ok());
/// assert!(CongestionControl::new("").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CongestionControl(IfName);

impl CongestionControl {
    /// Checks `name`. A name that the kernel does not have is refused when the route is added (EINVAL).
    ///
    /// # Errors
    /// [`InvalidValue::CongestionControl`].
    pub fn new(name: &str) -> Result<Self, InvalidValue> {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > 15 || bytes.contains(&0) {
            return Err(InvalidValue::CongestionControl(Given::new(bytes)));
        }
        Ok(Self(IfName::received(bytes)))
    }
}

impl Put for CongestionControl {
    const UNSET: Self = Self(IfName::UNSET);
    const MAX: usize = IfName::MAX;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        self.0.put(ty, to)
    }
    fn room(&self) -> usize {
        self.0.room()
    }
}

table! {
    /// What the metrics of a route can be.
    #[doc(hidden)]
    metrics of NewRoute<'a> create MetricAttrs compared,
    /// The metrics of a route as the kernel reports them, borrowed from the bytes they came in.
    view MetricsView<'a>,
    /// The metrics of a route as the kernel reported them, owned.
    info MetricsInfo {}
    create {
        /// The largest packet in bytes; a value above 65,520 counts as 65,520. Smaller path MTUs are learnt, unless it is
        /// [locked](MetricLocks::MTU).
        2 RTAX_MTU pub mtu: u32 where 0 is unreported,
        /// The largest TCP segment that the other end is told to send, in bytes; a value above 65,495 counts as 65,495.
        8 RTAX_ADVMSS pub advmss: u32 where 0 is unreported,
        /// The metrics that are not learnt anew.
        1 RTAX_LOCK pub lock: MetricLocks where (MetricLocks::NONE) is unreported,
    }
    create {
        /// The largest TCP window that is advertised, in bytes.
        3 RTAX_WINDOW pub window: u32 where 0 is unreported,
        /// The first guess of the round trip time, in eighths of a millisecond.
        4 RTAX_RTT pub rtt: u32 where 0 is unreported,
        /// The first guess of its variance, in quarters of a millisecond.
        5 RTAX_RTTVAR pub rttvar: u32 where 0 is unreported,
        /// The first slow start threshold, in segments.
        6 RTAX_SSTHRESH pub ssthresh: u32 where 0 is unreported,
        /// The largest congestion window, in segments. It is [locked](MetricLocks::CWND) with it, because the kernel ignores
        /// one that is not.
        7 RTAX_CWND pub cwnd: u32 where 0 is unreported,
        /// The first guess of how many segments arrive out of order.
        9 RTAX_REORDERING pub reordering: u32 where 0 is unreported,
        /// The hop limit or time to live of packets; a value above 255 counts as 255.
        10 RTAX_HOPLIMIT pub hoplimit: u32 where 0 is unreported,
        /// The congestion window of a new connection, in segments.
        11 RTAX_INITCWND pub initcwnd: u32 where 0 is unreported,
        /// What TCP does with the other end.
        12 RTAX_FEATURES pub features: RouteFeatures where (RouteFeatures::NONE) is unreported,
        /// The shortest wait for an acknowledgement, in milliseconds. It is [locked](MetricLocks::RTO_MIN) with it, as by
        /// `ip`, because the kernel ignores one that is not.
        13 RTAX_RTO_MIN pub rto_min: u32 where 0 is unreported,
        /// The receive window of a new connection, in segments.
        14 RTAX_INITRWND pub initrwnd: u32 where 0 is unreported,
        /// Whether each segment is acknowledged at once: 1 for yes.
        15 RTAX_QUICKACK pub quickack: u32 where 0 is unreported,
        /// The congestion control of connections.
        16 RTAX_CC_ALGO pub congctl: CongestionControl => Name<'a> => Box<[u8]>,
        /// Whether data goes with the first segment without a cookie: 1 for yes (since Linux 4.15).
        17 RTAX_FASTOPEN_NO_COOKIE pub fastopen_no_cookie: u32 where 0 is unreported,
    }
}

impl MetricAttrs {
    /// With too large values cut to what the kernel keeps, and with the locks without which it ignores a metric.
    pub(super) const fn as_kept(mut self) -> Self {
        const fn at_most(value: u32, most: u32) -> u32 {
            if value > most { most } else { value }
        }
        self.mtu = at_most(self.mtu, 65_535 - 15);
        self.advmss = at_most(self.advmss, 65_535 - 40);
        self.hoplimit = at_most(self.hoplimit, 255);
        self.locked(MetricsView::RTAX_CWND, MetricLocks::CWND).locked(MetricsView::RTAX_RTO_MIN, MetricLocks::RTO_MIN)
    }

    const fn locked(mut self, number: u16, lock: MetricLocks) -> Self {
        if self.set.has(number) {
            self.set = self.set.with(MetricsView::RTAX_LOCK);
            self.lock = self.lock.with(lock);
        }
        self
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

impl<'a> Get<'a> for MetricsView<'a> {
    const INSIDE: Inside = Inside::Rows(MetricsView::ROWS);
    fn get(value: &'a [u8]) -> Option<Self> {
        Some(Self::new(value))
    }
}

impl From<MetricsView<'_>> for MetricsInfo {
    fn from(metrics: MetricsView<'_>) -> Self {
        metrics.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CompareRows, encoded};

    fn metrics(route: NewRoute<'_>) -> Vec<u8> {
        let bytes = encoded(&route);
        bytes[40..].to_vec() // behind RTA_GATEWAY, and the header of RTA_METRICS
    }

    #[test]
    fn metrics_are_a_nest() {
        let route = NewRoute::default_via("10.0.0.1".parse().unwrap());
        let all = route.mtu(1400).lock(MetricLocks::MTU).advmss(1360).congctl(CongestionControl::new("bbr").unwrap());
        #[rustfmt::skip]
        assert_eq!(encoded(&all)[36..], [
            36, 0, 8, 0x80,                                     // RTA_METRICS, NLA_F_NESTED
            8, 0, 2, 0,  0x78, 5, 0, 0,                         // RTAX_MTU = 1400
            8, 0, 8, 0,  0x50, 5, 0, 0,                         // RTAX_ADVMSS = 1360
            8, 0, 1, 0,  4, 0, 0, 0,                            // RTAX_LOCK = 1 << RTAX_MTU
            8, 0, 16, 0,  b'b', b'b', b'r', 0,                  // RTAX_CC_ALGO
        ]);
    }

    #[test]
    fn more_than_the_kernel_keeps_counts_as_that() {
        let route = NewRoute::default_via("10.0.0.1".parse().unwrap()).mtu(70_000).advmss(70_000).hoplimit(256);
        let sent = metrics(route);
        let sent = MetricsView::new(&sent);
        assert_eq!((sent.mtu(), sent.advmss(), sent.hoplimit()), (Some(65_520), Some(65_495), Some(255)));
    }

    #[test]
    fn what_counts_only_when_locked_is_locked() {
        let route = NewRoute::default_via("10.0.0.1".parse().unwrap());
        let locks = |route| MetricsView::new(&metrics(route)).lock();
        assert_eq!(locks(route.cwnd(8).rto_min(300)), Some(MetricLocks::CWND | MetricLocks::RTO_MIN));
        assert_eq!(locks(route.cwnd(8).lock(MetricLocks::MTU)), Some(MetricLocks::CWND | MetricLocks::MTU));
        assert_eq!(locks(route.mtu(1400)), None);
    }

    #[test]
    fn what_is_0_is_not_reported() {
        let route = NewRoute::default_via("10.0.0.1".parse().unwrap());
        let bbr = CongestionControl::new("bbr").unwrap();
        let (asked, found) = (metrics(route.mtu(0).rtt(80).congctl(bbr)), metrics(route.rtt(88)));
        let found = MetricsView::new(&asked).mismatches(&MetricsView::new(&found));
        let words: Vec<_> = found.into_iter().map(|found| (found.name, found.asked, found.found)).collect();
        let expected = [("RTAX_RTT", "80".into(), Some("88".into())), ("RTAX_CC_ALGO", "bbr".into(), None)];
        assert_eq!(words, expected);
    }
}
