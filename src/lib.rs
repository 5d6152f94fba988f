#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// Nothing panics on bytes from outside. Here and not in Cargo.toml, because tests, benches and examples may.
#![warn(unreachable_pub, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
// What may grow says so; what may not says why.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
// Every type of a public signature has a page.
#![warn(unnameable_types)]

// From the bottom to the top: a module imports only from those above it in this list.
pub mod wire;

pub mod value;

pub mod addr;
pub mod link;
pub mod neigh;
pub mod nsid;
pub mod route;

pub mod request;

pub mod reply;

pub mod error;

pub mod batch;
pub mod netns;

pub mod socket;

mod explain;
mod probe;

pub mod sandbox;

pub mod endpoint;

pub mod network;

#[cfg(feature = "packet-route")]
pub mod packet_route;

pub use addr::NewAddress;
pub use batch::Batch;
pub use endpoint::{Attached, Endpoint};
pub use error::{Error, ErrorKind, Result};
pub use ipnetwork;
pub use ipnetwork::IpNetwork;
pub use link::{LinkChange, LinkInfo, LinkSpec, LinkView, ListLinks, MacvlanMode, NewLink, VlanId};
pub use netns::Netns;
pub use network::{Network, Owner};
pub use route::NewRoute;
pub use sandbox::Sandbox;
pub use socket::Socket;
pub use value::{IfIndex, IfName, MacAddr};
pub use wire::Request;
