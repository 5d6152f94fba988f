//! Looking up one link: by its name or its index.

use super::Socket;
use crate::error::{ErrorKind, Result};
use crate::link::{GetLink, LinkView};
use crate::value::{AltName, IfIndex, IfName};
use crate::wire::{Messages, Request};
use std::ops::Range;

impl Socket {
    /// The index of the link with this name. An alternative name is not taken for it: [`ErrorKind::OnlyAltName`].
    ///
    /// Since Linux 7.2, neither this nor [`name_of`](Self::name_of) waits while links are created or deleted elsewhere. Nor does
    /// any look-up by name wait for the end of a rename: for some milliseconds, such a link is found by neither name.
    ///
    /// # Errors
    /// ENODEV ([`Error::is_no_device`](crate::Error::is_no_device)) if there is no such link.
    pub fn index_of(&mut self, name: impl AsRef<[u8]>) -> Result<IfIndex> {
        let name = IfName::from_bytes(name.as_ref())?;
        self.get_named(name, &GetLink::name(name).name_only()).map(|link| link.index())
    }

    /// The name of the link with this index: the opposite of [`index_of`](Self::index_of).
    ///
    /// # Errors
    /// ENODEV ([`Error::is_no_device`](crate::Error::is_no_device)) if there is no such link.
    pub fn name_of(&mut self, index: IfIndex) -> Result<IfName> {
        self.get(&GetLink::index(index).name_only()).map(|link| link.if_name())
    }

    /// The link with this name. An alternative name is not taken for it, as by [`index_of`](Self::index_of).
    pub fn link(&mut self, name: impl AsRef<[u8]>) -> Result<LinkView<'_>> {
        let name = IfName::from_bytes(name.as_ref())?;
        self.get_named(name, &GetLink::name(name))
    }

    fn get_named(&mut self, name: IfName, request: &GetLink<'_>) -> Result<LinkView<'_>> {
        let link = self.get(request)?;
        if link.name() != name {
            return Err(ErrorKind::OnlyAltName { name, owner: link.if_name() }.into());
        }
        Ok(link)
    }

    /// The link with this index.
    pub fn link_at(&mut self, index: IfIndex) -> Result<LinkView<'_>> {
        self.get(&GetLink::index(index))
    }

    /// The link with this name or alternative name (since Linux 5.5).
    ///
    /// Linux 5.10 leaves the alternative names of a link that is moved behind: there they still lead to it.
    pub fn link_by_alt_name(&mut self, name: impl AsRef<[u8]>) -> Result<LinkView<'_>> {
        self.get(&GetLink::alt_name(AltName::new(&name)?))
    }

    /// The link that `request` asks for.
    pub fn get(&mut self, request: &GetLink<'_>) -> Result<LinkView<'_>> {
        let len = self.encode(request)?;
        let found = self.send_and_find(len);
        match found {
            Ok(place) => {
                let sent = self.out.get(..len).unwrap_or_default();
                view(self.channel.read(place)).map_err(|error| error.of(sent))
            }
            Err(error) => Err(self.describe_own(error, 0..len)),
        }
    }

    /// Sends the `len` bytes of `out` and finds the one item of the answer, which has no acknowledgement behind it.
    pub(super) fn send_and_find(&mut self, len: usize) -> Result<Range<usize>> {
        self.begin()?;
        let request = self.out.get(..len).unwrap_or_default();
        self.channel.send_and_find(request, self.seq)
    }

    pub(crate) fn has_link(&mut self, index: IfIndex) -> Result<bool> {
        match self.peek_name(index) {
            Ok(_) => Ok(true),
            Err(error) if error.is_no_device() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The name of a link, without touching `out`, so that an error about the request in `out` can show it.
    pub(super) fn peek_name(&mut self, index: IfIndex) -> Result<IfName> {
        let mut buf = [0; 64];
        self.seq = self.seq.wrapping_add(1);
        let len = GetLink::index(index).name_only().encode(self.seq, &mut buf)?;
        let place = self.channel.send_and_find(buf.get(..len).unwrap_or_default(), self.seq)?;
        Ok(view(self.channel.read(place))?.if_name())
    }
}

/// The link in a message.
fn view(message: &[u8]) -> Result<LinkView<'_>> {
    let link = Messages::new(message).next().and_then(Result::ok).and_then(LinkView::of);
    link.ok_or_else(|| ErrorKind::Unexpected.into())
}
