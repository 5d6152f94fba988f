//! A link's counters (`IFLA_STATS64`), which the kernel is asked for only on request.

use crate::wire::Get;

macro_rules! counters {
    ($($(#[$d:meta])* $name:ident,)*) => {
        /// How much a link has received, sent, and lost since it was made (`struct rtnl_link_stats64`). A counter that the kernel
        /// is too old for is 0.
        ///
        /// [`GetLink::with_stats`](super::GetLink::with_stats) and [`ListLinks::with_stats`](super::ListLinks::with_stats) ask
        /// for it. Linux before 6.19 reports it with every link.
        ///
        /// ```no_run
        /// # use sublink::Socket;
        /// # use sublink::link::GetLink;
        /// let mut socket = Socket::open()?;
        /// let eth0 = socket.index_of("eth0")?;
        /// let stats = socket.get(&GetLink::index(eth0).with_stats())?.stats().unwrap_or_default();
        /// println!("{} bytes received, {} sent", stats.rx_bytes, stats.tx_bytes);
        /// # Ok::<(), sublink::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        #[non_exhaustive]
        pub struct LinkStats {
            $($(#[$d])* pub $name: u64,)*
        }

        impl LinkStats {
            /// The names of the counters, in the kernel's order.
            #[doc(hidden)]
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($name)),*];
        }

        impl Get<'_> for LinkStats {
            fn get(value: &[u8]) -> Option<Self> {
                let mut counters = value.chunks_exact(8).map(|bytes| u64::get(bytes).unwrap_or_default());
                Some(Self { $($name: counters.next().unwrap_or_default(),)* })
            }
        }
    };
}

counters! {
    /// Packets received.
    rx_packets,
    /// Packets sent.
    tx_packets,
    /// Bytes received.
    rx_bytes,
    /// Bytes sent.
    tx_bytes,
    /// Bad packets received: the sum of the detailed ones below.
    rx_errors,
    /// Packets that could not be sent: the sum of the detailed ones below.
    tx_errors,
    /// Packets received and dropped, for want of memory or because the protocol is not known.
    rx_dropped,
    /// Packets dropped instead of sent.
    tx_dropped,
    /// Multicast packets received.
    multicast,
    /// Collisions.
    collisions,
    /// Bad packets received: of a wrong length.
    rx_length_errors,
    /// Bad packets received: the hardware had no room.
    rx_over_errors,
    /// Bad packets received: of a wrong checksum.
    rx_crc_errors,
    /// Bad packets received: of a wrong alignment.
    rx_frame_errors,
    /// Bad packets received: the hardware's queue was full.
    rx_fifo_errors,
    /// Packets missed by the hardware.
    rx_missed_errors,
    /// Not sent: aborted.
    tx_aborted_errors,
    /// Not sent: the carrier was lost.
    tx_carrier_errors,
    /// Not sent: the hardware's queue was empty.
    tx_fifo_errors,
    /// Not sent: the heartbeat was missed.
    tx_heartbeat_errors,
    /// Not sent: a late collision.
    tx_window_errors,
    /// Compressed packets received.
    rx_compressed,
    /// Compressed packets sent.
    tx_compressed,
    /// Packets received and dropped because nobody on the link wanted them (since Linux 4.6).
    rx_nohandler,
    /// IPv4 and IPv6 packets received that were for another host's MAC address (since Linux 5.19).
    rx_otherhost_dropped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_in_the_kernels_order_and_as_far_as_they_are_sent() {
        let bytes: Vec<u8> = (1..=25u64).flat_map(u64::to_ne_bytes).collect();
        let stats = LinkStats::get(&bytes).unwrap();
        assert_eq!((stats.rx_packets, stats.tx_bytes, stats.rx_otherhost_dropped), (1, 4, 25));
        let of_old = LinkStats::get(&bytes[..8 * 23 + 3]).unwrap();
        assert_eq!((of_old.tx_compressed, of_old.rx_nohandler, of_old.rx_otherhost_dropped), (23, 0, 0));
        let longer = [bytes, vec![9; 8]].concat();
        assert_eq!(LinkStats::get(&longer), Some(stats));
    }
}
