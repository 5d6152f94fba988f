#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// Nothing panics on bytes from outside. Here and not in Cargo.toml, because tests, benches and examples may.
#![warn(unreachable_pub, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod addr;
mod batch;
mod endpoint;
mod error;
mod explain;
mod link;
mod netns;
mod network;
mod nsid;
mod route;
mod socket;

#[cfg(feature = "packet-route")]
pub mod packet_route;
pub mod reply;
pub mod wire;

pub use addr::*;
pub use batch::{Batch, Outcome};
pub use endpoint::{Attached, Detached, Difference, Endpoint, MovedDevice, detach_many};
pub use error::{Error, ErrorKind, KernelError, Partial, RequestInfo, Result, Step, Undo, Verb, Whereabouts};
pub use explain::Reason;
pub use ipnetwork;
pub use ipnetwork::IpNetwork;
pub use link::*;
pub use netns::Netns;
pub use network::*;
pub use nsid::{GetNsid, NewNsid};
pub use route::*;
pub use socket::{AddressWatch, List, Query, Socket};
